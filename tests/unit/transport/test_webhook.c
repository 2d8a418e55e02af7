/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Webhooks against a receiver made of one function: what it was asked, and what it answers.
 */
#include "cores.h"
#include "scratch.h"

#include "base/log.h"
#include "data/frame_file.h"
#include "net/http/client.h"
#include "runtime/fiber.h"
#include "transport/event.h"
#include "transport/webhook.h"
#include "transport/webhook_request.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

enum { CORES = 2 };

/* ---- The receiver ---- */

enum { REQUESTS_MAX = 200, GONE = 410 };

static struct {
    _Atomic unsigned count;
    _Atomic size_t size_most; /* of a body */
    struct request {
        char url[100], id[64], timestamp[32], signature[100], body[8000];
        unsigned core;
    } requests[REQUESTS_MAX];
    /* By url: the first `failures` requests to it fail in this way. */
    unsigned failures, status;
    error problem;
    unsigned takes; /* after so many requests all fail; 0: as many as there are */
    bool hangs;     /* until the deadline */
} receiver;

static void keep(char *out, size_t size, const struct http_client_request *request,
                 const char *name)
{
    for (unsigned i = 0; i < request->field_count; i++)
        if (slice_equal(request->fields[i].name, slice_from_string(name)))
            snprintf(out, size, "%.*s", SLICE_ARG(request->fields[i].value));
}

error http_client_ask(const struct http_client_request *request, struct arena *arena,
                      struct http_client_answer *out_answer)
{
    (void)arena;
    assert_int_equal(request->size_max, WEBHOOK_ANSWER_SIZE_MAX); /* test_client meets it */
    assert_true(request->status_counts);
    unsigned number = atomic_fetch_add(&receiver.count, 1);
    size_t most = atomic_load(&receiver.size_most);
    while (request->body.size > most &&
           !atomic_compare_exchange_weak(&receiver.size_most, &most, request->body.size))
        ;
    if (number < REQUESTS_MAX) {
        struct request *r = &receiver.requests[number];
        r->core = core_self();
        snprintf(r->url, sizeof r->url, "%.*s", SLICE_ARG(request->url));
        snprintf(r->body, sizeof r->body, "%.*s", SLICE_ARG(request->body));
        keep(r->id, sizeof r->id, request, "webhook-id");
        keep(r->timestamp, sizeof r->timestamp, request, "webhook-timestamp");
        keep(r->signature, sizeof r->signature, request, "webhook-signature");
    }
    TRY(receiver.hangs ? fiber_sleep(request->deadline - time_now()) : fiber_sleep(TIME_MS));
    if (receiver.hangs)
        return error_make(ERROR_TIMEOUT, "the receiver sleeps");
    bool fails = number < receiver.failures || (receiver.takes > 0 && number >= receiver.takes);
    if (fails && failed(receiver.problem))
        return receiver.problem;
    *out_answer = (struct http_client_answer){.status = fails ? receiver.status : 204};
    return OK;
}

/* ---- Around it ---- */

static const slice one_url[] = {{"http://a.example/in", 19}};
static struct webhook_settings settings;
static struct scratch scratch;
static void (*body_now)(void);

static void main_of_each(void *argument)
{
    (void)argument;
    if (core_self() != 0)
        return;
    body_now();
    cores_stop();
}

