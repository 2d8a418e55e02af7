#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Opening the directory's SQLite file: for the backend (reads) and for edits (writes). In place: no
 * waits, may block for the disk.
 */
#include "base/error.h"
#include "base/slice.h"

struct sqlite3;

enum sqlite_use { SQLITE_TO_READ, SQLITE_TO_WRITE };

/* Made where it is missing, with its tables, in WAL mode. Trouble is logged with SQLite's own
 * words.
 */
error sqlite_file_open(slice path, enum sqlite_use use, struct sqlite3 **out_database);
