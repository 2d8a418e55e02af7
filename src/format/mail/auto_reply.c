/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/auto_reply.h"

#include "base/utf8.h"
#include "format/mail/address.h"
#include "format/mail/date.h"
#include "format/mail/encoded.h"
#include "format/mail/header.h"
#include "format/text/quoted_printable.h"

/* ---- May it be answered? ---- */

/* RFC 3834 2, RFC 5230 4.6: who is no person. */
static bool is_machine(slice sender)
{
    static const char *const names[] = {"mailer-daemon", "listserv",   "majordomo",   "noreply",
                                        "no-reply",      "donotreply", "do-not-reply"};
    slice local, domain;
    if (!slice_cut_last(sender, '@', &local, &domain))
        local = sender;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (slice_equal_nocase(local, slice_from_string(names[i])))
            return true;
    return slice_starts_nocase(local, SLICE("owner-")) ||
           (local.size > 8 &&
            slice_equal_nocase(slice_from(local, local.size - 8), SLICE("-request")));
}

static slice first_word(slice value)
{
    slice word, rest;
    slice_cut(slice_trim(value), ';', &word, &rest);
    slice_cut(slice_trim(word), ' ', &word, &rest);
    slice_cut(word, '(', &word, &rest);
    return word;
}

const char *mail_auto_reply_refusal(slice sender, slice header)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    if (sender.size == 0)
        return "the mail has no sender";
    if (is_machine(sender))
        return "its sender is a machine";
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        slice word = first_word(field.value);
        if (slice_starts_nocase(field.name, SLICE("List-")))
            return "it came over a list";
        if (slice_equal_nocase(field.name, SLICE("Auto-Submitted")) &&
            !slice_equal_nocase(word, SLICE("no")))
            return "a machine submitted it";
        if (slice_equal_nocase(field.name, SLICE("Precedence")) &&
            (slice_equal_nocase(word, SLICE("bulk")) || slice_equal_nocase(word, SLICE("junk")) ||
             slice_equal_nocase(word, SLICE("list"))))
            return "it is bulk mail";
        if (slice_equal_nocase(field.name, SLICE("X-Auto-Response-Suppress")) &&
            (slice_find_nocase(field.value, SLICE("All")) >= 0 ||
             slice_find_nocase(field.value, SLICE("OOF")) >= 0))
            return "its sender asks for no answers";
    }
    return NULL;
}

static bool names_recipients(slice name)
{
    if (slice_starts_nocase(name, SLICE("Resent-")))
        name = slice_from(name, 7);
    return slice_equal_nocase(name, SLICE("To")) || slice_equal_nocase(name, SLICE("Cc")) ||
           slice_equal_nocase(name, SLICE("Bcc"));
}

static bool is_one_of(const struct mail_address *address, const slice *addresses, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        slice local, domain;
        if (slice_cut_last(addresses[i], '@', &local, &domain) &&
            slice_equal_nocase(address->local, local) &&
            slice_equal_nocase(address->domain, domain))
            return true;
    }
    return false;
}

error mail_auto_reply_is_addressed(slice header, const slice *addresses, unsigned count,
                                   struct arena *arena, bool *out_addressed)
{
    struct mail_header_iterator iterator;
    struct mail_header_field field;
    *out_addressed = false;
    mail_header_begin(&iterator, header);
    while (mail_header_next(&iterator, &field)) {
        struct mail_address *address;
        if (!names_recipients(field.name))
            continue;
        TRY(mail_address_parse(arena, field.value, &address));
        for (; address; address = address->next)
            if (address->kind == MAIL_ADDRESS_MAILBOX && is_one_of(address, addresses, count)) {
                *out_addressed = true;
                return OK;
            }
    }
    return OK;
}

/* ---- The answer ---- */

/* A value of ours in a field: nothing in it may begin another field. */
static void write_value(slice value, struct buffer *out)
{
    for (size_t i = 0; i < value.size; i++)
        buffer_add_byte(out, (unsigned char)value.data[i] < 0x20 ? ' ' : value.data[i]);
}

