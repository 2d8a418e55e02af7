/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was noted about TLS within a period, over restarts.
 */
#include "cores.h"
#include "scratch.h"

#include "base/log.h"
#include "transport/report/period.h"
#include "transport/route/tls_report_record.h"

enum { BEGIN = 1795305600, END = BEGIN + 86400 };

static struct scratch scratch;
static int directory;
static void (*body_now)(void);

static void run_body(void *argument)
{
    (void)argument;
    body_now();
}

static void in_core(void (*function)(void))
{
    body_now = function;
    on_cores(1, run_body);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    directory = open(scratch.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return directory < 0 || failed(tls_report_start());
}

static int tear_down(void **state)
{
    (void)state;
    tls_report_stop();
    close(directory);
    scratch_remove(&scratch);
    return 0;
}

/* ---- What the tests say ---- */

static void note(const char *domain, enum tls_report_policy policy, enum tls_report_result result)
{
    struct tls_report_session session = {
        .domain = slice_from_string(domain),
        .policy = policy,
        .result = result,
        .policy_text = SLICE("version: STSv1"),
        .host = SLICE("mx.test"),
        .reason = result ? SLICE("because") : SLICE_EMPTY,
    };
    assert_ok(address_parse(SLICE("192.0.2.1:25"), &session.peer));
    assert_ok(address_parse(SLICE("[2001:db8::1]:25"), &session.local));
    tls_report_note(&session);
}

static error save(struct report_period *period)
{
    struct tls_report_day *more = tls_report_take();
    error problem = report_period_add(period, &more);
    assert_null(more);
    return problem;
}

static void reopen(struct report_period *period)
{
    report_period_close(period);
    report_period_init(period, directory, BEGIN, END);
    assert_ok(report_period_load(period));
}

static void expect(const struct report_period *period, const char *key, unsigned successes,
                   unsigned failures)
{
    const struct tls_report_entry *entry = map_get(&period->day->entries, slice_from_string(key));
    if (successes + failures == 0) {
        assert_null(entry);
        return;
    }
    assert_non_null(entry);
    assert_int_equal(entry->successes, successes);
    assert_int_equal(entry->failures, failures);
}

/* ---- Tests ---- */

static void counts(void)
{
    struct report_period period;
    report_period_init(&period, directory, BEGIN, END);
    assert_ok(report_period_load(&period));
    assert_ok(save(&period)); /* nothing was noted: no file */
    char name[64];
    assert_false(scratch_find(&scratch, "period-", name));
    for (int round = 1; round <= 5; round++) {
        note("a.test", TLS_REPORT_STS, TLS_REPORT_SUCCESS);
        note("a.test", TLS_REPORT_STS, TLS_REPORT_CERTIFICATE_EXPIRED);
        note("b.test", TLS_REPORT_NO_POLICY, TLS_REPORT_SUCCESS);
        assert_ok(save(&period));
        expect(&period, "1a.test", (unsigned)round, (unsigned)round);
        if (round % 2 == 0)
            reopen(&period);
        expect(&period, "1a.test", (unsigned)round, (unsigned)round);
        expect(&period, "2b.test", (unsigned)round, 0);
    }
    reopen(&period);
    const struct tls_report_entry *a = map_get(&period.day->entries, SLICE("1a.test"));
    assert_slice(a->policy_text, "version: STSv1");
    assert_int_equal(a->failure_count, 1);
    assert_int_equal(a->details->count, 5);
    assert_slice(a->details->host, "mx.test");
    assert_slice(a->details->reason, "because");
    char text[ADDRESS_TEXT_SIZE];
    assert_slice(address_format_ip(&a->details->peer, text), "192.0.2.1");
    assert_slice(address_format_ip(&a->details->local, text), "2001:db8::1");
    report_period_close(&period);
}

static void test_counts(void **state)
{
    (void)state;
    in_core(counts);
}

/* A domain that has its report does not get it again; the id of a report stays; in the end nothing
 * is left. */
static void reported(void)
{
    struct report_period period;
    struct arena arena;
    slice id, other, again;
    arena_init(&arena, 1000);
    report_period_init(&period, directory, BEGIN, END);
    note("a.test", TLS_REPORT_STS, TLS_REPORT_SUCCESS);
    note("a.test", TLS_REPORT_TLSA, TLS_REPORT_SUCCESS);
    note("b.test", TLS_REPORT_STS, TLS_REPORT_SUCCESS);
    assert_ok(save(&period));
    assert_ok(report_period_id(&period, SLICE("a.test"), &arena, &id));
    assert_ok(report_period_id(&period, SLICE("b.test"), &arena, &other));
    assert_false(slice_equal(id, other));
    assert_ok(report_period_done(&period, SLICE("a.test")));
    expect(&period, "1b.test", 1, 0);
    reopen(&period);
    assert_ok(report_period_id(&period, SLICE("a.test"), &arena, &again));
    assert_true(slice_equal(id, again));
    assert_int_equal(period.day->entries.count, 1);
    expect(&period, "1a.test", 0, 0);
    expect(&period, "0a.test", 0, 0);
    expect(&period, "1b.test", 1, 0);
    report_period_forget(&period, SLICE("b.test")); /* nobody wants it: not worth a mark */
    assert_int_equal(period.day->entries.count, 0);
    assert_ok(report_period_remove(&period));
    assert_ok(report_period_remove(&period));
    reopen(&period);
    assert_int_equal(period.day->entries.count, 0);
    report_period_close(&period);
    arena_close(&arena);
}

static void test_reported(void **state)
{
    (void)state;
    in_core(reported);
}

/* Wherever a crash tore the end off, what was written before is there, and it goes on. */
static void torn(void)
{
    struct report_period period;
    static char bytes[8192];
    char name[64];
    size_t ends[5];
    report_period_init(&period, directory, BEGIN, END);
    for (int i = 1; i <= 4; i++) {
        note("a.test", TLS_REPORT_STS, i % 2 ? TLS_REPORT_SUCCESS : TLS_REPORT_TLSA_INVALID);
        assert_ok(save(&period));
        ends[i] = period.file.size;
    }
    assert_true(scratch_find(&scratch, "period-", name));
    ssize_t size = pread(period.file.fd, bytes, sizeof bytes, 0);
    assert_int_equal(size, ends[4]);
    for (ssize_t end = 0; end <= size; end++) {
        int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, bytes, (size_t)end), end);
        close(fd);
        unsigned whole = 0;
        while (whole < 4 && ends[whole + 1] <= (size_t)end)
            whole++;
        reopen(&period);
        expect(&period, "1a.test", (whole + 1) / 2, whole / 2);
        note("a.test", TLS_REPORT_STS, TLS_REPORT_SUCCESS);
        assert_ok(save(&period));
        reopen(&period);
        expect(&period, "1a.test", (whole + 1) / 2 + 1, whole / 2);
    }
    report_period_close(&period);
}

