# SPDX-License-Identifier: GPL-3.0-or-later
# Ringmail. `make help` lists what can be made. Everything generated lies under build/<profile>/.
#   SANITIZE=address,undefined | thread   another profile, built with that sanitizer
#   CC=clang   TLS=system   V=1           another compiler, Debian's wolfSSL, whole command lines
.DEFAULT_GOAL := all
PROFILE ?= $(if $(SANITIZE),$(SANITIZE),release)
comma := ,
B := build/$(subst $(comma),-,$(PROFILE))
ifeq ($(origin CC),default)
CC := $(if $(filter fuzz cover analyze,$(PROFILE)),clang,gcc)
endif
CCACHE := $(shell command -v ccache)
COMPILE = $(CCACHE) $(CC)
Q := $(if $(V),,@)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Werror
CFLAGS := -std=gnu2x -O2 -g -fno-omit-frame-pointer -D_GNU_SOURCE -Isrc -Ibench -Itests/unit $(WARN) -MMD -MP $(EXTRA_CFLAGS)
LDFLAGS := $(EXTRA_LDFLAGS)
LDLIBS := -luring -lsqlite3 -lmariadb -largon2 -lcrypt -lcares -lidn2 -lpsl -lunistring -lz -lm -pthread
ifeq ($(PROFILE),fuzz)
CFLAGS += -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
LDFLAGS += -fsanitize=address,undefined
else ifeq ($(PROFILE),cover)
CFLAGS += -O1 -fprofile-instr-generate -fcoverage-mapping
LDFLAGS += -fprofile-instr-generate
else ifneq ($(SANITIZE),)
CFLAGS += -O1 -fsanitize=$(SANITIZE) $(if $(findstring undefined,$(SANITIZE)),-fno-sanitize-recover=undefined)
LDFLAGS += -fsanitize=$(SANITIZE)
else
CFLAGS += -fno-plt
LDLIBS += -ljemalloc
endif
include third_party/wolfssl.mk

