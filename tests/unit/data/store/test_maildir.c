/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store and other programs in the same Maildir: taken over from Dovecot, changed behind its
 * back, listed, renamed. */
#include "in_store.h"

#include "data/store/subscriptions.h"

#include "base/arena.h"

static char *path_of(const char *rest)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/%s", root.path, rest);
    return path;
}

static void make_file(const char *rest, const char *content)
{
    int fd = open(path_of(rest), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    close(fd);
}

static void make_folder(const char *rest)
{
    char command[600];
    static const char *const parts[] = {"cur", "new", "tmp"};
    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "mkdir -p '%s/%s'", path_of(rest), parts[i]);
        assert_int_equal(system(command), 0);
    }
}

/* Made by doveadm of Debian 12's Dovecot 2.3.19. */
static void make_dovecot_maildir(void)
{
    make_folder("");
    make_file("dovecot-uidlist", "3 V1795362388 N9 G2ae1342d520e036b8a55000083ecc375\n"
                                 "1 :1795362386.M807509P21903.vm,S=18,W=21\n"
                                 "3 W21 P00abc :1795362386.M835830P21905.vm\n"
                                 "5 :1795362399.M1P1.vm,S=18,W=21\n"
                                 "7 :1795362400.gone\n");
    make_file("dovecot-keywords", "0 $Forwarded\n1 foo\n");
    make_file("subscriptions", "V\t2\n\nWork\t2024\nEntw&APw-rfe &- mehr\nSent\n");
    make_file("cur/1795362386.M807509P21903.vm,S=18,W=21:2,Sab", "Subject: a\n\nhello\n");
    make_file("cur/1795362386.M835830P21905.vm:2,TFc", "Subject: b\n\nhello\n");
    make_file("new/1795362399.M1P1.vm,S=18,W=21", "Subject: c\n\nhello\n");
    make_file("new/1795362401.M2P1.vm,S=18,W=21", "Subject: d\n\nhello\n");
    make_file("new/.hidden", "no mail");
    make_folder(".Work.2024");
    make_file(".Work.2024/new/1.x", "Subject: w\n\nhello\n");
    make_folder(".Entw&APw-rfe &- mehr");
    make_folder(".not&a-name"); /* not modified UTF-7: left alone */
}

static void check_import(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_status status = mailbox_status(inbox);
    assert_int_equal(status.uid_validity, 1795362388);
    assert_int_equal(status.messages, 4);
    uint32_t uids[5];
    assert_int_equal(mailbox_uids(inbox, 1, uids, 5), 4);
    assert_int_equal(uids[0], 1);
    assert_int_equal(uids[1], 3);
    assert_int_equal(uids[2], 5);
    assert_int_equal(uids[3], 9); /* new to Dovecot: from its next UID on */
    assert_int_equal(status.uid_next, 10);
    const struct mail *mail = mailbox_find(inbox, 1);
    assert_int_equal(mail->flags, MAIL_SEEN);
    assert_int_equal(mail->keywords, 3);
    assert_int_equal(mail->size, 18);
    assert_int_equal(mail->virtual_size, 21);
    assert_true(slice_equal(mailbox_keyword_name(inbox, 0), SLICE("$Forwarded")));
    assert_true(slice_equal(mailbox_keyword_name(inbox, 1), SLICE("foo")));
    mail = mailbox_find(inbox, 3);
    assert_int_equal(mail->flags, MAIL_DELETED | MAIL_FLAGGED);
    assert_int_equal(mail->keywords, 0); /* c has no name */
    assert_int_equal(mail->virtual_size, 21);
    struct body body;
    MUST(mail_load(inbox, 3, &body));
    assert_int_equal(body.size, 18);
    body_close(&body);
    uint64_t size;
    MUST(mailbox_virtual_size(inbox, 9, &size));
    assert_int_equal(size, 21);
    uint32_t from, to;
    mailbox_recent(inbox, false, &from, &to);
    assert_int_equal(from, 5);
    assert_int_equal(to, 10);
    struct mailbox *work = open_mailbox("anna", "Work.2024");
    assert_int_equal(mailbox_status(work).messages, 1);
    MUST(mailbox_virtual_size(work, 1, &size));
    assert_int_equal(size, 21);
    mailbox_close(&work);
    mailbox_close(&inbox);
}

