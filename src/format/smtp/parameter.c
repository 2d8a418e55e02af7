/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/smtp/parameter.h"

#include "format/mail/date.h"
#include "format/smtp/xtext.h"

#include "base/utf8.h"

/* How a value is read. Each returns false where it is malformed. */
struct reading {
    struct arena *arena;
    slice value;
    bool has_value;
    struct smtp_mail *mail;
    struct smtp_rcpt *rcpt;
    unsigned offered;
};

struct parameter_row {
    const char *keyword;
    unsigned needs; /* enum smtp_parameter bits, all of them */
    bool (*read)(struct reading *r);
};

static bool take_number(slice text, uint64_t max, uint64_t *out_number)
{
    struct cursor c = cursor_over(text);
    return cursor_take_u64(&c, max, out_number) && cursor_done(&c);
}

/* RFC 1870 6: up to 20 digits; what does not fit in 64 bits is surely too large, not malformed. */
static bool read_size(struct reading *r)
{
    if (r->value.size == 0 || r->value.size > 20)
        return false;
    for (size_t i = 0; i < r->value.size; i++)
        if (!ascii_is_digit(r->value.data[i]))
            return false;
    if (!take_number(r->value, UINT64_MAX, &r->mail->size))
        r->mail->size = UINT64_MAX;
    return true;
}

static bool read_body(struct reading *r)
{
    if (slice_equal_nocase(r->value, SLICE("7BIT")))
        r->mail->body = SMTP_BODY_7BIT;
    else if (slice_equal_nocase(r->value, SLICE("8BITMIME")))
        r->mail->body = SMTP_BODY_8BITMIME;
    else if (slice_equal_nocase(r->value, SLICE("BINARYMIME")) &&
             (r->offered & SMTP_PARAMETER_BINARYMIME))
        r->mail->body = SMTP_BODY_BINARYMIME;
    else
        return false;
    return true;
}

static bool read_utf8(struct reading *r)
{
    r->mail->utf8 = true;
    return !r->has_value;
}

static bool read_ret(struct reading *r)
{
    bool full = slice_equal_nocase(r->value, SLICE("FULL"));
    r->mail->ret = full ? SMTP_RETURN_FULL : SMTP_RETURN_HEADERS;
    return full || slice_equal_nocase(r->value, SLICE("HDRS"));
}

static bool read_envid(struct reading *r)
{
    return r->value.size && r->value.size <= SMTP_ENVID_SIZE_MAX &&
           !failed(smtp_xtext_decode(r->arena, r->value, &r->mail->envid));
}

/* RFC 4954 5: <> or an xtext mailbox. */
static bool read_auth(struct reading *r)
{
    if (slice_equal(r->value, SLICE("<>"))) {
        r->mail->auth = SLICE("");
        return true;
    }
    return r->value.size && r->value.size <= SMTP_ORCPT_SIZE_MAX &&
           !failed(smtp_xtext_decode(r->arena, r->value, &r->mail->auth));
}

static bool read_requiretls(struct reading *r)
{
    r->mail->require_tls = true;
    return !r->has_value;
}

static bool read_holdfor(struct reading *r)
{
    uint64_t seconds;
    if (!take_number(r->value, SMTP_HOLD_SECONDS_MAX, &seconds) || seconds == 0)
        return false;
    r->mail->hold_seconds = (int64_t)seconds;
    return true;
}

/* RFC 3339 5.6 ("2026-01-31T23:59:59Z", a fraction, "+01:30"), which RFC 4865's erratum 2040 says
 * is meant. */
static bool take_digits(struct cursor *c, unsigned count, char end, int *out_number)
{
    int number = 0;
    for (; count; count--, c->at++) {
        if (cursor_done(c) || !ascii_is_digit(*c->at))
            return false;
        number = number * 10 + (*c->at - '0');
    }
    *out_number = number;
    return !end || cursor_take_nocase(c, slice_of(&end, 1));
}

static bool take_zone(struct cursor *c, int *out_minutes)
{
    int hours, minutes;
    bool east = cursor_take_byte(c, '+');
    if (!east && !cursor_take_byte(c, '-')) {
        *out_minutes = 0;
        return cursor_take_nocase(c, SLICE("Z"));
    }
    if (!take_digits(c, 2, ':', &hours) || !take_digits(c, 2, 0, &minutes) || hours > 23 ||
        minutes > 59)
        return false;
    *out_minutes = (hours * 60 + minutes) * (east ? 1 : -1);
    return true;
}

