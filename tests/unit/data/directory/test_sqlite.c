/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The real SQLite backend under the real directory, written to by edit.h.
 */
#include "fake.h"

#include "data/directory/edit.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];
static struct directory_settings settings;

static struct directory_edit *edit_open(void)
{
    struct directory_edit *edit;
    assert_ok(directory_edit_open(&settings, &edit));
    return edit;
}

static int set_up(void **state)
{
    (void)state;
    static char folder[] = "/tmp/ringmail-sqlite-XXXXXX";
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/directory.sqlite", folder);
    settings = test_settings();
    settings.path = slice_from_string(path);
    struct directory_edit *edit = edit_open();
    assert_ok(directory_edit_domain_add(edit, SLICE("Example.ORG")));
    assert_ok(directory_edit_domain_add(edit, SLICE("b\xc3\xbc"
                                                    "cher.example")));
    struct directory_edit_user alice = {.address = SLICE("Alice@example.org"),
                                        .hash = SLICE("{PLAIN}secret"),
                                        .quota_bytes = 5000000000,
                                        .quota_messages = 10};
    assert_ok(directory_edit_user_add(edit, &alice));
    struct directory_edit_user jurgen = {.address = SLICE("j\xc3\xbcrgen@b\xc3\xbc"
                                                          "cher.example"),
                                         .hash = SLICE("{PLAIN}secret")};
    assert_ok(directory_edit_user_add(edit, &jurgen));
    assert_ok(
        directory_edit_alias_add(edit, SLICE("info@example.org"), SLICE("alice@example.org")));
    assert_ok(directory_edit_alias_add(edit, SLICE("info@example.org"), SLICE("X@far.example")));
    assert_ok(directory_edit_alias_add(edit, SLICE("@example.org"), SLICE("alice@example.org")));
    directory_edit_close(&edit);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%.*s'", (int)(strrchr(path, '/') - path), path);
    return system(command);
}

