/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Changing a SQLite directory; the same on MariaDB is in test_mariadb.c.
 */
#include "check.h"

#include "data/directory/edit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static char path[64];
static struct arena arena;
static struct directory_settings settings;
static struct directory_edit *edit;

static int set_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/ringmail-edit-XXXXXX";
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/directory.sqlite", folder);
    arena_init(&arena, 1 << 16);
    if (failed(settings_default(&directory_setting_table, &arena, &settings)))
        return 1;
    settings.path = slice_from_string(path);
    return failed(directory_edit_open(&settings, &edit));
}

static int tear_down(void **state)
{
    (void)state;
    char command[128];
    directory_edit_close(&edit);
    arena_close(&arena);
    snprintf(command, sizeof command, "rm -r '%.*s'", (int)(strrchr(path, '/') - path), path);
    return system(command);
}

static char listed[4096];

static error add_to_list(void *argument, const struct directory_edit_row *row)
{
    (void)argument;
    size_t used = strlen(listed);
    snprintf(listed + used, sizeof listed - used, "%.*s>%.*s %.*s %d/%d %d/%d;",
             SLICE_ARG(row->name), SLICE_ARG(row->destination), SLICE_ARG(row->scheme),
             (int)row->users, (int)row->aliases, (int)row->quota_bytes, (int)row->quota_messages);
    return OK;
}

static const char *list(enum directory_edit_list what, const char *domain)
{
    listed[0] = 0;
    assert_ok(directory_edit_list(edit, what, slice_from_string(domain), add_to_list, NULL));
    return listed;
}

static error user_add(const char *address, const char *hash, uint64_t bytes, uint64_t messages)
{
    struct directory_edit_user user = {slice_from_string(address), slice_from_string(hash), bytes,
                                       messages};
    return directory_edit_user_add(edit, &user);
}

static void test_domains(void **state)
{
    (void)state;
    assert_string_equal(list(DIRECTORY_EDIT_DOMAINS, ""), "");
    assert_ok(directory_edit_domain_add(edit, SLICE("Example.ORG.")));
    assert_ok(directory_edit_domain_add(edit, SLICE("b\xc3\xbc"
                                                    "cher.example")));
    assert_error(directory_edit_domain_add(edit, SLICE("example.org")), ERROR_EXISTS);
    assert_error(directory_edit_domain_add(edit, SLICE("XN--BCHER-KVA.example")), ERROR_EXISTS);
    assert_error(directory_edit_domain_add(edit, SLICE("not a domain")), ERROR_MALFORMED);
    assert_non_null(strstr(directory_edit_words(edit), "not a domain"));
    assert_string_equal(list(DIRECTORY_EDIT_DOMAINS, ""),
                        "example.org>  0/0 0/0;xn--bcher-kva.example>  0/0 0/0;");
    assert_ok(user_add("a@example.org", "{PLAIN}x", 0, 0));
    assert_ok(directory_edit_alias_add(edit, SLICE("@example.org"), SLICE("a@example.org")));
    assert_error(directory_edit_domain_remove(edit, SLICE("example.org"), false), ERROR_DENIED);
    assert_string_equal(list(DIRECTORY_EDIT_DOMAINS, ""),
                        "example.org>  1/1 0/0;xn--bcher-kva.example>  0/0 0/0;");
    assert_ok(directory_edit_domain_remove(edit, SLICE("EXAMPLE.org"), true));
    assert_error(directory_edit_domain_remove(edit, SLICE("example.org"), true), ERROR_NOT_FOUND);
    assert_string_equal(list(DIRECTORY_EDIT_USERS, ""), "");
    assert_string_equal(list(DIRECTORY_EDIT_ALIASES, ""), "");
}

