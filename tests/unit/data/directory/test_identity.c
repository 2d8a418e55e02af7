/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake.h"

static const char *const domains[] = {"example.org", "xn--bcher-kva.example", NULL};

static const struct fake_row accounts[] = {
    {"alice@example.org", "h", NULL},
    {"bob@example.org", "h", NULL},
    {"alice+own@example.org", "h", NULL},
    {"j\xc3\xbcrgen@xn--bcher-kva.example", "h", NULL},
    {NULL, NULL, NULL},
};

static const struct fake_row aliases[] = {
    {"sales@example.org", "alice@example.org", NULL},
    {"deep@example.org", "sales@example.org", NULL},
    {"team@example.org", "alice@example.org,bob@example.org", NULL},
    {"away@example.org", "alice@example.org,x@far.example", NULL},
    {"alice+alias@example.org", "bob@example.org", NULL},
    {"bob@example.org", "bob@example.org,alice@example.org", NULL}, /* a copy goes to alice */
    {"@xn--bcher-kva.example", "j\xc3\xbcrgen@xn--bcher-kva.example", NULL},
    {NULL, NULL, NULL},
};

static const struct fake_row identities[] = {
    {"alice@example.org", "Boss@Far.example", NULL},
    {"alice@example.org", "@granted.example", NULL},
    {"alice@example.org", "@", NULL},
    {"alice@example.org", "not an address", NULL},
    {"alice@example.org",
     "c\xc3\xa9@b\xc3\xbc"
     "cher.far.example",
     NULL},
    {"bob@example.org", "@example.org", NULL},
    {NULL, NULL, NULL},
};

static const struct {
    const char *account, *sender;
    enum { NO, YES, BY_TABLE } allowed;
} cases[] = {
    {"alice@example.org", "alice@example.org", YES},
    {"alice@example.org", "ALICE@Example.org", YES},
    {"alice@example.org", "\"alice\"@example.org", YES},
    {"alice@example.org", "alice+x@example.org", YES},
    {"alice@example.org", "alice+own@example.org", NO}, /* another account */
    {"alice+own@example.org", "alice+own@example.org", YES},
    {"alice+own@example.org", "alice@example.org", NO},
    {"alice@example.org", "alice+alias@example.org", NO},
    {"bob@example.org", "alice+alias@example.org", BY_TABLE},
    {"alice@example.org", "sales@example.org", YES},
    {"alice@example.org", "sales+x@example.org", YES},
    {"alice@example.org", "deep@example.org", YES},
    {"alice@example.org", "team@example.org", NO},
    {"alice@example.org", "away@example.org", NO},
    {"alice@example.org", "bob@example.org", NO}, /* the copy is no permission */
    {"alice@example.org", "nobody@example.org", NO},
    {"alice@example.org", "boss@far.example", BY_TABLE},
    {"alice@example.org", "boss+x@far.example", NO},
    {"alice@example.org", "anyone@GRANTED.example", BY_TABLE},
    {"alice@example.org", "anyone@sub.granted.example", NO},
    {"alice@example.org", "C\xc3\x89@xn--bcher-kva.far.example", BY_TABLE},
    {"alice@example.org", "alice@far.example", NO},
    {"alice@example.org", "", NO},
    {"alice@example.org", "alice", NO},
    {"alice@example.org", "alice@", NO},
    {"alice@example.org", "@example.org", NO},
    {"alice@example.org", "alice@[192.0.2.1]", NO},
    {"alice@example.org", "\xff@granted.example", BY_TABLE}, /* whoever that is */
    {"bob@example.org", "alice@example.org", BY_TABLE},
    {"bob@example.org", "bob+x@example.org", YES},
    {"j\xc3\xbcrgen@xn--bcher-kva.example",
     "J\xc3\x9crgen@b\xc3\xbc"
     "cher.example",
     true},
    {"j\xc3\xbcrgen@xn--bcher-kva.example", "whoever@xn--bcher-kva.example", YES},
};

static void check_all(struct directory *directory, bool granted)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool allowed = false;
        slice sender = slice_from_string(cases[i].sender);
        assert_ok(
            directory_may_send(directory, slice_from_string(cases[i].account), sender, &allowed));
        if (allowed != (cases[i].allowed == YES || (granted && cases[i].allowed == BY_TABLE)))
            fail_msg("%s as %s: %d", cases[i].account, cases[i].sender, (int)allowed);
    }
}

IN_CORE(test_may_send)
{
    struct directory directory;
    struct directory_settings settings = test_settings();
    fake.domains = domains;
    fake.accounts = accounts;
    fake.aliases = aliases;
    fake.identities = identities;
    settings.identity_query = SLICE("?");
    fake_directory_open(&directory, &settings);
    check_all(&directory, true);
    fake_directory_close(&directory);
    settings.identity_query = SLICE_EMPTY;
    fake_directory_open(&directory, &settings);
    check_all(&directory, false);
    assert_int_equal(fake.asked[DIRECTORY_QUERY_IDENTITY], 0);
    fake.failure = error_make(ERROR_TEMPORARY, "away");
    bool allowed = true;
    directory_invalidate(&directory, SLICE_EMPTY);
    assert_error(directory_may_send(&directory, SLICE("alice@example.org"),
                                    SLICE("sales@example.org"), &allowed),
                 ERROR_TEMPORARY);
    assert_ok(directory_may_send(&directory, SLICE("alice@example.org"), SLICE("alice@example.org"),
                                 &allowed)); /* asks nobody */
    fake_directory_close(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_may_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