static void check_list(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct arena arena;
    const struct mailbox_entry *entries;
    size_t count;
    arena_init(&arena, 1 << 20);
    MUST(account_list(mailbox_account(inbox), &arena, &entries, &count));
    static const struct {
        const char *name;
        unsigned attributes;
    } want[] = {
        {"INBOX", 0},
        {"Entw\xc3\xbcrfe & mehr", MAILBOX_SUBSCRIBED},
        {"Sent", MAILBOX_SUBSCRIBED | MAILBOX_NONEXISTENT},
        {"Work", MAILBOX_NOSELECT | MAILBOX_HAS_CHILDREN},
        {"Work.2024", MAILBOX_SUBSCRIBED},
    };
    assert_int_equal(count, 5);
    for (size_t i = 0; i < count; i++) {
        assert_true(slice_equal(entries[i].name, slice_from_string(want[i].name)));
        assert_int_equal(entries[i].attributes, want[i].attributes);
    }
    arena_close(&arena);
    mailbox_close(&inbox);
}

static void test_takes_over_from_dovecot(void **state)
{
    (void)state;
    make_dovecot_maildir();
    with_store(check_import);
    with_store(check_import);
    with_store(check_list);
    assert_int_equal(count_files("anna", "cur"), 2);
}

/* Changes by others. */

static void let_time_pass(void)
{
    MUST(fiber_sleep(20 * TIME_MS)); /* directory times may be as coarse as a tick */
}

static void change_behind_its_back(void)
{
    deliver("anna", "", "Subject: one\r\n\r\n");
    deliver("anna", "", "Subject: two\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    let_time_pass();
    make_file("new/1.other", "Subject: other\r\n\r\n");
    MUST(mailbox_sync(inbox));
    assert_int_equal(mailbox_status(inbox).messages, 3);
    assert_int_equal(mailbox_find(inbox, 3)->size, 18);
    char from[600], to[600];
    slice base = mail_base_name(inbox, mailbox_find(inbox, 1));
    snprintf(from, sizeof from, "%s", path_of("new/"));
    strncat(from, base.data, base.size);
    snprintf(to, sizeof to, "%s", path_of("cur/"));
    strncat(to, base.data, base.size);
    strcat(to, ":2,FS");
    let_time_pass();
    assert_int_equal(rename(from, to), 0);
    assert_text(inbox, 1, "Subject: one\r\n\r\n"); /* found under its new name */
    let_time_pass();
    MUST(mailbox_sync(inbox));
    assert_int_equal(mailbox_find(inbox, 1)->flags, MAIL_FLAGGED | MAIL_SEEN);
    assert_int_equal(mailbox_status(inbox).messages, 3);
    let_time_pass();
    assert_int_equal(unlink(to), 0);
    MUST(mailbox_sync(inbox));
    assert_null(mailbox_find(inbox, 1));
    assert_int_equal(mailbox_status(inbox).messages, 2);
    /* An odd name is put in order. */
    make_file("cur/2.odd:2,SF", "Subject: odd\r\n\r\n");
    MUST(mailbox_sync(inbox));
    assert_int_equal(mailbox_status(inbox).messages, 3);
    assert_int_equal(access(path_of("cur/2.odd:2,FS"), F_OK), 0);
    mailbox_close(&inbox);
}

static void nothing_new(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 3);
    assert_int_equal(mailbox_status(inbox).uid_next, 5);
    mailbox_close(&inbox);
}

static void test_sees_what_others_change(void **state)
{
    (void)state;
    with_store(change_behind_its_back);
    with_store(nothing_new);
}

static unsigned told;
static void tell(struct mailbox_watch *watch)
{
    (void)watch;
    told++;
}

