/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What our own spam rules cost: a letter of 4 KiB, an HTML newsletter of 64 KiB. Without DNS.
 *
 *     bench_spam [ROUNDS [newsletter]]     ROUNDS: one of the two, so often; for callgrind
 */
#include "measure.h"

#include "filter/spam/engine.h"
#include "format/mail/date.h"

static struct spam_scores scores;
static struct spam_caps caps;
static struct spam_rules_settings rules;
static struct spam_lists_settings lists;
static struct buffer letter, newsletter;

static const char *const words[] = {"minutes", "of",    "the",  "meeting", "on",     "Thursday",
                                    "please",  "read",  "them", "before",  "Friday", "because",
                                    "there",   "are",   "many", "things",  "to",     "decide",
                                    "and",     "Carla", "has",  "a",       "train",  "to catch"};

static void add_words(struct buffer *out, unsigned *seed, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        *seed = *seed * 1103515245 + 12345;
        buffer_add_string(out, words[*seed / 65536 % 24]);
        buffer_add_string(out, i % 11 == 10 ? "\r\n" : " ");
    }
}

static void add_header(struct buffer *out, const char *type)
{
    buffer_add_string(out, "Received: from out7.sender.example by mx.example.org; now\r\n"
                           "From: Bert Sender <bert@sender.example>\r\n"
                           "To: Anna <anna@example.org>\r\nSubject: The plan for Thursday\r\n"
                           "Message-ID: <20260101.4711@sender.example>\r\nMIME-Version: 1.0\r\n"
                           "Date: ");
    mail_date_write(out, time_wall_seconds(), 0);
    buffer_format(out, "\r\nContent-Type: %s; charset=utf-8\r\n\r\n", type);
}

static void make_mails(void)
{
    unsigned seed = 1;
    buffer_init(&letter, 1 << 20);
    buffer_init(&newsletter, 1 << 20);
    add_header(&letter, "text/plain");
    while (letter.size < 4000) {
        add_words(&letter, &seed, 60);
        buffer_add_string(&letter, "\r\nhttps://wiki.sender.example/minutes\r\n");
    }
    add_header(&newsletter, "text/html");
    buffer_add_string(&newsletter, "<html><head><style>p{color:#333}</style></head><body>\r\n");
    while (newsletter.size < 64000) {
        buffer_add_string(&newsletter,
                          "<table width=\"600\" cellpadding=\"0\" border=\"0\"><tr><td "
                          "style=\"font-family:Arial;font-size:14px;color:#333333\"><p>");
        add_words(&newsletter, &seed, 40);
        buffer_add_string(&newsletter,
                          "</p><a href=\"https://click.sender.example/c?id=8&amp;x=1\">Read "
                          "on</a><img src=\"https://cdn.sender.example/a.png\"></td></tr></table>");
    }
    buffer_add_string(&newsletter, "</body></html>\r\n");
}

static void judge(slice message)
{
    static const slice recipient = {"anna@example.org", 16};
    struct spam_mail mail = {.helo = SLICE("out7.sender.example"),
                             .host = SLICE("mx.example.org"),
                             .sender = SLICE("bert@sender.example"),
                             .recipients = &recipient,
                             .recipient_count = 1,
                             .message = message,
                             .deadline = TIME_NEVER};
    struct spam_verdict verdict = {.score = 0};
    struct arena arena;
    arena_init(&arena, 1 << 20);
    error problem = spam_engine_judge(&mail, &arena, &verdict);
    if (failed(problem))
        give_up(problem);
    arena_close(&arena);
}

static double once(void *argument)
{
    const struct buffer *mail = argument;
    enum { ROUNDS = 200 };
    int64_t begun = cpu_now();
    for (unsigned i = 0; i < ROUNDS; i++)
        judge(buffer_slice(mail));
    return (double)(cpu_now() - begun) / ROUNDS;
}

int main(int count, char **arguments)
{
    static struct arena arena;
    arena_init(&arena, 1 << 20);
    error problem = settings_default(&spam_scores_setting_table, &arena, &scores);
    if (!failed(problem))
        problem = settings_default(&spam_caps_setting_table, &arena, &caps);
    if (!failed(problem))
        problem = settings_default(&spam_rules_setting_table, &arena, &rules);
    if (!failed(problem))
        problem = settings_default(&spam_lists_setting_table, &arena, &lists);
    const struct spam_engine_settings settings = {&scores, &caps, &rules, &lists};
    if (!failed(problem))
        problem = spam_engine_start(&settings, SLICE_EMPTY);
    if (failed(problem))
        give_up(problem);
    make_mails();
    unsigned rounds = count > 1 ? (unsigned)strtoul(arguments[1], NULL, 10) : 0;
    for (unsigned i = 0; i < rounds; i++)
        judge(buffer_slice(count > 2 ? &newsletter : &letter));
    if (rounds == 0) {
        report_best("spam_letter_4k", once, &letter);
        report_best("spam_newsletter_64k", once, &newsletter);
    }
    spam_engine_stop();
    return 0;
}