# --- what there is -------------------------------------------------------------------------------
PROGRAM_SRC := src/server/main.c $(wildcard src/control/*.c)
LIB_SRC := $(filter-out $(PROGRAM_SRC),$(shell find src -name '*.c' -not -path 'src/webmail/*'))
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o) $(patsubst %.S,$B/%.o,$(shell find src -name '*.S'))
tests_in = $(if $(wildcard $1),$(shell find $1 -name '$2'))
UNIT := $(patsubst %.c,$B/%,$(call tests_in,tests/unit,test_*.c))
WIRE := $(call tests_in,tests/wire,*.wire)
FUZZ := $(patsubst %.c,$B/%,$(call tests_in,tests/fuzz,fuzz_*.c))
BENCH := $(patsubst %.c,$B/%,$(wildcard bench/micro/*.c))
LOAD_OBJ := $(patsubst %.c,$B/%.o,$(filter-out bench/load/main.c,$(wildcard bench/load/*.c)))
TEST_PROGRAM := $(patsubst %.c,$B/%,$(wildcard tests/programs/*.c))
PROGRAM := $(if $(wildcard src/server/main.c),$B/ringmaild) $(if $(wildcard src/control/*.c),$B/ringmail) \
	$B/ringload

# --- building ------------------------------------------------------------------------------------
all: $B/libringmail.a $(PROGRAM) ## Build the library, ringmaild and ringmail
lib: $B/libringmail.a
$B/ringmaild: $B/src/server/main.o $B/libringmail.a
$B/ringmail: $(patsubst %.c,$B/%.o,$(wildcard src/control/*.c)) $B/libringmail.a
$B/ringload: $B/bench/load/main.o $B/libload.a $B/libringmail.a
$(BENCH) $(TEST_PROGRAM): $B/%: $B/%.o $B/libringmail.a
$(UNIT): $B/%: $B/%.o $B/libringmail.a
$(FUZZ): $B/%: $B/%.o $B/libringmail.a
$(UNIT): PROGRAM_LIBS := -lcmocka
$(FUZZ): PROGRAM_LIBS := -fsanitize=fuzzer
$(filter $B/tests/unit/load/%,$(UNIT)): $B/libload.a
$B/ringmaild $B/ringmail $B/ringload $(UNIT) $(FUZZ) $(BENCH) $(TEST_PROGRAM):
	@echo "  LD $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LDLIBS) $(PROGRAM_LIBS)
$B/libload.a: $(LOAD_OBJ)
$B/bench/load/report_html.o: bench/load/report.html
$B/src/service/admin/page_html.o: src/service/admin/page.html
$B/libringmail.a: $(LIB_OBJ)
$B/libringmail.a $B/libload.a:
	@rm -f $@; ar rcs $@ $^
$B/%.o: %.c $B/flags | $(WOLFSSL_LIB)
	@mkdir -p $(@D); echo "  CC $<"
	$(Q)$(COMPILE) $(CFLAGS) -c -o $@ $<
$B/%.o: %.S $B/flags
	@mkdir -p $(@D); echo "  AS $<"
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<
# Other flags or another compiler: everything again (ccache makes that cheap).
$B/flags: FORCE
	@mkdir -p $B; printf '%s\n' '$(CC) $(CFLAGS)' | cmp -s - $@ || printf '%s\n' '$(CC) $(CFLAGS)' >$@

# --- running -------------------------------------------------------------------------------------
run: ## Install what is missing, build, and start the demo server with two accounts
	@tools/bootstrap build $(TLS_PACKAGES) demo
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@tools/demo $B

# --- tests ---------------------------------------------------------------------------------------
test: ## Install what is missing, then every test there is; the last line counts them
	@tools/bootstrap build $(TLS_PACKAGES) test
	@tools/test-all
check: check-tests ## Unit and wire tests, layers, style, a second of each fuzz target
	@$(if $(SANITIZE),,$(MAKE) --no-print-directory -j$$(nproc) fuzz-short SECONDS=1)
check-tests:
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$$(nproc)) check-build
	@RINGMAIL_BUILD=$B tools/run-tests --layers --limits $(if $(SANITIZE),,--shared $B) --style --unit $(UNIT) --wire $(WIRE)
check-build: all $(UNIT) $(TEST_PROGRAM) $(if $(SANITIZE),,$(BENCH))
# What can start neither a thread nor a fiber cannot race: the release build's programs tell, where they are.
UNIT_HERE := $(UNIT)
ifeq ($(SANITIZE)-$(filter unit,$(MAKECMDGOALS)),thread-unit)
KNOWN := $(wildcard $(UNIT:$B/%=build/release/%))
RACING := $(shell nm -A $(KNOWN) 2>/dev/null | sed -nE 's/:.* (U pthread_create|T context_swap)\b.*//p')
UNIT_HERE := $(filter-out $(patsubst build/release/%,$B/%,$(filter-out $(RACING),$(KNOWN))),$(UNIT))
endif
unit: $(UNIT_HERE) ## Unit tests only
	@tools/run-tests --unit $(UNIT_HERE)
one: $(TEST:%.c=$B/%) ## One unit test: make one TEST=tests/unit/base/test_map.c
	$<
layers: all ## Which folder may include which, what cores may share, which limits have a test
	@tools/check-layers
	@tools/check-limits
	@tools/check-shared $B
style: ## Formatting, file sizes, banned calls
	@tools/check-style

fuzz: ## Fuzz for a while: make fuzz ONLY=imap [SECONDS=600]
	@$(MAKE) --no-print-directory PROFILE=fuzz SANITIZE= fuzz-build
	@tools/run-fuzz --seconds $(or $(SECONDS),600) --match '$(ONLY)' build/fuzz
fuzz-short: ## Every fuzz target for some seconds, the same way each time, as in make test
	@$(MAKE) --no-print-directory PROFILE=fuzz SANITIZE= fuzz-build
	@tools/run-fuzz --seconds $(or $(SECONDS),3) --seed 1 --match '$(ONLY)' build/fuzz
fuzz-build: $(FUZZ)

analyze: ## clang-tidy, cppcheck and gcc -fanalyzer over the sources
	@tools/analyze '-std=gnu2x -D_GNU_SOURCE -Isrc $(filter -D% -isystem /%,$(CFLAGS)) -isystem $(WOLFSSL)/include'
cover: ## Line coverage of the unit tests, by folder
	@$(MAKE) --no-print-directory PROFILE=cover cover-build
	@tools/cover build/cover
cover-build: $(UNIT)
bench: bench-load ## The standard load suite (QUICK=1: two minutes; PEERS=1: the classic stack beside it)
	@bench/run $B
bench-micro: $(BENCH) ## Micro-benchmarks
	@for b in $(BENCH); do echo "== $$b"; $$b || exit 1; done
bench-load: $B/ringload all
profile: bench-load ## Where the time goes: make profile SCENARIO=smtp-in LOAD="smtp.size=64k"
	@bench/profile $B $(or $(SCENARIO),smtp-in) $(LOAD)

# --- installing ----------------------------------------------------------------------------------
PREFIX ?= /usr/local
install: all ## Install programs and systemd units under DESTDIR and PREFIX
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)/etc/ringmail \
		$(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/doc/ringmail
	install -m 755 $B/ringmaild $(DESTDIR)$(PREFIX)/sbin/
	$(if $(wildcard src/control/*.c),install -m 755 $B/ringmail $(DESTDIR)$(PREFIX)/bin/)
	sed 's,@PREFIX@,$(PREFIX),g' src/server/systemd/ringmail.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/ringmail.service
	install -m 644 src/server/systemd/ringmail.conf.example README.md LICENSE $(DESTDIR)$(PREFIX)/share/doc/ringmail/

clean: ## Remove what was built
	rm -rf build
help: ## This list
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 20
FORCE:
.PHONY: all lib run test check check-tests check-build unit one layers style fuzz fuzz-short fuzz-build analyze cover \
	cover-build bench bench-micro bench-load profile install clean help FORCE
.SECONDARY:
-include $(shell [ -d $B ] && find $B -name '*.d')
