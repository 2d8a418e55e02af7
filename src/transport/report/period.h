#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all cores noted about TLS within one period (a day of UTC), in memory and in a file
 * "period-BEGIN-END" that outlives the process: what is new is appended, the reports that were sent
 * are marked, and the file goes when the period's reports are done with. So the file's being there
 * says that something is still to be reported, and its marks what.
 *
 * One fiber at a time. A disk that refuses costs nothing while the server runs: what could not be
 * appended is in memory, and the next time the whole is written.
 */
#include "data/frame_file.h"
#include "transport/route/tls_report.h"

struct report_period {
    int64_t begin, end;         /* seconds since 1970; end belongs to the next one */
    struct tls_report_day *day; /* NULL: nothing is known, or it was not loaded */
    struct frame_file file;
    uint64_t whole; /* size of the file when it was last written as a whole */
    bool must_rewrite;
};

/* Nothing is read yet. `directory` is borrowed. */
void report_period_init(struct report_period *period, int directory, int64_t begin, int64_t end);
/* Forgets what is in memory. */
void report_period_close(struct report_period *period);

/* WAITS. What an earlier run left of it; OK where there is nothing. */
error report_period_load(struct report_period *period);
/* WAITS. Adds what was noted since (freed), and makes it durable; NULL: only what an earlier call
 * could not. On failure it is kept in memory. */
error report_period_add(struct report_period *period, struct tls_report_day **more);
/* WAITS. The domain has its report: it leaves the day, and a restart knows. */
error report_period_done(struct report_period *period, slice domain);
/* Only out of the day: nobody wants a report, or it was given up. */
void report_period_forget(struct report_period *period, slice domain);
/* WAITS. All of it is done with: the file goes. */
error report_period_remove(struct report_period *period);

/* The same after every restart: who gets a report twice can tell. Printable, no blanks. */
error report_period_id(const struct report_period *period, slice domain, struct arena *arena,
                       slice *out_id);

/* "period-1795305600-1795392000"; false where it is no such name. */
bool report_period_name_parse(slice name, int64_t *out_begin, int64_t *out_end);
