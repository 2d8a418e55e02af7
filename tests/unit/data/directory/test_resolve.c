/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake.h"

#include <stdlib.h>

static const char *const domains[] = {
    "example.org",    "example.net",   "xn--bcher-kva.example", "catch.example",
    "domain.example", "taken.example", "handed.example",        NULL};

static const struct fake_row accounts[] = {
    {"alice@example.org", "h", NULL},
    {"bob@example.org", "h", NULL},
    {"carol@example.org", "h", NULL},
    {"dave+lists@example.org", "h", NULL},
    {"dave@example.org", "h", NULL},
    {"eve@example.net", "h", NULL},
    {"all@catch.example", "h", NULL},
    {"real@catch.example", "h", NULL},
    {"j\xc3\xbcrgen@xn--bcher-kva.example", "h", NULL},
    {"jose@example.org", "h", "jos\xc3\xa9@example.org"}, /* what an accent-blind collation gives */
    {"upper@example.org", "h", "UPPER@EXAMPLE.ORG"},
    {"postmaster@example.org", "h", NULL},
    {NULL, NULL, NULL},
};

static const struct fake_row aliases[] = {
    {"team@example.org", "alice@example.org", NULL},
    {"team@example.org", "bob@example.org", NULL},
    {"team@example.org", "Someone.Else@Elsewhere.example", NULL},
    {"list@example.org", "alice@example.org, bob@example.org ,alice@example.org", NULL},
    {"bob@example.org", "bob@example.org", NULL}, /* keeps a copy */
    {"bob@example.org", "carol@example.org", NULL},
    {"everyone@example.org", "team@example.org", NULL},
    {"everyone@example.org", "bob@example.org", NULL},
    {"ring1@example.org", "ring2@example.org", NULL},
    {"ring2@example.org", "ring3@example.org", NULL},
    {"ring3@example.org", "ring1@example.org", NULL},
    {"half@example.org", "half2@example.org", NULL},
    {"half2@example.org", "half@example.org", NULL},
    {"half2@example.org", "carol@example.org", NULL},
    {"self@example.org", "self@example.org", NULL}, /* and no such account */
    {"gone@example.org", "nobody@example.org", NULL},
    {"partly@example.org", "nobody@example.org", NULL},
    {"partly@example.org", "alice@example.org", NULL},
    {"bad@example.org", "not an address", NULL},
    {"dave+work@example.org", "alice@example.org", NULL},
    {"info@example.org", "carol@example.org", NULL},
    {"fixed@example.org", "carol+fixed@example.org", NULL},
    {"abroad@example.org", "x@far.example", NULL},
    {"@example.net", "@example.org", NULL}, /* a domain that is another name for a domain */
    {"@catch.example", "all@catch.example", NULL},
    {"@domain.example", "@far.example", NULL},
    {"@taken.example", "all@far.example", NULL},
    {"@handed.example", "hand@handed.example", NULL},
    {"hand@handed.example", "all@far.example", NULL},
    {NULL, NULL, NULL},
};

struct expectation {
    const char *address;
    enum directory_answer answer;
    const char *targets; /* "address detail;..." outside ones with ! before */
};

