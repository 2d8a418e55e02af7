#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One structured line per finished thing, logfmt or JSON:
 *
 *     struct log_line line = log_begin(LOG_INFO, "smtp.session");
 *     log_text(&line, "from", address);
 *     log_number(&line, "bytes", size);
 *     log_end(&line);
 *
 * Lines are gathered per thread and written with one write(2) by log_flush (the core calls it once
 * per turn) or when the gathered bytes reach 32 KiB; warnings and above are flushed at once. Never
 * secrets, never message content. Values from strangers are escaped. A line is at most 2,000 bytes:
 * longer values are cut with "...".
 */
#include "base/error.h"
#include "base/slice.h"

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

enum { LOG_LINE_SIZE_MAX = 2000 };

struct log_line {
    bool enabled;
    bool json;
    enum log_level level;
    size_t size;
    char text[LOG_LINE_SIZE_MAX + 64];
};

/* Before threads start, and again on SIGHUP. The descriptor is not owned. Default: standard error,
 * info, logfmt. */
void log_configure(int descriptor, enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

/* `event` is a dotted noun: "smtp.session", "delivery", "journal.replay". */
void log_begin_into(struct log_line *line, enum log_level level, const char *event);
static inline struct log_line log_begin(enum log_level level, const char *event)
{
    struct log_line line;
    log_begin_into(&line, level, event);
    return line;
}
void log_text(struct log_line *line, const char *key, slice value);
void log_string(struct log_line *line, const char *key, const char *value);
void log_number(struct log_line *line, const char *key, int64_t value);
/* Two decimals. */
void log_decimal(struct log_line *line, const char *key, double value);
/* Adds error=, os=, reason=; nothing where e is OK. */
void log_error(struct log_line *line, error e);
void log_end(struct log_line *line);

/* The whole of a simple line: log_event(LOG_WARNING, "store.scan", e, path). Either detail may be
 * empty. */
void log_event(enum log_level level, const char *event, error e, slice detail);

/* Writes what this thread gathered. Blocks on the descriptor as write(2) does. */
void log_flush(void);
