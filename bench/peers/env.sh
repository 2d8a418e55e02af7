# SPDX-License-Identifier: GPL-3.0-or-later
# Shared settings of the peer scripts; sourced, not run.
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
: "${PEER_ROOT:=/tmp/peer}"
: "${PEER_USERS:=1000}"        # user0001@example.org ...
: "${PEER_ALIASES:=20000}"     # 1m@example.org ... -> one of the first PEER_ACTIVE users
: "${PEER_ACTIVE:=100}"        # mailboxes that receive the load
: "${PEER_PASS:=benchpass}"
: "${PEER_TUNED:=0}"           # 0: packaged defaults; 1: the documented performance settings
: "${PEER_LOCK:=/tmp/bench.lock}"
: "${PEER_FILTER:=1}"          # 0: no rspamd, Redis and NSD; what goes to P_SMTP is then refused
: "${PEER_HIBERNATE:=0}"       # 1: imap_hibernate_timeout=5s
: "${PEER_AUTHCACHE:=0}"       # 1: auth_cache_size=16M
PEER_HOST=127.0.0.1
P_SMTP=2025     # smtpd with the rspamd milter
P_SMTP_RAW=2525 # smtpd without it
P_SMTP_RSA=2526 P_SMTP_ED25519=2527 # smtpd with an OpenDKIM that signs what leaves with such a key
P_DKIM_RSA=11336 P_DKIM_ED25519=11337
P_SINK=2626 P_DEAD=2627 # nobody listens on the latter
P_IMAP=2143 P_POP3=2110 P_SIEVE=2190
P_SQL=3307 P_REDIS=2379 P_DNS=2053
P_MILTER=11332 P_RSPAMD=11333 P_RSPAMC=11334
VUID=5000 VGID=5000
E="$PEER_ROOT/etc" D="$PEER_ROOT/data" R="$PEER_ROOT/run" L="$PEER_ROOT/log"
case "$PEER_ROOT" in /|"") echo "bad PEER_ROOT" >&2; exit 1;; esac
export PEER_ROOT PEER_USERS PEER_PASS

# wait_for SECONDS WHAT COMMAND...   polls until COMMAND succeeds
wait_for() {
  local n=$(( $1 * 20 )) what=$2; shift 2
  while ! "$@" >/dev/null 2>&1; do
    n=$((n-1)); [ $n -gt 0 ] || { echo "timed out waiting for $what" >&2; return 1; }
    sleep 0.05
  done
}
port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
alive() { [ -n "${1:-}" ] && kill -0 "$1" 2>/dev/null; }

# rspamd runs from where peers/install unpacked it
PKG="$PEER_ROOT/pkg"
rspamd_env() { LD_LIBRARY_PATH="$PKG/usr/lib/x86_64-linux-gnu:$PKG/usr/lib/rspamd" "$@"; }
RSPAMD_VARS=(--var=CONFDIR="$PKG/etc/rspamd" --var=LOCAL_CONFDIR="$E/rspamd" --var=DBDIR="$D/rspamd"
  --var=LOGDIR="$L/rspamd" --var=RUNDIR="$R/rspamd" --var=SHAREDIR="$PKG/usr/share/rspamd"
  --var=PLUGINSDIR="$PKG/usr/share/rspamd/plugins" --var=RULESDIR="$PKG/usr/share/rspamd/rules"
  --var=LUALIBDIR="$PKG/usr/share/rspamd/lualib" --var=WWWDIR="$PKG/usr/share/rspamd/www")

# PEER_SHARES=50000: run the stack and the clients in a CPU cgroup of that weight (the stock weight of everything
# else is 1024), so that other work on the machine disturbs a measurement less. Needs cgroup v1's cpu controller.
join_cgroup() {
  [ -n "${PEER_SHARES:-}" ] && [ -d /sys/fs/cgroup/cpu ] || return 0
  mkdir -p /sys/fs/cgroup/cpu/peer && echo "$PEER_SHARES" >/sys/fs/cgroup/cpu/peer/cpu.shares && echo $$ >/sys/fs/cgroup/cpu/peer/cgroup.procs
}
