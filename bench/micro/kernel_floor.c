/* SPDX-License-Identifier: GPL-3.0-or-later
 * What the kernel takes for the parts of the hot paths, whoever asks it: the floor under them, to
 * be compared with the server's CPU per operation (bench/RESULTS.md). The least a program can do
 * is done here: an exchange is epoll_wait, read and write; a file is made by four calls.
 *
 *     kernel_floor [DIRECTORY]      on the file system to be measured; removed afterwards
 */
#include "micro/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    CONNECTIONS = 50,
    MAILDIRS = 100,
    MAIL_SIZE = 4096,
    FILES = 10000,
    EXCHANGES = 50000,
    BULK_EXCHANGES = 2000,
    BULK_SIZE = 30 * MAIL_SIZE, /* a FETCH of thirty mails */
    CONVERSATIONS = 5000,
    BLOCK_SIZE = 64 << 10, /* a flush of the journal with some fifteen mails */
    BLOCKS = 500,
};

static char bytes[BULK_SIZE];

static void must(bool good, const char *what)
{
    if (!good)
        give_up(error_system(errno, what));
}

/* ---- Conversations over loopback TCP, a client on another thread ---- */

struct talk {
    struct sockaddr_in address;
    unsigned ask, answer, count; /* bytes, bytes, times over all connections */
    bool once;                   /* a connection for each */
};

static void read_all(int fd, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = read(fd, bytes, size - done);
        must(got > 0, "read");
        done += (size_t)got;
    }
}

static void write_all(int fd, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = send(fd, bytes, size - done, MSG_NOSIGNAL);
        must(put > 0, "write");
        done += (size_t)put;
    }
}

static int dial(const struct talk *talk)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0 && connect(fd, (const struct sockaddr *)&talk->address, sizeof talk->address) == 0,
         "connect");
    return fd;
}

/* Asks on all its connections before it reads the first answer: the other side is never idle. */
static void *client(void *argument)
{
    const struct talk *talk = argument;
    int fds[CONNECTIONS];
    for (unsigned i = 0; i < CONNECTIONS; i++)
        fds[i] = talk->once ? -1 : dial(talk);
    for (unsigned round = 0; round < talk->count / CONNECTIONS; round++) {
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            if (talk->once)
                fds[i] = dial(talk);
            write_all(fds[i], talk->ask);
        }
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            read_all(fds[i], talk->answer);
            if (talk->once)
                close(fds[i]);
        }
    }
    for (unsigned i = 0; i < CONNECTIONS && !talk->once; i++)
        close(fds[i]);
    return NULL;
}

static void serve(const struct talk *talk, int listener, int epoll)
{
    struct epoll_event events[CONNECTIONS];
    unsigned ended = 0, all = talk->once ? talk->count : CONNECTIONS;
    while (ended < all) {
        int ready = epoll_wait(epoll, events, CONNECTIONS, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
                struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
                must(fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0, "accept");
                continue;
            }
            ssize_t got = read(fd, bytes, talk->ask);
            must(got >= 0, "read");
            if (got == 0) {
                close(fd);
                ended++;
                continue;
            }
            read_all(fd, talk->ask - (size_t)got);
            write_all(fd, talk->answer);
        }
    }
}

/* Nanoseconds of CPU of the answering side, for one exchange. */
static double converse(void *argument)
{
    struct talk *talk = argument;
    pthread_t thread;
    socklen_t size = sizeof talk->address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), epoll = epoll_create1(0);
    talk->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    must(bind(listener, (struct sockaddr *)&talk->address, size) == 0 &&
             listen(listener, CONNECTIONS) == 0 &&
             getsockname(listener, (struct sockaddr *)&talk->address, &size) == 0 &&
             epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) == 0,
         "listen");
    must(pthread_create(&thread, NULL, client, talk) == 0, "thread");
    int64_t began = cpu_now();
    serve(talk, listener, epoll);
    double each = (double)(cpu_now() - began) / talk->count;
    pthread_join(thread, NULL);
    close(listener);
    close(epoll);
    return each;
}

/* ---- Files ---- */

