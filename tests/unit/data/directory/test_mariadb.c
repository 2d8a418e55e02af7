/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The MariaDB backend against two private servers on a scratch directory, which are killed, stopped
 * and started again. Skipped where mariadbd is not installed.
 */
#include "fake.h"

#include "base/metric.h"
#include "base/random.h"
#include "data/directory/edit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SERVERS = 2, USERS = 200 };

static char scratch[] = "/tmp/ringmail-mariadb-XXXXXX";
static bool available;
static struct server {
    unsigned port;
    pid_t pid;
    char name[128]; /* as the settings name it */
    slice host;
} servers[SERVERS];
static struct directory_settings settings;
static slice hosts[SERVERS];

/* ---- the servers ---- */

static int shell(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    return system(command);
}

static unsigned free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void server_start(int i)
{
    char data[128], socket_option[128], pid_file[128], port[32], log[128], cert[128], key[128];
    snprintf(cert, sizeof cert, "--ssl-cert=%s/0.pem", scratch);
    snprintf(key, sizeof key, "--ssl-key=%s/0.key", scratch);
    snprintf(data, sizeof data, "--datadir=%s/data%d", scratch, i);
    snprintf(socket_option, sizeof socket_option, "--socket=%s/%d.sock", scratch, i);
    snprintf(pid_file, sizeof pid_file, "--pid-file=%s/%d.pid", scratch, i);
    snprintf(port, sizeof port, "--port=%u", servers[i].port);
    snprintf(log, sizeof log, "%s/%d.log", scratch, i);
    servers[i].pid = fork();
    assert_true(servers[i].pid >= 0);
    if (servers[i].pid > 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails hard leaves nothing behind */
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600), in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    closefrom(3);
    execlp("mariadbd", "mariadbd", "--no-defaults", data, socket_option, pid_file, port,
           "--bind-address=127.0.0.1", "--skip-name-resolve", "--innodb-buffer-pool-size=16M",
           "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=0",
           "--performance-schema=OFF", "--skip-log-bin", "--max-connections=60", cert, key,
           geteuid() == 0 ? "--user=root" : NULL, NULL);
    _exit(127);
}

static bool server_answers(int i)
{
    return shell("mariadb-admin --no-defaults -S %s/%d.sock -uroot ping >/dev/null 2>&1", scratch,
                 i) == 0;
}

static void server_wait(int i)
{
    for (int tries = 0; tries < 600; tries++) {
        if (server_answers(i))
            return;
        assert_int_equal(waitpid(servers[i].pid, NULL, WNOHANG), 0);
        usleep(50000);
    }
    fail_msg("mariadbd does not start");
}

static void server_end(int i, int number)
{
    if (servers[i].pid == 0)
        return;
    kill(servers[i].pid, number);
    waitpid(servers[i].pid, NULL, 0);
    servers[i].pid = 0;
}

static int sql(int i, const char *text)
{
    return shell("mariadb --no-defaults -S %s/%d.sock -uroot mail -e \"%s\"", scratch, i, text);
}

static void fill(int i)
{
    struct directory_edit *edit;
    char name[64], value[64];
    struct directory_settings one = settings;
    one.hosts = (struct setting_list){&servers[i].host, 1};
    assert_int_equal(shell("mariadb --no-defaults -S %s/%d.sock -uroot -e \"CREATE DATABASE mail "
                           "CHARACTER SET utf8mb4; CREATE USER ringmail@'127.0.0.1' IDENTIFIED BY "
                           "'pass'; CREATE USER ringmail@localhost IDENTIFIED BY 'pass'; GRANT ALL "
                           "ON mail.* TO ringmail@'127.0.0.1'; GRANT ALL ON mail.* TO "
                           "ringmail@localhost\"",
                           scratch, i),
                     0);
    assert_ok(directory_edit_open(&one, &edit));
    assert_ok(directory_edit_create_tables(edit));
    assert_ok(directory_edit_create_tables(edit)); /* harmless */
    assert_ok(directory_edit_begin(edit));
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    assert_ok(directory_edit_domain_add(edit, SLICE("b\xc3\xbc"
                                                    "cher.example")));
    for (int k = 0; k < USERS; k++) {
        snprintf(name, sizeof name, "user%04d@example.org", k);
        snprintf(value, sizeof value, "{PLAIN}secret%d", k);
        struct directory_edit_user user = {.address = slice_from_string(name),
                                           .hash = slice_from_string(value),
                                           .quota_bytes = (uint64_t)k * 1000000000};
        assert_ok(directory_edit_user_add(edit, &user));
    }
    assert_ok(
        directory_edit_alias_add(edit, SLICE("info@example.org"), SLICE("user0001@example.org")));
    assert_ok(directory_edit_alias_add(edit, SLICE("info@example.org"), SLICE("x@far.example")));
    assert_ok(directory_edit_commit(edit));
    directory_edit_close(&edit);
}

