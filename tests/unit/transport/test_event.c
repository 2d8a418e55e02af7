/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "runtime/in_core.h"

#include "base/log.h"
#include "runtime/fiber.h"
#include "runtime/message.h"
#include "transport/event_sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

enum { CORES = 3, EACH = 200 };

static void (*body_now)(void);

static void main_of_each(void *argument)
{
    (void)argument;
    if (core_self() != 0)
        return;
    body_now();
    cores_stop();
}

static void on_cores(void (*body)(void))
{
    struct core_options options = {.count = CORES, .ring_entries = 64, .receive_buffers = 8};
    body_now = body;
    assert_ok(cores_start(&options, main_of_each, NULL));
    cores_join();
}

static void tell(enum transport_event_kind kind, uint64_t id, unsigned attempts)
{
    transport_event(
        &(struct transport_event){.kind = kind, .id = id, .attempts = attempts, .time = 1});
}

static struct event_sink sink_of(unsigned kinds)
{
    return (struct event_sink){.name = "test", .kinds = kinds, .size_max = 1 << 20};
}

static void expect(struct event_sink *sink, const char *json)
{
    struct event_record *record = event_sink_take(sink);
    slice text = slice_of(record->text, record->size), start = SLICE("{\"id\":\"evt_");
    assert_true(slice_starts(text, start));
    static char last_id[EVENT_ID_SIZE];
    assert_memory_not_equal(last_id, record->text + 7, EVENT_ID_SIZE); /* each has its own */
    memcpy(last_id, record->text + 7, EVENT_ID_SIZE);
    text = slice_from(text, 7 + EVENT_ID_SIZE); /* and goes on with what is known */
    assert_true(slice_starts(text, SLICE("\",")));
    assert_true(slice_equal(slice_from(text, 2), slice_from(slice_from_string(json), 1)));
    free(record);
}

static void whole_event(void)
{
    struct event_sink sink = sink_of(1U << TRANSPORT_BOUNCED);
    assert_ok(event_sink_open(&sink));
    transport_event(&(struct transport_event){
        .kind = TRANSPORT_BOUNCED,
        .id = 0x4d2,
        .time = 1057049557,
        .account = SLICE("alice@example.org"),
        .sender = SLICE("a@example.org"),
        .recipient = SLICE("\"b\\\"\"@example.net"),
        .host = SLICE("mx.example.net"),
        .code = 550,
        .enhanced = {5, 1, 1},
        .text = SLICE("no such user\r\n\xff"),
        .size = 2048,
        .attempts = 3,
    });
    tell(TRANSPORT_DELIVERED, 1, 1); /* nobody asked */
    transport_event(&(struct transport_event){.kind = TRANSPORT_BOUNCED, .time = 1});
    assert_ok(event_sink_wait(&sink, time_after(30 * TIME_S)));
    assert_ok(fiber_yield());
    assert_int_equal(sink.count, 2);
    expect(&sink, "{\"type\":\"mail.bounced\",\"timestamp\":\"2003-07-01T08:52:37Z\",\"data\":{"
                  "\"id\":\"00000000000004d2\",\"account\":\"alice@example.org\","
                  "\"sender\":\"a@example.org\",\"recipient\":\"\\\"b\\\\\\\"\\\"@example.net\","
                  "\"host\":\"mx.example.net\",\"code\":550,\"status\":\"5.1.1\","
                  "\"text\":\"no such user\\r\\n\xef\xbf\xbd\",\"size\":2048,\"attempts\":3}}");
    expect(&sink, "{\"type\":\"mail.bounced\",\"timestamp\":\"1970-01-01T00:00:01Z\",\"data\":{"
                  "\"sender\":\"\"}}");
    assert_error(event_sink_wait(&sink, time_after(TIME_MS)), ERROR_TIMEOUT);
    event_sink_close(&sink);
    tell(TRANSPORT_BOUNCED, 1, 1); /* nobody is there: it must touch nothing */
}

/* Texts are cut, whatever they grow to as JSON. */
static void long_texts(void)
{
    static char text[5 * EVENT_VALUE_SIZE_MAX];
    struct event_sink sink = sink_of(1U << TRANSPORT_BOUNCED);
    slice value = slice_of(text, sizeof text); /* all NUL: "\\u0000" */
    assert_ok(event_sink_open(&sink));
    transport_event(&(struct transport_event){.kind = TRANSPORT_BOUNCED,
                                              .account = value,
                                              .sender = value,
                                              .recipient = value,
                                              .host = value,
                                              .text = value});
    assert_ok(event_sink_wait(&sink, time_after(30 * TIME_S)));
    struct event_record *record = event_sink_take(&sink);
    assert_in_range(record->size, 5 * 6 * EVENT_VALUE_SIZE_MAX, 5 * 6 * EVENT_VALUE_SIZE_MAX + 200);
    assert_true(record->size < EVENT_SIZE_MAX);
    free(record);
    event_sink_close(&sink);
}

static void test_long_texts(void **state)
{
    (void)state;
    on_cores(long_texts);
}

