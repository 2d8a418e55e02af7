/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/observe.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { PROCESSES_MAX = 65536 };

struct process {
    pid_t pid, parent;
    unsigned long long ticks[4]; /* utime, stime, cutime, cstime (proc(5)) */
    bool chosen;
};

static bool read_process(const char *name, struct process *process)
{
    char path[300], line[1024];
    snprintf(path, sizeof path, "/proc/%s/stat", name);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    char *rest = strrchr(line, ')'); /* the command may hold anything */
    process->pid = atoi(name);
    process->chosen = false;
    return rest &&
           sscanf(rest + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
                  &process->parent, &process->ticks[0], &process->ticks[1], &process->ticks[2],
                  &process->ticks[3]) == 5;
}

static uint64_t memory_of(pid_t pid)
{
    char path[64], line[256];
    unsigned long long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "Pss: %llu kB", &kib) == 1)
            break;
    fclose(file);
    return kib * 1024;
}

static unsigned read_all(struct process *processes)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc");
    if (!directory)
        return 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) && count < PROCESSES_MAX)
        if (isdigit((unsigned char)entry->d_name[0]) &&
            read_process(entry->d_name, &processes[count]))
            count++;
    closedir(directory);
    return count;
}

static void choose(struct process *processes, unsigned count, const pid_t *servers,
                   unsigned server_count)
{
    for (unsigned i = 0; i < count; i++)
        for (unsigned j = 0; j < server_count; j++)
            processes[i].chosen |= processes[i].pid == servers[j];
    bool grew = true;
    while (grew) {
        grew = false;
        for (unsigned i = 0; i < count; i++)
            for (unsigned j = 0; j < count && !processes[i].chosen; j++)
                if (processes[j].chosen && processes[i].parent == processes[j].pid)
                    grew = processes[i].chosen = true;
    }
}

struct load_usage load_observe(const pid_t *servers, unsigned count)
{
    struct load_usage usage = {0};
    struct process *processes = calloc(PROCESSES_MAX, sizeof *processes);
    if (!processes)
        return usage;
    double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
    unsigned all = count ? read_all(processes) : 0;
    choose(processes, all, servers, count);
    for (unsigned i = 0; i < all; i++) {
        const struct process *process = &processes[i];
        if (!process->chosen)
            continue;
        usage.user_s += (double)(process->ticks[0] + process->ticks[2]) * tick;
        usage.system_s += (double)(process->ticks[1] + process->ticks[3]) * tick;
        usage.memory += memory_of(process->pid);
        usage.processes++;
    }
    free(processes);
    return usage;
}

struct load_usage load_observe_self(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct load_usage){
        .user_s = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
        .system_s = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6,
        .memory = (uint64_t)usage.ru_maxrss * 1024,
        .processes = 1,
    };
}
