/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/spam/html.h"

#include "base/cursor.h"
#include "base/utf8.h"

enum { TINY_PIXELS = 3, NAME_ROOM = 16, SIZES_MAX = 16 };

/* An element that is hidden (or of a size), and how deep elements of its name stand in it. */
struct region {
    char name[NAME_ROOM];
    size_t name_size;
    unsigned depth; /* 0: none is open */
};

/* Newsletters set 0 around their boxes, so that blanks take no room, and a size to read within. */
struct sized {
    struct region region;
    bool tiny;
};

struct reading {
    struct arena *arena;
    struct spam_html *html;
    struct buffer visible;
    struct region hidden;
    struct sized sizes[SIZES_MAX]; /* the first is tiny; the last counts */
    unsigned size_count;
    bool in_link;
    size_t shown_start; /* in `visible` */
};

static inline bool same(slice a, slice b)
{
    return a.size == b.size && slice_equal_nocase(a, b);
}
#define name_is(name, literal) same((name), SLICE(literal))

static bool is_one_of(slice name, const slice *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (same(name, names[i]))
            return true;
    return false;
}
#define NAME(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }

/* Tags between which words do not touch. */
static bool breaks_words(slice name)
{
    static const slice names[] = {
        NAME("p"),  NAME("div"), NAME("br"),    NAME("td"),  NAME("tr"),   NAME("th"),
        NAME("li"), NAME("ul"),  NAME("ol"),    NAME("h1"),  NAME("h2"),   NAME("h3"),
        NAME("h4"), NAME("hr"),  NAME("table"), NAME("img"), NAME("body"),
    };
    return is_one_of(name, names, sizeof names / sizeof *names);
}

