/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/rspamd.h"

#include "base/log.h"
#include "base/metric.h"
#include "filter/spam/settings.h"
#include "format/http/answer.h"
#include "net/http/kept.h"

METRIC_COUNTER(failures_total, "ringmail_rspamd_failures_total", "",
               "Mails that rspamd did not judge");
METRIC_COUNTER(spared_total, "ringmail_rspamd_spared_total", "",
               "Mails that a failing rspamd was not asked about");
METRIC_COUNTER(too_large_total, "ringmail_rspamd_too_large_total", "",
               "Mails larger than spam.rspamd_size_max");

static _Thread_local struct {
    const struct spam_settings *settings;
    struct http_kept *connections;
    unsigned failures; /* in a row */
    instant asked_again_at;
    bool told; /* that it is left alone */
} here;

/* ---- Life ---- */

error spam_rspamd_start(const struct spam_settings *settings)
{
    struct http_kept *connections = NULL;
    if (settings->engine == SPAM_ENGINE_RSPAMD)
        TRY(http_kept_create(settings->rspamd_connections, &connections));
    http_kept_unref(&here.connections);
    here.connections = connections;
    here.settings = settings;
    here.failures = 0;
    return OK;
}

void spam_rspamd_stop(void)
{
    http_kept_unref(&here.connections);
    here.settings = NULL;
}

/* ---- Where ---- */

static bool is_unix(slice url, struct address *out_address)
{
    return slice_starts(url, SLICE("unix:")) && !failed(address_parse(url, out_address)) &&
           out_address->family == ADDRESS_UNIX;
}

bool spam_rspamd_url_is_valid(slice text)
{
    struct address address;
    struct http_url url;
    if (is_unix(text, &address))
        return address.path.size > 0;
    return !failed(http_url_parse(text, &url)) && !url.https && slice_equal(url.target, SLICE("/"));
}

static error address_request(slice url, const char *path, struct arena *arena,
                             struct http_client_request *request)
{
    struct address address;
    if (is_unix(url, &address)) {
        request->address = address;
        return arena_format(arena, &request->url, "http://localhost/%s", path);
    }
    if (slice_ends(url, SLICE("/")))
        url.size--;
    return arena_format(arena, &request->url, "%.*s/%s", SLICE_ARG(url), path);
}

/* ---- What it is told ---- */

struct fields {
    struct arena *arena;
    struct http_client_field rows[HTTP_CLIENT_FIELDS_MAX];
    unsigned count;
};

/* Nothing for an empty value. What a stranger said may hold bytes that no field may have. */
static error add_field(struct fields *fields, const char *name, slice value)
{
    char *copy;
    size_t size = value.size < SPAM_RSPAMD_FIELD_SIZE_MAX ? value.size : SPAM_RSPAMD_FIELD_SIZE_MAX;
    if (size == 0 || fields->count == HTTP_CLIENT_FIELDS_MAX)
        return OK;
    copy = arena_alloc_bytes(fields->arena, size);
    TRY_MEMORY(copy);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        copy[i] = byte < ' ' || byte == 0x7f ? '?' : value.data[i];
    }
    fields->rows[fields->count++] =
        (struct http_client_field){slice_from_string(name), slice_of(copy, size)};
    return OK;
}

/* https://docs.rspamd.com/developers/protocol: the request's header fields */
static error describe(const struct spam_mail *mail, slice password, struct fields *fields)
{
    char peer[ADDRESS_TEXT_SIZE];
    unsigned recipients = mail->recipient_count < SPAM_RSPAMD_RECIPIENTS_MAX
                              ? mail->recipient_count
                              : SPAM_RSPAMD_RECIPIENTS_MAX;
    if (address_is_ip(&mail->peer))
        TRY(add_field(fields, "IP", address_format_ip(&mail->peer, peer)));
    TRY(add_field(fields, "Helo", mail->helo));
    if (mail->authentic)
        TRY(add_field(fields, "Hostname", mail->authentic->reverse_name));
    TRY(add_field(fields, "From", mail->sender.size ? mail->sender : SLICE("<>")));
    for (unsigned i = 0; i < recipients; i++)
        TRY(add_field(fields, "Rcpt", mail->recipients[i]));
    if (mail->recipient_count == 1)
        TRY(add_field(fields, "Deliver-To", mail->recipients[0]));
    TRY(add_field(fields, "Queue-Id", mail->id));
    TRY(add_field(fields, "MTA-Name", mail->host));
    TRY(add_field(fields, "User", mail->account));
    TRY(add_field(fields, "TLS-Version", mail->tls_version));
    TRY(add_field(fields, "TLS-Cipher", mail->tls_cipher));
    return add_field(fields, "Password", password);
}

/* Nobody there, too slow, gone meanwhile. An answer that cannot be read, or that is too large, is
 * one mail's; so is want of our own memory. */
