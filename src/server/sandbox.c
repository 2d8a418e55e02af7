/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than Debian 12's headers: numbers of the kernel's interface. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                                LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                                LANDLOCK_ACCESS_FS_MAKE_SYM | /* the active Sieve script */
                                LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE;
/* Never allowed anywhere: programs, devices and pipes have no place in a mail store. */
static const uint64_t never = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                              LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO;
static const uint64_t of_files =
    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE;

/* What this kernel knows of them. */
static uint64_t known(const struct sandbox *sandbox, uint64_t access)
{
    if (sandbox->abi < 2)
        access &= ~LANDLOCK_ACCESS_FS_REFER;
    if (sandbox->abi < 3)
        access &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    return access;
}

error sandbox_open(struct sandbox *sandbox)
{
    *sandbox = (struct sandbox){.ruleset = -1};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1)
        return error_make(ERROR_NOT_FOUND, "this kernel has no Landlock");
    sandbox->abi = (int)abi;
    const struct landlock_ruleset_attr attributes = {.handled_access_fs =
                                                         known(sandbox, reading | writing | never)};
    long ruleset = syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    if (ruleset < 0)
        return error_system(errno, "Landlock");
    sandbox->ruleset = (int)ruleset;
    return OK;
}

error sandbox_allow(struct sandbox *sandbox, enum sandbox_access access, const char *path)
{
    struct stat status;
    if (!path || path[0] == '\0')
        return OK;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return OK;
    uint64_t allowed = known(sandbox, access == SANDBOX_WRITE ? writing : reading);
    if (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode))
        allowed &= of_files;
    const struct landlock_path_beneath_attr rule = {.allowed_access = allowed, .parent_fd = fd};
    long result =
        syscall(SYS_landlock_add_rule, sandbox->ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int problem = errno;
    close(fd);
    return result == 0 ? OK : error_system(problem, "Landlock rule");
}

error sandbox_close(struct sandbox *sandbox)
{
    long result = syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0);
    int problem = errno;
    close(sandbox->ruleset);
    sandbox->ruleset = -1;
    return result == 0 ? OK : error_system(problem, "Landlock");
}