IN_CORE(test_resolves_from_a_file)
{
    struct directory *directory;
    struct directory_resolution resolution;
    struct directory_account account;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_ok(directory_open(&settings, &directory));
    assert_ptr_equal(directory_here(), directory);
    assert_string_equal(directory_backend_name(directory), "sqlite");
    assert_ok(directory_resolve(directory, SLICE("INFO+x@example.org"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_FOUND);
    assert_int_equal(resolution.count, 2);
    assert_true(resolution.targets[0].outside);
    assert_slice(resolution.targets[0].address, "X+x@far.example");
    assert_slice(resolution.targets[1].address, "alice@example.org");
    assert_slice(resolution.targets[1].detail, "x");
    assert_int_equal(resolution.targets[1].account.quota_bytes, 5000000000);
    assert_int_equal(resolution.targets[1].account.quota_messages, 10);
    assert_ok(directory_resolve(directory, SLICE("whoever@example.org"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_FOUND);
    assert_ok(directory_resolve(directory,
                                SLICE("x@b\xc3\xbc"
                                      "cher.example"),
                                &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NO_SUCH_USER);
    assert_ok(directory_resolve(directory, SLICE("x@elsewhere.example"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NOT_OURS);
    assert_ok(directory_authenticate(directory, SLICE("J\xc3\x9cRGEN@xn--bcher-kva.example"),
                                     SLICE("secret"), &arena, &account));
    assert_int_equal(account.id, 2);
    assert_error(
        directory_authenticate(directory, SLICE("alice@example.org"), SLICE("x"), &arena, &account),
        ERROR_DENIED);
    /* Quotes in a name are data. */
    assert_ok(directory_resolve(directory,
                                SLICE("x' OR '1'='1@b\xc3\xbc"
                                      "cher.example"),
                                &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_NO_SUCH_USER);
    directory_close(&directory);
    assert_null(directory_here());
    arena_close(&arena);
}

IN_CORE(test_sees_what_is_written_after_invalidation)
{
    struct directory *directory;
    struct directory_account account;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_ok(directory_open(&settings, &directory));
    assert_error(directory_account(directory, SLICE("late@example.org"), &arena, &account),
                 ERROR_NOT_FOUND);
    struct directory_edit *edit = edit_open();
    struct directory_edit_user late = {.address = SLICE("late@example.org"),
                                       .hash = SLICE("{PLAIN}x")};
    assert_ok(directory_edit_user_add(edit, &late));
    directory_edit_close(&edit);
    assert_error(directory_account(directory, SLICE("late@example.org"), &arena, &account),
                 ERROR_NOT_FOUND);
    assert_ok(directory_invalidate_everywhere(SLICE("late@example.org")));
    assert_ok(directory_account(directory, SLICE("late@example.org"), &arena, &account));
    directory_close(&directory);
    arena_close(&arena);
}

/* Another program may have written the domain's name as people read it, or in capitals. */
IN_CORE(test_finds_names_as_others_write_them)
{
    struct directory *directory;
    struct directory_resolution resolution;
    struct arena arena;
    sqlite3 *other;
    arena_init(&arena, 1 << 20);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other,
                     "INSERT INTO virtual_domains (id, name) VALUES (70, 'gr\xc3\xb6\xc3\x9f"
                     "e.example'), (71, 'SHOUT.example');"
                     "INSERT INTO virtual_users (domain_id, email, password) VALUES (70, "
                     "'otto@gr\xc3\xb6\xc3\x9f"
                     "e.example', 'x'), (71, 'OTTO@SHOUT.example', 'x');"
                     "INSERT INTO virtual_aliases (domain_id, source, destination) VALUES (70, "
                     "'@gr\xc3\xb6\xc3\x9f"
                     "e.example', 'Otto@Shout.EXAMPLE')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(other);
    assert_ok(directory_open(&settings, &directory));
    static const char *const pairs[][2] = {
        {"otto@xn--gre-6ka8i.example", "otto@xn--gre-6ka8i.example"},
        {"Otto@GR\xc3\x96\xc3\x9f"
         "E.example",
         "otto@xn--gre-6ka8i.example"},
        {"else@xn--gre-6ka8i.example", "otto@shout.example"},
        {"otto@shout.example", "otto@shout.example"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_ok(
            directory_resolve(directory, slice_from_string(pairs[i][0]), &arena, &resolution));
        assert_int_equal(resolution.answer, DIRECTORY_FOUND);
        assert_int_equal(resolution.count, 1);
        assert_true(slice_equal(resolution.targets[0].address, slice_from_string(pairs[i][1])));
    }
    directory_close(&directory);
    arena_close(&arena);
}

/* A long write transaction of another program does not hold up readers. */
IN_CORE(test_reads_beside_a_writer)
{
    struct directory *directory;
    struct directory_account account;
    struct arena arena;
    sqlite3 *writer;
    arena_init(&arena, 1 << 20);
    assert_ok(directory_open(&settings, &directory));
    assert_int_equal(sqlite3_open(path, &writer), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(writer, "BEGIN IMMEDIATE; DELETE FROM virtual_users", NULL, NULL, NULL),
        SQLITE_OK);
    assert_ok(directory_account(directory, SLICE("alice@example.org"), &arena, &account));
    sqlite3_exec(writer, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(writer);
    directory_close(&directory);
    arena_close(&arena);
}

IN_CORE(test_queries_of_ones_own)
{
    struct directory *directory;
    struct directory_account account;
    struct directory_resolution resolution;
    struct arena arena;
    sqlite3 *other;
    arena_init(&arena, 1 << 20);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other,
                     "CREATE TABLE people (nick, place, secret, room);"
                     "INSERT INTO people VALUES ('zoe', 'own.example', '{PLAIN}z', '/srv/zoe')",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(other);
    settings.domain_query = SLICE("SELECT 1 FROM people WHERE place = '%d'");
    settings.account_query = SLICE("SELECT secret AS password, room AS home, 100 AS quota FROM "
                                   "people WHERE nick = %n AND place = %d");
    settings.alias_query =
        SLICE("SELECT 'zoe@own.example' AS destination WHERE %u = 'z@own.example'");
    assert_ok(directory_open(&settings, &directory));
    assert_ok(directory_resolve(directory, SLICE("z@own.example"), &arena, &resolution));
    assert_int_equal(resolution.count, 1);
    assert_string_equal(resolution.targets[0].account.maildir, "/srv/zoe/Maildir");
    assert_int_equal(resolution.targets[0].account.quota_bytes, 100);
    assert_int_not_equal(resolution.targets[0].account.id, 0);
    assert_ok(
        directory_authenticate(directory, SLICE("zoe@own.example"), SLICE("z"), &arena, &account));
    directory_close(&directory);
    settings.account_query = SLICE("SELECT nothing FROM nowhere WHERE x = ?");
    assert_ok(directory_open(&settings, &directory));
    assert_error(directory_account(directory, SLICE("zoe@own.example"), &arena, &account),
                 ERROR_TEMPORARY);
    directory_close(&directory);
    arena_close(&arena);
}

static void run_sql(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void run_sql(const char *format, ...)
{
    char text[1000];
    sqlite3 *database;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    sqlite3_close(database);
}

/* As many bytes: blanks, and an address at their end. */
#define LONG_VALUE "substr(replace(hex(zeroblob(40000)),'0',' '),1,%d)||'x@far.example'"
enum { LONG_VALUE_SIZE = 13 };

static error resolve_anew(const char *address, struct arena *arena,
                          struct directory_resolution *out_resolution)
{
    struct directory *directory;
    assert_ok(directory_open(&settings, &directory));
    error problem = directory_resolve(directory, slice_from_string(address), arena, out_resolution);
    directory_close(&directory);
    return problem;
}

/* DIRECTORY_COLUMN_SIZE_MAX and DIRECTORY_ANSWER_SIZE_MAX: what is too large is trouble, never "no
 * such user". */
IN_CORE(test_answers_have_limits)
{
    struct directory_resolution resolution;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    for (int more = 0; more < 2; more++) {
        run_sql("UPDATE virtual_aliases SET destination = " LONG_VALUE
                " WHERE source = 'info@example.org' AND destination <> 'alice@example.org'",
                DIRECTORY_COLUMN_SIZE_MAX - LONG_VALUE_SIZE + more);
        error problem = resolve_anew("info@example.org", &arena, &resolution);
        assert_error(problem, more ? ERROR_TEMPORARY : ERROR_NONE);
        if (!more)
            assert_int_equal(resolution.count, 2);
    }
    run_sql("DELETE FROM virtual_aliases WHERE source = 'info@example.org'");
    for (int rows = 0, fits = DIRECTORY_ANSWER_SIZE_MAX / DIRECTORY_COLUMN_SIZE_MAX - 1;
         rows <= fits; rows++) {
        run_sql("INSERT INTO virtual_aliases (domain_id, source, destination) SELECT id, "
                "'info@example.org', '%d@far.example,'||" LONG_VALUE
                " FROM virtual_domains WHERE name = 'example.org'",
                rows, DIRECTORY_COLUMN_SIZE_MAX - 64);
        if (rows + 1 < fits)
            continue;
        error problem = resolve_anew("info@example.org", &arena, &resolution);
        if (rows < fits)
            assert_ok(problem);
        else
            assert_error(problem, ERROR_LIMIT);
    }
    arena_close(&arena);
}

/* PATH_SIZE_MAX (data/directory/sqlite_file.c), with the NUL. */
static void test_paths_have_a_limit(void **state)
{
    (void)state;
    enum { PATH_SIZE_MAX = 1024 };
    static char longer[PATH_SIZE_MAX + 2];
    const char *name = strrchr(path, '/');
    for (size_t size = PATH_SIZE_MAX - 1; size <= PATH_SIZE_MAX; size++) {
        size_t folder = (size_t)(name - path), rest = strlen(name);
        memset(longer, '/', size);
        memcpy(longer, path, folder);
        memcpy(longer + size - rest, name, rest + 1);
        settings.path = slice_of(longer, size);
        struct directory_edit *edit = NULL;
        error problem = directory_edit_open(&settings, &edit);
        directory_edit_close(&edit);
        assert_error(problem, size < PATH_SIZE_MAX ? ERROR_NONE : ERROR_MALFORMED);
    }
}

static void test_refuses_to_open(void **state)
{
    (void)state;
    struct directory *directory;
    settings.path = SLICE("/nonexistent/folder/x.sqlite");
    assert_true(failed(directory_open(&settings, &directory)));
    settings.path = slice_from_string(path);
    settings.alias_query = SLICE("SELECT destination FROM virtual_aliases");
    assert_error(directory_open(&settings, &directory), ERROR_MALFORMED);
    settings.alias_query = SLICE("SELECT 'unclosed FROM x WHERE y = ?");
    assert_error(directory_open(&settings, &directory), ERROR_MALFORMED);
}

/* All cores of a fresh installation open at once, and one makes the tables. */
static _Atomic int opened;

static void open_on_core(void *argument)
{
    (void)argument;
    struct directory *directory;
    bool ours;
    assert_ok(directory_open(&settings, &directory));
    assert_ok(directory_domain(directory, SLICE("example.org"), &ours));
    assert_false(ours);
    directory_close(&directory);
    opened++;
}

static void test_many_cores_open_a_new_file(void **state)
{
    (void)state;
    char fresh[80];
    snprintf(fresh, sizeof fresh, "%s.fresh", path);
    settings.path = slice_from_string(fresh);
    struct core_options options = {.count = 4};
    opened = 0;
    assert_ok(cores_start(&options, open_on_core, NULL));
    for (int i = 0; opened < 4 && i < 5000; i++)
        usleep(1000);
    cores_stop();
    cores_join();
    assert_int_equal(opened, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths_have_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resolves_from_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_sees_what_is_written_after_invalidation, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_finds_names_as_others_write_them, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reads_beside_a_writer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_queries_of_ones_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refuses_to_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_cores_open_a_new_file, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
