/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/pop3/uidl.h"

#include "base/cursor.h"

enum { WIDTH_MAX = 20 };

/* One step of the format: a letter behind %, or a byte as it is (letter 0). */
struct step {
    char letter, byte;
    bool zero, hex;
    unsigned width;
};

static bool take_step(struct cursor *c, struct step *out_step)
{
    uint64_t width = 0;
    *out_step = (struct step){0};
    if (cursor_done(c))
        return false;
    out_step->byte = *c->at++;
    if (out_step->byte != '%')
        return true;
    if (cursor_take_byte(c, '%'))
        return true;
    out_step->zero = cursor_peek(c) == '0';
    if (cursor_take_u64(c, WIDTH_MAX, &width))
        out_step->width = (unsigned)width;
    out_step->hex = cursor_take_byte(c, 'X');
    out_step->letter = cursor_done(c) ? '?' : *c->at++;
    return true;
}

error pop3_uidl_check(slice format)
{
    struct cursor c = cursor_over(format);
    struct step step;
    bool tells = false;
    size_t size = 0; /* the longest there can be, but for file names */
    if (format.size > POP3_UIDL_FORMAT_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the format is too long");
    while (take_step(&c, &step)) {
        size_t digits = step.letter == 0 || step.letter == 'f' ? 1 : step.hex ? 8 : 10;
        size += step.zero && step.width > digits ? step.width : digits;
        tells = tells || step.letter == 'u' || step.letter == 'f';
        if (step.letter != 0 && step.letter != 'u' && step.letter != 'v' && step.letter != 'f')
            return error_make(ERROR_MALFORMED, "knows %u, %v, %f and %%");
        if (step.letter == 0 && (step.byte < 0x21 || step.byte > 0x7e)) /* RFC 1939 7 */
            return error_make(ERROR_MALFORMED, "only visible ASCII may stand in it");
    }
    if (size > POP3_UIDL_SIZE_MAX)
        return error_make(ERROR_LIMIT, "ids would be longer than 70 bytes");
    return tells ? OK : error_make(ERROR_MALFORMED, "needs %u or %f, else all ids are alike");
}

/* Without a zero before it a width only cuts in Dovecot's words, and no number is cut here. */
static void write_number(const struct step *step, uint32_t number, struct buffer *out)
{
    int width = step->zero ? (int)step->width : 0;
    if (step->hex)
        buffer_format(out, "%0*x", width, number);
    else
        buffer_format(out, "%0*u", width, number);
}

void pop3_uidl_write(slice format, const struct pop3_uidl_parts *parts, struct buffer *out)
{
    struct cursor c = cursor_over(format);
    struct step step;
    while (take_step(&c, &step)) {
        if (step.letter == 0)
            buffer_add_byte(out, step.byte);
        else if (step.letter == 'f')
            buffer_add(out, parts->base_name);
        else
            write_number(&step, step.letter == 'u' ? parts->uid : parts->uid_validity, out);
    }
}