static void watch_others(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_watch watch;
    mailbox_watch(inbox, tell, &watch);
    let_time_pass();
    make_file("new/1.other", "Subject: other\r\n\r\n");
    for (int i = 0; i < 3000 && told == 0; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_int_equal(told, 1);
    mailbox_unwatch(&watch);
    mailbox_close(&inbox);
}

static void test_watchers_hear_of_others_changes(void **state)
{
    (void)state;
    with_store(watch_others);
}

static void flags_of_both(void)
{
    uint32_t uid = deliver("anna", "", "Subject: one\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    slice base = mail_base_name(inbox, mailbox_find(inbox, uid));
    char from[600], to[600];
    snprintf(from, sizeof from, "%s", path_of("new/"));
    strncat(from, base.data, base.size);
    snprintf(to, sizeof to, "%s", path_of("cur/"));
    strncat(to, base.data, base.size);
    strcat(to, ":2,S");
    struct flag_change change = {FLAGS_ADD, MAIL_FLAGGED, 0, UINT64_MAX};
    MUST(mailbox_flags(inbox, uid, &change));
    assert_int_equal(rename(from, to), 0); /* before ours reached the name */
    let_time_pass();
    MUST(mailbox_sync(inbox));
    assert_int_equal(mailbox_find(inbox, uid)->flags, MAIL_FLAGGED | MAIL_SEEN);
    MUST(mailbox_expunge(inbox, &uid, 1, NULL));
    assert_int_equal(count_files("anna", "cur"), 0);
    mailbox_close(&inbox);
}

static void test_flags_of_both_sides_are_kept(void **state)
{
    (void)state;
    with_store(flags_of_both);
}

/* Folders. */

static void folders(void)
{
    struct store_account_key key = key_of("anna");
    struct account *account;
    assert_int_equal(account_open(&key, false, &account).kind, ERROR_NOT_FOUND);
    MUST(account_open(&key, true, &account));
    MUST(account_provision(account));
    MUST(account_provision(account));
    struct arena arena;
    arena_init(&arena, 1 << 20);
    slice name;
    bool exists;
    MUST(account_special(account, MAILBOX_JUNK, &arena, &name, &exists));
    assert_true(exists);
    assert_true(slice_equal(name, SLICE("Junk")));
    assert_int_equal(mailbox_create(account, SLICE("Sent")).kind, ERROR_EXISTS);
    assert_int_equal(mailbox_create(account, SLICE("inbox")).kind, ERROR_EXISTS);
    static const char *const bad[] = {"", ".a", "a.", "a..b", "a/b", "\xff", "a\nb"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mailbox_create(account, slice_from_string(bad[i])).kind, ERROR_MALFORMED);
    char name_text[STORE_MAILBOX_NAME_SIZE_MAX + 2];
    memset(name_text, 'x', sizeof name_text);
    assert_int_equal(
        mailbox_create(account, slice_of(name_text, STORE_MAILBOX_NAME_SIZE_MAX + 1)).kind,
        ERROR_LIMIT);
    MUST(mailbox_create(account, slice_of(name_text, STORE_MAILBOX_NAME_SIZE_MAX)));
    MUST(mailbox_delete(account, slice_of(name_text, STORE_MAILBOX_NAME_SIZE_MAX)));
    assert_int_equal(mailbox_create(account, SLICE("a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a")).kind,
                     ERROR_LIMIT);
    MUST(mailbox_create(account, SLICE("Top.Child.Leaf")));
    MUST(mailbox_create(account, SLICE("Top.Child")));
    deliver("anna", "Top.Child", "Subject: one\r\n\r\n");
    struct mailbox *child = open_mailbox("anna", "Top.Child");
    uint32_t validity = mailbox_status(child).uid_validity;
    MUST(mailbox_rename(account, SLICE("Top"), SLICE("Base.New")));
    assert_true(slice_equal(mailbox_name(child), SLICE("Base.New.Child")));
    assert_text(child, 1, "Subject: one\r\n\r\n");
    assert_false(mailbox_exists(account, SLICE("Top.Child")));
    assert_true(mailbox_exists(account, SLICE("Base.New.Child.Leaf")));
    assert_int_equal(mailbox_status(child).uid_validity, validity);
    assert_int_equal(mailbox_rename(account, SLICE("Base"), SLICE("Base.New")).kind, ERROR_DENIED);
    assert_int_equal(mailbox_rename(account, SLICE("Nope"), SLICE("Other")).kind, ERROR_NOT_FOUND);
    assert_int_equal(mailbox_rename(account, SLICE("Base"), SLICE("Sent")).kind, ERROR_EXISTS);
    struct account_usage usage;
    MUST(account_usage(account, &usage));
    assert_int_equal(usage.messages, 1);
    MUST(mailbox_delete(account, SLICE("Base.New.Child")));
    assert_true(mailbox_is_gone(child));
    struct mail_file file;
    assert_int_equal(mail_open(child, 1, &file).kind, ERROR_NOT_FOUND);
    mailbox_close(&child);
    MUST(account_usage(account, &usage));
    assert_int_equal(usage.messages, 0);
    assert_int_equal(mailbox_delete(account, SLICE("Base.New.Child")).kind, ERROR_NOT_FOUND);
    assert_int_equal(mailbox_delete(account, SLICE("INBOX")).kind, ERROR_DENIED);
    /* RFC 9051 6.3.6: INBOX stays, empty. */
    deliver("anna", "", "Subject: two\r\n\r\n");
    MUST(mailbox_rename(account, SLICE("INBOX"), SLICE("Old")));
    struct mailbox *old = open_mailbox("anna", "Old"), *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(old).messages, 1);
    assert_int_equal(mailbox_status(inbox).messages, 0);
    mailbox_close(&old);
    mailbox_close(&inbox);
    MUST(mailbox_subscribe(account, SLICE("Old"), true));
    MUST(mailbox_subscribe(account, SLICE("Old"), true));
    MUST(mailbox_subscribe(account, SLICE("Trash"), false));
    const struct mailbox_entry *entries;
    size_t count, subscribed = 0;
    MUST(account_list(account, &arena, &entries, &count));
    for (size_t i = 0; i < count; i++)
        subscribed += entries[i].attributes & MAILBOX_SUBSCRIBED ? 1 : 0;
    assert_int_equal(subscribed, 6); /* five provisioned and INBOX, Old for Trash */
    arena_close(&arena);
    account_close(&account);
}

/* SUBSCRIPTIONS_SIZE_MAX bytes of file: full of short names it can be changed, and takes one name
 * more only where another went. */
static void fill_subscriptions(void)
{
    enum { NAME_SIZE = 7 }; /* "n00000" and its line end */
    static char text[SUBSCRIPTIONS_SIZE_MAX + NAME_SIZE + 1];
    size_t size = (size_t)snprintf(text, sizeof text, "V\t2\n\n"), room;
    char last[NAME_SIZE * 3];
    struct account *account;
    struct store_account_key key = key_of("anna");
    while ((room = SUBSCRIPTIONS_SIZE_MAX - size) >= 3 * NAME_SIZE)
        size += (size_t)snprintf(text + size, sizeof text - size, "n%05zu\n", size % 100000);
    make_file("subscriptions", text);
    MUST(account_open(&key, true, &account));
    memset(last, 'z', sizeof last);
    assert_error(mailbox_subscribe(account, slice_of(last, room), true), ERROR_LIMIT);
    MUST(mailbox_subscribe(account, slice_of(last, room - 1), true)); /* and a line end */
    assert_error(mailbox_subscribe(account, SLICE("m"), true), ERROR_LIMIT);
    MUST(mailbox_subscribe(account, slice_of(last, room - 1), false));
    MUST(mailbox_subscribe(account, SLICE("m"), true));
    account_close(&account);
}

static void test_subscriptions_have_a_limit(void **state)
{
    (void)state;
    make_folder("");
    with_store(fill_subscriptions);
}

static void test_folders(void **state)
{
    (void)state;
    with_store(folders);
}

/* A mailbox made again under the name of one deleted gets none of its mail back. */
static void delete_and_die(void)
{
    deliver("anna", "Old", "Subject: one\r\n\r\n");
    struct store_account_key key = key_of("anna");
    struct account *account;
    MUST(account_open(&key, true, &account));
    MUST(mailbox_delete(account, SLICE("Old")));
    deliver("anna", "From", "Subject: two\r\n\r\n");
    MUST(mailbox_rename(account, SLICE("From"), SLICE("To")));
    killed();
}

static void nothing_came_back(void)
{
    struct store_account_key key = key_of("anna");
    struct account *account;
    MUST(account_open(&key, true, &account));
    assert_false(mailbox_exists(account, SLICE("Old")));
    assert_false(mailbox_exists(account, SLICE("From")));
    struct mailbox *to = open_mailbox("anna", "To");
    assert_int_equal(mailbox_status(to).messages, 1);
    mailbox_close(&to);
    account_close(&account);
}

static void test_replay_minds_deleted_and_renamed_mailboxes(void **state)
{
    (void)state;
    with_store_killed(delete_and_die);
    with_store(nothing_came_back);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_takes_over_from_dovecot),
        STORE_TEST(test_sees_what_others_change),
        STORE_TEST(test_watchers_hear_of_others_changes),
        STORE_TEST(test_flags_of_both_sides_are_kept),
        STORE_TEST(test_subscriptions_have_a_limit),
        STORE_TEST(test_folders),
        STORE_TEST(test_replay_minds_deleted_and_renamed_mailboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