static void test_torn_at_every_byte(void **state)
{
    (void)state;
    in_core(torn);
}

/* A disk that refuses: the counts are in memory, and are written as a whole when they can be. */
static void refusing(void)
{
    struct report_period period;
    char path[200];
    report_period_init(&period, directory, BEGIN, END);
    snprintf(path, sizeof path, "%s/period-%d-%d.new", scratch.path, BEGIN, END);
    assert_int_equal(mkdir(path, 0700), 0);
    for (int i = 0; i < 3; i++) {
        note("a.test", TLS_REPORT_STS, TLS_REPORT_SUCCESS);
        assert_true(failed(save(&period)));
    }
    expect(&period, "1a.test", 3, 0);
    assert_int_equal(rmdir(path), 0);
    assert_ok(report_period_add(&period, NULL));
    reopen(&period);
    expect(&period, "1a.test", 3, 0);
    report_period_close(&period);
}

static void test_refusing_disk(void **state)
{
    (void)state;
    in_core(refusing);
}

/* The same domains again and again: the file is rewritten, and says the same. */
static void rewritten(void)
{
    struct report_period period;
    char domain[32];
    report_period_init(&period, directory, BEGIN, END);
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 1000; i++) {
            snprintf(domain, sizeof domain, "d%d.test", i);
            note(domain, TLS_REPORT_STS, TLS_REPORT_SUCCESS);
        }
        assert_ok(save(&period));
        assert_true(period.file.size < 2 << 20);
    }
    reopen(&period);
    assert_int_equal(period.day->entries.count, 1000);
    expect(&period, "1d999.test", 30, 0);
    report_period_close(&period);
}

static void test_rewritten(void **state)
{
    (void)state;
    in_core(rewritten);
}

static void test_names(void **state)
{
    (void)state;
    int64_t begin, end;
    assert_true(report_period_name_parse(SLICE("period-5-9"), &begin, &end));
    assert_true(begin == 5 && end == 9);
    static const char *const bad[] = {"period-5-5",  "period-9-5", "period-5-9.new", "period--5-9",
                                      "period-5-9 ", "period-5",   "period-x-9",     "period-5-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(report_period_name_parse(slice_from_string(bad[i]), &begin, &end));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts),        TEST(test_reported),  TEST(test_torn_at_every_byte),
        TEST(test_refusing_disk), TEST(test_rewritten), TEST(test_names),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_ERROR, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
