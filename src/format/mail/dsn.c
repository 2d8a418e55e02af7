/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/dsn.h"

#include "base/utf8.h"
#include "format/mail/date.h"
#include "format/mail/dsn_part.h"
#include "format/mail/encoded.h"
#include "format/mail/header.h"
#include "format/text/quoted_printable.h"

enum { SUBJECT_SIZE_MAX = 150, MESSAGE_ID_SIZE_MAX = 900, LINE_SIZE_MAX = 998 };

/* What is told of the original, looked at once. */
struct original {
    slice header;  /* prefix and header of the body, joined; without the empty line */
    slice subject; /* decoded */
    slice date;
    slice message_id; /* with its brackets; empty: none that can be named */
    bool header_ascii;
    bool header_fit; /* may stand as it is: CRLF only, no NUL, no endless line */
    bool full;
    bool body_ascii;
};

static bool is_msg_id(slice id)
{
    if (id.size < 3 || id.size > MESSAGE_ID_SIZE_MAX || id.data[0] != '<' ||
        id.data[id.size - 1] != '>')
        return false;
    for (size_t i = 0; i < id.size; i++)
        if (id.data[i] <= ' ' || id.data[i] == 0x7f) /* also what is not ASCII */
            return false;
    return true;
}

/* RFC 2046 5.2.1, RFC 5322 2.1.1 */
static bool is_fit(slice text)
{
    size_t line = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\r' && i + 1 < text.size && text.data[i + 1] == '\n') {
            line = 0;
            i++;
        } else if (text.data[i] == '\0' || text.data[i] == '\r' || text.data[i] == '\n' ||
                   ++line > LINE_SIZE_MAX) {
            return false;
        }
    }
    return true;
}

/* Prefix and header in one piece, at most DSN_HEADER_SIZE_MAX, whole lines. */
static error join_header(const struct dsn *dsn, struct arena *arena, slice *out_header)
{
    slice header = slice_sub(dsn->body, 0, mail_header_size(dsn->body));
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field))
        ;
    header.size = iterator.at; /* without the empty line */
    slice prefix = slice_sub(dsn->prefix, 0, DSN_HEADER_SIZE_MAX);
    header = slice_sub(header, 0, DSN_HEADER_SIZE_MAX - prefix.size);
    ptrdiff_t end = slice_find_last_byte(header, '\n');
    if (header.size > 0 && end >= 0)
        header.size = (size_t)end + 1;
    char *joined = arena_alloc_bytes(arena, prefix.size + header.size + 1);
    TRY_MEMORY(joined);
    memcpy(joined, prefix.size ? prefix.data : "", prefix.size);
    memcpy(joined + prefix.size, header.size ? header.data : "", header.size);
    *out_header = slice_of(joined, prefix.size + header.size);
    return OK;
}

static error look_at(const struct dsn *dsn, struct arena *arena, struct original *o)
{
    slice value;
    *o = (struct original){0};
    TRY(join_header(dsn, arena, &o->header));
    if (mail_header_find(o->header, SLICE("Subject"), &value)) {
        TRY(mail_encoded_decode(arena, value, &o->subject));
        while (o->subject.size > SUBJECT_SIZE_MAX ||
               (o->subject.size > 0 && !utf8_is_valid(o->subject)))
            o->subject.size--; /* cut between characters */
    }
    if (mail_header_find(o->header, SLICE("Date"), &value))
        TRY(mail_header_unfold(arena, value, &o->date));
    if (mail_header_find(o->header, SLICE("Message-ID"), &value) && is_msg_id(slice_trim(value)))
        o->message_id = slice_trim(value);
    o->header_ascii = utf8_is_ascii(o->header);
    o->header_fit = is_fit(o->header);
    o->full = dsn->full && is_fit(dsn->prefix) && is_fit(dsn->body);
    o->body_ascii = utf8_is_ascii(dsn->body);
    return OK;
}

/* RFC 6533 4: the message/global forms, where there is anything that needs them. */
static bool needs_utf8(const struct dsn *dsn, const struct original *o)
{
    if (!dsn->utf8)
        return false;
    if (!utf8_is_ascii(dsn->to) || (!o->header_ascii && utf8_is_valid(o->header)))
        return true;
    for (unsigned i = 0; i < dsn->count; i++)
        if (!utf8_is_ascii(dsn->recipients[i].final_address) ||
            !utf8_is_ascii(dsn->recipients[i].original_address))
            return true;
    return false;
}

/* The subject in the language, then the original's. */
static void write_subject(const struct dsn *dsn, const struct original *o, struct buffer *out)
{
    struct buffer subject;
    buffer_init(&subject, SUBJECT_SIZE_MAX + 2 * DSN_VALUE_SIZE_MAX);
    if (dsn->note.size > 0) {
        dsn_add_clean(&subject, dsn->note, false, DSN_VALUE_SIZE_MAX);
        buffer_add_string(&subject, ": ");
    }
    buffer_add_string(&subject, dsn_texts[dsn->language].actions[dsn->action].subject);
    if (o->subject.size > 0) {
        buffer_add_string(&subject, ": ");
        dsn_add_clean(&subject, o->subject, true, SUBJECT_SIZE_MAX);
    }
    buffer_add_string(out, "Subject: ");
    mail_encoded_write(out, buffer_slice(&subject));
    buffer_add_string(out, "\r\n");
    buffer_close(&subject);
}

