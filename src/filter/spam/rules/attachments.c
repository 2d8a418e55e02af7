/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is attached: by name, by the first bytes, and for ZIP archives by the names in them. Of a
 * name without end the end counts: there stands what a program would be known by.
 */
#include "filter/spam/rules.h"
#include "filter/spam/zip.h"

enum attachment_limits {
    ATTACHMENTS_MAX = 64,        /* that are looked at */
    ATTACHMENT_HEAD_SIZE = 2048, /* encoded bytes that tell the type */
    NAME_SIZE_MAX = 4096,        /* bytes of a name as written: 255 letters of any kind have less */
    CHARSET_SIZE_MAX = 100,      /* bytes before the second ' of a name (RFC 2231 4) */
    ARCHIVE_SIZE_MAX = 8 << 20,  /* encoded bytes of all archives that are looked into */
    MEMORY_MAX = 10 << 20,       /* bytes, for what one of them needs */
};

static const char *const programs[] = {
    "exe", "scr", "pif", "com", "bat",  "cmd", "vbs", "vbe", "js",  "jse", "wsf",
    "wsh", "hta", "lnk", "msi", "ps1",  "jar", "cpl", "reg", "iso", "img", "vhd",
    "apk", "dll", "chm", "url", "vhdx", "sct", "xll", "msc", "udl", "one", "ace",
};
static const char *const macro_documents[] = {"docm", "xlsm", "pptm", "dotm", "xltm", "xlam"};
/* What a name shows in front of its true extension. */
static const char *const documents[] = {"pdf", "doc",  "docx", "xls", "xlsx", "ppt", "txt",
                                        "jpg", "jpeg", "png",  "gif", "rtf",  "csv", "zip"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_one_of(slice text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (slice_equal_nocase(text, slice_from_string(names[i])))
            return true;
    return false;
}

static slice extension_of(slice name)
{
    slice left, extension;
    return slice_cut_last(slice_trim(name), '.', &left, &extension) ? extension : SLICE_EMPTY;
}

static bool is_program(slice name)
{
    return is_one_of(extension_of(name), programs, COUNT(programs));
}

static bool is_double(slice name)
{
    slice left, extension;
    if (!slice_cut_last(slice_trim(name), '.', &left, &extension))
        return false;
    /* "invoice.pdf      .exe" hides the second by blanks */
    return is_program(name) && is_one_of(extension_of(left), documents, COUNT(documents));
}

enum content {
    CONTENT_UNKNOWN,
    CONTENT_PROGRAM,
    CONTENT_ZIP,
    CONTENT_RAR,
    CONTENT_RAR_LOCKED,
    CONTENT_PDF,
    CONTENT_IMAGE,
    CONTENT_HTML,
};

/* RAR 5: a first block of type 4 encrypts all others; RAR 4: the archive's header says so. */
static enum content rar_of(slice head)
{
    if (slice_starts(head, SLICE("Rar!\x1a\x07\x01\x00")) && head.size > 14)
        return head.data[13] == 4 || head.data[14] == 4 ? CONTENT_RAR_LOCKED : CONTENT_RAR;
    if (slice_starts(head, SLICE("Rar!\x1a\x07\x00")) && head.size > 11)
        return head.data[10] & (char)0x80 ? CONTENT_RAR_LOCKED : CONTENT_RAR;
    return CONTENT_RAR;
}

static enum content content_of(slice head)
{
    if (slice_starts(head, SLICE("MZ")) && head.size >= 64 && slice_find_byte(head, '\0') >= 0)
        return CONTENT_PROGRAM;
    if (slice_starts(head, SLICE("\x7f"
                                 "ELF")))
        return CONTENT_PROGRAM;
    if (slice_starts(head, SLICE("PK\3\4")))
        return CONTENT_ZIP;
    if (slice_starts(head, SLICE("Rar!")))
        return rar_of(head);
    if (slice_starts(head, SLICE("%PDF-")))
        return CONTENT_PDF;
    if (slice_starts(head, SLICE("\x89PNG")) || slice_starts(head, SLICE("\xff\xd8\xff")) ||
        slice_starts(head, SLICE("GIF8")))
        return CONTENT_IMAGE;
    slice text = slice_trim(head);
    if (slice_starts_nocase(text, SLICE("<!doctype html")) ||
        slice_starts_nocase(text, SLICE("<html")))
        return CONTENT_HTML;
    return CONTENT_UNKNOWN;
}

struct attachment {
    const struct mime_part *part;
    slice name;
    slice head;
    enum content content;
};

static void look_into_zip(struct spam_scan *scan, const struct attachment *attachment,
                          struct arena *arena, size_t *budget)
{
    slice bytes;
    struct zip_reader reader;
    struct zip_entry entry;
    if (attachment->part->body_size > *budget)
        return;
    *budget -= attachment->part->body_size;
    if (failed(mime_part_decode(arena, scan->message, attachment->part, &bytes)) ||
        failed(zip_open(bytes, &reader)))
        return;
    while (zip_next(&reader, &entry)) {
        if (is_program(entry.name))
            SPAM_ADD(scan, ARCHIVE_EXECUTABLE, entry.name);
        if (entry.encrypted)
            SPAM_ADD(scan, ARCHIVE_ENCRYPTED, attachment->name);
        if (slice_ends(entry.name, SLICE("vbaProject.bin")))
            SPAM_ADD(scan, ATTACHMENT_MACROS, attachment->name);
    }
}

static void judge_name(struct spam_scan *scan, const struct attachment *attachment)
{
    slice name = attachment->name, extension = extension_of(name);
    if (is_double(name))
        SPAM_ADD(scan, ATTACHMENT_DOUBLE, name);
    if (is_program(name))
        SPAM_ADD(scan, ATTACHMENT_EXECUTABLE, name);
    else if (attachment->content == CONTENT_PROGRAM)
        SPAM_ADD(scan, ATTACHMENT_DISGUISED, name);
    if (is_one_of(extension, macro_documents, COUNT(macro_documents)))
        SPAM_ADD(scan, ATTACHMENT_MACROS, name);
    static const char *const pages[] = {"html", "htm", "shtml", "xhtml", "svg", "mht"};
    if (is_one_of(extension, pages, COUNT(pages)))
        SPAM_ADD(scan, ATTACHMENT_HTML, name);
}

static bool claims_image(const struct attachment *attachment)
{
    static const char *const images[] = {"png", "jpg", "jpeg", "gif"};
    return slice_equal_nocase(attachment->part->type, SLICE("image")) ||
           is_one_of(extension_of(attachment->name), images, COUNT(images));
}

static bool claims_pdf(const struct attachment *attachment)
{
    return slice_equal_nocase(attachment->part->subtype, SLICE("pdf")) ||
           slice_equal_nocase(extension_of(attachment->name), SLICE("pdf"));
}

static void judge_content(struct spam_scan *scan, const struct attachment *attachment)
{
    enum content content = attachment->content;
    if (content == CONTENT_RAR_LOCKED)
        SPAM_ADD(scan, ARCHIVE_ENCRYPTED, attachment->name);
    bool other = (claims_pdf(attachment) && content != CONTENT_PDF) ||
                 (claims_image(attachment) && content != CONTENT_IMAGE);
    if (other && content != CONTENT_UNKNOWN && content != CONTENT_PROGRAM)
        SPAM_ADD(scan, ATTACHMENT_MISMATCH, attachment->name);
}

/* RFC 2231 4: charset'language'text. How much of it stands before the text. */
static size_t charset_size(const struct mime_parameter *parameter)
{
    slice head = slice_sub(parameter->value, 0, CHARSET_SIZE_MAX);
    if (!slice_ends(parameter->name, SLICE("*")))
        return 0;
    ptrdiff_t first = slice_find_byte(head, '\'');
    ptrdiff_t second = first < 0 ? -1 : slice_find_byte(slice_from(head, (size_t)first + 1), '\'');
    return second < 0 ? 0 : (size_t)first + 1 + (size_t)second + 1;
}

/* The same parameters, of those that are too long only the end. */
static error cut_parameters(struct arena *arena, const struct mime_parameter *all,
                            struct mime_parameter **out_first, bool *out_cut)
{
    struct mime_parameter **tail = out_first;
    *out_first = NULL;
    for (; all; all = all->next) {
        struct mime_parameter *one = ARENA_NEW(arena, struct mime_parameter);
        TRY_MEMORY(one);
        *one = (struct mime_parameter){.name = all->name, .value = all->value};
        if (all->value.size > NAME_SIZE_MAX) {
            slice end = slice_from(all->value, all->value.size - NAME_SIZE_MAX);
            TRY(arena_format(arena, &one->value, "%.*s%.*s", (int)charset_size(all),
                             all->value.data, SLICE_ARG(end)));
            *out_cut = true;
        }
        *tail = one;
        tail = &one->next;
    }
    return OK;
}

static bool is_named(const struct mime_parameter *parameter, slice name)
{
    slice have = parameter->name;
    if (slice_ends(have, SLICE("*")))
        have.size--;
    return slice_equal(have, name);
}

static bool is_long(const struct mime_parameter *parameter, slice name)
{
    for (; parameter; parameter = parameter->next)
        if (parameter->value.size > NAME_SIZE_MAX && is_named(parameter, name))
            return true;
    return false;
}

static error read_name(struct arena *arena, const struct mime_part *part, slice *out_name,
                       bool *out_cut)
{
    struct mime_part cut = *part;
    *out_cut = is_long(part->disposition_parameters, SLICE("filename")) ||
               is_long(part->parameters, SLICE("name"));
    if (!*out_cut)
        return mime_part_file_name(arena, part, out_name);
    TRY(cut_parameters(arena, part->disposition_parameters, &cut.disposition_parameters, out_cut));
    TRY(cut_parameters(arena, part->parameters, &cut.parameters, out_cut));
    return mime_part_file_name(arena, &cut, out_name);
}

static bool is_attachment(const struct mime_part *part, slice name)
{
    return part->kind == MIME_KIND_LEAF &&
           (name.size > 0 || slice_equal_nocase(part->disposition, SLICE("attachment")) ||
            !(slice_equal_nocase(part->type, SLICE("text")) ||
              slice_equal_nocase(part->type, SLICE("multipart"))));
}

static void judge(struct spam_scan *scan, const struct mime_part *part, slice name,
                  struct arena *arena, size_t *budget)
{
    struct attachment attachment = {.part = part, .name = name};
    struct mime_part head = *part;
    if (head.body_size > ATTACHMENT_HEAD_SIZE)
        head.body_size = ATTACHMENT_HEAD_SIZE;
    error problem = mime_part_decode(arena, scan->message, &head, &attachment.head);
    attachment.content = failed(problem) ? CONTENT_UNKNOWN : content_of(attachment.head);
    judge_name(scan, &attachment);
    judge_content(scan, &attachment);
    if (attachment.content == CONTENT_ZIP)
        look_into_zip(scan, &attachment, arena, budget);
}

error spam_rule_attachments(struct spam_scan *scan)
{
    TRY(spam_scan_mime(scan));
    struct arena arena; /* of one attachment at a time: none takes the memory of all */
    size_t budget = ARCHIVE_SIZE_MAX;
    unsigned count = 0;
    arena_init(&arena, MEMORY_MAX);
    for (const struct mime_part *part = scan->mime.root; part; part = mime_part_walk(part)) {
        slice name = SLICE_EMPTY;
        bool cut = false;
        if (failed(read_name(&arena, part, &name, &cut)))
            arena_reset(&arena);
        if (cut)
            SPAM_ADD(scan, ATTACHMENT_NAME_HUGE, SLICE_EMPTY);
        bool is_one = is_attachment(part, name);
        if (is_one && count++ == ATTACHMENTS_MAX) {
            SPAM_ADD(scan, ATTACHMENTS_MANY, SLICE_EMPTY);
            break;
        }
        if (is_one)
            judge(scan, part, name, &arena, &budget);
        arena_reset(&arena);
    }
    arena_close(&arena);
    return OK;
}