static void write_subject(slice given, slice original, struct buffer *out)
{
    struct buffer text;
    buffer_init(&text, 4096);
    if (given.size == 0)
        buffer_add(&text, SLICE("Auto: "));
    size_t most = MAIL_AUTO_REPLY_SUBJECT_SIZE_MAX;
    write_value(given.size ? slice_sub(given, 0, 2 * most) : slice_sub(original, 0, most), &text);
    /* A character that was cut in two would make it no UTF-8. */
    while (text.size > 0 && !utf8_is_valid(buffer_slice(&text)))
        text.size--;
    buffer_add(out, SLICE("Subject: "));
    mail_encoded_write(out, buffer_slice(&text));
    buffer_add(out, SLICE("\r\n"));
    buffer_close(&text);
}

/* RFC 5322 3.6.4: the mail's references and the mail itself; folded as they came. */
static error write_references(const struct mail_auto_reply *reply, struct arena *arena,
                              struct buffer *out)
{
    slice id, references;
    if (!mail_header_find(reply->header, SLICE("Message-ID"), &id))
        return OK;
    TRY(mail_header_unfold(arena, id, &id));
    if (id.size == 0 || id.size > 900 || id.data[0] != '<')
        return OK;
    buffer_add(out, SLICE("In-Reply-To: "));
    write_value(id, out);
    buffer_add(out, SLICE("\r\nReferences:"));
    if (mail_header_find(reply->header, SLICE("References"), &references) &&
        references.size <= MAIL_AUTO_REPLY_REFERENCES_SIZE_MAX) {
        TRY(mail_header_unfold(arena, references, &references));
        slice word;
        while (slice_cut(references, ' ', &word, &references), word.size || references.size) {
            if (word.size == 0 || word.size > 900)
                continue;
            buffer_add(out, SLICE(" "));
            write_value(word, out);
            buffer_add(out, SLICE("\r\n"));
        }
    }
    buffer_add(out, SLICE(" "));
    write_value(id, out);
    buffer_add(out, SLICE("\r\n"));
    return OK;
}

/* Lines that end in CRLF, whatever they ended in. */
static void write_lines(slice text, struct buffer *out)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '\n' || text.data[i] == '\r') {
            i += text.data[i] == '\r' && i + 1 < text.size && text.data[i + 1] == '\n';
            buffer_add(out, SLICE("\r\n"));
        } else {
            buffer_add_byte(out, text.data[i]);
        }
    }
    if (text.size == 0 || (text.data[text.size - 1] != '\n' && text.data[text.size - 1] != '\r'))
        buffer_add(out, SLICE("\r\n"));
}

static void write_text(slice text, struct buffer *out)
{
    struct buffer lines;
    buffer_add(out, SLICE("Content-Type: text/plain; charset=utf-8\r\n"
                          "Content-Transfer-Encoding: quoted-printable\r\n\r\n"));
    buffer_init(&lines, MAIL_AUTO_REPLY_SIZE_MAX);
    write_lines(text, &lines);
    out->overflow |= lines.overflow;
    quoted_printable_encode(out, buffer_slice(&lines));
    buffer_close(&lines);
}

error mail_auto_reply_write(const struct mail_auto_reply *reply, struct arena *arena,
                            struct buffer *out)
{
    slice subject = SLICE_EMPTY;
    if (reply->subject.size == 0 && mail_header_find(reply->header, SLICE("Subject"), &subject))
        TRY(mail_encoded_decode(arena, subject, &subject));
    buffer_add(out, SLICE("From: "));
    write_value(reply->from, out);
    buffer_add(out, SLICE("\r\nTo: "));
    write_value(reply->to, out);
    buffer_add(out, SLICE("\r\n"));
    write_subject(reply->subject, subject, out);
    buffer_add(out, SLICE("Date: "));
    mail_date_write(out, reply->now, 0);
    buffer_format(out, "\r\nMessage-ID: %.*s\r\n", SLICE_ARG(reply->message_id));
    TRY(write_references(reply, arena, out));
    /* RFC 3834 5, RFC 5230 5.6 */
    buffer_format(out, "Auto-Submitted: %s", reply->submitted ? reply->submitted : "auto-replied");
    buffer_add(out, SLICE("\r\nPrecedence: bulk\r\nMIME-Version: 1.0\r\n"));
    if (reply->mime)
        write_lines(reply->text, out);
    else
        write_text(reply->text, out);
    return buffer_check(out);
}
