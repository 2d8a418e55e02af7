/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Replies of other servers: read within a bound of time and size, kept in step with the commands,
 * and turned into answers with a status (RFC 3463).
 */
#include "transport/deliver/remote_state.h"

error remote_break(struct remote *remote, error problem)
{
    remote->broken = true;
    return problem;
}

error remote_read_reply(struct remote *remote, int64_t timeout)
{
    struct smtp_response *response = &remote->response;
    /* One deadline for the whole reply: who sends a byte a minute gains nothing by it. */
    instant deadline = time_after(timeout);
    smtp_response_reset(response);
    if (remote->broken)
        return error_make(ERROR_CLOSED, "the connection is broken");
    while (!response->finished) {
        slice line;
        error problem = stream_read_line(remote->stream, STREAM_LINE_TOLERANT, REMOTE_LINE_SIZE_MAX,
                                         deadline, &line);
        if (!failed(problem))
            problem = smtp_response_add_line(response, line);
        if (failed(problem))
            return remote_break(remote, problem);
    }
    if (response->code == 421) /* RFC 5321 3.8: it closes now */
        remote->broken = true;
    return OK;
}

error remote_check_step(struct remote *remote)
{
    if (!stream_has_input(remote->stream))
        return OK;
    return remote_break(remote,
                        error_make(ERROR_MALFORMED, "a reply came that nobody had asked for"));
}

/* What is kept of a reply's words goes to logs, reports and the queue's files: printable, short. */
static slice copy_text(slice text, struct arena *arena)
{
    size_t size = text.size < REMOTE_TEXT_SIZE_MAX ? text.size : REMOTE_TEXT_SIZE_MAX;
    char *out = arena_alloc_bytes(arena, size);
    if (!out)
        return SLICE_EMPTY;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        out[i] = byte == '\n' || byte == '\t' ? ' ' : byte < ' ' || byte == 0x7f ? '?' : (char)byte;
    }
    return slice_of(out, size);
}

struct remote_answer remote_answer_of(const struct remote *remote, enum remote_stage stage,
                                      struct arena *arena)
{
    const struct smtp_response *response = &remote->response;
    struct remote_answer answer = {.code = response->code};
    memcpy(answer.enhanced, response->enhanced, sizeof answer.enhanced);
    if (answer.enhanced[0] == 0)
        remote_derive_status(stage, response->code, answer.enhanced);
    answer.text = copy_text(buffer_slice(&response->text), arena);
    return answer;
}

/* Rows without a stage are for all. */
static const struct {
    int code;
    enum remote_stage stage;
    bool any_stage;
    int subject, detail;
} derived[] = {
    {421, 0, true, 3, 2},
    {450, REMOTE_STAGE_RCPT, false, 2, 0},
    {452, REMOTE_STAGE_RCPT, false, 5, 3}, /* RFC 5321 4.5.3.1.10: too many recipients */
    {452, 0, true, 3, 1},
    {454, 0, true, 7, 0},
    {455, 0, true, 5, 4},
    {500, 0, true, 5, 2},
    {501, 0, true, 5, 4},
    {502, 0, true, 5, 1},
    {503, 0, true, 5, 1},
    {504, 0, true, 5, 4},
    {521, 0, true, 3, 2},
    {530, 0, true, 7, 0},
    {534, 0, true, 7, 9},
    {535, 0, true, 7, 8},
    {538, 0, true, 7, 11},
    {550, REMOTE_STAGE_RCPT, false, 1, 0},
    {551, 0, true, 1, 6},
    {552, REMOTE_STAGE_RCPT, false, 2, 2},
    {552, 0, true, 3, 4},
    {553, REMOTE_STAGE_MAIL, false, 1, 7},
    {553, 0, true, 1, 3},
    {554, REMOTE_STAGE_GREETING, false, 3, 2},
    {555, 0, true, 5, 4},
    {556, 0, true, 1, 10},
};

void remote_derive_status(enum remote_stage stage, int code, int out_enhanced[3])
{
    out_enhanced[0] = code / 100;
    out_enhanced[1] = out_enhanced[2] = 0;
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++) {
        if (derived[i].code != code || (!derived[i].any_stage && derived[i].stage != stage))
            continue;
        out_enhanced[1] = derived[i].subject;
        out_enhanced[2] = derived[i].detail;
        return;
    }
}

struct remote_answer remote_answer_problem(enum remote_stage stage, error problem)
{
    struct remote_answer answer = {.problem = problem, .text = slice_from_string(problem.text)};
    /* Nobody said never: what is broken now may work later. */
    int subject = 4, detail = stage <= REMOTE_STAGE_CONNECT ? 1 : 2;
    if (problem.kind == ERROR_MALFORMED || problem.kind == ERROR_LIMIT) {
        subject = 5; /* it does not speak SMTP */
        detail = 0;
    }
    if (stage == REMOTE_STAGE_ROUTE)
        detail = 3; /* X.4.3: the directory server */
    if (stage == REMOTE_STAGE_TLS) {
        subject = 7;
        detail = 5;
    }
    answer.enhanced[0] = problem.kind == ERROR_PERMANENT ? 5 : 4;
    answer.enhanced[1] = subject;
    answer.enhanced[2] = detail;
    return answer;
}

struct remote_answer remote_answer_own(int class, int subject, int detail, const char *text)
{
    return (struct remote_answer){
        .problem = error_make(class == 5 ? ERROR_PERMANENT : ERROR_TEMPORARY, text),
        .enhanced = {class, subject, detail},
        .text = slice_from_string(text),
    };
}
