/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/settings.h"

#include "filter/spam/lessons.h"
#include "filter/spam/rspamd.h"
#include "net/address.h"

#define S struct spam_settings
#define R SETTING_RELOADABLE
static const char *const engines[] = {
    [SPAM_ENGINE_NONE] = "none",
    [SPAM_ENGINE_RINGMAIL] = "ringmail",
    [SPAM_ENGINE_RSPAMD] = "rspamd",
    NULL,
};
static const char *const failures[] = {
    [SPAM_FAILURE_ACCEPT] = "accept", [SPAM_FAILURE_DELAY] = "delay", NULL};

static const struct setting rows[] = {
    SETTING_CHOICE(S, engine, SPAM_ENGINE_RINGMAIL, engines, R,
                   "who judges mail that comes in: none, our own rules, an rspamd beside us"),
    SETTING_DECIMAL(S, junk_score, 6000, 0, 1000000, R,
                    "mail of this score goes into the mailbox for junk; 0: none does"),
    SETTING_DECIMAL(S, delay_score, 0, 0, 1000000, R,
                    "mail of this score is asked to come again later; 0: none is"),
    SETTING_DECIMAL(S, refuse_score, 15000, 0, 1000000, R,
                    "mail of this score is refused; 0: none is"),
    SETTING_CHOICE(S, on_failure, SPAM_FAILURE_ACCEPT, failures, R,
                   "mail that cannot be judged is accepted, or delayed"),
    SETTING_DURATION(S, timeout, 8 * TIME_S, 10 * TIME_MS, 60 * TIME_S, R,
                     "how long a judgement may take"),
    SETTING_FLAG(S, submission, false, R,
                 "judge what our own accounts send, too: refused or delayed, never junk"),
    SETTING_TEXT(S, trusted, "", R,
                 "networks whose mail is not judged, and whose X-Spam fields stay as they are"),
    SETTING_TEXT(S, junk_mailbox, "Junk", R,
                 "where junk goes in accounts that have no mailbox for it; made where missing"),
    SETTING_FLAG(S, forward_junk, false, R,
                 "pass junk on to addresses elsewhere that aliases lead to; off: it is refused"),
    SETTING_FLAG(S, header, true, R,
                 "say the verdict in X-Spam-Status, X-Spam-Level and X-Spam-Flag"),
    SETTING_TEXT(S, rspamd_url, "http://127.0.0.1:11333", R,
                 "rspamd's normal worker: http://host:port or unix:/path"),
    SETTING_TEXT(S, rspamd_password, "", R | SETTING_SECRET,
                 "what rspamd asks for; empty: nothing"),
    SETTING_NUMBER(S, rspamd_connections, 32, 1, 10000, R, "connections to rspamd, per core"),
    SETTING_BYTES(S, rspamd_size_max, 20 << 20, 1 << 10, 1LL << 32, R,
                  "larger mail is not shown to rspamd, and counts as one that cannot be judged"),
    SETTING_TEXT(S, rspamd_controller_url, "", R,
                 "rspamd's controller, that learns: http://host:port (11334) or unix:/path; empty: "
                 "it learns nothing from us"),
    SETTING_FLAG(S, learn_from_moves, true, R,
                 "learn from what users put into their mailbox for junk, and take out of it"),
    SETTING_NUMBER(S, learn_per_day, SPAM_LESSONS_PER_DAY, 0, 1000000, R,
                   "mails that one account may teach in a day; 0: any number"),
};
#undef R
#undef S

const struct setting_table spam_setting_table = SETTING_TABLE("spam", struct spam_settings, rows);

static bool is_mailbox_name(slice name)
{
    if (name.size == 0 || name.size > 100 || name.data[0] == '.' ||
        name.data[name.size - 1] == '.' || slice_find(name, SLICE("..")) >= 0)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if ((unsigned char)name.data[i] < ' ' || name.data[i] == '/' || name.data[i] == 0x7f)
            return false;
    return true;
}

void spam_settings_check(const struct spam_settings *settings, struct buffer *problems)
{
    struct arena arena;
    struct network_list networks;
    arena_init(&arena, 1 << 20);
    if (failed(network_list_parse(settings->trusted, &arena, &networks)))
        buffer_format(problems,
                      "spam.trusted: \"%.*s\" is no list of networks such as 192.0.2.0/24\n",
                      SLICE_ARG(settings->trusted));
    arena_close(&arena);
    if (!spam_rspamd_url_is_valid(settings->rspamd_url))
        buffer_format(problems,
                      "spam.rspamd_url: \"%.*s\" is neither http://host:port nor unix:/path\n",
                      SLICE_ARG(settings->rspamd_url));
    if (settings->rspamd_controller_url.size > 0 &&
        !spam_rspamd_url_is_valid(settings->rspamd_controller_url))
        buffer_format(problems,
                      "spam.rspamd_controller_url: \"%.*s\" is neither http://host:port nor "
                      "unix:/path\n",
                      SLICE_ARG(settings->rspamd_controller_url));
    if (!is_mailbox_name(settings->junk_mailbox))
        buffer_format(problems, "spam.junk_mailbox: \"%.*s\" cannot be a mailbox\n",
                      SLICE_ARG(settings->junk_mailbox));
    if (settings->junk_score > 0 && settings->refuse_score > 0 &&
        settings->refuse_score < settings->junk_score)
        buffer_add_string(problems, "spam.refuse_score: is below spam.junk_score: nothing would "
                                    "ever be junk\n");
    for (size_t i = 0; i < settings->rspamd_password.size; i++)
        if ((unsigned char)settings->rspamd_password.data[i] < ' ') {
            buffer_add_string(problems, "spam.rspamd_password: has a control character\n");
            break;
        }
}
