#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files for fibers: what may block goes through the ring or a worker; what is shorter than a hop
 * (creating a small file in a warm directory) is done in place.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/slice.h"

#include <sys/types.h>

struct body;

/* WAITS. Whole file into memory of the arena; ERROR_LIMIT above size_max. */
error file_read(const char *path, size_t size_max, struct arena *arena, slice *out_content);
/* WAITS. Whole file appended to a body that the caller initialised (its size_max bounds) and
 * closes, also after a failure. */
error file_read_body(int directory, const char *path, struct body *out_body);
/* WAITS. Exactly size bytes from offset, ERROR_CLOSED where the file is shorter. */
error file_read_exact(int fd, void *data, size_t size, off_t offset);
/* WAITS. All of it. */
error file_write_all(int fd, slice data, off_t offset);
/* In place, no fsync: O_CREAT|O_EXCL, writev of the parts, close. Removes the file again on
 * failure. */
error file_create_in_place(int directory, const char *path, mode_t mode, const slice *parts,
                           unsigned count);
/* The same, but left open for writing. */
error file_create_open(int directory, const char *path, mode_t mode, const slice *parts,
                       unsigned count, int *out_fd);
/* WAITS (worker). fsync of the file, or of the directory. */
error file_sync(int fd);
/* WAITS (worker). Replaces path atomically and durably: temporary file, fsync, rename, fsync of the
 * directory. */
error file_replace(const char *path, slice content, mode_t mode);
/* In place. Makes the directory and missing parents. */
error file_make_directories(const char *path, mode_t mode);
