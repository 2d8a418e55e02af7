#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The mail a load test sends, and the proof that it came through: an X-Ringload header names the
 * run, the sequence number and the CRC-32C of the body, which load_letter_check recomputes on what
 * was fetched.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/slice.h"

enum { LOAD_LETTER_SIZE_MAX = 64 * 1024 * 1024, LOAD_LETTER_FILE_SIZE_MAX = 1 << 20 };

/* Fills the text that bodies are cut from; once, before cores start. Repeatable by seed. */
error load_letter_prepare(uint64_t seed, size_t size_max);

struct load_letter {
    slice text; /* whole lines out of the common text */
    char tail[96];
    size_t tail_size;
};

/* The header goes to `header`, the body is letter->text followed by letter->tail; all three
 * together are `size` bytes (one less where a last line of one byte would be needed, more where the
 * header alone is larger). No line begins with a dot. */
void load_letter_make(struct load_letter *letter, struct buffer *header, size_t size, uint64_t run,
                      uint64_t sequence, slice from, slice to);

/* A mail of somebody else's from a file, with LF or CRLF, made ready for DATA: CRLF, dots stuffed,
 * without the last dot. *out_mail lives as long as the arena. */
error load_letter_read(const char *path, struct arena *arena, slice *out_mail);

enum load_letter_verdict { LOAD_LETTER_GOOD, LOAD_LETTER_FOREIGN, LOAD_LETTER_DAMAGED };
/* FOREIGN: not of this run (run 0: any run will do). CRLF or LF line ends. */
enum load_letter_verdict load_letter_check(slice message, uint64_t run, uint64_t *out_sequence);
