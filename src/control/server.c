/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Talking to the running server: HTTP/1.1 over a blocking socket, one request a connection.
 */
#include "control/server.h"

#include "net/address.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HEAD_SIZE_MAX = 8192, TIMEOUT_S = 10 };

static error connect_to(slice where, int *out_socket)
{
    struct address address;
    struct sockaddr_storage socket_address;
    socklen_t size;
    TRY(address_parse(where, &address));
    TRY(address_to_sockaddr(&address, &socket_address, &size));
    int fd = socket(socket_address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_system(errno, "socket");
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(fd, (struct sockaddr *)&socket_address, size) == 0) {
        *out_socket = fd;
        return OK;
    }
    bool nobody = errno == ECONNREFUSED || errno == ENOENT;
    error problem = nobody ? error_make(ERROR_CLOSED, "no server is running there")
                           : error_system(errno, "cannot connect");
    close(fd);
    return problem;
}

static error send_all(int fd, slice data)
{
    while (data.size > 0) {
        ssize_t sent = send(fd, data.data, data.size, MSG_NOSIGNAL);
        if (sent < 0)
            return error_system(errno, "send");
        data = slice_from(data, (size_t)sent);
    }
    return OK;
}

static error receive_all(int fd, struct buffer *answer)
{
    for (;;) {
        char *room = buffer_reserve(answer, 65536);
        TRY_MEMORY(room);
        ssize_t got = recv(fd, room, 65536, 0);
        if (got < 0)
            return error_system(errno, "the server does not answer");
        if (got == 0)
            return OK;
        buffer_commit(answer, (size_t)got);
    }
}

/* Status line and head away; the body is what remains, since the connection was closed after it. */
static error read_answer(slice answer, struct buffer *out_body)
{
    ptrdiff_t end = slice_find(slice_sub(answer, 0, HEAD_SIZE_MAX), SLICE("\r\n\r\n"));
    slice status = slice_sub(answer, 9, 3);
    if (end < 0 || !slice_starts(answer, SLICE("HTTP/1.1 ")))
        return error_make(ERROR_TEMPORARY, "what answers there is not Ringmail");
    if (slice_equal(status, SLICE("401")) || slice_equal(status, SLICE("403")))
        return error_make(ERROR_DENIED, "the server wants another token: see admin.token");
    bool refused = slice_equal(status, SLICE("404")) || slice_equal(status, SLICE("400"));
    if (refused) /* in words */
        buffer_add(out_body, slice_from(answer, (size_t)end + 4));
    if (slice_equal(status, SLICE("404")))
        return error_make(ERROR_NOT_FOUND, "the server knows no such thing");
    if (slice_equal(status, SLICE("400")))
        return error_make(ERROR_MALFORMED, "the server does not understand the request");
    if (!slice_starts(status, SLICE("2")))
        return error_make(ERROR_TEMPORARY, "the server refused the request");
    buffer_add(out_body, slice_from(answer, (size_t)end + 4));
    return buffer_check(out_body);
}

struct question {
    const char *method;
    slice target, body;
};