static int servers_up(void **state)
{
    (void)state;
    available = shell("command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null "
                      "&& command -v mariadb >/dev/null") == 0;
    if (!available)
        return 0;
    assert_non_null(mkdtemp(scratch));
    assert_int_equal(shell("mariadb-install-db --no-defaults --datadir=%s/data0 "
                           "--auth-root-authentication-method=normal --skip-test-db %s >%s/install "
                           "2>&1 && cp -r %s/data0 %s/data1",
                           scratch, geteuid() == 0 ? "--user=root" : "", scratch, scratch, scratch),
                     0);
    settings = test_settings();
    settings.backend = DIRECTORY_MARIADB;
    settings.user = SLICE("ringmail");
    settings.password = SLICE("pass");
    settings.database = SLICE("mail");
    for (int i = 0; i < SERVERS; i++) /* a CA of its own each; the first server's is used */
        assert_int_equal(shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                               "-nodes -days 30 -subj /CN=localhost -keyout %s/%d.key -out "
                               "%s/%d.pem 2>>%s/install",
                               scratch, i, scratch, i, scratch),
                         0);
    for (int i = 0; i < SERVERS; i++) {
        servers[i].port = free_port();
        if (i == 0) /* one by address, one by socket */
            snprintf(servers[i].name, sizeof servers[i].name, "127.0.0.1:%u", servers[i].port);
        else
            snprintf(servers[i].name, sizeof servers[i].name, "%s/%d.sock", scratch, i);
        servers[i].host = hosts[i] = slice_from_string(servers[i].name);
        server_start(i);
    }
    for (int i = 0; i < SERVERS; i++) {
        server_wait(i);
        fill(i);
    }
    return 0;
}

static int servers_down(void **state)
{
    (void)state;
    if (!available)
        return 0;
    for (int i = 0; i < SERVERS; i++)
        server_end(i, SIGKILL);
    return shell("rm -r %s", scratch);
}

static int set_up(void **state)
{
    (void)state;
    if (!available)
        return 0;
    settings.hosts = (struct setting_list){hosts, 1};
    settings.connections = 4;
    settings.connect_timeout = 2 * TIME_S;
    settings.query_timeout = 5 * TIME_S;
    settings.cache_positive = settings.cache_negative = 0;
    settings.account_query = SLICE("SELECT * FROM virtual_users WHERE email = ?");
    for (int i = 0; i < SERVERS; i++)
        if (servers[i].pid == 0) {
            server_start(i);
            server_wait(i);
        }
    return 0;
}

#define NEEDS_MARIADB()                                                                            \
    if (!available)                                                                                \
    skip()
#define WITH_MARIADB(name)                                                                         \
    static void name##_in_core(void);                                                              \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        if (!available)                                                                            \
            skip();                                                                                \
        run_in_core(name##_in_core);                                                               \
    }                                                                                              \
    static void name##_in_core(void)

/* ---- asking ---- */

static struct directory *directory;

/* Right: the account is found with its quota. */
static error ask(int number)
{
    struct arena arena;
    struct directory_account account;
    char name[64];
    snprintf(name, sizeof name, "user%04d@example.org", number);
    arena_init(&arena, 1 << 18);
    error result = directory_account(directory, slice_from_string(name), &arena, &account);
    if (!failed(result)) {
        assert_true(slice_equal(account.address, slice_from_string(name)));
        assert_int_equal(account.quota_bytes, (uint64_t)number * 1000000000);
    }
    arena_close(&arena);
    return result;
}

static struct load {
    bool stop;
    unsigned right, temporary;
} load;