static const struct expectation expectations[] = {
    {"alice@example.org", DIRECTORY_FOUND, "alice@example.org"},
    {"Alice@Example.ORG", DIRECTORY_FOUND, "alice@example.org"},
    {"\"alice\"@example.org", DIRECTORY_FOUND, "alice@example.org"},
    {"alice@example.org.", DIRECTORY_FOUND, "alice@example.org"},
    {"upper@example.org", DIRECTORY_FOUND, "upper@example.org"},
    {"alice+News@example.org", DIRECTORY_FOUND, "alice@example.org News"},
    {"alice+@example.org", DIRECTORY_FOUND, "alice@example.org "},
    {"+alice@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"dave+lists@example.org", DIRECTORY_FOUND, "dave+lists@example.org"},
    {"dave+other@example.org", DIRECTORY_FOUND, "dave@example.org other"},
    {"dave+work@example.org", DIRECTORY_FOUND, "alice@example.org"},
    {"info+x@example.org", DIRECTORY_FOUND, "carol@example.org x"},
    {"fixed@example.org", DIRECTORY_FOUND, "carol@example.org fixed"},
    {"fixed+x@example.org", DIRECTORY_FOUND, "carol@example.org fixed"},
    {"nobody@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"jose@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"x@elsewhere.example", DIRECTORY_NOT_OURS, ""},
    {"x@[192.0.2.1]", DIRECTORY_NOT_OURS, ""},
    {"x@", DIRECTORY_NOT_OURS, ""},
    {"", DIRECTORY_NOT_OURS, ""},
    {"x", DIRECTORY_NOT_OURS, ""},
    {"\xff@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"a\nb@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"x@exa mple.org", DIRECTORY_NOT_OURS, ""},
    {"team@example.org", DIRECTORY_FOUND,
     "alice@example.org;!Someone.Else@Elsewhere.example;bob@example.org;carol@example.org"},
    {"everyone@example.org", DIRECTORY_FOUND,
     "bob@example.org;carol@example.org;alice@example.org;!Someone.Else@Elsewhere.example"},
    {"list@example.org", DIRECTORY_FOUND, "alice@example.org;bob@example.org;carol@example.org"},
    {"bob@example.org", DIRECTORY_FOUND, "bob@example.org;carol@example.org"},
    {"bob+x@example.org", DIRECTORY_FOUND, "bob@example.org x;carol@example.org x"},
    {"abroad@example.org", DIRECTORY_FOUND, "!x@far.example"},
    {"abroad+Detail@example.org", DIRECTORY_FOUND, "!x+Detail@far.example"},
    {"abroad+@example.org", DIRECTORY_FOUND, "!x@far.example"},
    {"abroad+a..b@example.org", DIRECTORY_FOUND, "!x@far.example"}, /* would need quotes */
    {"\"abroad+a b\"@example.org", DIRECTORY_FOUND, "!x@far.example"},
    {"abroad+a.b@example.org", DIRECTORY_FOUND, "!x+a.b@far.example"},
    {"team+t@example.org", DIRECTORY_FOUND,
     "alice@example.org t;!Someone.Else+t@Elsewhere.example;bob@example.org t;carol@example.org t"},
    {"out@domain.example", DIRECTORY_FOUND, "!out@far.example"}, /* a domain for another */
    {"out+d@domain.example", DIRECTORY_FOUND, "!out+d@far.example"},
    {"any+d@taken.example", DIRECTORY_FOUND, "!all@far.example"},  /* a catch-all */
    {"any+d@handed.example", DIRECTORY_FOUND, "!all@far.example"}, /* and what it leads to */
    {"ring1@example.org", DIRECTORY_ALIAS_LOOP, ""},
    {"self@example.org", DIRECTORY_ALIAS_LOOP, ""},
    {"half@example.org", DIRECTORY_FOUND, "carol@example.org"},
    {"gone@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"partly@example.org", DIRECTORY_FOUND, "alice@example.org"},
    {"bad@example.org", DIRECTORY_NO_SUCH_USER, ""},
    {"alice@example.net", DIRECTORY_FOUND, "alice@example.org"},
    {"alice+x@example.net", DIRECTORY_FOUND, "alice@example.org x"},
    {"team@example.net", DIRECTORY_FOUND,
     "alice@example.org;!Someone.Else@Elsewhere.example;bob@example.org;carol@example.org"},
    {"eve@example.net", DIRECTORY_FOUND, "eve@example.net"},
    {"nobody@example.net", DIRECTORY_NO_SUCH_USER, ""},
    {"whoever@catch.example", DIRECTORY_FOUND, "all@catch.example"},
    {"real@catch.example", DIRECTORY_FOUND, "real@catch.example"},
    {"J\xc3\x9cRGEN@B\xc3\x9c"
     "CHER.example",
     DIRECTORY_FOUND, "j\xc3\xbcrgen@xn--bcher-kva.example"},
    {"ju\xcc\x88rgen@xn--bcher-kva.example", DIRECTORY_FOUND,
     "j\xc3\xbcrgen@xn--bcher-kva.example"},
};

static bool has_target(const struct directory_resolution *resolution, slice wanted)
{
    for (unsigned i = 0; i < resolution->count; i++) {
        const struct directory_target *target = &resolution->targets[i];
        char text[512];
        int size = snprintf(text, sizeof text, "%s%.*s%s%.*s", target->outside ? "!" : "",
                            SLICE_ARG(target->address), target->detail.data ? " " : "",
                            SLICE_ARG(target->detail));
        if (slice_equal(slice_of(text, (size_t)size), wanted))
            return true;
    }
    return false;
}

static void check_expectation(struct directory *directory, const struct expectation *e)
{
    struct arena arena;
    struct directory_resolution resolution;
    arena_init(&arena, 1 << 20);
    error result = directory_resolve(directory, slice_from_string(e->address), &arena, &resolution);
    if (failed(result) || resolution.answer != e->answer)
        fail_msg("%s: %s, answer %d", e->address, failed(result) ? result.text : "ok",
                 (int)resolution.answer);
    unsigned count = 0;
    slice rest = slice_from_string(e->targets), one;
    for (bool more = rest.size > 0; more; count++) {
        more = slice_cut(rest, ';', &one, &rest);
        if (!has_target(&resolution, one))
            fail_msg("%s does not reach %.*s", e->address, SLICE_ARG(one));
    }
    if (count != resolution.count)
        fail_msg("%s reaches %u targets, not %u", e->address, resolution.count, count);
    arena_close(&arena);
}

static void fake_tables(void)
{
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = aliases;
    fake.quota = NULL;
}

IN_CORE(test_resolves)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    fake_tables();
    fake_directory_open(&directory, &settings);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        check_expectation(&directory, &expectations[i]);
    /* The second time from the cache, with the same answers and no question. */
    memset(fake.asked, 0, sizeof fake.asked);
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++)
        check_expectation(&directory, &expectations[i]);
    assert_int_equal(fake.asked[0] + fake.asked[1] + fake.asked[2], 0);
    fake_directory_close(&directory);
}