static error exchange(int fd, const struct config *config, const struct question *question,
                      struct buffer *answer)
{
    struct buffer request;
    slice token = config->admin.token;
    buffer_init(&request, HEAD_SIZE_MAX);
    buffer_format(&request, "%s %.*s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                  question->method, SLICE_ARG(question->target));
    if (token.size)
        buffer_format(&request, "Authorization: Bearer %.*s\r\n", SLICE_ARG(token));
    buffer_format(&request, "Content-Length: %zu\r\n\r\n", question->body.size);
    error result = buffer_check(&request);
    if (!failed(result))
        result = send_all(fd, buffer_slice(&request));
    if (!failed(result))
        result = send_all(fd, question->body);
    if (!failed(result))
        result = receive_all(fd, answer);
    buffer_close(&request);
    return result;
}

static error ask(const struct config *config, const struct question *question,
                 struct buffer *out_body)
{
    struct buffer answer;
    int fd = -1;
    if (config->listen.admin.count == 0)
        return error_make(ERROR_CLOSED, "no admin endpoint is configured (listen.admin)");
    TRY(connect_to(config->listen.admin.items[0], &fd));
    buffer_init(&answer, CONTROL_OUTPUT_SIZE_MAX);
    error result = exchange(fd, config, question, &answer);
    close(fd);
    if (!failed(result))
        result = read_answer(buffer_slice(&answer), out_body);
    buffer_close(&answer);
    return result;
}

error server_request(const struct config *config, const char *method, slice target,
                     struct buffer *out_body)
{
    return ask(config, &(struct question){.method = method, .target = target}, out_body);
}

error server_post(const struct config *config, slice target, slice body, struct buffer *out_body)
{
    return ask(config, &(struct question){.method = "POST", .target = target, .body = body},
               out_body);
}

enum control_exit server_say_trouble(const struct config *config, error problem)
{
    if (config->listen.admin.count == 0)
        return control_say(CONTROL_TROUBLE, "%s", problem.text);
    slice where = config->listen.admin.items[0];
    if (problem.kind == ERROR_CLOSED)
        return control_say(CONTROL_TROUBLE,
                           "no server is running at %.*s (listen.admin); start ringmaild, or name "
                           "its configuration with --config",
                           SLICE_ARG(where));
    return control_say(CONTROL_TROUBLE, "%s%s%s (asked at %.*s: listen.admin)", problem.text,
                       problem.os ? ": " : "", problem.os ? strerror(problem.os) : "",
                       SLICE_ARG(where));
}

void server_add_encoded(struct buffer *out, slice text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (ascii_is_alpha(c) || ascii_is_digit(c) || (c != 0 && strchr("-._~@", c)))
            buffer_add_byte(out, c);
        else
            buffer_format(out, "%%%02X", (unsigned char)c);
    }
}

static error invalidate(const struct config *config, slice subject)
{
    struct buffer target, body;
    buffer_init(&target, HEAD_SIZE_MAX);
    buffer_init(&body, HEAD_SIZE_MAX);
    buffer_add_string(&target, "/directory/invalidate?subject=");
    server_add_encoded(&target, subject);
    error result = server_request(config, "POST", buffer_slice(&target), &body);
    buffer_close(&target);
    buffer_close(&body);
    return result;
}

void control_invalidate(const struct control *control, slice subject)
{
    error problem = invalidate(control->config, subject);
    if (failed(problem) && problem.kind != ERROR_CLOSED)
        control_say(CONTROL_DONE,
                    "done; but the running server could not be told (%s): it may go by the old "
                    "state for up to directory.cache_positive",
                    problem.text);
}

enum control_exit control_directory_invalidate(struct control *control)
{
    error problem = invalidate(control->config, control->count ? control->words[0] : SLICE_EMPTY);
    return failed(problem) ? server_say_trouble(control->config, problem) : CONTROL_DONE;
}

enum control_exit control_directory_init(struct control *control)
{
    struct directory_edit *edit;
    enum control_exit exit = control_edit_open(control, &edit);
    if (exit != CONTROL_DONE)
        return exit;
    exit = control_outcome(edit, directory_edit_create_tables(edit));
    directory_edit_close(&edit);
    return exit;
}

/* Prometheus lines, without comments, buckets and what never happened. */
static void add_counters(slice metrics, struct buffer *out)
{
    slice line;
    bool more = metrics.size > 0;
    while (more) {
        slice name, value;
        more = slice_cut(metrics, '\n', &line, &metrics);
        if (line.size == 0 || line.data[0] == '#' || slice_find(line, SLICE("_bucket{")) >= 0 ||
            !slice_cut_last(line, ' ', &name, &value) || slice_equal(value, SLICE("0")))
            continue;
        if (slice_starts(name, SLICE("ringmail_")))
            name = slice_from(name, 9);
        buffer_format(out, "%-70.*s %.*s\n", SLICE_ARG(name), SLICE_ARG(value));
    }
}

enum control_exit control_stats(struct control *control)
{
    struct buffer body;
    bool as_json = control->options[OPTION_JSON];
    buffer_init(&body, CONTROL_OUTPUT_SIZE_MAX);
    error problem = server_request(control->config, "GET",
                                   as_json ? SLICE("/stats") : SLICE("/metrics"), &body);
    if (!failed(problem) && as_json)
        buffer_add(&control->out, buffer_slice(&body));
    else if (!failed(problem))
        add_counters(buffer_slice(&body), &control->out);
    buffer_close(&body);
    return failed(problem) ? server_say_trouble(control->config, problem) : CONTROL_DONE;
}