static void test_users(void **state)
{
    (void)state;
    uint64_t bytes = 9, messages = 8;
    assert_error(user_add("a@example.org", "x", 0, 0), ERROR_NOT_FOUND); /* no such domain */
    assert_non_null(strstr(directory_edit_words(edit), "ringmail domain add example.org"));
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    assert_ok(directory_edit_domain_add(edit, SLICE("other.example")));
    assert_ok(user_add("B.User@Example.ORG", "{BLF-CRYPT}$2y$secret", 5, 6));
    assert_ok(user_add("a+x@example.org", "$6$salt$hash", 0, 0)); /* a + is part of the name here */
    assert_ok(user_add("c@other.example", "nothing", 0, 0));
    assert_error(user_add("b.user@example.org", "x", 0, 0), ERROR_EXISTS);
    assert_error(user_add("example.org", "x", 0, 0), ERROR_MALFORMED);
    assert_error(user_add("@example.org", "x", 0, 0), ERROR_MALFORMED);
    assert_string_equal(list(DIRECTORY_EDIT_USERS, "example.org"),
                        "a+x@example.org> $6$ 0/0 0/0;b.user@example.org> {BLF-CRYPT} 0/0 5/6;");
    assert_ok(directory_edit_user_quota(edit, SLICE("b.user@example.org"), &bytes, NULL));
    assert_ok(directory_edit_user_quota(edit, SLICE("a+x@example.org"), NULL, &messages));
    assert_ok(directory_edit_user_password(edit, SLICE("B.USER@example.org"), SLICE("{PLAIN}n")));
    assert_string_equal(list(DIRECTORY_EDIT_USERS, "EXAMPLE.org"),
                        "a+x@example.org> $6$ 0/0 0/8;b.user@example.org> {PLAIN} 0/0 9/6;");
    assert_ok(directory_edit_user_remove(edit, SLICE("a+x@example.org")));
    assert_error(directory_edit_user_remove(edit, SLICE("a+x@example.org")), ERROR_NOT_FOUND);
    assert_string_equal(list(DIRECTORY_EDIT_USERS, ""),
                        "b.user@example.org> {PLAIN} 0/0 9/6;c@other.example>  0/0 0/0;");
    assert_error(
        directory_edit_list(edit, DIRECTORY_EDIT_USERS, SLICE("no.example"), add_to_list, NULL),
        ERROR_NOT_FOUND);
}

static void test_aliases(void **state)
{
    (void)state;
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    assert_ok(
        directory_edit_alias_add(edit, SLICE("Info@example.org"), SLICE("Some.One@far.example")));
    assert_ok(directory_edit_alias_add(edit, SLICE("info@example.org"), SLICE("a@example.org")));
    assert_error(directory_edit_alias_add(edit, SLICE("INFO@example.org"), SLICE("a@example.org")),
                 ERROR_EXISTS);
    assert_ok(directory_edit_alias_add(edit, SLICE("@Example.org"), SLICE("@far.example")));
    assert_error(directory_edit_alias_add(edit, SLICE("x@no.example"), SLICE("a@example.org")),
                 ERROR_NOT_FOUND);
    assert_error(directory_edit_alias_add(edit, SLICE("x@example.org"), SLICE("nonsense")),
                 ERROR_MALFORMED);
    assert_error(directory_edit_alias_add(edit, SLICE("x@example.org"), SLICE("a@b.c,d@e.f")),
                 ERROR_MALFORMED);
    assert_string_equal(list(DIRECTORY_EDIT_ALIASES, ""),
                        "@example.org>@far.example  0/0 0/0;info@example.org>Some.One@far.example  "
                        "0/0 0/0;info@example.org>a@example.org  0/0 0/0;");
    assert_ok(directory_edit_alias_remove(edit, SLICE("info@example.org"), SLICE("a@example.org")));
    assert_error(
        directory_edit_alias_remove(edit, SLICE("info@example.org"), SLICE("a@example.org")),
        ERROR_NOT_FOUND);
    assert_ok(directory_edit_alias_remove(edit, SLICE("info@example.org"), SLICE_EMPTY));
    assert_string_equal(list(DIRECTORY_EDIT_ALIASES, ""), "@example.org>@far.example  0/0 0/0;");
}