IN_CORE(test_obeys_its_settings)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    settings.default_domain = SLICE("example.org");
    settings.detail_separator = SLICE("-");
    fake_tables();
    fake_directory_open(&directory, &settings);
    check_expectation(
        &directory, &(struct expectation){"Postmaster", DIRECTORY_FOUND, "postmaster@example.org"});
    check_expectation(&directory, &(struct expectation){"alice-x@example.org", DIRECTORY_FOUND,
                                                        "alice@example.org x"});
    check_expectation(&directory,
                      &(struct expectation){"alice+x@example.org", DIRECTORY_NO_SUCH_USER, ""});
    fake_directory_close(&directory);
    settings.detail_separator = SLICE_EMPTY;
    fake_directory_open(&directory, &settings);
    check_expectation(&directory,
                      &(struct expectation){"alice-x@example.org", DIRECTORY_NO_SUCH_USER, ""});
    fake_directory_close(&directory);
}

/* chain0 -> chain1 -> ... -> alice, as long as the limit; one more is too deep. */
IN_CORE(test_depth_has_a_limit)
{
    enum { DEPTH = 20 };
    static char names[DEPTH + 2][32];
    static struct fake_row chain[DEPTH + 2];
    struct directory directory;
    struct directory_settings settings = test_settings();
    for (int i = 0; i <= DEPTH; i++)
        snprintf(names[i], sizeof names[i], "chain%d@example.org", i);
    for (int i = 0; i <= DEPTH; i++)
        chain[i] =
            (struct fake_row){names[i], i == DEPTH ? "alice@example.org" : names[i + 1], NULL};
    fake_tables();
    fake.aliases = chain;
    assert_int_equal(settings.alias_depth_max, DEPTH);
    fake_directory_open(&directory, &settings);
    check_expectation(&directory,
                      &(struct expectation){names[1], DIRECTORY_FOUND, "alice@example.org"});
    check_expectation(&directory, &(struct expectation){names[0], DIRECTORY_ALIAS_LOOP, ""});
    fake_directory_close(&directory);
}

