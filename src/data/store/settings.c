/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "data/store/settings.h"

static const char *const durabilities[] = {
    [JOURNAL_DURABILITY_JOURNAL] = "journal",
    [JOURNAL_DURABILITY_FSYNC] = "fsync",
    [JOURNAL_DURABILITY_NONE] = "none",
    NULL,
};

#define S struct store_settings
static const struct setting rows[] = {
    SETTING_PATH(S, path, "/var/lib/ringmail", 0,
                 "state of the store itself; on the file system that holds the mail"),
    SETTING_PATH(S, journal_path, "", 0, "where the journals lie; empty: \"journal\" under path"),
    SETTING_CHOICE(
        S, durability, JOURNAL_DURABILITY_JOURNAL, durabilities, 0,
        "what 250 and OK promise: journal (one group commit), fsync (of each file), none"),
    SETTING_BYTES(S, journal_segment_size, JOURNAL_SEGMENT_SIZE_DEFAULT, JOURNAL_SEGMENT_SIZE_MIN,
                  1LL << 32, 0, "size of one preallocated journal segment"),
    SETTING_NUMBER(S, journal_segment_count, JOURNAL_SEGMENT_COUNT_DEFAULT,
                   JOURNAL_SEGMENT_COUNT_MIN, JOURNAL_SEGMENT_COUNT_MAX, 0,
                   "journal segments per core"),
    SETTING_DURATION(S, checkpoint_age, 30 * TIME_S, TIME_S, 3600 * TIME_S, 0,
                     "after this long journalled mail is synced to its files"),
    SETTING_NUMBER(S, accounts_open, STORE_ACCOUNTS_OPEN_DEFAULT, 1, 1000000, 0,
                   "accounts kept open per core beyond those in use"),
    SETTING_NUMBER(S, mailboxes_open, STORE_MAILBOXES_OPEN_DEFAULT, 1, 1000000, 0,
                   "mailboxes kept open per core beyond those in use"),
    SETTING_DURATION(S, rename_delay, 10 * TIME_S, TIME_MS, 3600 * TIME_S, 0,
                     "how long a changed flag may wait for its file name"),
    SETTING_DURATION(S, poll_interval, 2 * TIME_S, 10 * TIME_MS, 3600 * TIME_S, 0,
                     "time between looks for other programs' changes in selected mailboxes"),
};
#undef S

const struct setting_table store_setting_table =
    SETTING_TABLE("store", struct store_settings, rows);
