/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/managesieve/login.h"

#include "data/store/store.h"
#include "runtime/core.h"
#include "service/managesieve/reply.h"
#include "service/managesieve/session.h"

#include <stdlib.h>

struct login_party managesieve_session_login_party(const struct managesieve_session *s)
{
    return (struct login_party){
        .settings = s->login, .protocol = "managesieve", .stream = s->stream};
}

/* Name and paths must outlive the command, and the core. */
static error remember(struct managesieve_session *s, const struct directory_account *account)
{
    struct script_place place;
    TRY(script_place_make(s->scripts, account->home, &s->arena, &place));
    size_t name = account->address.size, folder = strlen(place.folder) + 1,
           active = strlen(place.active) + 1;
    char *memory = malloc(name + folder + active);
    TRY_MEMORY(memory);
    memcpy(memory, account->address.data, name);
    memcpy(memory + name, place.folder, folder);
    memcpy(memory + name + folder, place.active, active);
    free(s->account_memory);
    s->account_memory = memory;
    s->account = slice_of(memory, name);
    s->place = (struct script_place){memory + name, memory + name + folder};
    return OK;
}

static error refuse(struct managesieve_session *s, error problem)
{
    if (problem.kind == ERROR_BUSY)
        return managesieve_refuse(s, MANAGESIEVE_CODE_TRYLATER, problem);
    if (problem.kind != ERROR_DENIED)
        return problem;
    s->failed_logins++;
    if (s->failed_logins >= s->login->attempts_max) {
        managesieve_say(s, (struct managesieve_response){.status = MANAGESIEVE_BYE,
                                                         .text = SLICE("too many failed logins")});
        s->finished = true;
        s->answered = true;
        TRY(managesieve_send(s));
    }
    return managesieve_refuse(s, MANAGESIEVE_CODE_NONE, problem);
}

error managesieve_session_log_in(struct managesieve_session *s, error outcome,
                                 const struct directory_account *account)
{
    if (failed(outcome))
        return refuse(s, outcome);
    TRY(remember(s, account));
    s->home = store_home_core(s->account);
    s->moving = s->home != core_self();
    return s->moving ? OK : managesieve_session_settle(s);
}

error managesieve_session_settle(struct managesieve_session *s)
{
    bool moved = s->moving;
    s->moving = false;
    s->state = MANAGESIEVE_STATE_LOGGED_IN;
    session_set_account(&s->session, s->account);
    managesieve_session_set_limits(s);
    s->response =
        (struct managesieve_response){.status = MANAGESIEVE_OK, .text = SLICE("logged in")};
    return moved ? managesieve_answer(s, OK) : OK;
}

void managesieve_session_log_out(struct managesieve_session *s)
{
    free(s->account_memory);
    s->account_memory = NULL;
    s->account = SLICE_EMPTY;
    s->place = (struct script_place){0};
    s->state = MANAGESIEVE_STATE_STRANGER;
    s->stranger_since = time_now();
    s->stranger_commands = 0;
    session_set_account(&s->session, SLICE_EMPTY);
    managesieve_session_set_limits(s);
}
