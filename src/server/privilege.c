/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/privilege.h"

#include "base/log.h"
#include "server/config/config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

unsigned long privilege_raise_descriptors(unsigned long wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    rlim_t target = wanted > 0 ? wanted : limit.rlim_max;
    if (target > limit.rlim_max) {
        struct rlimit more = {target, target};
        if (setrlimit(RLIMIT_NOFILE, &more) == 0)
            return target;
        target = limit.rlim_max;
    }
    limit.rlim_cur = target;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

error privilege_drop(const struct config *config)
{
    const struct server_settings *server = &config->server;
    if (!server->user) {
        if (geteuid() == 0)
            log_event(LOG_WARNING, "server.is_root",
                      error_make(ERROR_DENIED, "set server.user to become somebody harmless"),
                      SLICE_EMPTY);
        return OK;
    }
    const struct passwd *user = getpwnam(server->user);
    if (!user)
        return error_make(ERROR_NOT_FOUND, "server.user is nobody here");
    if (geteuid() != 0)
        return user->pw_uid == geteuid()
                   ? OK
                   : error_make(ERROR_DENIED, "only root can become server.user");
    gid_t gid = user->pw_gid;
    if (server->group) {
        const struct group *group = getgrnam(server->group);
        if (!group)
            return error_make(ERROR_NOT_FOUND, "server.group is nobody here");
        gid = group->gr_gid;
    }
    if (initgroups(user->pw_name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return error_system(errno, "cannot become server.user");
    if (setuid(0) == 0)
        return error_make(ERROR_BUG, "became server.user, but root is still within reach");
    /* Cores and dumps stay possible for whoever debugs; secrets are wiped where they are used. */
    return OK;
}

error privilege_confine(const struct config *config)
{
    if (!config->server.sandbox)
        return OK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_system(errno, "no_new_privs");
    return OK;
}