static bool is_void(slice name)
{
    static const char *const names[] = {"br",    "img",  "hr",   "meta", "link",
                                        "input", "area", "base", "col",  "wbr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name_is(name, names[i]))
            return true;
    return false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static size_t count_letters(slice text)
{
    size_t letters = 0;
    for (size_t i = 0; i < text.size; i++)
        letters += !is_blank(text.data[i]);
    return letters;
}

/* "color: red; display:none" one by one. */
static bool next_style(slice *rest, slice *out_name, slice *out_value)
{
    while (rest->size > 0) {
        slice one, name, value;
        slice_cut(*rest, ';', &one, rest);
        if (slice_cut(one, ':', &name, &value)) {
            *out_name = slice_trim(name);
            *out_value = slice_trim(value);
            return true;
        }
    }
    return false;
}

/* "0", "1px", "0.5em": a length below some pixels; em and % only where they are next to nothing. */
static bool is_tiny_length(slice value, unsigned pixels)
{
    struct cursor at = cursor_over(value);
    uint64_t whole = 0;
    bool fraction = false; /* above 0 */
    if (!cursor_take_u64(&at, 100000, &whole) && cursor_peek(&at) != '.')
        return false;
    if (cursor_take_byte(&at, '.'))
        for (; !cursor_done(&at) && ascii_is_digit(*at.at); at.at++)
            fraction |= *at.at != '0';
    if (fraction && whole == 0)
        return slice_starts_nocase(cursor_rest(&at), SLICE("px")) ||
               slice_starts_nocase(cursor_rest(&at), SLICE("pt"));
    slice unit = cursor_rest(&at);
    bool absolute =
        slice_starts_nocase(unit, SLICE("px")) || slice_starts_nocase(unit, SLICE("pt"));
    return whole == 0 || (absolute && whole < pixels) ||
           (slice_starts(unit, SLICE("%")) && whole < 10);
}

/* Whatever the size around it. */
static bool is_readable_length(slice value)
{
    return !is_tiny_length(value, TINY_PIXELS) && (slice_find_nocase(value, SLICE("px")) >= 0 ||
                                                   slice_find_nocase(value, SLICE("pt")) >= 0 ||
                                                   slice_find_nocase(value, SLICE("rem")) >= 0);
}

struct traits {
    bool hidden, tiny, readable, password, refresh;
    bool data; /* a script that is none: data for programs that read mail */
    slice href;
};

static void read_style(slice style, struct traits *traits)
{
    slice name, value, color = SLICE_EMPTY, ground = SLICE_EMPTY;
    bool no_height = false, overflow = false;
    while (next_style(&style, &name, &value)) {
        if (name_is(name, "display"))
            traits->hidden |= slice_starts_nocase(value, SLICE("none"));
        else if (name_is(name, "visibility"))
            traits->hidden |= slice_starts_nocase(value, SLICE("hidden"));
        else if (name_is(name, "opacity"))
            traits->hidden |= slice_equal(value, SLICE("0")) || slice_starts(value, SLICE("0.0"));
        else if (name_is(name, "font-size")) {
            traits->tiny = is_tiny_length(value, TINY_PIXELS);
            traits->readable = is_readable_length(value);
        } else if (name_is(name, "max-height") || name_is(name, "height"))
            no_height |= is_tiny_length(value, 1);
        else if (name_is(name, "overflow"))
            overflow = name_is(value, "hidden");
        else if (name_is(name, "color"))
            color = value;
        else if (name_is(name, "background-color") || name_is(name, "background"))
            ground = value;
    }
    traits->hidden |=
        (no_height && overflow) || (color.size > 0 && slice_equal_nocase(color, ground));
}

static void region_open(struct region *region, slice name, bool begins)
{
    bool same =
        region->depth > 0 && slice_equal_nocase(name, slice_of(region->name, region->name_size));
    if (same) {
        region->depth++;
    } else if (begins && region->depth == 0 && name.size <= sizeof region->name) {
        memcpy(region->name, name.data, name.size);
        region->name_size = name.size;
        region->depth = 1;
    }
}

static void region_close(struct region *region, slice name)
{
    if (region->depth > 0 && slice_equal_nocase(name, slice_of(region->name, region->name_size)))
        region->depth--;
}

static void size_open(struct reading *reading, slice name, const struct traits *traits)
{
    bool begins = traits->tiny || (traits->readable && reading->size_count > 0);
    if (begins && reading->size_count < SIZES_MAX && name.size <= NAME_ROOM) {
        struct sized *sized = &reading->sizes[reading->size_count++];
        *sized = (struct sized){.tiny = traits->tiny};
        region_open(&sized->region, name, true);
        return;
    }
    for (unsigned i = reading->size_count; i-- > 0;) {
        unsigned before = reading->sizes[i].region.depth;
        region_open(&reading->sizes[i].region, name, false);
        if (reading->sizes[i].region.depth > before)
            return;
    }
}

static void size_close(struct reading *reading, slice name)
{
    for (unsigned i = reading->size_count; i-- > 0;) {
        unsigned before = reading->sizes[i].region.depth;
        region_close(&reading->sizes[i].region, name);
        if (reading->sizes[i].region.depth == before)
            continue;
        if (before == 1)
            reading->size_count = i; /* and those within that were not closed */
        return;
    }
}

static bool is_tiny(const struct reading *reading)
{
    return reading->size_count > 0 && reading->sizes[reading->size_count - 1].tiny;
}

static error decode_value(struct arena *arena, slice value, slice *out_text)
{
    if (slice_find_byte(value, '&') < 0) {
        *out_text = value;
        return OK;
    }
    struct buffer text;
    buffer_init(&text, value.size * 4 + 16);
    html_decode(value, &text);
    error problem = arena_copy(arena, buffer_slice(&text), out_text);
    buffer_close(&text);
    return problem;
}

static bool is_script_target(slice target)
{
    target = slice_trim(target);
    return slice_starts_nocase(target, SLICE("data:")) ||
           slice_starts_nocase(target, SLICE("javascript:")) ||
           slice_starts_nocase(target, SLICE("vbscript:"));
}

static void end_link(struct reading *reading)
{
    struct spam_html *html = reading->html;
    if (!reading->in_link)
        return;
    reading->in_link = false;
    slice shown = slice_from(buffer_slice(&reading->visible), reading->shown_start);
    shown = slice_sub(slice_trim(shown), 0, SPAM_HTML_SHOWN_SIZE_MAX);
    if (failed(arena_copy(reading->arena, shown, &html->links[html->link_count - 1].shown)))
        html->links[html->link_count - 1].shown = SLICE_EMPTY;
}

static error begin_link(struct reading *reading, slice href)
{
    struct spam_html *html = reading->html;
    end_link(reading);
    if (html->link_count == SPAM_HTML_LINKS_MAX) {
        html->cut = true;
        return OK;
    }
    slice target;
    TRY(decode_value(reading->arena, href, &target));
    html->data_link |= is_script_target(target);
    html->links[html->link_count++] = (struct spam_html_link){.target = slice_trim(target)};
    reading->in_link = true;
    reading->shown_start = reading->visible.size;
    return OK;
}

static void read_attributes(const struct html_token *tag, struct traits *traits)
{
    struct html_attributes attributes = html_attributes_of(tag);
    slice name, value;
    while (html_attribute_next(&attributes, &name, &value)) {
        if (name_is(name, "style"))
            read_style(value, traits);
        else if (name_is(name, "hidden"))
            traits->hidden = true;
        else if (name_is(name, "href") || name_is(name, "action"))
            traits->href = value;
        else if (name_is(name, "type")) {
            traits->password |= name_is(value, "password");
            traits->data |= name_is(slice_trim(value), "application/ld+json");
        } else if (name_is(name, "http-equiv"))
            traits->refresh |= name_is(value, "refresh");
        else if (name_is(name, "size") && name_is(tag->name, "font"))
            traits->tiny |= slice_equal(value, SLICE("0")) || slice_starts(value, SLICE("-"));
    }
}

static error open_tag(struct reading *reading, const struct html_token *tag)
{
    struct spam_html *html = reading->html;
    struct traits traits = {.hidden = false};
    slice name = tag->name;
    if (tag->attributes.size > 1)
        read_attributes(tag, &traits);
    if (!is_void(name) && !tag->empty) {
        region_open(&reading->hidden, name, traits.hidden);
        size_open(reading, name, &traits);
    }
    if (breaks_words(name))
        buffer_add_byte(&reading->visible, ' ');
    if (name_is(name, "a") || name_is(name, "area"))
        return traits.href.data ? begin_link(reading, traits.href) : OK;
    html->images += name_is(name, "img") || name_is(name, "v:fill");
    html->forms += name_is(name, "form");
    html->data_link |= name_is(name, "form") && is_script_target(traits.href);
    html->passwords += name_is(name, "input") && traits.password;
    html->scripts += name_is(name, "script") && !traits.data;
    html->frames += name_is(name, "iframe") || name_is(name, "frame") || name_is(name, "object") ||
                    name_is(name, "embed") || name_is(name, "applet");
    html->refresh |= name_is(name, "meta") && traits.refresh;
    return OK;
}

static void add_text(struct reading *reading, slice text)
{
    struct spam_html *html = reading->html;
    if (reading->hidden.depth > 0) {
        html->hidden += count_letters(text);
        return;
    }
    size_t letters = count_letters(text);
    if (is_tiny(reading)) {
        html->tiny += letters;
        return;
    }
    html->letters += letters;
    html_decode(text, &reading->visible);
}

static error read_all(struct reading *reading, slice text)
{
    struct spam_html *html = reading->html;
    struct html_reader reader;
    struct html_token token;
    html_begin(&reader, text);
    while (html_next(&reader, &token)) {
        if (token.kind == HTML_TEXT) {
            add_text(reading, token.text);
        } else if (token.kind == HTML_OPEN) {
            if (html->tags++ == SPAM_HTML_TAGS_MAX) {
                html->cut = true;
                break;
            }
            TRY(open_tag(reading, &token));
        } else if (token.kind == HTML_CLOSE) {
            region_close(&reading->hidden, token.name);
            size_close(reading, token.name);
            if (name_is(token.name, "a"))
                end_link(reading);
            else if (breaks_words(token.name))
                buffer_add_byte(&reading->visible, ' ');
        }
    }
    end_link(reading);
    html->unclosed = reader.unclosed;
    return OK;
}

error spam_html_read(slice text, struct arena *arena, struct spam_html *out_html)
{
    struct spam_html html = {.links =
                                 ARENA_ARRAY(arena, struct spam_html_link, SPAM_HTML_LINKS_MAX)};
    TRY_MEMORY(html.links);
    struct reading reading = {.arena = arena, .html = &html};
    buffer_init(&reading.visible, 2 * text.size + 1024);
    error problem = read_all(&reading, text);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&reading.visible), &html.visible);
    buffer_close(&reading.visible);
    TRY(problem);
    *out_html = html;
    return OK;
}