static void test_whole_event(void **state)
{
    (void)state;
    on_cores(whole_event);
}

static error tell_each(void *argument)
{
    (void)argument;
    for (unsigned i = 1; i <= EACH; i++)
        tell(TRANSPORT_ACCEPTED, core_self() + 1, i);
    return OK;
}

/* Events of one core come in order, whoever else talks. */
static void many_cores(void)
{
    struct event_sink sink = sink_of(1U << TRANSPORT_ACCEPTED);
    unsigned last[CORES + 1] = {0};
    assert_ok(event_sink_open(&sink));
    assert_ok(core_broadcast(tell_each, NULL));
    for (unsigned i = 0; i < CORES * EACH; i++) {
        unsigned id = 0, attempts = 0;
        assert_ok(event_sink_wait(&sink, time_after(30 * TIME_S)));
        struct event_record *record = event_sink_take(&sink);
        char text[512] = {0};
        memcpy(text, record->text, record->size < 511 ? record->size : 511);
        assert_int_equal(sscanf(strstr(text, "\"data\":{"), "\"data\":{\"id\":\"%x\"", &id), 1);
        assert_int_equal(sscanf(strstr(text, "\"attempts\""), "\"attempts\":%u", &attempts), 1);
        assert_in_range(id, 1, CORES);
        assert_int_equal(attempts, ++last[id]);
        free(record);
    }
    assert_null(event_sink_take(&sink));
    event_sink_close(&sink);
}

static void test_many_cores(void **state)
{
    (void)state;
    on_cores(many_cores);
}

/* The oldest go; what waits stays below the bound. */
static void slow_reader(void)
{
    struct event_sink sink = sink_of(1U << TRANSPORT_DEFERRED);
    sink.size_max = 1000;
    assert_ok(event_sink_open(&sink));
    for (unsigned i = 1; i <= 100; i++)
        tell(TRANSPORT_DEFERRED, 0, i);
    assert_ok(event_sink_wait(&sink, time_after(30 * TIME_S)));
    assert_ok(fiber_yield());
    assert_in_range(sink.size, 500, 1000);
    assert_int_equal(sink.dropped, 100 - sink.count);
    char want[200];
    for (unsigned i = 100 - sink.count + 1; i <= 100; i++) {
        snprintf(want, sizeof want,
                 "{\"type\":\"mail.deferred\",\"timestamp\":\"1970-01-01T00:00:01Z\","
                 "\"data\":{\"sender\":\"\",\"attempts\":%u}}",
                 i);
        expect(&sink, want);
    }
    assert_int_equal(sink.size, 0);
    assert_int_equal(sink.dropped, 0); /* it was told in the log */
    event_sink_close(&sink);
}

static void test_slow_reader(void **state)
{
    (void)state;
    on_cores(slow_reader);
}

/* Closing while other cores talk: nothing of it may arrive later. */
static void closing(void)
{
    struct core_batch batch;
    for (unsigned round = 0; round < 50; round++) {
        struct event_sink *sink = malloc(sizeof *sink);
        *sink = sink_of(1U << TRANSPORT_ACCEPTED);
        assert_ok(event_sink_open(sink));
        struct core_job jobs[CORES] = {
            {.function = tell_each}, {.function = tell_each}, {.function = tell_each}};
        core_batch_init(&batch);
        for (unsigned core = 0; core < CORES; core++)
            core_batch_start(&batch, core, &jobs[core]);
        event_sink_close(sink);
        free(sink); /* the sanitizers see who writes to it now */
        core_batch_join(&batch);
    }
}

static void test_closing(void **state)
{
    (void)state;
    on_cores(closing);
}

static void too_many(void)
{
    static struct event_sink sinks[EVENT_SINKS_MAX + 1];
    for (unsigned i = 0; i <= EVENT_SINKS_MAX; i++) {
        sinks[i] = sink_of(1U << TRANSPORT_LIMITED);
        if (i < EVENT_SINKS_MAX)
            assert_ok(event_sink_open(&sinks[i]));
        else
            assert_error(event_sink_open(&sinks[i]), ERROR_LIMIT);
    }
    tell(TRANSPORT_LIMITED, 0, 0);
    for (unsigned i = 0; i < EVENT_SINKS_MAX; i++) {
        assert_ok(event_sink_wait(&sinks[i], time_after(30 * TIME_S)));
        event_sink_close(&sinks[i]);
    }
}

static void test_too_many(void **state)
{
    (void)state;
    on_cores(too_many);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TRANSPORT_EVENTS; i++) {
        enum transport_event_kind kind = TRANSPORT_EVENTS;
        const char *name = transport_event_name((enum transport_event_kind)i);
        assert_true(transport_event_parse(slice_from_string(name), &kind));
        assert_int_equal(kind, i);
    }
    enum transport_event_kind kind;
    assert_false(transport_event_parse(SLICE("mail"), &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_event), cmocka_unit_test(test_many_cores),
        cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_closing),
        cmocka_unit_test(test_too_many),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_long_texts),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_WARNING, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