static char folder[256];
static int maildirs[MAILDIRS];
static unsigned made;

static void file_name(char name[32], unsigned number)
{
    snprintf(name, 32, "1700000000.M%u.host", number);
}

/* As a delivery does: made under its name, begun to be written out, not waited for. */
static double create_files(void *argument)
{
    (void)argument;
    char name[32];
    int64_t began = cpu_now();
    for (unsigned i = 0; i < FILES; i++, made++) {
        file_name(name, made);
        int fd =
            openat(maildirs[made % MAILDIRS], name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        struct iovec part = {bytes, MAIL_SIZE};
        must(fd >= 0 && writev(fd, &part, 1) == MAIL_SIZE &&
                 sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE) == 0 && close(fd) == 0,
             "create a file");
    }
    return (double)(cpu_now() - began) / FILES;
}

static double read_files(void *argument)
{
    (void)argument;
    char name[32];
    int64_t began = cpu_now();
    for (unsigned i = 0; i < FILES; i++) {
        file_name(name, i);
        int fd = openat(maildirs[i % MAILDIRS], name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct iovec part = {bytes, MAIL_SIZE};
        must(fd >= 0 && preadv2(fd, &part, 1, 0, 0) == MAIL_SIZE && close(fd) == 0, "read a file");
    }
    return (double)(cpu_now() - began) / FILES;
}

/* *argument: take the wall clock in place of the CPU's. */
static double flush_blocks(void *argument)
{
    bool wall = *(bool *)argument;
    char path[300];
    void *block;
    snprintf(path, sizeof path, "%s/block", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_DIRECT | O_DSYNC | O_CLOEXEC, 0600);
    must(fd >= 0 && posix_fallocate(fd, 0, (off_t)BLOCK_SIZE * BLOCKS) == 0 &&
             posix_memalign(&block, 4096, BLOCK_SIZE) == 0,
         "a file for blocks");
    memset(block, 1, BLOCK_SIZE);
    for (unsigned round = 0;; round++) { /* first written over what was never written */
        int64_t began = wall ? time_now() : cpu_now();
        for (unsigned i = 0; i < BLOCKS; i++)
            must(pwrite(fd, block, BLOCK_SIZE, (off_t)i * BLOCK_SIZE) == BLOCK_SIZE, "write");
        double each = (double)((wall ? time_now() : cpu_now()) - began) / BLOCKS;
        if (round == 1) {
            close(fd);
            free(block);
            return each;
        }
    }
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

static void measure_files(const char *where)
{
    char path[300];
    bool wall = true, cpu = false;
    snprintf(folder, sizeof folder, "%s/kernel-floor-XXXXXX", where);
    must(mkdtemp(folder), where);
    for (unsigned i = 0; i < MAILDIRS; i++) {
        snprintf(path, sizeof path, "%s/%u", folder, i);
        must(mkdir(path, 0700) == 0, "mkdir");
        maildirs[i] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    report_best("file-of-4KiB-created", create_files, NULL);
    report_best("file-of-4KiB-read", read_files, NULL);
    report_best("journal-write-of-64KiB", flush_blocks, &cpu);
    report_best("journal-write-of-64KiB-wall-clock", flush_blocks, &wall);
    nftw(folder, remove_one, 20, FTW_DEPTH | FTW_PHYS);
}

int main(int argc, char **argv)
{
    struct talk command = {.ask = 100, .answer = 60, .count = EXCHANGES};
    struct talk mail = {.ask = MAIL_SIZE, .answer = 60, .count = EXCHANGES};
    struct talk fetch = {.ask = 40, .answer = BULK_SIZE, .count = BULK_EXCHANGES};
    struct talk whole = {.ask = 100, .answer = 60, .count = CONVERSATIONS, .once = true};
    report_best("command-and-reply", converse, &command);
    report_best("mail-of-4KiB-and-reply", converse, &mail);
    report_best("command-and-120KiB", converse, &fetch);
    report_best("connection-command-reply-close", converse, &whole);
    measure_files(argc > 1 ? argv[1] : "/var/tmp");
    return 0;
}