/* Whatever happens to the servers, an answer is right or temporary trouble, never "no such user".
 */
static void load_run(void *argument)
{
    (void)argument;
    while (!load.stop) {
        error result = ask((int)random_below(USERS));
        if (!failed(result))
            load.right++;
        else if (result.kind == ERROR_TEMPORARY)
            load.temporary++;
        else
            fail_msg("a wrong answer: %s", result.text);
        assert_ok(fiber_sleep(TIME_MS));
    }
}

static void load_start(struct crew *crew, int fibers)
{
    load = (struct load){0};
    crew_init(crew, NULL);
    for (int i = 0; i < fibers; i++)
        assert_ok(fiber_start(crew, "load", load_run, NULL));
}

static void load_stop(struct crew *crew)
{
    load.stop = true;
    assert_ok(crew_join(crew, TIME_NEVER));
    crew_close(crew);
}

static bool load_reaches(const unsigned *count, unsigned least)
{
    instant deadline = time_after(30 * TIME_S);
    while (*count < least && time_now() < deadline)
        assert_ok(fiber_sleep(5 * TIME_MS));
    return *count >= least;
}

static int64_t gauge(const char *labels)
{
    return metric_value(
        metric_find(SLICE("ringmail_directory_connections"), slice_from_string(labels)));
}

/* ---- tests ---- */

