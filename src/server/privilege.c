/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/privilege.h"

#include "base/log.h"
#include "filter/authentic/keyring.h"
#include "runtime/file.h"
#include "server/config/config.h"
#include "server/sandbox.h"
#include "server/seccomp.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
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

static bool is_empty(const char *path)
{
    DIR *listing = opendir(path);
    unsigned count = 0;
    while (listing && count <= 2 && readdir(listing))
        count++; /* "." and ".." */
    if (!listing)
        return false;
    closedir(listing);
    return count <= 2;
}

/* A folder that the server writes to, made where it is missing while we still may, and given to
 * whom we become; so is one that root has made for it and nobody has used. */
static error make_folder(const char *path, uid_t uid, gid_t gid)
{
    struct stat status;
    if (!path || path[0] == '\0')
        return OK;
    bool there = stat(path, &status) == 0;
    if (there && !(geteuid() == 0 && status.st_uid == 0 && is_empty(path)))
        return OK;
    if (!there)
        TRY(file_make_directories(path, 0755));
    if (chmod(path, 0700) != 0 || (geteuid() == 0 && chown(path, uid, gid) != 0))
        return error_system(errno, "cannot make the server's folders");
    return OK;
}

/* "/var/vmail/%d/%n": what stands before the first variable part. */
static slice fixed_part(slice pattern)
{
    slice root, rest;
    slice_cut(pattern, '%', &root, &rest);
    return root;
}

static slice mail_root(const struct config *config)
{
    return fixed_part(config->directory.mail_home);
}

static error make_folders(const struct config *config, uid_t uid, gid_t gid)
{
    char root[SETTING_PATH_SIZE_MAX];
    slice folder, name, mail = mail_root(config);
    TRY(make_folder(config->store.path, uid, gid));
    TRY(make_folder(config->route.state_path, uid, gid));
    TRY(make_folder(config->store.journal_path, uid, gid));
    if (!slice_cut_last(mail, '/', &folder, &name) || folder.size == 0 ||
        folder.size >= sizeof root)
        return OK;
    memcpy(root, folder.data, folder.size);
    root[folder.size] = '\0';
    return make_folder(root, uid, gid);
}