static void on_some_cores(unsigned cores, void (*body)(void))
{
    struct core_options options = {.count = cores, .ring_entries = 64, .receive_buffers = 8};
    memset(&receiver, 0, sizeof receiver);
    settings = (struct webhook_settings){
        .urls = {one_url, 1},
        .secret = SLICE("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        .timeout = TIME_S,
        .retry_min = TIME_MS,
        .retry_max = 4 * TIME_MS,
        .give_up_after = 60 * TIME_S,
        .events_per_request = 10,
        .memory_max = 1 << 20,
        .disk_max = 8 << 20,
        .sync_interval = TIME_S,
    };
    body_now = body;
    assert_ok(cores_start(&options, main_of_each, NULL));
    cores_join();
}

/* In a directory that nothing is left in. */
static void on_fresh_cores(void (*body)(void))
{
    scratch_make(&scratch);
    on_some_cores(CORES, body);
    scratch_remove(&scratch);
}

static void start(void)
{
    assert_ok(
        webhook_start(&(struct webhook_options){.settings = &settings, .path = scratch.path}));
}

static void stop(void)
{
    webhook_stop(time_after(10 * TIME_S));
}

static void tell(unsigned number)
{
    transport_event(&(struct transport_event){
        .kind = TRANSPORT_DELIVERED, .attempts = number, .time = 1, .sender = SLICE("s")});
}

static void wait_for(unsigned requests)
{
    instant last = time_after(20 * TIME_S);
    while (receiver.count < requests && time_now() < last)
        assert_ok(fiber_sleep(TIME_MS));
    assert_true(receiver.count >= requests);
}

/* The events of request `index` are first..last, in order. */
static void expect_events(unsigned index, unsigned first, unsigned last)
{
    const char *at = receiver.requests[index].body;
    char want[40];
    assert_int_equal(*at, '[');
    for (unsigned i = first; i <= last; i++) {
        at = strstr(at, "\"attempts\":");
        assert_non_null(at);
        snprintf(want, sizeof want, "\"attempts\":%u}}%c", i, i == last ? ']' : ',');
        assert_memory_equal(at, want, strlen(want));
        at++;
    }
}

/* ---- Tests ---- */

/* The vector of the Standard Webhooks libraries. */
static void test_signature(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out, 200);
    assert_ok(webhook_sign(SLICE("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                           SLICE("msg_p5jXN8AQM9LWM0D4loKWxJek"), SLICE("1614265330"),
                           SLICE("{\"test\": 2432232314}"), &out));
    assert_slice(buffer_slice(&out), "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_error(webhook_sign(SLICE("whsec_!"), SLICE(""), SLICE(""), SLICE(""), &out),
                 ERROR_MALFORMED);
    buffer_close(&out);
    assert_true(webhook_secret_is_valid(SLICE("plain text")));
    assert_false(webhook_secret_is_valid(SLICE("whsec_")));
    assert_false(webhook_secret_is_valid(SLICE("whsec_MfKQ9")));
}

static void in_order_and_signed(void)
{
    start();
    for (unsigned i = 1; i <= 25; i++)
        tell(i);
    stop(); /* what waits is sent */
    assert_int_equal(receiver.count, 3);
    expect_events(0, 1, 10);
    expect_events(1, 11, 20);
    expect_events(2, 21, 25);
    for (unsigned i = 0; i < 3; i++) {
        const struct request *r = &receiver.requests[i];
        struct buffer want;
        buffer_init(&want, 200);
        assert_ok(webhook_sign(settings.secret, slice_from_string(r->id),
                               slice_from_string(r->timestamp), slice_from_string(r->body), &want));
        assert_true(slice_equal(buffer_slice(&want), slice_from_string(r->signature)));
        buffer_close(&want);
        assert_true(strncmp(r->id, "msg_", 4) == 0 && strlen(r->id) == 28);
    }
    assert_string_not_equal(receiver.requests[0].id, receiver.requests[1].id);
    tell(99); /* nobody listens any more */
}

static void test_in_order_and_signed(void **state)
{
    (void)state;
    on_fresh_cores(in_order_and_signed);
}

/* A receiver in trouble gets the same request until it takes it, then the next. */
static void retried(void)
{
    receiver.failures = 4;
    receiver.status = 503;
    start();
    for (unsigned i = 1; i <= 12; i++)
        tell(i);
    wait_for(6);
    stop();
    assert_int_equal(receiver.count, 6);
    for (unsigned i = 0; i < 5; i++) {
        expect_events(i, 1, 10);
        assert_string_equal(receiver.requests[i].id, receiver.requests[0].id);
    }
    expect_events(5, 11, 12);
    assert_string_not_equal(receiver.requests[5].id, receiver.requests[0].id);
}

static void test_retried(void **state)
{
    (void)state;
    on_fresh_cores(retried);
}

static void unreachable(void)
{
    receiver.failures = 2;
    receiver.problem = error_make(ERROR_CLOSED, "reset");
    settings.secret = SLICE_EMPTY;
    start();
    tell(1);
    wait_for(3);
    stop();
    assert_int_equal(receiver.count, 3);
    assert_string_equal(receiver.requests[2].signature, "");
}

static void test_unreachable(void **state)
{
    (void)state;
    on_fresh_cores(unreachable);
}

static void given_up(void)
{
    receiver.failures = 1000;
    receiver.status = 500;
    settings.give_up_after = 20 * TIME_MS;
    start();
    tell(1);
    wait_for(2);
    while (strcmp(receiver.requests[receiver.count - 1].id, receiver.requests[0].id) == 0) {
        tell(2); /* comes once the first was dropped */
        assert_ok(fiber_sleep(5 * TIME_MS));
    }
    stop();
}

static void test_given_up(void **state)
{
    (void)state;
    on_fresh_cores(given_up);
}

static void gone(void)
{
    receiver.failures = 1;
    receiver.status = GONE;
    start();
    tell(1);
    wait_for(1);
    tell(2);
    wait_for(2);
    stop();
    assert_int_equal(receiver.count, 2);
    expect_events(1, 2, 2);
}

static void test_gone(void **state)
{
    (void)state;
    on_fresh_cores(gone);
}

/* A receiver that never answers holds nobody up: not those who tell, not the stop. */
static void dead(void)
{
    receiver.hangs = true;
    settings.memory_max = 2000;
    settings.timeout = 60 * TIME_S;
    start();
    instant began = time_now();
    for (unsigned i = 1; i <= 1000; i++)
        tell(i);
    assert_true(time_now() - began < 30 * TIME_S);
    wait_for(1);
    began = time_now();
    webhook_stop(time_after(50 * TIME_MS));
    assert_true(time_now() - began < 30 * TIME_S);
    assert_int_equal(receiver.count, 1);
}

static void test_dead(void **state)
{
    (void)state;
    on_fresh_cores(dead);
}

/* A request stays below its size, however many events are allowed in it. */
static void large_events(void)
{
    static char text[1000]; /* 6 bytes each as JSON */
    enum { COUNT = 600 };
    settings.events_per_request = 1000;
    settings.memory_max = 64 << 20;
    start();
    for (unsigned i = 1; i <= COUNT; i++)
        transport_event(&(struct transport_event){
            .kind = TRANSPORT_DELIVERED, .text = {text, sizeof text}, .attempts = i});
    stop();
    assert_in_range(receiver.count, COUNT * 6000 / WEBHOOK_BODY_SIZE_MAX + 1, 8);
    assert_in_range(receiver.size_most, WEBHOOK_BODY_SIZE_MAX / 2, WEBHOOK_BODY_SIZE_MAX);
}

static void test_large_events(void **state)
{
    (void)state;
    on_fresh_cores(large_events);
}

static void too_many_urls(void)
{
    static slice urls[WEBHOOK_URLS_MAX + 1];
    for (unsigned i = 0; i <= WEBHOOK_URLS_MAX; i++)
        urls[i] = one_url[0];
    settings.urls = (struct setting_list){urls, WEBHOOK_URLS_MAX + 1};
    const struct webhook_options options = {.settings = &settings, .path = scratch.path};
    assert_error(webhook_start(&options), ERROR_PERMANENT);
    settings.urls.count = WEBHOOK_URLS_MAX;
    start();
    tell(1);
    stop();
    assert_int_equal(receiver.count, WEBHOOK_URLS_MAX);
}

static void test_too_many_urls(void **state)
{
    (void)state;
    on_fresh_cores(too_many_urls);
}

/* Urls are spread over the cores; each gets everything that it asked for. */
static void several_urls(void)
{
    static const slice urls[] = {{"http://a.example/", 17}, {"http://b.example/", 17}};
    static const slice events[] = {{"mail.bounced", 12}, {"mail.delivered", 14}};
    settings.urls = (struct setting_list){urls, 2};
    settings.events = (struct setting_list){events, 2};
    start();
    tell(1);
    transport_event(&(struct transport_event){.kind = TRANSPORT_ACCEPTED, .attempts = 7});
    stop();
    assert_int_equal(receiver.count, 2);
    for (unsigned i = 0; i < 2; i++) {
        expect_events(i, 1, 1);
        assert_int_equal(receiver.requests[i].core, receiver.requests[i].url[7] - 'a');
    }
    assert_string_not_equal(receiver.requests[0].url, receiver.requests[1].url);
}

static void test_several_urls(void **state)
{
    (void)state;
    on_fresh_cores(several_urls);
}

/* What nobody took is there after a restart, each event once as long as nothing broke, in order,
 * whatever the number of cores; and what was taken does not come again. */
static void nobody_takes(void)
{
    receiver.failures = 1000;
    receiver.status = 503;
    start();
    for (unsigned i = 1; i <= 25; i++)
        tell(i);
    wait_for(1);
    stop();
}

static void some_are_taken(void)
{
    receiver.takes = 1;
    receiver.status = 503;
    start();
    wait_for(3);
    expect_events(0, 1, 10);
    expect_events(1, 11, 20);
    stop();
}

static void the_rest_is_taken(void)
{
    start();
    tell(26);
    wait_for(2);
    stop();
    assert_int_equal(receiver.count, 2);
    expect_events(0, 11, 20);
    expect_events(1, 21, 26);
}

static void nothing_is_left(void)
{
    start();
    assert_ok(fiber_sleep(50 * TIME_MS));
    stop();
    assert_int_equal(receiver.count, 0);
}

static void test_restarts(void **state)
{
    (void)state;
    scratch_make(&scratch);
    on_some_cores(2, nobody_takes);
    on_some_cores(3, some_are_taken);
    on_some_cores(1, the_rest_is_taken);
    on_some_cores(2, nothing_is_left);
    scratch_remove(&scratch);
}

/* An event keeps its id, and a request that is the same keeps its own. */
static char first_request[8000], first_id[64];

static void remember_request(void)
{
    receiver.failures = 1000;
    receiver.status = 503;
    start();
    tell(1);
    tell(2);
    wait_for(1);
    stop();
    strcpy(first_request, receiver.requests[0].body);
    strcpy(first_id, receiver.requests[0].id);
}

static void same_request(void)
{
    start();
    wait_for(1);
    stop();
    assert_string_equal(receiver.requests[0].body, first_request);
    assert_string_equal(receiver.requests[0].id, first_id);
    assert_non_null(strstr(first_request, "\"id\":\"evt_"));
}

static void test_ids_stay(void **state)
{
    (void)state;
    scratch_make(&scratch);
    on_some_cores(1, remember_request);
    on_some_cores(1, same_request);
    scratch_remove(&scratch);
}

/* kill -9: the process ends in the middle; what was told of some time before is there. */
static void killed(void)
{
    receiver.failures = 1000;
    receiver.status = 503;
    start();
    for (unsigned i = 1; i <= 5; i++)
        tell(i);
    wait_for(1);
    assert_ok(fiber_sleep(5 * WEBHOOK_WRITE_PAUSE_MS * TIME_MS));
    _exit(0);
}

static void run_and_die(void)
{
    on_some_cores(2, killed);
}

static void after_death(void)
{
    start();
    wait_for(1);
    stop();
    assert_int_equal(receiver.count, 1);
    expect_events(0, 1, 5);
}

static void test_killed(void **state)
{
    (void)state;
    scratch_make(&scratch);
    in_killed_process(run_and_die);
    on_some_cores(2, after_death);
    scratch_remove(&scratch);
}

/* A directory that refuses: events still arrive, from memory. */
static void no_disk(void)
{
    settings.linger = 20 * TIME_MS;
    start();
    scratch_forbid(&scratch);
    for (unsigned i = 1; i <= 12; i++)
        tell(i);
    wait_for(2);
    expect_events(0, 1, 10);
    expect_events(1, 11, 12);
    stop();
    scratch_allow(&scratch);
}

static void test_no_disk(void **state)
{
    (void)state;
    on_fresh_cores(no_disk);
}

/* Another server has the directory: it is waited for, not shared. */
static void second_server(void)
{
    int lock = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    const struct webhook_options options = {.settings = &settings, .path = scratch.path};
    assert_error(webhook_start(&options), ERROR_BUSY);
    close(lock);
    start();
    stop();
}

static void test_second_server(void **state)
{
    (void)state;
    on_fresh_cores(second_server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),     cmocka_unit_test(test_in_order_and_signed),
        cmocka_unit_test(test_retried),       cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_given_up),      cmocka_unit_test(test_gone),
        cmocka_unit_test(test_dead),          cmocka_unit_test(test_several_urls),
        cmocka_unit_test(test_large_events),  cmocka_unit_test(test_too_many_urls),
        cmocka_unit_test(test_restarts),      cmocka_unit_test(test_ids_stay),
        cmocka_unit_test(test_killed),        cmocka_unit_test(test_no_disk),
        cmocka_unit_test(test_second_server),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_WARNING, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