static bool is_of_connection(error problem)
{
    return problem.kind == ERROR_CLOSED || problem.kind == ERROR_TIMEOUT ||
           problem.kind == ERROR_TEMPORARY || problem.kind == ERROR_SYSTEM ||
           problem.kind == ERROR_DENIED || problem.kind == ERROR_NOT_FOUND ||
           problem.kind == ERROR_BUSY;
}

/* WAITS. *out_ill: what failed is rspamd, not this one mail. */
static error ask(const struct spam_settings *settings, const struct spam_mail *mail,
                 struct arena *arena, struct http_client_answer *out_answer, bool *out_ill)
{
    struct fields fields = {.arena = arena};
    struct http_client_request request = {
        .method = "POST",
        .content_type = SLICE("message/rfc822"),
        .body = mail->message,
        .size_max = SPAM_RSPAMD_ANSWER_SIZE_MAX,
        .deadline = mail->deadline,
    };
    TRY(address_request(settings->rspamd_url, "checkv2", arena, &request));
    TRY(describe(mail, settings->rspamd_password, &fields));
    request.fields = fields.rows;
    request.field_count = fields.count;
    error problem = http_kept_ask(here.connections, &request, arena, out_answer);
    *out_ill = failed(problem) ? is_of_connection(problem) : out_answer->status >= 500;
    TRY(problem);
    if (out_answer->status == 401 || out_answer->status == 403)
        return error_make(ERROR_TEMPORARY, "rspamd wants another password: spam.rspamd_password");
    if (out_answer->status != 200)
        return error_make(ERROR_TEMPORARY, "rspamd refused the question");
    return OK;
}

/* ---- When it fails ---- */

static void tell(enum log_level level, const char *event, error problem)
{
    log_event(level, event, problem, here.settings->rspamd_url);
}

/* May it be asked now? Of those who come while it is tried again only the first may. */
static bool is_spared(void)
{
    if (here.failures < SPAM_RSPAMD_FAILURES_MAX)
        return false;
    if (time_now() < here.asked_again_at)
        return true;
    here.asked_again_at = time_after(SPAM_RSPAMD_PAUSE_S * TIME_S);
    return false;
}

/* An error of one mail says that rspamd is there. */
static void remember(error problem, bool ill)
{
    if (problem.kind == ERROR_CANCELLED || !here.settings)
        return;
    if (failed(problem))
        metric_add(&failures_total, 1);
    if (!ill) {
        if (here.told)
            tell(LOG_INFO, "spam.rspamd_back", OK);
        here.failures = 0;
        here.told = false;
        return;
    }
    if (++here.failures < SPAM_RSPAMD_FAILURES_MAX)
        return;
    here.failures = SPAM_RSPAMD_FAILURES_MAX;
    here.asked_again_at = time_after(SPAM_RSPAMD_PAUSE_S * TIME_S);
    if (!here.told)
        tell(LOG_WARNING, "spam.rspamd_fails", problem);
    here.told = true;
}

error spam_rspamd_judge(const struct spam_mail *mail, struct arena *arena,
                        struct spam_verdict *verdict, enum spam_action *out_action)
{
    const struct spam_settings *settings = here.settings;
    struct http_client_answer answer;
    if (!here.connections)
        return error_make(ERROR_BUG, "rspamd is asked where it was not started");
    if (mail->message.size > settings->rspamd_size_max) {
        metric_add(&too_large_total, 1);
        return error_make(ERROR_LIMIT, "larger than spam.rspamd_size_max");
    }
    if (is_spared()) {
        metric_add(&spared_total, 1);
        return error_make(ERROR_TEMPORARY, "rspamd failed again and again, and is left alone");
    }
    bool ill = false;
    error problem = ask(settings, mail, arena, &answer, &ill);
    if (!failed(problem))
        problem = spam_rspamd_answer_parse(answer.body, arena, verdict, out_action);
    if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_PERMANENT)
        problem = error_make(ERROR_TEMPORARY, problem.text);
    remember(problem, ill);
    return problem;
}

/* https://docs.rspamd.com/developers/protocol: the controller; 208 for what it knows */
error spam_rspamd_learn(const struct spam_settings *settings, slice message, bool is_spam,
                        struct arena *arena, bool *out_known)
{
    struct fields fields = {.arena = arena};
    struct http_client_answer answer;
    struct http_client_request request = {
        .method = "POST",
        .content_type = SLICE("message/rfc822"),
        .body = message,
        .size_max = SPAM_RSPAMD_ANSWER_SIZE_MAX,
        .deadline = time_after(settings->timeout),
    };
    TRY(address_request(settings->rspamd_controller_url, is_spam ? "learnspam" : "learnham", arena,
                        &request));
    TRY(add_field(&fields, "Password", settings->rspamd_password));
    request.fields = fields.rows;
    request.field_count = fields.count;
    TRY(http_client_ask(&request, arena, &answer));
    if (answer.status != 200 && answer.status != 208)
        return error_make(ERROR_TEMPORARY, "rspamd's controller does not learn");
    *out_known = answer.status == 208;
    return OK;
}
