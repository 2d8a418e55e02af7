/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include "base/time.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { GATHER_SIZE = 32 * 1024 };

static _Atomic int log_descriptor = STDERR_FILENO;
static _Atomic int log_level_min = LOG_INFO;
static _Atomic int log_format_now = LOG_LOGFMT;

static _Thread_local char gathered[GATHER_SIZE];
static _Thread_local size_t gathered_size;

void log_configure(int descriptor, enum log_level level, enum log_format format)
{
    atomic_store(&log_descriptor, descriptor);
    atomic_store(&log_level_min, level);
    atomic_store(&log_format_now, format);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&log_level_min, memory_order_relaxed);
}

static void put(struct log_line *line, const char *bytes, size_t size)
{
    if (size > LOG_LINE_SIZE_MAX - line->size)
        size = LOG_LINE_SIZE_MAX - line->size;
    if (size > 0) /* an empty value may be NULL */
        memcpy(line->text + line->size, bytes, size);
    line->size += size;
}

static void put_string(struct log_line *line, const char *string)
{
    put(line, string, strlen(string));
}

static bool is_plain(slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return false;
    }
    return value.size > 0;
}

/* JSON is UTF-8: what is not becomes U+FFFD, byte by byte. How many bytes of the text were used. */
static size_t put_beyond_ascii(struct log_line *line, slice text)
{
    uint32_t point;
    size_t size = utf8_decode(text, &point);
    if (size)
        put(line, text.data, size);
    else
        put_string(line, "\\ufffd");
    return size ? size : 1;
}

static void put_escaped(struct log_line *line, slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if (LOG_LINE_SIZE_MAX - line->size < 16) {
            put_string(line, "...");
            return;
        }
        char escape[8];
        if (c == '"' || c == '\\')
            put(line, (char[2]){'\\', (char)c}, 2);
        else if (c < ' ' || c == 0x7f)
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", c));
        else if (c < 0x80 || !line->json)
            put(line, (const char *)&value.data[i], 1);
        else
            i += put_beyond_ascii(line, slice_from(value, i)) - 1;
    }
}

static void put_key(struct log_line *line, const char *key)
{
    if (line->json) {
        put_string(line, line->size > 1 ? ",\"" : "\"");
        put_string(line, key);
        put_string(line, "\":");
        return;
    }
    if (line->size)
        put(line, " ", 1);
    put_string(line, key);
    put(line, "=", 1);
}

/* "2026-11-22T15:04:46": the text of a second serves every line of that second. */
static const char *stamp_of(int64_t seconds)
{
    static _Thread_local char stamp[32];
    static _Thread_local int64_t stamp_seconds = INT64_MIN;
    if (seconds != stamp_seconds) {
        struct tm parts;
        time_t now = (time_t)seconds;
        gmtime_r(&now, &parts);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
        stamp_seconds = seconds;
    }
    return stamp;
}

static void put_time(struct log_line *line)
{
    int64_t now = time_wall();
    int ms = (int)(now % TIME_S / TIME_MS);
    char fraction[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                       (char)('0' + ms % 10), 'Z'};
    put_string(line, line->json ? "{\"time\":\"" : "time=");
    put_string(line, stamp_of(now / TIME_S));
    put(line, fraction, sizeof fraction);
    if (line->json)
        put(line, "\"", 1);
}

void log_begin_into(struct log_line *line, enum log_level level, const char *event)
{
    line->enabled = log_enabled(level);
    line->json = atomic_load_explicit(&log_format_now, memory_order_relaxed) == LOG_JSON;
    line->level = level;
    line->size = 0;
    if (!line->enabled)
        return;
    static const char *const names[] = {"debug", "info", "warning", "error"};
    put_time(line);
    log_string(line, "level", names[level]);
    log_string(line, "event", event);
}

void log_text(struct log_line *line, const char *key, slice value)
{
    if (!line->enabled || line->size + strlen(key) + 24 > LOG_LINE_SIZE_MAX)
        return;
    put_key(line, key);
    if (!line->json && is_plain(value) && value.size < LOG_LINE_SIZE_MAX - line->size - 16) {
        put(line, value.data, value.size);
        return;
    }
    put(line, "\"", 1);
    put_escaped(line, value);
    put(line, "\"", 1);
}

void log_string(struct log_line *line, const char *key, const char *value)
{
    log_text(line, key, slice_from_string(value));
}

void log_number(struct log_line *line, const char *key, int64_t value)
{
    if (!line->enabled || line->size + strlen(key) + 28 > LOG_LINE_SIZE_MAX)
        return;
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        digits[--at] = (char)('0' + left % 10);
    while ((left /= 10) > 0);
    if (value < 0)
        digits[--at] = '-';
    put_key(line, key);
    put(line, digits + at, sizeof digits - at);
}

void log_decimal(struct log_line *line, const char *key, double value)
{
    char digits[48];
    if (!line->enabled || line->size + strlen(key) + sizeof digits + 4 > LOG_LINE_SIZE_MAX)
        return;
    int size = snprintf(digits, sizeof digits, "%.2f", value);
    if (size <= 0 ||
        (size_t)size >= sizeof digits) /* JSON knows no other numbers, readers no longer */
        return;
    put_key(line, key);
    put(line, digits, (size_t)size);
}

void log_error(struct log_line *line, error e)
{
    if (!failed(e))
        return;
    log_string(line, "error", error_kind_name(e.kind));
    if (e.text)
        log_string(line, "reason", e.text);
    if (e.os)
        log_string(line, "os", strerrorname_np(e.os));
}

void log_end(struct log_line *line)
{
    if (!line->enabled)
        return;
    if (line->json)
        line->text[line->size++] = '}';
    line->text[line->size++] = '\n';
    if (gathered_size + line->size > GATHER_SIZE)
        log_flush();
    memcpy(gathered + gathered_size, line->text, line->size);
    gathered_size += line->size;
    if (line->level >= LOG_WARNING)
        log_flush();
}

void log_event(enum log_level level, const char *event, error e, slice detail)
{
    struct log_line line = log_begin(level, event);
    if (detail.size)
        log_text(&line, "detail", detail);
    log_error(&line, e);
    log_end(&line);
}

void log_flush(void)
{
    int descriptor = atomic_load_explicit(&log_descriptor, memory_order_relaxed);
    size_t done = 0;
    while (done < gathered_size) {
        ssize_t written = write(descriptor, gathered + done, gathered_size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break; /* nowhere left to complain to */
        done += (size_t)written;
    }
    gathered_size = 0;
}