static void test_senders(void **state)
{
    (void)state;
    slice anna = SLICE("anna@example.org");
    const struct directory_edit_user user = {.address = anna, .hash = SLICE("{PLAIN}x")};
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    assert_error(directory_edit_sender_add(edit, anna, SLICE("boss@far.example")), ERROR_NOT_FOUND);
    assert_ok(directory_edit_user_add(edit, &user));
    assert_ok(
        directory_edit_sender_add(edit, SLICE("ANNA@example.org"), SLICE("Boss@FAR.example")));
    assert_ok(directory_edit_sender_add(edit, anna, SLICE("@Granted.example")));
    assert_error(directory_edit_sender_add(edit, anna, SLICE("boss@far.example")), ERROR_EXISTS);
    assert_error(directory_edit_sender_add(edit, anna, SLICE("nonsense")), ERROR_MALFORMED);
    assert_string_equal(list(DIRECTORY_EDIT_SENDERS, ""),
                        "anna@example.org>@granted.example  0/0 0/0;"
                        "anna@example.org>boss@far.example  0/0 0/0;");
    assert_ok(directory_edit_domain_add(edit, SLICE("example.net")));
    assert_string_equal(list(DIRECTORY_EDIT_SENDERS, "example.net"), "");
    assert_ok(directory_edit_sender_remove(edit, anna, SLICE("boss@far.example")));
    assert_error(directory_edit_sender_remove(edit, anna, SLICE("boss@far.example")),
                 ERROR_NOT_FOUND);
    /* What was granted goes with the account: whoever gets the address next has nothing. */
    assert_ok(directory_edit_user_remove(edit, anna));
    assert_string_equal(list(DIRECTORY_EDIT_SENDERS, ""), "");
    assert_ok(directory_edit_user_add(edit, &user));
    assert_ok(directory_edit_sender_add(edit, anna, SLICE("@granted.example")));
    assert_ok(directory_edit_domain_remove(edit, SLICE("example.org"), true));
    assert_string_equal(list(DIRECTORY_EDIT_SENDERS, ""), "");
}

static void test_transactions(void **state)
{
    (void)state;
    assert_ok(directory_edit_begin(edit));
    assert_ok(directory_edit_domain_add(edit, SLICE("gone.example")));
    directory_edit_close(&edit); /* not committed */
    assert_ok(directory_edit_open(&settings, &edit));
    assert_string_equal(list(DIRECTORY_EDIT_DOMAINS, ""), "");
    assert_ok(directory_edit_begin(edit));
    assert_ok(directory_edit_domain_add(edit, SLICE("kept.example")));
    assert_ok(directory_edit_commit(edit));
    directory_edit_close(&edit);
    assert_ok(directory_edit_open(&settings, &edit));
    assert_string_equal(list(DIRECTORY_EDIT_DOMAINS, ""), "kept.example>  0/0 0/0;");
}

/* Another stack's database: no message quota. */
static void test_a_database_without_message_quota(void **state)
{
    (void)state;
    sqlite3 *raw;
    uint64_t messages = 1, bytes = 2;
    assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(raw, "ALTER TABLE virtual_users DROP COLUMN quota_messages", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(raw);
    directory_edit_close(&edit);
    assert_ok(directory_edit_open(&settings, &edit));
    assert_ok(directory_edit_domain_add(edit, SLICE("example.org")));
    assert_error(user_add("a@example.org", "{PLAIN}x", 0, 5), ERROR_DENIED);
    assert_non_null(strstr(directory_edit_words(edit), "ALTER TABLE"));
    assert_ok(user_add("a@example.org", "{PLAIN}x", 5, 0));
    assert_ok(user_add("b@example.org", "{PLAIN}x", 0, 0));
    assert_error(directory_edit_user_quota(edit, SLICE("a@example.org"), NULL, &messages),
                 ERROR_DENIED);
    assert_ok(directory_edit_user_quota(edit, SLICE("a@example.org"), &bytes, NULL));
    assert_string_equal(list(DIRECTORY_EDIT_USERS, ""),
                        "a@example.org> {PLAIN} 0/0 2/0;b@example.org> {PLAIN} 0/0 0/0;");
}

static void test_a_file_that_cannot_be_opened(void **state)
{
    (void)state;
    struct directory_edit *other;
    settings.path = SLICE("/nonexistent/directory.sqlite");
    assert_true(failed(directory_edit_open(&settings, &other)));
    assert_non_null(strstr(directory_edit_words(NULL), "/nonexistent/directory.sqlite"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_domains),
        TEST(test_users),
        TEST(test_aliases),
        TEST(test_senders),
        TEST(test_transactions),
        TEST(test_a_database_without_message_quota),
        TEST(test_a_file_that_cannot_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