WITH_MARIADB(test_answers)
{
    struct directory_resolution resolution;
    struct directory_account account;
    struct arena arena;
    bool ours;
    arena_init(&arena, 1 << 20);
    assert_ok(directory_open(&settings, &directory));
    assert_string_equal(directory_backend_name(directory), "mariadb");
    for (int i = 0; i < USERS; i++)
        assert_ok(ask(i));
    assert_error(ask(USERS), ERROR_NOT_FOUND);
    assert_ok(directory_domain(directory,
                               SLICE("B\xc3\x9c"
                                     "CHER.example"),
                               &ours));
    assert_true(ours);
    assert_ok(directory_resolve(directory, SLICE("Info+x@example.org"), &arena, &resolution));
    assert_int_equal(resolution.count, 2);
    assert_ok(directory_resolve(directory, SLICE("x@elsewhere.example"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NOT_OURS);
    assert_ok(directory_authenticate(directory, SLICE("USER0007@example.org"), SLICE("secret7"),
                                     &arena, &account));
    assert_error(directory_authenticate(directory, SLICE("user0007@example.org"), SLICE("secret8"),
                                        &arena, &account),
                 ERROR_DENIED);
    directory_close(&directory);
    assert_int_equal(gauge("state=\"open\""), 0);
    arena_close(&arena);
}

/* Collations that think more names equal than we do, trailing blanks, quotes, long values. */
WITH_MARIADB(test_compares_exactly)
{
    struct directory_account account;
    struct directory_resolution resolution;
    struct arena arena;
    slice hash;
    char long_hash[1000];
    arena_init(&arena, 1 << 20);
    assert_int_equal(sql(0, "INSERT INTO virtual_users (domain_id, email, password) VALUES (1, "
                            "'jos\xc3\xa9@example.org', CONCAT('{PLAIN}', REPEAT('x', 900))), (1, "
                            "'UPPER@Example.org', '{PLAIN}u')"),
                     0);
    assert_ok(directory_open(&settings, &directory));
    assert_error(directory_account(directory, SLICE("jose@example.org"), &arena, &account),
                 ERROR_NOT_FOUND);
    assert_ok(directory_account(directory, SLICE("Jos\xc3\xa9@example.org"), &arena, &account));
    assert_ok(directory_account(directory, SLICE("upper@example.org"), &arena, &account));
    assert_slice(account.address, "upper@example.org");
    assert_ok(directory_password(directory, SLICE("jos\xc3\xa9@example.org"), &arena, &hash));
    memset(long_hash, 'x', sizeof long_hash);
    memcpy(long_hash, "{PLAIN}", 7);
    assert_int_equal(hash.size, 907);
    assert_memory_equal(hash.data, long_hash, 907);
    assert_ok(
        directory_resolve(directory, SLICE("\"user0001 \"@example.org"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NO_SUCH_USER);
    assert_ok(directory_resolve(directory, SLICE("x' OR '1'='1@example.org"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NO_SUCH_USER);
    directory_close(&directory);
    assert_int_equal(sql(0, "DELETE FROM virtual_users WHERE email NOT LIKE 'user%'"), 0);
    arena_close(&arena);
}

/* Columns come, go and change places under prepared statements. */
WITH_MARIADB(test_tables_altered_meanwhile)
{
    assert_ok(directory_open(&settings, &directory));
    assert_ok(ask(5));
    assert_int_equal(sql(0, "ALTER TABLE virtual_users ADD COLUMN note TEXT FIRST"), 0);
    assert_ok(ask(5));
    assert_int_equal(
        sql(0, "ALTER TABLE virtual_users MODIFY COLUMN quota BIGINT NOT NULL DEFAULT 0 FIRST"), 0);
    assert_ok(ask(5));
    assert_int_equal(sql(0, "ALTER TABLE virtual_users DROP COLUMN note"), 0);
    assert_ok(ask(5));
    assert_int_equal(sql(0, "RENAME TABLE virtual_users TO away"), 0);
    assert_error(ask(5), ERROR_TEMPORARY); /* never "no such user" */
    assert_int_equal(sql(0, "RENAME TABLE away TO virtual_users"), 0);
    assert_ok(ask(5));
    directory_close(&directory);
}

WITH_MARIADB(test_pool_is_bounded)
{
    struct crew crew;
    settings.connections = 3;
    assert_ok(directory_open(&settings, &directory));
    load_start(&crew, 60);
    int64_t most = 0;
    for (int i = 0; i < 200 || (load.right <= 100 && i < 20000); i++) {
        assert_ok(fiber_sleep(TIME_MS));
        most = gauge("state=\"open\"") > most ? gauge("state=\"open\"") : most;
    }
    load_stop(&crew);
    assert_int_equal(most, 3);
    assert_int_equal(load.temporary, 0);
    assert_true(load.right > 100);
    assert_int_equal(gauge("state=\"in_use\""), 0);
    directory_close(&directory);
    assert_int_equal(gauge("state=\"open\""), 0);
}

WITH_MARIADB(test_killed_and_restarted_under_load)
{
    struct crew crew;
    assert_ok(directory_open(&settings, &directory));
    load_start(&crew, 20);
    assert_true(load_reaches(&load.right, 1));
    assert_int_equal(load.temporary, 0);
    server_end(0, SIGKILL);
    /* longer than the grace: questions fail, and fast */
    assert_true(load_reaches(&load.temporary, 100));
    server_start(0);
    assert_true(load_reaches(&load.right, load.right + 100));
    unsigned failures = load.temporary;
    assert_ok(fiber_sleep(300 * TIME_MS));
    assert_int_equal(load.temporary, failures); /* and all is well again */
    load_stop(&crew);
    directory_close(&directory);
}

/* A restart shorter than the grace is not seen at all. */
WITH_MARIADB(test_a_quick_restart_is_waited_out)
{
    struct crew crew;
    assert_ok(directory_open(&settings, &directory));
    load_start(&crew, 5);
    assert_true(load_reaches(&load.right, 1));
    server_end(0, SIGTERM);
    server_start(0);
    assert_true(load_reaches(&load.right, load.right + 50));
    load_stop(&crew);
    directory_close(&directory);
}

/* However long the pauses have become: who asks after the server's return gets an answer. */
WITH_MARIADB(test_a_returned_server_is_found_at_once)
{
    assert_ok(directory_open(&settings, &directory));
    assert_ok(ask(1));
    server_end(0, SIGKILL);
    settings.query_timeout = 100 * TIME_MS;
    assert_error(ask(1), ERROR_TEMPORARY);
    settings.query_timeout = 5 * TIME_S;
    assert_ok(fiber_sleep(3 * TIME_S));
    server_start(0);
    server_wait(0);
    assert_ok(ask(1));
    directory_close(&directory);
}

WITH_MARIADB(test_failover)
{
    struct crew crew;
    settings.hosts.count = 2;
    assert_ok(directory_open(&settings, &directory));
    load_start(&crew, 20);
    assert_true(load_reaches(&load.right, 1));
    server_end(0, SIGKILL);
    assert_true(load_reaches(&load.right, load.right + 100));
    assert_int_equal(load.temporary, 0);
    server_start(0);
    server_wait(0);
    server_end(1, SIGKILL);
    assert_true(load_reaches(&load.right, load.right + 100));
    load_stop(&crew);
    directory_close(&directory);
}

/* A server that accepts and then says nothing costs half the time, then the other is asked. */
WITH_MARIADB(test_a_hanging_server)
{
    settings.hosts.count = 2;
    settings.query_timeout = 6 * TIME_S;
    settings.connect_timeout = 500 * TIME_MS;
    assert_ok(directory_open(&settings, &directory));
    assert_ok(ask(1));
    kill(servers[0].pid, SIGSTOP);
    usleep(100000); /* until all its threads stand */
    instant start = time_now();
    assert_ok(ask(2));
    int64_t taken = time_now() - start;
    assert_in_range(taken / TIME_MS, 2900, 5999);
    start = time_now();
    assert_ok(ask(3)); /* the other is the good one now */
    assert_true(time_now() - start < 2900 * TIME_MS);
    kill(servers[0].pid, SIGCONT);
    directory_close(&directory);
}

WITH_MARIADB(test_nobody_there)
{
    static const slice nobody[] = {{"127.0.0.1:1", 11}, {"/nonexistent/socket", 19}};
    settings.hosts = (struct setting_list){nobody, 2};
    settings.query_timeout = 300 * TIME_MS;
    assert_ok(directory_open(&settings, &directory));
    instant start = time_now();
    assert_error(ask(1), ERROR_TEMPORARY);
    assert_true(time_now() - start < 20 * TIME_S);
    assert_ok(fiber_sleep(2200 * TIME_MS));
    settings.query_timeout = 40 * TIME_S;
    start = time_now();
    assert_error(ask(1), ERROR_TEMPORARY);
    assert_true(time_now() - start < 20 * TIME_S); /* it is known by now */
    directory_close(&directory);
}

WITH_MARIADB(test_wrong_password)
{
    struct directory_settings wrong = settings;
    wrong.password = SLICE("no");
    wrong.query_timeout = 200 * TIME_MS;
    assert_ok(directory_open(&wrong, &directory));
    assert_error(ask(1), ERROR_TEMPORARY);
    directory_close(&directory);
}

static bool session_is_encrypted(void)
{
    return shell("test -n \"$(mariadb --no-defaults -S %s/0.sock -uroot -NBe \"SELECT 1 FROM "
                 "information_schema.processlist WHERE user = 'ringmail'\")\" && test \"$(mariadb "
                 "--no-defaults -S %s/0.sock -uroot -NBe \"SHOW GLOBAL STATUS LIKE "
                 "'Ssl_finished_accepts'\" | cut -f2)\" -gt 0",
                 scratch, scratch) == 0;
}

/* Encrypted where a CA is named, and only to a server that this CA knows. */
WITH_MARIADB(test_tls)
{
    char right[128], wrong[128];
    snprintf(right, sizeof right, "%s/0.pem", scratch);
    snprintf(wrong, sizeof wrong, "%s/1.pem", scratch);
    settings.tls_ca = slice_from_string(right);
    assert_ok(directory_open(&settings, &directory));
    for (int i = 0; i < 50; i++)
        assert_ok(ask(i));
    assert_true(session_is_encrypted());
    directory_close(&directory);
    settings.tls_ca = slice_from_string(wrong);
    settings.query_timeout = 500 * TIME_MS;
    assert_ok(directory_open(&settings, &directory));
    assert_error(ask(1), ERROR_TEMPORARY);
    directory_close(&directory);
    settings.tls_ca = SLICE_EMPTY;
}

static void ask_slowly(void *argument)
{
    *(enum error_kind *)argument = ask(1).kind;
}

/* A fiber that is cancelled in the middle of a query ends at once; its connection is not used
 * again. */
WITH_MARIADB(test_cancelled_in_a_query)
{
    struct crew crew;
    enum error_kind result = ERROR_NONE;
    settings.account_query =
        SLICE("SELECT *, SLEEP(40) AS slept FROM virtual_users WHERE email = ?");
    settings.connections = 1;
    assert_ok(directory_open(&settings, &directory));
    crew_init(&crew, NULL);
    assert_ok(fiber_start(&crew, "slow", ask_slowly, &result));
    for (unsigned i = 0; i < 1000 && gauge("state=\"in_use\"") == 0; i++)
        assert_ok(fiber_sleep(30 * TIME_MS));
    assert_int_equal(gauge("state=\"in_use\""), 1);
    assert_ok(fiber_sleep(100 * TIME_MS));
    instant start = time_now();
    crew_close(&crew);
    assert_true(time_now() - start < 20 * TIME_S);
    assert_int_equal(result, ERROR_CANCELLED);
    bool ours;
    assert_ok(directory_domain(directory, SLICE("example.org"), &ours));
    assert_true(ours);
    directory_close(&directory);
}

/* The query's own deadline. */
WITH_MARIADB(test_a_query_that_takes_too_long)
{
    settings.account_query =
        SLICE("SELECT *, SLEEP(40) AS slept FROM virtual_users WHERE email = ?");
    settings.query_timeout = 400 * TIME_MS;
    assert_ok(directory_open(&settings, &directory));
    instant start = time_now();
    assert_error(ask(1), ERROR_TEMPORARY);
    assert_true(time_now() - start < 20 * TIME_S);
    directory_close(&directory);
}

static void test_edits(void **state)
{
    (void)state;
    NEEDS_MARIADB();
    struct directory_edit *edit;
    struct directory_edit_user user = {.address = SLICE("user0001@example.org"),
                                       .hash = SLICE("{PLAIN}x")};
    uint64_t bytes = 5, messages = 7;
    assert_ok(directory_edit_open(&settings, &edit));
    assert_error(directory_edit_user_add(edit, &user), ERROR_EXISTS);
    assert_error(directory_edit_domain_add(edit, SLICE("EXAMPLE.org")), ERROR_EXISTS);
    assert_error(directory_edit_domain_remove(edit, SLICE("example.org"), false), ERROR_DENIED);
    assert_non_null(strstr(directory_edit_words(edit), "--force"));
    assert_error(directory_edit_user_password(edit, SLICE("nobody@example.org"), SLICE("x")),
                 ERROR_NOT_FOUND);
    assert_ok(directory_edit_begin(edit));
    assert_ok(directory_edit_user_quota(edit, SLICE("user0002@example.org"), &bytes, &messages));
    assert_ok(directory_edit_user_password(edit, SLICE("user0002@example.org"), SLICE("{PLAIN}y")));
    assert_ok(directory_edit_user_password(edit, SLICE("user0002@example.org"), SLICE("{PLAIN}y")));
    assert_ok(directory_edit_domain_remove(edit, SLICE("example.org"), true));
    assert_error(directory_edit_user_remove(edit, SLICE("user0002@example.org")), ERROR_NOT_FOUND);
    directory_edit_close(&edit); /* not committed: nothing happened */
    assert_ok(directory_edit_open(&settings, &edit));
    assert_error(directory_edit_user_add(edit, &user), ERROR_EXISTS);
    directory_edit_close(&edit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_answers, set_up),
        cmocka_unit_test_setup(test_compares_exactly, set_up),
        cmocka_unit_test_setup(test_tables_altered_meanwhile, set_up),
        cmocka_unit_test_setup(test_edits, set_up),
        cmocka_unit_test_setup(test_pool_is_bounded, set_up),
        cmocka_unit_test_setup(test_killed_and_restarted_under_load, set_up),
        cmocka_unit_test_setup(test_a_quick_restart_is_waited_out, set_up),
        cmocka_unit_test_setup(test_a_returned_server_is_found_at_once, set_up),
        cmocka_unit_test_setup(test_failover, set_up),
        cmocka_unit_test_setup(test_a_hanging_server, set_up),
        cmocka_unit_test_setup(test_nobody_there, set_up),
        cmocka_unit_test_setup(test_wrong_password, set_up),
        cmocka_unit_test_setup(test_tls, set_up),
        cmocka_unit_test_setup(test_cancelled_in_a_query, set_up),
        cmocka_unit_test_setup(test_a_query_that_takes_too_long, set_up),
    };
    return cmocka_run_group_tests(tests, servers_up, servers_down);
}
