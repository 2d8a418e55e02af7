/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/http/response.h"

#include <time.h>

const char *http_status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {
        {100, "Continue"},
        {200, "OK"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].status == status)
            return texts[i].text;
    return "Unknown";
}

/* RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT", in no one's locale. */
static void write_date(int64_t now, struct buffer *out)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    time_t seconds = (time_t)now;
    if (!gmtime_r(&seconds, &tm))
        return;
    buffer_format(out, "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday], tm.tm_mday,
                  months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void http_response_write(const struct http_response *response, int64_t now, struct buffer *out)
{
    buffer_format(out, "HTTP/1.1 %u %s\r\n", response->status, http_status_text(response->status));
    write_date(now, out);
    if (response->content_type)
        buffer_format(out, "Content-Type: %s\r\n", response->content_type);
    /* RFC 9110 8.6: never with 1xx and 204. */
    if (response->status >= 200 && response->status != 204 && !response->endless)
        buffer_format(out, "Content-Length: %llu\r\n", (unsigned long long)response->length);
    if (response->private)
        buffer_add_string(out, "Cache-Control: no-store\r\n");
    buffer_add_string(out, "X-Content-Type-Options: nosniff\r\n");
    if (response->close)
        buffer_add_string(out, "Connection: close\r\n");
    if (response->fields)
        buffer_add_string(out, response->fields);
    buffer_add_string(out, "\r\n");
}