static bool read_holduntil(struct reading *r)
{
    struct cursor c = cursor_over(r->value);
    struct mail_date_fields fields;
    int zone;
    if (!take_digits(&c, 4, '-', &fields.year) || !take_digits(&c, 2, '-', &fields.month) ||
        !take_digits(&c, 2, 'T', &fields.day) || !take_digits(&c, 2, ':', &fields.hour) ||
        !take_digits(&c, 2, ':', &fields.minute) || !take_digits(&c, 2, 0, &fields.second))
        return false;
    if (cursor_take_byte(&c, '.')) {
        const char *fraction = c.at;
        while (!cursor_done(&c) && ascii_is_digit(*c.at))
            c.at++;
        if (c.at == fraction)
            return false;
    }
    if (!mail_date_fields_valid(&fields) || !take_zone(&c, &zone) || !cursor_done(&c))
        return false;
    int64_t seconds = mail_date_join(&fields) - zone * 60;
    r->mail->hold_until = seconds > 0 ? seconds : 1; /* long ago */
    return true;
}

/* RFC 2852 4: ["-"] seconds ";" mode ["T"] */
static bool read_by(struct reading *r)
{
    struct cursor c = cursor_over(r->value);
    uint64_t seconds;
    bool minus = cursor_take_byte(&c, '-');
    if (!minus)
        cursor_take_byte(&c, '+');
    if (!cursor_take_u64(&c, SMTP_HOLD_SECONDS_MAX, &seconds) || !cursor_take_byte(&c, ';'))
        return false;
    char mode = ascii_upper((char)cursor_peek(&c));
    if (mode != 'N' && mode != 'R')
        return false;
    c.at++;
    r->mail->deliver_by = true;
    r->mail->deliver_by_seconds = minus ? -(int64_t)seconds : (int64_t)seconds;
    r->mail->deliver_by_mode = mode;
    r->mail->deliver_by_trace = cursor_take_nocase(&c, SLICE("T"));
    return cursor_done(&c) && !(mode == 'R' && (minus || seconds == 0)); /* returned before sent */
}

static bool read_priority(struct reading *r)
{
    struct cursor c = cursor_over(r->value);
    uint64_t number;
    bool minus = cursor_take_byte(&c, '-');
    /* RFC 6710 9: one digit, and no minus before 0 */
    if (r->value.size != 1u + minus || !cursor_take_u64(&c, 9, &number) || (minus && number == 0))
        return false;
    r->mail->priority = minus ? -(int)number : (int)number;
    return true;
}

/* RFC 3461 4.1: NEVER stands alone. */
static bool read_notify(struct reading *r)
{
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"SUCCESS", SMTP_NOTIFY_SUCCESS},
                 {"FAILURE", SMTP_NOTIFY_FAILURE},
                 {"DELAY", SMTP_NOTIFY_DELAY}};
    if (slice_equal_nocase(r->value, SLICE("NEVER"))) {
        r->rcpt->notify = SMTP_NOTIFY_NEVER;
        return true;
    }
    slice word, rest = r->value;
    for (bool more = true; more;) {
        unsigned bit = 0;
        more = slice_cut(rest, ',', &word, &rest);
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (slice_equal_nocase(word, slice_from_string(names[i].name)))
                bit = names[i].bit;
        if (!bit)
            return false;
        r->rcpt->notify |= bit;
    }
    return true;
}

/* RFC 3461 4.2: addr-type ";" xtext */
static bool read_orcpt(struct reading *r)
{
    slice type, address;
    if (r->value.size > SMTP_ORCPT_SIZE_MAX || !slice_cut(r->value, ';', &type, &address) ||
        type.size == 0 || address.size == 0)
        return false;
    for (size_t i = 0; i < type.size; i++)
        if (!ascii_is_alpha(type.data[i]) && !ascii_is_digit(type.data[i]) && type.data[i] != '-')
            return false;
    r->rcpt->orcpt_type = type;
    return !failed(smtp_xtext_decode(r->arena, address, &r->rcpt->orcpt_address));
}

