#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The core's io_uring as calls that look blocking. Requests of one turn are submitted together.
 * Every call WAITS, takes a deadline, and never returns while the kernel still holds the caller's
 * memory: on deadline or cancellation the request is cancelled and its completion awaited first.
 * What was done all the same counts as done. A cancelled fiber may still use what ends by itself
 * (open, close, fsync, statx, shutdown, reads and writes with a position >= 0) and send what fits
 * into the socket's buffer at once; all else is ERROR_CANCELLED without being tried. Only core
 * threads may call. Errors: ERROR_TIMEOUT, ERROR_CANCELLED, else error_system of the kernel's
 * answer; end of file is ERROR_CLOSED where bytes were asked for, except in ring_read
 * (*out_size = 0).
 */
#include "base/error.h"
#include "base/slice.h"
#include "base/time.h"

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

struct statx;

/* Files. offset -1: the file position. May be short. */
error ring_open(int directory, const char *path, int flags, mode_t mode, int *out_fd);
error ring_close(int fd);
error ring_read(int fd, void *data, size_t size, off_t offset, size_t *out_size);
error ring_write(int fd, slice data, off_t offset, size_t *out_size);
error ring_writev(int fd, const struct iovec *parts, unsigned count, off_t offset,
                  size_t *out_size);
error ring_fsync(int fd, bool data_only);
error ring_statx(int directory, const char *path, int flags, unsigned mask, struct statx *out);

/* Gives the kernel at once what was prepared, not at the end of the turn: for who is about to keep
 * the core busy for long. Does not wait. */
void ring_push(void);

/* Sockets. */
error ring_connect(int fd, const struct sockaddr *address, socklen_t size, instant deadline);
/* At least one byte or ERROR_CLOSED. */
error ring_receive(int fd, void *data, size_t size, instant deadline, size_t *out_size);
/* Drops at least one and at most `size` bytes without copying them. TCP only. */
error ring_discard(int fd, size_t size, instant deadline, size_t *out_size);
/* All of it (loops over short sends). */
error ring_send(int fd, slice data, instant deadline);
error ring_sendv(int fd, struct iovec *parts, unsigned count,
                 instant deadline); /* parts are used up */
/* poll(2) events; returns those that hold. */
error ring_poll(int fd, short events, instant deadline, short *out_events);
error ring_shutdown(int fd, int how);

/* A receive whose buffer the kernel picks from the core's pool when bytes arrive, so that waiting
 * holds no memory. The caller owns the buffer until ring_buffer_release. Waits in ERROR_BUSY style
 * internally when the pool is dry. */
struct ring_buffer {
    char *data;
    uint32_t size; /* bytes received */
    uint32_t id;
};
error ring_receive_pooled(int fd, instant deadline, struct ring_buffer *out_buffer);
void ring_buffer_release(struct ring_buffer *buffer); /* harmless on a released one */

/* Ends the fiber's present ring_receive_pooled or ring_poll early with ERROR_BUSY, as its deadline
 * would; bytes that came meanwhile win. Nothing where the fiber waits for something else or runs:
 * not remembered. For IDLE: news must wake a session that waits for its client. This core only, any
 * fiber or callback. */
struct fiber;
void ring_interrupt(struct fiber *fiber);

/* Accepting: one multishot request per listening socket. */
struct ring_acceptor;
error ring_acceptor_create(int listener, struct ring_acceptor **out_acceptor);
void ring_acceptor_destroy(struct ring_acceptor **acceptor); /* WAITS for the kernel to let go */
/* The next connection (non-blocking, close-on-exec). ERROR_TEMPORARY (EMFILE, ENFILE, ENOMEM) is
 * returned as it comes; the next call starts accepting anew. */
error ring_accept(struct ring_acceptor *acceptor, instant deadline, int *out_fd);