/* More targets than there may be: the first thousand, and not forever. */
IN_CORE(test_width_has_a_limit)
{
    enum { ROWS = 900, NAMES = 3 };
    static char text[NAMES * ROWS][40];
    static struct fake_row rows[NAMES * ROWS + NAMES + 1];
    static const char *const parts[NAMES] = {"a@example.org", "b@example.org", "c@example.org"};
    struct directory directory;
    struct directory_settings settings = test_settings();
    size_t count = 0;
    for (int i = 0; i < NAMES * ROWS; i++) {
        snprintf(text[i], sizeof text[i], "x%d@far.example", i);
        rows[count++] = (struct fake_row){parts[i / ROWS], text[i], NULL};
    }
    for (int i = 0; i < NAMES; i++)
        rows[count++] = (struct fake_row){"wide@example.org", parts[i], NULL};
    fake_tables();
    fake.aliases = rows;
    fake_directory_open(&directory, &settings);
    struct arena arena;
    struct directory_resolution resolution;
    arena_init(&arena, 4 << 20);
    assert_ok(directory_resolve(&directory, SLICE("wide@example.org"), &arena, &resolution));
    assert_int_equal(resolution.answer, DIRECTORY_FOUND);
    assert_int_equal(resolution.count, DIRECTORY_TARGETS_MAX);
    arena_close(&arena);
    fake_directory_close(&directory);
}

/* DIRECTORY_ALIAS_STEPS_MAX: an alias of aliases of aliases is followed so far; one that needs more
 * work is as one that goes in circles. */
IN_CORE(test_work_has_a_limit)
{
    enum { ROWS = 990, PARTS = 6 };
    static char keys[PARTS][32], names[PARTS * ROWS][24];
    static struct fake_row rows[2 * PARTS * ROWS + PARTS + 3];
    struct directory_settings settings = test_settings();
    for (unsigned parts = PARTS - 1; parts <= PARTS; parts++) {
        struct directory directory;
        struct directory_resolution resolution;
        struct arena arena;
        size_t count = 0;
        for (unsigned i = 0; i < parts; i++) {
            snprintf(keys[i], sizeof *keys, "wpart%u@example.org", i);
            rows[count++] = (struct fake_row){"wide@example.org", keys[i], NULL};
        }
        for (unsigned i = 0; i < parts * ROWS; i++) {
            snprintf(names[i], sizeof *names, "%u@example.org", i);
            rows[count++] = (struct fake_row){keys[i / ROWS], names[i], NULL};
        }
        rows[count++] = (struct fake_row){keys[parts - 1], "wlast@example.org", NULL};
        for (unsigned i = 0; i < parts * ROWS; i++)
            rows[count++] = (struct fake_row){names[i], "alice@example.org", NULL};
        rows[count++] = (struct fake_row){"wlast@example.org", "carol@example.org", NULL};
        rows[count] = (struct fake_row){NULL, NULL, NULL};
        fake_tables();
        fake.aliases = rows;
        fake_directory_open(&directory, &settings);
        arena_init(&arena, 4 << 20);
        assert_ok(directory_resolve(&directory, SLICE("wide@example.org"), &arena, &resolution));
        assert_int_equal(resolution.count, parts < PARTS ? 2 : 0); /* alice, and carol */
        assert_int_equal(resolution.answer, parts < PARTS ? DIRECTORY_FOUND : DIRECTORY_ALIAS_LOOP);
        assert_in_range(fake.asked[DIRECTORY_QUERY_ALIAS], 4000, DIRECTORY_ALIAS_STEPS_MAX + 1);
        arena_close(&arena);
        fake_directory_close(&directory);
    }
}

/* What a resolution says of a mailbox with a detail is found again by the queue. */
IN_CORE(test_mailbox_with_its_detail)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    struct directory_resolution resolution;
    struct directory_target again;
    struct arena arena;
    fake_tables();
    fake_directory_open(&directory, &settings);
    arena_init(&arena, 1 << 20);
    assert_ok(directory_resolve(&directory, SLICE("info+News.1@example.org"), &arena, &resolution));
    assert_int_equal(resolution.count, 1);
    assert_slice(resolution.targets[0].extended, "carol+News.1@example.org");
    assert_ok(directory_mailbox(&directory, resolution.targets[0].extended, &arena, &again));
    assert_slice(again.address, "carol@example.org");
    assert_slice(again.account.address, "carol@example.org");
    assert_slice(again.detail, "News.1");
    /* A detail that no address can have without quotes is not kept on that way. */
    assert_ok(
        directory_resolve(&directory, SLICE("\"info+a b\"@example.org"), &arena, &resolution));
    assert_slice(resolution.targets[0].detail, "a b");
    assert_slice(resolution.targets[0].extended, "carol@example.org");
    /* An account of the whole name comes first. */
    assert_ok(directory_mailbox(&directory, SLICE("dave+lists@example.org"), &arena, &again));
    assert_slice(again.address, "dave+lists@example.org");
    assert_null(again.detail.data);
    assert_ok(directory_mailbox(&directory, SLICE("dave+other@example.org"), &arena, &again));
    assert_slice(again.address, "dave@example.org");
    assert_error(directory_mailbox(&directory, SLICE("team+x@example.org"), &arena, &again),
                 ERROR_NOT_FOUND); /* no aliases */
    assert_error(directory_mailbox(&directory, SLICE("nonsense"), &arena, &again), ERROR_NOT_FOUND);
    /* Nothing divides a name here. */
    settings.detail_separator = SLICE_EMPTY;
    assert_error(directory_mailbox(&directory, SLICE("carol+x@example.org"), &arena, &again),
                 ERROR_NOT_FOUND);
    arena_close(&arena);
    fake_directory_close(&directory);
}

