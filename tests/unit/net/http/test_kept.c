/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http/web.h"

#include "net/http/kept.h"

static struct arena arena;
static struct http_kept *kept;
static struct http_client_answer answer;
static struct http_client_request request;

static void begin(unsigned connections)
{
    arena_init(&arena, 8 << 20);
    web_start(NULL, 0);
    assert_ok(http_kept_create(connections, &kept));
    web.answer = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    request = (struct http_client_request){
        .method = "POST",
        .url = SLICE("http://127.0.0.1/check"),
        .content_type = SLICE("text/plain"),
        .body = SLICE("body"),
        .size_max = 100,
        .address = web.address,
        .deadline = soon(),
    };
}

static void end(void)
{
    http_kept_unref(&kept);
    assert_null(kept);
    http_kept_unref(&kept);
    web_stop();
    arena_close(&arena);
}

static error ask(void)
{
    return http_kept_ask(kept, &request, &arena, &answer);
}

static void keeps(void *argument)
{
    (void)argument;
    begin(4);
    web.more = 100;
    for (int i = 0; i < 5; i++) {
        assert_ok(ask());
        assert_int_equal(answer.status, 200);
        assert_slice(answer.body, "hi");
    }
    assert_int_equal(web.connections, 1);
    assert_int_equal(web.requests, 5);
    assert_non_null(strstr(web.request, "Connection: keep-alive\n"));
    assert_non_null(strstr(web.request, "\n\nbody"));
    end();
}

/* The other side says that it closes, or how it frames says so; or says more than it should. */
static void does_not_keep(void *argument)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nhi",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more",
    };
    (void)argument;
    begin(4);
    web.more = 100;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        web.answer = slice_from_string(answers[i]);
        web.connections = 0;
        assert_ok(ask());
        assert_ok(ask());
        assert_int_equal(web.connections, 2);
        assert_slice(answer.body, "hi");
    }
    web.answer = SLICE("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi");
    web.connections = 0;
    assert_ok(ask());
    assert_ok(ask());
    assert_int_equal(web.connections, 1);
    end();
}

/* Closed by the server while nobody used it: nobody notices. */
static void stale(void *argument)
{
    (void)argument;
    begin(4);
    for (int i = 0; i < 4; i++) { /* web.more 0: each connection is closed after its answer */
        assert_ok(ask());
        if (i % 2)
            assert_ok(fiber_sleep(5 * TIME_MS)); /* seen before the next; else met by it */
    }
    assert_int_equal(web.connections, 4);
    assert_int_equal(web.requests, 4);
    end();
}

static unsigned done;
static void ask_aside(void *unused)
{
    (void)unused;
    struct http_client_answer own;
    assert_ok(http_kept_ask(kept, &request, &arena, &own));
    done++;
}

/* No more connections than it may have; whoever comes too late hears so. */
static void bounded(void *argument)
{
    struct crew crew;
    (void)argument;
    begin(2);
    web.more = 100;
    done = 0;
    crew_init(&crew, NULL);
    for (int i = 0; i < 10; i++)
        assert_ok(fiber_start(&crew, "ask", ask_aside, NULL));
    assert_ok(crew_join(&crew, soon()));
    assert_int_equal(done, 10);
    assert_in_range(web.connections, 1, 2);
    web.silent = true;
    request.deadline = time_after(50 * TIME_MS);
    assert_error(ask(), ERROR_TIMEOUT);
    crew_close(&crew);
    end();
}

/* Its owner may let go while somebody waits for an answer. */
static void let_go(void *argument)
{
    struct crew crew;
    (void)argument;
    begin(2);
    done = 0;
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "ask", ask_aside, NULL));
    assert_ok(fiber_yield());
    struct http_kept *mine = kept;
    http_kept_unref(&mine);
    assert_ok(crew_join(&crew, soon()));
    assert_int_equal(done, 1);
    crew_close(&crew);
    assert_ok(http_kept_create(1, &kept)); /* for end() */
    end();
}

static void refused(void *argument)
{
    (void)argument;
    begin(1);
    request.url = SLICE("gopher://x/");
    assert_error(ask(), ERROR_PERMANENT);
    request.url = SLICE("http://127.0.0.1/");
    request.address.port = 1;
    assert_true(failed(ask()));
    request.address = web.address;
    assert_ok(ask()); /* the permit came back */
    end();
}

#define ON_CORE(name)                                                                              \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        on_core(name);                                                                             \
    }
ON_CORE(keeps)
ON_CORE(does_not_keep)
ON_CORE(stale)
ON_CORE(bounded)
ON_CORE(let_go)
ON_CORE(refused)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps),  cmocka_unit_test(test_does_not_keep),
        cmocka_unit_test(test_stale),  cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_let_go), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
