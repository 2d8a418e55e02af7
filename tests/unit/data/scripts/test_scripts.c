/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check.h"

#include "cores.h"
#include "data/scripts/scripts.h"
#include "data/scripts/settings.h"
#include "scratch.h"

static struct scratch scratch;
static struct arena arena;
static char folder[200], active[200];
static const struct script_quota quota = {.size_max = 100, .count_max = 3, .bytes_max = 200};

static struct script_place place(void)
{
    snprintf(folder, sizeof folder, "%s/home/sieve", scratch.path);
    snprintf(active, sizeof active, "%s/home/.dovecot.sieve", scratch.path);
    return (struct script_place){folder, active};
}

static error put(const char *name, const char *text, enum script_bound *out_bound)
{
    const struct script_place here = place();
    return script_write(&here, slice_from_string(name), slice_from_string(text), &quota, out_bound);
}

static void assert_target(const char *expected)
{
    char target[300];
    ssize_t size = readlink(active, target, sizeof target - 1);
    assert_true(size > 0);
    target[size] = '\0';
    assert_string_equal(target, expected);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void live(void *argument)
{
    (void)argument;
    const struct script_place here = place();
    const struct script_entry *entries;
    enum script_bound bound;
    size_t count;
    slice text;
    assert_ok(script_list(&here, &arena, &entries, &count));
    assert_int_equal(count, 0);
    assert_ok(put("b", "keep;", &bound));
    assert_ok(put("a", "stop;", &bound));
    assert_ok(script_activate(&here, SLICE("b")));
    assert_target("sieve/b.sieve");
    assert_ok(script_list(&here, &arena, &entries, &count));
    assert_int_equal(count, 2);
    assert_true(slice_equal(entries[0].name, SLICE("a")) && !entries[0].active);
    assert_true(slice_equal(entries[1].name, SLICE("b")) && entries[1].active);
    assert_int_equal(entries[1].size, 5);
    assert_error(script_remove(&here, SLICE("b")), ERROR_BUSY);
    assert_error(script_rename(&here, SLICE("b"), SLICE("a")), ERROR_EXISTS);
    assert_error(script_rename(&here, SLICE("c"), SLICE("d")), ERROR_NOT_FOUND);
    assert_ok(script_rename(&here, SLICE("b"), SLICE("c")));
    assert_target("sieve/c.sieve");
    assert_ok(script_read(&here, SLICE("c"), &arena, &text));
    assert_true(slice_equal(text, SLICE("keep;")));
    assert_error(script_read(&here, SLICE("b"), &arena, &text), ERROR_NOT_FOUND);
    assert_ok(script_activate(&here, SLICE_EMPTY));
    assert_int_equal(access(active, F_OK), -1);
    assert_ok(script_remove(&here, SLICE("c")));
    assert_error(script_activate(&here, SLICE("c")), ERROR_NOT_FOUND);
}

static void bounds(void *argument)
{
    (void)argument;
    const struct script_place here = place();
    enum script_bound bound;
    char large[102];
    memset(large, '#', 101);
    large[101] = '\0';
    assert_error(put("a", large, &bound), ERROR_LIMIT);
    assert_int_equal(bound, SCRIPT_BOUND_SIZE);
    assert_ok(put("a", large + 1, &bound));
    assert_ok(put("b", large + 2, &bound));
    assert_error(put("c", "##", &bound), ERROR_LIMIT);
    assert_int_equal(bound, SCRIPT_BOUND_BYTES);
    assert_ok(put("c", "#", &bound));
    assert_error(put("d", "", &bound), ERROR_LIMIT);
    assert_int_equal(bound, SCRIPT_BOUND_COUNT);
    assert_ok(put("c", "", &bound)); /* its own place counts for it */
    assert_error(script_check_space(&here, SLICE("b"), 101, &quota, &bound), ERROR_LIMIT);
    assert_error(put("../x", "", &bound), ERROR_MALFORMED);
}

/* What Pigeonhole or a person left. */
static void foreign(void *argument)
{
    (void)argument;
    const struct script_place here = place();
    const struct script_entry *entries;
    size_t count;
    slice text;
    char path[400];
    snprintf(path, sizeof path, "%s/home", scratch.path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(mkdir(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/tmp", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/managesieve.sieve", folder);
    write_file(path, "keep;");
    snprintf(path, sizeof path, "%s/managesieve.svbin", folder);
    write_file(path, "x");
    /* an absolute target is as good */
    snprintf(path, sizeof path, "%s/managesieve.sieve", folder);
    assert_int_equal(symlink(path, active), 0);
    assert_ok(script_list(&here, &arena, &entries, &count));
    assert_int_equal(count, 1);
    assert_true(entries[0].active);
    /* a file where the link should be is kept */
    assert_int_equal(unlink(active), 0);
    write_file(active, "discard;");
    assert_ok(script_activate(&here, SLICE("managesieve")));
    assert_target("sieve/managesieve.sieve");
    assert_ok(script_read(&here, SLICE("dovecot.orig"), &arena, &text));
    assert_true(slice_equal(text, SLICE("discard;")));
    /* more of them than SCRIPT_SAVED_MAX: refused rather than lost */
    for (unsigned i = 1; i < SCRIPT_SAVED_MAX; i++) {
        unlink(active);
        write_file(active, "discard;");
        assert_ok(script_activate(&here, SLICE("managesieve")));
    }
    unlink(active);
    write_file(active, "stop;");
    assert_error(script_activate(&here, SLICE("managesieve")), ERROR_EXISTS);
    assert_error(script_activate(&here, SLICE_EMPTY), ERROR_EXISTS);
    /* a link that leads nowhere: none is active */
    unlink(active);
    assert_int_equal(symlink("sieve/gone.sieve", active), 0);
    struct script_version version;
    assert_error(script_look(active, &version), ERROR_NOT_FOUND);
}

static void versions(void *argument)
{
    (void)argument;
    const struct script_place here = place();
    struct script_version before, after;
    enum script_bound bound;
    assert_ok(put("a", "keep;", &bound));
    assert_ok(script_activate(&here, SLICE("a")));
    assert_ok(script_look(active, &before));
    assert_ok(script_look(active, &after));
    assert_true(script_version_equal(&before, &after));
    assert_ok(put("a", "stop;", &bound));
    assert_ok(script_look(active, &after));
    assert_false(script_version_equal(&before, &after));
}

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)place();
    arena_init(&arena, 16 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_close(&arena);
    scratch_remove(&scratch);
    return 0;
}

static void test_live(void **state)
{
    (void)state;
    on_cores(1, live);
}
static void test_bounds(void **state)
{
    (void)state;
    on_cores(1, bounds);
}
static void test_foreign(void **state)
{
    (void)state;
    on_cores(1, foreign);
}
static void test_versions(void **state)
{
    (void)state;
    on_cores(1, versions);
}

static void test_names(void **state)
{
    (void)state;
    char name[SCRIPT_NAME_SIZE_MAX + 2];
    memset(name, 'x', sizeof name);
    assert_ok(script_name_check(slice_of(name, SCRIPT_NAME_SIZE_MAX)));
    assert_error(script_name_check(slice_of(name, SCRIPT_NAME_SIZE_MAX + 1)), ERROR_MALFORMED);
    assert_ok(script_name_check(SLICE("main script \xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80.v2")));
    const slice bad[] = {SLICE(""),
                         SLICE("."),
                         SLICE(".."),
                         SLICE("a/b"),
                         SLICE(".x"),
                         SLICE("a\nb"),
                         SLICE("a\x7f"),
                         SLICE("a\xc2\x85"),
                         SLICE("a\xe2\x80\xa9"),
                         SLICE("a\xff"),
                         SLICE("\xe2\x80\xa8"),
                         {"a\0b", 3}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_error(script_name_check(bad[i]), ERROR_MALFORMED);
}

static void test_paths(void **state)
{
    (void)state;
    struct sieve_settings settings;
    struct script_place found;
    assert_ok(settings_default(&sieve_setting_table, &arena, &settings));
    assert_ok(script_place_make(&settings, "/var/vmail/example.org/user", &arena, &found));
    assert_string_equal(found.folder, "/var/vmail/example.org/user/sieve");
    assert_string_equal(found.active, "/var/vmail/example.org/user/.dovecot.sieve");
    char path[SCRIPT_PATH_SIZE_MAX];
    assert_true(script_active_path(&settings, "/h", path));
    assert_string_equal(path, "/h/.dovecot.sieve");
    settings.active = SLICE("/srv/active");
    assert_true(script_active_path(&settings, "/h", path));
    assert_string_equal(path, "/srv/active");
    settings.active = SLICE("~/.dovecot.sieve");
    settings.path = SLICE("/srv/scripts");
    assert_ok(script_place_make(&settings, "/h", &arena, &found));
    assert_string_equal(found.folder, "/srv/scripts");
    char long_home[SCRIPT_PATH_SIZE_MAX];
    memset(long_home, 'x', sizeof long_home);
    long_home[0] = '/';
    long_home[sizeof long_home - 1] = '\0';
    assert_error(script_place_make(&settings, long_home, &arena, &found), ERROR_LIMIT);
    assert_false(script_active_path(&settings, long_home, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_live, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_foreign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_paths, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