IN_CORE(test_trouble_is_never_an_answer)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    struct directory_resolution resolution;
    struct directory_account account;
    struct arena arena;
    bool ours;
    slice hash;
    fake_tables();
    fake_directory_open(&directory, &settings);
    arena_init(&arena, 1 << 20);
    fake.failure = error_make(ERROR_TEMPORARY, "away");
    assert_error(directory_resolve(&directory, SLICE("alice@example.org"), &arena, &resolution),
                 ERROR_TEMPORARY);
    assert_error(directory_domain(&directory, SLICE("example.org"), &ours), ERROR_TEMPORARY);
    assert_error(directory_account(&directory, SLICE("alice@example.org"), &arena, &account),
                 ERROR_TEMPORARY);
    assert_error(directory_password(&directory, SLICE("alice@example.org"), &arena, &hash),
                 ERROR_TEMPORARY);
    fake.failure = OK;
    fake.quota = "a lot"; /* somebody must mend this row; the mail waits */
    assert_error(directory_resolve(&directory, SLICE("alice@example.org"), &arena, &resolution),
                 ERROR_TEMPORARY);
    arena_close(&arena);
    fake_directory_close(&directory);
}

IN_CORE(test_accounts)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    struct directory_account account;
    struct arena arena;
    slice hash;
    bool ours;
    fake_tables();
    fake.quota = "1048576";
    fake_directory_open(&directory, &settings);
    arena_init(&arena, 1 << 20);
    assert_ok(directory_account(&directory, SLICE("ALICE@example.org"), &arena, &account));
    assert_slice(account.address, "alice@example.org");
    assert_slice(account.local_part, "alice");
    assert_slice(account.domain, "example.org");
    assert_string_equal(account.home, "/var/vmail/example.org/alice");
    assert_string_equal(account.maildir, "/var/vmail/example.org/alice/Maildir");
    assert_int_equal(account.quota_bytes, 1048576);
    assert_int_equal(account.quota_messages, 0);
    assert_error(directory_account(&directory, SLICE("alice+x@example.org"), &arena, &account),
                 ERROR_NOT_FOUND);
    assert_error(directory_account(&directory, SLICE("team@example.org"), &arena, &account),
                 ERROR_NOT_FOUND);
    assert_error(directory_account(&directory, SLICE("nonsense"), &arena, &account),
                 ERROR_NOT_FOUND);
    assert_ok(directory_password(&directory, SLICE("bob@example.org"), &arena, &hash));
    assert_slice(hash, "h");
    assert_error(directory_password(&directory, SLICE("x@example.org"), &arena, &hash),
                 ERROR_NOT_FOUND);
    assert_ok(directory_domain(&directory,
                               SLICE("B\xc3\xbc"
                                     "cher.example"),
                               &ours));
    assert_true(ours);
    assert_ok(directory_domain(&directory, SLICE("not ours"), &ours));
    assert_false(ours);
    arena_close(&arena);
    fake_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_has_a_limit),
        cmocka_unit_test(test_resolves),
        cmocka_unit_test(test_obeys_its_settings),
        cmocka_unit_test(test_depth_has_a_limit),
        cmocka_unit_test(test_width_has_a_limit),
        cmocka_unit_test(test_mailbox_with_its_detail),
        cmocka_unit_test(test_trouble_is_never_an_answer),
        cmocka_unit_test(test_accounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