static void write_header(const struct dsn *dsn, const struct original *o,
                         const struct dsn_needs *needs, struct buffer *out)
{
    buffer_add_string(out, "Date: ");
    mail_date_write(out, dsn->now, 0);
    buffer_add_string(out, "\r\nFrom: Mail Delivery System <");
    dsn_add_clean(out, dsn->from, needs->utf8, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, ">\r\nTo: <");
    dsn_add_clean(out, dsn->to, needs->utf8, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, ">\r\n");
    write_subject(dsn, o, out);
    buffer_format(out, "Message-ID: <%.*s@", SLICE_ARG(dsn->unique));
    dsn_add_clean(out, dsn->reporting_mta, false, DSN_VALUE_SIZE_MAX);
    buffer_add_string(out, ">\r\n");
    if (o->message_id.size > 0) /* RFC 5322 3.6.4 */
        buffer_format(out, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", SLICE_ARG(o->message_id),
                      SLICE_ARG(o->message_id));
    buffer_format(out,
                  "Auto-Submitted: auto-replied\r\n" /* RFC 3834 5 */
                  "MIME-Version: 1.0\r\n"
                  "Content-Type: multipart/report; report-type=%s;\r\n" /* RFC 6522 3 */
                  "\tboundary=\"=_%.*s\"\r\n",
                  needs->utf8 ? "global-delivery-status" : "delivery-status",
                  SLICE_ARG(dsn->unique));
    if (needs->eight_bit)
        buffer_add_string(out, "Content-Transfer-Encoding: 8bit\r\n");
    buffer_add_string(out, "\r\n");
}

/* At the start of a line; the line end before it is its own (RFC 2046 5.1.1). */
static void write_boundary(const struct dsn *dsn, const char *end, struct buffer *out)
{
    buffer_format(out, "--=_%.*s%s\r\n", SLICE_ARG(dsn->unique), end);
}

/* In the reader's language, and then for whomever he asks for help. */
static error write_words(const struct dsn *dsn, const struct original *o, struct buffer *out)
{
    struct buffer words;
    buffer_init(&words, DSN_FRAME_SIZE_MAX);
    dsn_words_write(dsn, dsn->language, o->subject, o->date, o->full, &words);
    if (dsn->language != DSN_ENGLISH) {
        buffer_add_string(&words, "\r\n* * *\r\n\r\n");
        dsn_words_write(dsn, DSN_ENGLISH, o->subject, o->date, o->full, &words);
    }
    buffer_format(out,
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "Content-Transfer-Encoding: quoted-printable\r\n"
                  "Content-Language: %s%s\r\n\r\n",
                  dsn_texts[dsn->language].code, dsn->language != DSN_ENGLISH ? ", en" : "");
    quoted_printable_encode(out, buffer_slice(&words));
    error problem = buffer_check(&words);
    buffer_close(&words);
    return problem;
}

/* RFC 6522 4, RFC 6533 4 */
static void write_original(const struct dsn *dsn, const struct original *o,
                           const struct dsn_needs *needs, struct buffer *out)
{
    if (o->full) {
        bool eight_bit = !o->header_ascii || !o->body_ascii;
        buffer_format(out, "Content-Type: message/%s\r\nContent-Transfer-Encoding: %s\r\n\r\n",
                      needs->utf8 && !o->header_ascii ? "global" : "rfc822",
                      eight_bit ? "8bit" : "7bit");
        buffer_add(out, dsn->prefix);
        buffer_add(out, dsn->body);
        return;
    }
    if (o->header_ascii && o->header_fit) {
        buffer_add_string(out, "Content-Type: text/rfc822-headers\r\n"
                               "Content-Transfer-Encoding: 7bit\r\n\r\n");
        buffer_add(out, o->header);
    } else if (needs->utf8 && o->header_fit && utf8_is_valid(o->header)) {
        buffer_add_string(out, "Content-Type: message/global-headers\r\n"
                               "Content-Transfer-Encoding: 8bit\r\n\r\n");
        buffer_add(out, o->header);
    } else {
        buffer_add_string(out, "Content-Type: text/rfc822-headers\r\n"
                               "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        quoted_printable_encode(out, o->header);
    }
}

error dsn_write(const struct dsn *dsn, struct arena *arena, struct buffer *out,
                struct dsn_needs *out_needs)
{
    struct original original;
    TRY(look_at(dsn, arena, &original));
    struct dsn_needs needs = {.utf8 = needs_utf8(dsn, &original)};
    needs.eight_bit =
        needs.utf8 || (original.full && (!original.header_ascii || !original.body_ascii));
    write_header(dsn, &original, &needs, out);
    write_boundary(dsn, "", out);
    TRY(write_words(dsn, &original, out));
    buffer_add_string(out, "\r\n");
    write_boundary(dsn, "", out);
    buffer_format(out, "Content-Type: message/%s\r\n%s\r\n",
                  needs.utf8 ? "global-delivery-status" : "delivery-status",
                  needs.utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
    dsn_fields_write(dsn, needs.utf8, out);
    buffer_add_string(out, "\r\n");
    write_boundary(dsn, "", out);
    write_original(dsn, &original, &needs, out);
    buffer_add_string(out, "\r\n");
    write_boundary(dsn, "--", out);
    *out_needs = needs;
    return OK;
}