static const struct parameter_row mail_rows[] = {
    {"SIZE", SMTP_PARAMETER_SIZE, read_size},
    {"BODY", SMTP_PARAMETER_BODY, read_body},
    {"SMTPUTF8", SMTP_PARAMETER_SMTPUTF8, read_utf8},
    {"RET", SMTP_PARAMETER_DSN, read_ret},
    {"ENVID", SMTP_PARAMETER_DSN, read_envid},
    {"AUTH", SMTP_PARAMETER_AUTH, read_auth},
    {"REQUIRETLS", SMTP_PARAMETER_REQUIRETLS, read_requiretls},
    {"HOLDFOR", SMTP_PARAMETER_FUTURERELEASE, read_holdfor},
    {"HOLDUNTIL", SMTP_PARAMETER_FUTURERELEASE, read_holduntil},
    {"BY", SMTP_PARAMETER_DELIVERBY, read_by},
    {"MT-PRIORITY", SMTP_PARAMETER_MT_PRIORITY, read_priority},
    {NULL, 0, NULL},
};

static const struct parameter_row rcpt_rows[] = {
    {"NOTIFY", SMTP_PARAMETER_DSN, read_notify},
    {"ORCPT", SMTP_PARAMETER_DSN, read_orcpt},
    {NULL, 0, NULL},
};

/* esmtp-param = keyword ["=" value]; RFC 6531 lets values hold UTF-8. */
static bool take_parameter(struct cursor *c, slice *out_keyword, struct reading *r)
{
    const char *start = c->at;
    while (c->at < c->end &&
           (ascii_is_alpha(*c->at) || ascii_is_digit(*c->at) || (*c->at == '-' && c->at != start)))
        c->at++;
    *out_keyword = (slice){start, (size_t)(c->at - start)};
    r->value = SLICE_EMPTY;
    r->has_value = cursor_take_byte(c, '=');
    if (r->has_value) {
        start = c->at;
        while (c->at < c->end && *c->at != ' ' && *c->at != '=')
            c->at++;
        r->value = (slice){start, (size_t)(c->at - start)};
    }
    return out_keyword->size && (cursor_done(c) || *c->at == ' ');
}

static enum smtp_reply read_all(struct cursor *c, const struct parameter_row *rows,
                                struct reading *r)
{
    unsigned seen = 0; /* each parameter stands once: the tables bound how many there are */
    while (!cursor_done(c)) {
        slice keyword;
        if (!cursor_take_byte(c, ' '))
            return SMTP_REPLY_BAD_PARAMETER;
        cursor_skip_blanks(c);
        if (cursor_done(c)) /* blanks at the end: many clients */
            break;
        if (!take_parameter(c, &keyword, r))
            return SMTP_REPLY_BAD_PARAMETER;
        unsigned i = 0;
        while (rows[i].keyword && !slice_equal_nocase(keyword, slice_from_string(rows[i].keyword)))
            i++;
        if (!rows[i].keyword || (rows[i].needs & r->offered) != rows[i].needs)
            return SMTP_REPLY_UNKNOWN_PARAMETER; /* RFC 5321 4.1.1.11: 555 */
        if ((seen & 1u << i) || !utf8_is_valid(r->value) || !rows[i].read(r))
            return SMTP_REPLY_BAD_PARAMETER;
        seen |= 1u << i;
    }
    return SMTP_REPLY_NONE;
}

enum smtp_reply smtp_parameters_mail(struct arena *arena, struct cursor *c, unsigned offered,
                                     struct smtp_mail *mail)
{
    struct reading r = {.arena = arena, .mail = mail, .offered = offered};
    enum smtp_reply reply = read_all(c, mail_rows, &r);
    if (reply == SMTP_REPLY_NONE && mail->hold_seconds && mail->hold_until)
        return SMTP_REPLY_BAD_PARAMETER; /* RFC 4865 4: one of them */
    return reply;
}

enum smtp_reply smtp_parameters_rcpt(struct arena *arena, struct cursor *c, unsigned offered,
                                     struct smtp_rcpt *rcpt)
{
    struct reading r = {.arena = arena, .rcpt = rcpt, .offered = offered};
    return read_all(c, rcpt_rows, &r);
}