error privilege_drop(const struct config *config)
{
    const struct server_settings *server = &config->server;
    if (!server->user) {
        if (geteuid() == 0)
            log_event(LOG_WARNING, "server.is_root",
                      error_make(ERROR_DENIED, "running as root, who may do everything: set "
                                               "server.user to an account of its own (ringmail)"),
                      SLICE_EMPTY);
        return make_folders(config, geteuid(), getegid());
    }
    const struct passwd *user = getpwnam(server->user);
    if (!user)
        return error_make(ERROR_NOT_FOUND, "server.user is nobody here");
    if (geteuid() != 0)
        return user->pw_uid == geteuid()
                   ? make_folders(config, geteuid(), getegid())
                   : error_make(ERROR_DENIED, "only root can become server.user");
    gid_t gid = user->pw_gid;
    if (server->group) {
        const struct group *group = getgrnam(server->group);
        if (!group)
            return error_make(ERROR_NOT_FOUND, "server.group is nobody here");
        gid = group->gr_gid;
    }
    TRY(make_folders(config, user->pw_uid, gid));
    if (initgroups(user->pw_name, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0)
        return error_system(errno, "cannot become server.user");
    if (setuid(0) == 0)
        return error_make(ERROR_BUG, "became server.user, but root is still within reach");
    /* Cores and dumps stay possible for whoever debugs; secrets are wiped where they are used. */
    return OK;
}

/* The folder a file lies in, so that it can be made, or made anew beside its old self. */
static error allow_parent(struct sandbox *sandbox, enum sandbox_access access, slice path)
{
    char parent[SETTING_PATH_SIZE_MAX];
    slice folder, name;
    if (!slice_cut_last(path, '/', &folder, &name) || folder.size == 0 ||
        folder.size >= sizeof parent)
        return OK;
    memcpy(parent, folder.data, folder.size);
    parent[folder.size] = '\0';
    return sandbox_allow(sandbox, access, parent);
}

static error allow_folder(struct sandbox *sandbox, enum sandbox_access access, slice path)
{
    const char *string;
    struct arena scratch;
    if (path.size == 0)
        return OK;
    arena_init(&scratch, 64 << 10);
    error problem = arena_string(&scratch, path, &string);
    if (!failed(problem))
        problem = sandbox_allow(sandbox, access, string);
    arena_close(&scratch);
    return problem;
}

static error allow_parents(struct sandbox *sandbox, enum sandbox_access access,
                           const struct setting_list *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        TRY(allow_parent(sandbox, access, paths->items[i]));
    return OK;
}

static error allow_dkim(struct sandbox *sandbox, const struct dkim_settings *settings)
{
    for (size_t i = 0; i < settings->keys.count; i++) {
        slice domain, selector, path;
        if (!failed(keyring_item_parse(settings->keys.items[i], &domain, &selector, &path)))
            TRY(allow_parent(sandbox, SANDBOX_READ, path));
    }
    return allow_parent(sandbox, SANDBOX_READ, fixed_part(settings->path));
}

static error allow_all(struct sandbox *sandbox, const struct config *config)
{
    /* The system's own: libraries' data (time zones, character sets), name resolution, TLS roots.
     */
    static const char *const system_folders[] = {
        "/etc", "/usr", "/lib", "/lib64", "/run", "/proc", "/sys/devices/system", "/dev/urandom"};
    for (size_t i = 0; i < sizeof system_folders / sizeof *system_folders; i++)
        TRY(sandbox_allow(sandbox, SANDBOX_READ, system_folders[i]));
    TRY(sandbox_allow(sandbox, SANDBOX_WRITE, "/dev/null"));
    TRY(allow_parent(sandbox, SANDBOX_READ, slice_from_string(config->path)));
    /* Certificates are often links to elsewhere: /etc/letsencrypt is covered, others by this. */
    TRY(allow_parents(sandbox, SANDBOX_READ, &config->tls.certificates));
    TRY(allow_parents(sandbox, SANDBOX_READ, &config->tls.keys));
    TRY(allow_parent(sandbox, SANDBOX_READ, config->tls.authority));
    TRY(allow_parent(sandbox, SANDBOX_READ, config->dns.hosts));
    TRY(allow_parents(sandbox, SANDBOX_READ, &config->sieve.before));
    TRY(allow_parents(sandbox, SANDBOX_READ, &config->sieve.after));
    TRY(allow_parent(sandbox, SANDBOX_READ, config->sieve.fallback));
    TRY(allow_folder(sandbox, SANDBOX_READ, config->sieve.global));
    TRY(allow_dkim(sandbox, &config->dkim)); /* read again on a reload */
    TRY(allow_parent(sandbox, SANDBOX_WRITE, slice_from_string(config->log.path)));
    TRY(sandbox_allow(sandbox, SANDBOX_WRITE, config->store.path));
    TRY(allow_parent(sandbox, SANDBOX_WRITE, config->spam_rules.learn_path));
    TRY(sandbox_allow(sandbox, SANDBOX_WRITE, config->route.state_path));
    TRY(sandbox_allow(sandbox, SANDBOX_WRITE, config->store.journal_path));
    TRY(allow_folder(sandbox, SANDBOX_WRITE, config->queue.path));
    TRY(allow_parent(sandbox, SANDBOX_WRITE, config->directory.path));
    TRY(allow_parent(sandbox, SANDBOX_WRITE, mail_root(config)));
    for (size_t i = 0; i < config->server.writable_paths.count; i++)
        TRY(allow_folder(sandbox, SANDBOX_WRITE, config->server.writable_paths.items[i]));
    return OK;
}

error privilege_confine(const struct config *config)
{
    if (!config->server.sandbox)
        return OK;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_system(errno, "no_new_privs");
    TRY(seccomp_forbid());
    struct sandbox sandbox;
    error problem = sandbox_open(&sandbox);
    if (problem.kind == ERROR_NOT_FOUND) {
        log_event(LOG_WARNING, "server.sandbox", problem, SLICE_EMPTY);
        return OK;
    }
    TRY(problem);
    TRY(allow_all(&sandbox, config));
    return sandbox_close(&sandbox);
}
