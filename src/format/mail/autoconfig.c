/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/mail/autoconfig.h"

#include "base/cursor.h"

/* XML 1.0 2.4 */
static void add_text(struct buffer *out, slice text)
{
    for (size_t i = 0; i < text.size; i++)
        switch (text.data[i]) {
        case '&':
            buffer_add_string(out, "&amp;");
            break;
        case '<':
            buffer_add_string(out, "&lt;");
            break;
        case '>':
            buffer_add_string(out, "&gt;");
            break;
        case '"':
            buffer_add_string(out, "&quot;");
            break;
        default:
            buffer_add_byte(out, text.data[i]);
        }
}

static void add_element(struct buffer *out, const char *name, slice text)
{
    buffer_format(out, "<%s>", name);
    add_text(out, text);
    buffer_format(out, "</%s>\n", name);
}

/* ---- Thunderbird ---- */

static void add_thunderbird_server(struct buffer *out, const struct autoconfig *config,
                                   const struct autoconfig_server *server)
{
    static const char *const types[] = {
        [AUTOCONFIG_IMAP] = "imap", [AUTOCONFIG_POP3] = "pop3", [AUTOCONFIG_SMTP] = "smtp"};
    const char *way = server->protocol == AUTOCONFIG_SMTP ? "outgoing" : "incoming";
    buffer_format(out, "<%sServer type=\"%s\">\n", way, types[server->protocol]);
    add_element(out, "hostname", config->host);
    buffer_format(out, "<port>%u</port>\n<socketType>%s</socketType>\n", server->port,
                  server->tls_implicit ? "SSL" : "STARTTLS");
    buffer_format(out,
                  "<authentication>password-cleartext</authentication>\n"
                  "<username>%%EMAILADDRESS%%</username>\n</%sServer>\n",
                  way);
}

void autoconfig_thunderbird_write(const struct autoconfig *config, struct buffer *out)
{
    buffer_add_string(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<clientConfig version=\"1.1\">\n<emailProvider id=\"");
    add_text(out, config->domain);
    buffer_add_string(out, "\">\n");
    add_element(out, "domain", config->domain);
    add_element(out, "displayName", config->domain);
    add_element(out, "displayShortName", config->domain);
    for (unsigned i = 0; i < config->count; i++)
        add_thunderbird_server(out, config, &config->servers[i]);
    buffer_add_string(out, "</emailProvider>\n</clientConfig>\n");
}

/* ---- Outlook ---- */

static void add_outlook_server(struct buffer *out, const struct autoconfig *config,
                               const struct autoconfig_server *server)
{
    static const char *const types[] = {
        [AUTOCONFIG_IMAP] = "IMAP", [AUTOCONFIG_POP3] = "POP3", [AUTOCONFIG_SMTP] = "SMTP"};
    buffer_format(out, "<Protocol>\n<Type>%s</Type>\n", types[server->protocol]);
    add_element(out, "Server", config->host);
    buffer_format(out, "<Port>%u</Port>\n", server->port);
    add_element(out, "LoginName", config->address);
    buffer_format(out,
                  "<DomainRequired>off</DomainRequired>\n<SPA>off</SPA>\n<SSL>on</SSL>\n"
                  "<Encryption>%s</Encryption>\n<AuthRequired>on</AuthRequired>\n</Protocol>\n",
                  server->tls_implicit ? "SSL" : "TLS");
}

void autoconfig_outlook_write(const struct autoconfig *config, struct buffer *out)
{
    buffer_add_string(
        out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/"
             "responseschema/2006\">\n"
             "<Response xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/"
             "responseschema/2006a\">\n<User>\n");
    add_element(out, "DisplayName", config->address);
    buffer_add_string(out, "</User>\n<Account>\n<AccountType>email</AccountType>\n"
                           "<Action>settings</Action>\n");
    for (unsigned i = 0; i < config->count; i++)
        add_outlook_server(out, config, &config->servers[i]);
    buffer_add_string(out, "</Account>\n</Response>\n</Autodiscover>\n");
}

/* The name of a start tag without its prefix: "a:EMailAddress x=y" is "EMailAddress". */
static slice local_name(slice tag)
{
    size_t end = 0;
    while (end < tag.size && slice_find_byte(SLICE(" \t\r\n/"), tag.data[end]) < 0)
        end++;
    slice name = slice_sub(tag, 0, end), prefix, local;
    return slice_cut_last(name, ':', &prefix, &local) ? local : name;
}

/* The five entities every document has (XML 1.0 4.6). */
static error decode(slice text, struct arena *arena, slice *out_plain)
{
    static const struct {
        slice name;
        char byte;
    } entities[] = {
        {{"&amp;", 5}, '&'},  {{"&lt;", 4}, '<'},    {{"&gt;", 4}, '>'},
        {{"&quot;", 6}, '"'}, {{"&apos;", 6}, '\''},
    };
    char *plain = arena_alloc_bytes(arena, text.size ? text.size : 1);
    TRY_MEMORY(plain);
    size_t size = 0, known = sizeof entities / sizeof *entities;
    while (text.size) {
        size_t i = known;
        if (text.data[0] == '&')
            for (i = 0; i < known && !slice_starts(text, entities[i].name); i++)
                ;
        if (text.data[0] == '&' && i == known)
            return error_make(ERROR_MALFORMED, "an unknown entity");
        plain[size++] = i < known ? entities[i].byte : text.data[0];
        text = slice_from(text, i < known ? entities[i].name.size : 1);
    }
    *out_plain = slice_of(plain, size);
    return OK;
}

static error check_address(slice address)
{
    slice local, domain;
    if (address.size > AUTOCONFIG_ADDRESS_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the address is too long");
    if (!slice_cut_last(address, '@', &local, &domain) || !local.size || !domain.size)
        return error_make(ERROR_MALFORMED, "EMailAddress is no address");
    for (size_t i = 0; i < address.size; i++)
        if ((unsigned char)address.data[i] <= ' ' || address.data[i] == 0x7f)
            return error_make(ERROR_MALFORMED, "EMailAddress is no address");
    return OK;
}

error autoconfig_outlook_parse(slice request, struct arena *arena, slice *out_address)
{
    struct cursor cursor = cursor_over(request);
    slice before, tag, text, address;
    if (request.size > AUTOCONFIG_REQUEST_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the request is too large");
    while (cursor_take_until(&cursor, '<', &before)) {
        (void)cursor_take_byte(&cursor, '<');
        if (!cursor_take_until(&cursor, '>', &tag))
            break;
        (void)cursor_take_byte(&cursor, '>');
        if (slice_starts_nocase(tag, SLICE("!DOCTYPE")) || slice_starts(tag, SLICE("!ENTITY")))
            return error_make(ERROR_MALFORMED, "declarations are not taken here");
        if (!slice_equal_nocase(local_name(tag), SLICE("EMailAddress")))
            continue;
        if (!cursor_take_until(&cursor, '<', &text))
            break;
        TRY(decode(slice_trim(text), arena, &address));
        TRY(check_address(address));
        *out_address = address;
        return OK;
    }
    return error_make(ERROR_MALFORMED, "no EMailAddress in the request");
}
