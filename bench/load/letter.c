/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/letter.h"

#include "base/cursor.h"
#include "base/random.h"
#include "base/time.h"
#include "crypto/crc32c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LINE_SIZE = 78 }; /* RFC 5322 2.1.1 with CRLF, less two */

static char *common_text;
static size_t common_size;

error load_letter_prepare(uint64_t seed, size_t size_max)
{
    static const char *const words[] = {
        "the",     "server", "keeps",  "every",   "letter", "until",   "morning", "and",
        "nobody",  "waits",  "rings",  "letters", "across", "quiet",   "water",   "report",
        "figures", "about",  "spring", "meeting", "with",   "regards", "please",  "confirm",
        "budget",  "travel", "garden", "of",      "to",     "in",
    };
    random_seed(seed);
    common_size = (size_max / LINE_SIZE + 2) * LINE_SIZE;
    common_text = malloc(common_size);
    TRY_MEMORY(common_text);
    for (size_t line = 0; line < common_size; line += LINE_SIZE) {
        size_t at = line, end = line + LINE_SIZE - 2;
        while (at < end) {
            const char *word = words[random_below(sizeof words / sizeof *words)];
            size_t size = strlen(word);
            if (size > end - at)
                size = end - at;
            memcpy(common_text + at, word, size);
            at += size;
            if (at < end)
                common_text[at++] = ' ';
        }
        memcpy(common_text + end, "\r\n", 2);
    }
    return OK;
}

static uint32_t checksum(slice a, slice b)
{
    return crc32c(crc32c(0, a), b);
}

static void cut_body(struct load_letter *letter, size_t size)
{
    if (size > common_size)
        size = common_size;
    size_t whole = size / LINE_SIZE * LINE_SIZE, rest = size - whole;
    letter->text = slice_of(common_text, whole);
    letter->tail_size = 0;
    if (rest < 2)
        return;
    memcpy(letter->tail, common_text, rest - 2);
    memcpy(letter->tail + rest - 2, "\r\n", 2);
    letter->tail_size = rest;
}

static void write_header(struct buffer *header, const struct load_letter *letter, uint64_t run,
                         uint64_t sequence, slice from, slice to, const char *date)
{
    uint32_t sum = checksum(letter->text, slice_of(letter->tail, letter->tail_size));
    buffer_format(
        header,
        "From: Ringload <%.*s>\r\nTo: <%.*s>\r\nSubject: Load test message %llu\r\nDate: %s\r\n"
        "Message-ID: <%llx.%llu@ringload.invalid>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "X-Ringload: run=%016llx seq=%020llu sum=%08x\r\n\r\n",
        SLICE_ARG(from), SLICE_ARG(to), (unsigned long long)sequence, date, (unsigned long long)run,
        (unsigned long long)sequence, (unsigned long long)run, (unsigned long long)sequence, sum);
}

void load_letter_make(struct load_letter *letter, struct buffer *header, size_t size, uint64_t run,
                      uint64_t sequence, slice from, slice to)
{
    static _Thread_local char date[40];
    static _Thread_local int64_t date_of;
    int64_t now = time_wall_seconds();
    if (now != date_of) {
        struct tm parts;
        time_t seconds = (time_t)now;
        gmtime_r(&seconds, &parts);
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &parts);
        date_of = now;
    }
    size_t before = header->size;
    letter->text = SLICE_EMPTY;
    letter->tail_size = 0;
    write_header(header, letter, run, sequence, from, to,
                 date); /* once for its size, which no number changes */
    size_t header_size = header->size - before;
    buffer_truncate(header, before);
    cut_body(letter, size > header_size ? size - header_size : 0);
    write_header(header, letter, run, sequence, from, to, date);
}

error load_letter_read(const char *path, struct arena *arena, slice *out_mail)
{
    static char text[LOAD_LETTER_FILE_SIZE_MAX];
    struct buffer mail;
    FILE *file = fopen(path, "re");
    if (!file)
        return error_system(errno, "open");
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    buffer_init(&mail, 2 * sizeof text);
    for (slice rest = slice_of(text, size); rest.size;) {
        slice line;
        slice_cut(rest, '\n', &line, &rest);
        if (slice_ends(line, SLICE("\r")))
            line.size--;
        buffer_add(&mail, slice_starts(line, SLICE(".")) ? SLICE(".") : SLICE_EMPTY);
        buffer_add(&mail, line);
        buffer_add(&mail, SLICE("\r\n"));
    }
    error problem = buffer_check(&mail);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&mail), out_mail);
    buffer_close(&mail);
    return problem;
}

/* "name=" hexadecimal or decimal in the header's text. */
static bool take_value(slice text, slice name, int base, uint64_t *out)
{
    ptrdiff_t at = slice_find(text, name);
    if (at < 0)
        return false;
    char digits[32] = {0};
    slice value = slice_from(text, (size_t)at + name.size);
    memcpy(digits, value.data, value.size < 31 ? value.size : 31);
    char *end;
    *out = strtoull(digits, &end, base);
    return end != digits;
}

enum load_letter_verdict load_letter_check(slice message, uint64_t run, uint64_t *out_sequence)
{
    ptrdiff_t end = slice_find(message, SLICE("\r\n\r\n"));
    size_t gap = 4;
    if (end < 0) {
        end = slice_find(message, SLICE("\n\n"));
        gap = 2;
    }
    ptrdiff_t mark = slice_find(message, SLICE("X-Ringload: "));
    if (end < 0 || mark < 0 || mark > end)
        return LOAD_LETTER_FOREIGN;
    slice text = slice_sub(message, (size_t)mark, (size_t)(end - mark));
    slice body = slice_from(message, (size_t)end + gap);
    uint64_t its_run, sum;
    if (!take_value(text, SLICE("run="), 16, &its_run) ||
        !take_value(text, SLICE("seq="), 10, out_sequence) ||
        !take_value(text, SLICE("sum="), 16, &sum))
        return LOAD_LETTER_DAMAGED;
    if (run && its_run != run)
        return LOAD_LETTER_FOREIGN;
    if (gap == 4)
        return crc32c(0, body) == (uint32_t)sum ? LOAD_LETTER_GOOD : LOAD_LETTER_DAMAGED;
    uint32_t actual = 0;
    while (body.size) {
        slice line;
        bool ended = slice_cut(body, '\n', &line, &body);
        actual = crc32c(actual, line);
        if (ended)
            actual = crc32c(actual, SLICE("\r\n"));
    }
    return actual == (uint32_t)sum ? LOAD_LETTER_GOOD : LOAD_LETTER_DAMAGED;
}
