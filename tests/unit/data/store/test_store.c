/* SPDX-License-Identifier: GPL-3.0-or-later
 * The store from its face: deliveries, reading, flags, copies, expunges, quota, watching. */
#include "in_store.h"

#include "data/store/state.h"

#include <sys/file.h>

static void deliver_and_read(void)
{
    assert_int_equal(deliver("anna", "", "Subject: one\r\n\r\nHello\r\n"), 1);
    assert_int_equal(deliver("anna", "", "Subject: two\r\n\r\nHi\n"), 2);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_status status = mailbox_status(inbox);
    assert_int_equal(status.messages, 2);
    assert_int_equal(status.unseen, 2);
    assert_int_equal(status.recent, 2);
    assert_text(inbox, 1, "Subject: one\r\n\r\nHello\r\n");
    assert_int_equal(mailbox_find(inbox, 2)->virtual_size, mailbox_find(inbox, 2)->size + 1);
    assert_null(mailbox_find(inbox, 3));
    mailbox_close(&inbox);
    assert_int_equal(count_files("anna", "new"), 2);
}

static void read_again(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 2);
    assert_int_equal(mailbox_status(inbox).uid_next, 3);
    assert_text(inbox, 1, "Subject: one\r\n\r\nHello\r\n");
    assert_int_equal(deliver("anna", "", "Subject: three\r\n\r\n"), 3);
    mailbox_close(&inbox);
}

static void test_delivers_and_finds_it_after_a_clean_stop(void **state)
{
    (void)state;
    with_store(deliver_and_read);
    with_store(read_again);
}

static void flags_and_names(void)
{
    deliver("anna", "", "Subject: one\r\n\r\n");
    deliver("anna", "", "Subject: two\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    uint64_t before = mailbox_status(inbox).modseq_highest;
    struct flag_change change = {FLAGS_ADD, MAIL_SEEN | MAIL_FLAGGED, 0, UINT64_MAX};
    unsigned bit;
    MUST(mailbox_keyword(inbox, SLICE("$Forwarded"), true, &bit));
    assert_int_equal(bit, 0);
    change.keywords = 1;
    MUST(mailbox_flags(inbox, 1, &change));
    assert_int_equal(mailbox_find(inbox, 1)->flags, MAIL_SEEN | MAIL_FLAGGED);
    assert_int_equal(mailbox_status(inbox).modseq_highest, before + 1);
    MUST(mailbox_flags(inbox, 1, &change));
    assert_int_equal(mailbox_status(inbox).modseq_highest, before + 1);
    change.unchanged_since = before;
    assert_int_equal(mailbox_flags(inbox, 1, &change).kind, ERROR_BUSY);
    assert_int_equal(mailbox_flags(inbox, 9, &change).kind, ERROR_NOT_FOUND);
    assert_int_equal(mailbox_status(inbox).unseen, 1);
    assert_int_equal(count_files("anna", "cur"), 0); /* lazily */
    for (int i = 0; i < 3000 && count_files("anna", "cur") == 0; i++)
        MUST(fiber_sleep(10 * TIME_MS));
    assert_int_equal(count_files("anna", "cur"), 1);
    assert_int_equal(count_files("anna", "new"), 1);
    assert_text(inbox, 1, "Subject: one\r\n\r\n");
    change = (struct flag_change){FLAGS_REMOVE, MAIL_SEEN, 1, UINT64_MAX};
    MUST(mailbox_flags(inbox, 1, &change));
    assert_int_equal(mailbox_find(inbox, 1)->flags, MAIL_FLAGGED);
    assert_int_equal(mailbox_find(inbox, 1)->keywords, 0);
    mailbox_close(&inbox);
}

static void flags_kept(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_find(inbox, 1)->flags, MAIL_FLAGGED);
    assert_int_equal(mailbox_find(inbox, 1)->keywords, 0);
    assert_true(slice_equal(mailbox_keyword_name(inbox, 0), SLICE("$Forwarded")));
    assert_text(inbox, 1, "Subject: one\r\n\r\n");
    mailbox_close(&inbox);
}

static void test_flags_reach_index_at_once_and_names_later(void **state)
{
    (void)state;
    with_store(flags_and_names);
    with_store(flags_kept);
}

static void copy_and_move(void)
{
    for (int i = 0; i < 100; i++)
        deliver("anna", "", "Subject: x\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    MUST(mailbox_create(mailbox_account(inbox), SLICE("Archive.2024")));
    struct mailbox *archive = open_mailbox("anna", "Archive.2024");
    unsigned bit;
    MUST(mailbox_keyword(inbox, SLICE("first"), true, &bit));
    MUST(mailbox_keyword(inbox, SLICE("second"), true, &bit));
    struct flag_change change = {FLAGS_ADD, MAIL_SEEN, 2, UINT64_MAX};
    MUST(mailbox_flags(inbox, 7, &change));
    uint32_t uids[101], out[101];
    for (uint32_t i = 0; i < 101; i++)
        uids[i] = i + 1;
    MUST(mailbox_copy(inbox, uids, 101, archive, false, out));
    assert_int_equal(out[0], 1);
    assert_int_equal(out[99], 100);
    assert_int_equal(out[100], 0); /* was never there */
    assert_int_equal(mailbox_status(archive).messages, 100);
    assert_int_equal(mailbox_find(archive, 7)->flags, MAIL_SEEN);
    assert_true(slice_equal(mailbox_keyword_name(archive, 0), SLICE("second")));
    assert_int_equal(mailbox_find(archive, 7)->keywords, 1);
    assert_true(mailbox_find(archive, 7)->object_id == mailbox_find(inbox, 7)->object_id);
    assert_text(archive, 50, "Subject: x\r\n\r\n");
    MUST(mailbox_copy(inbox, uids, 40, archive, true, out));
    assert_int_equal(mailbox_status(inbox).messages, 60);
    assert_null(mailbox_find(inbox, 40));
    assert_int_equal(mailbox_status(archive).messages, 140);
    size_t removed;
    MUST(mailbox_expunge(archive, uids, 100, &removed));
    assert_int_equal(removed, 100);
    assert_int_equal(mailbox_status(archive).messages, 40);
    assert_text(archive, 101, "Subject: x\r\n\r\n");
    MUST(mailbox_copy(archive, (uint32_t[]){101}, 1, archive, false, out)); /* into itself */
    assert_int_equal(mailbox_status(archive).messages, 41);
    assert_int_equal(out[0], 141);
    struct account_usage usage;
    MUST(account_usage(mailbox_account(inbox), &usage));
    assert_int_equal(usage.messages, 101);
    assert_int_equal(usage.bytes, 101 * (13 + strlen("Subject: x\r\n\r\n")));
    assert_int_equal(count_files("anna", "new"), 60);
    assert_int_equal(count_files("anna", ".Archive.2024/cur"), 41);
    mailbox_close(&inbox);
    mailbox_close(&archive);
}

static void after_copies(void)
{
    struct mailbox *archive = open_mailbox("anna", "Archive.2024");
    assert_int_equal(mailbox_status(archive).messages, 41);
    assert_int_equal(mailbox_status(archive).uid_next, 142);
    mailbox_close(&archive);
}

static void test_copies_moves_and_expunges(void **state)
{
    (void)state;
    with_store(copy_and_move);
    with_store(after_copies);
}

static void many_recipients(void)
{
    struct store_recipient to[4] = {{.account = key_of("anna")},
                                    {.account = key_of("bert"), .flags = MAIL_FLAGGED},
                                    {.account = key_of("cara"), .mailbox = SLICE("No.Such")},
                                    {.account = key_of("anna")}};
    to[1].account.quota_messages = 10;
    slice part = SLICE("Received: x\r\nSubject: to all\r\n\r\n");
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = to, .recipient_count = 4};
    MUST(store_deliver(&delivery));
    MUST(to[0].result);
    MUST(to[1].result);
    assert_int_equal(to[2].result.kind, ERROR_NOT_FOUND);
    MUST(to[3].result); /* twice the same: once */
    assert_int_equal(count_files("anna", "new"), 1);
    assert_int_equal(count_files("bert", "cur"), 1);
}

static void check_links(void)
{
    char path[512];
    struct stat status = {0};
    snprintf(path, sizeof path, "%s/mail/anna/Maildir/new", root.path);
    DIR *directory = opendir(path);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.')
            assert_int_equal(fstatat(dirfd(directory), entry->d_name, &status, 0), 0);
    closedir(directory);
    assert_int_equal(status.st_nlink, 2);
}

static void test_several_recipients_share_one_file(void **state)
{
    (void)state;
    for (test_cores = 1; test_cores <= 2; test_cores++) {
        with_store(many_recipients);
        check_links();
        tear_down(NULL);
        set_up(NULL);
    }
    test_cores = 1;
}

static void over_quota(void)
{
    struct store_recipient to = {.account = key_of("anna")};
    to.account.quota_bytes = 100;
    slice part = SLICE("Received: x\r\nSubject: 0123456789012345678901234567890123\r\n\r\n");
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = &to, .recipient_count = 1};
    MUST(store_quota_check(&to.account, part.size));
    MUST(store_deliver(&delivery));
    MUST(to.result);
    assert_int_equal(store_quota_check(&to.account, part.size).kind, ERROR_LIMIT);
    MUST(store_quota_check(&to.account, 100 - part.size));
    MUST(store_deliver(&delivery));
    assert_int_equal(to.result.kind, ERROR_LIMIT);
    assert_int_equal(count_files("anna", "new"), 1);
}

static void test_quota_is_exact(void **state)
{
    (void)state;
    with_store(over_quota);
}

static unsigned notified;
static void on_change(struct mailbox_watch *watch)
{
    (void)watch;
    notified++;
}

static void watching(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct mailbox_watch watch;
    struct mailbox_change change;
    bool lost;
    mailbox_watch(inbox, on_change, &watch);
    assert_false(mailbox_changes_next(&watch, &change, &lost));
    uint32_t uid = deliver("anna", "", "Subject: x\r\n\r\n");
    struct flag_change seen = {FLAGS_ADD, MAIL_SEEN, 0, UINT64_MAX};
    MUST(mailbox_flags(inbox, uid, &seen));
    MUST(mailbox_expunge(inbox, &uid, 1, NULL));
    assert_int_equal(notified, 3);
    assert_true(mailbox_has_changes(&watch));
    const enum mailbox_change_kind kinds[] = {MAILBOX_CHANGE_NEW, MAILBOX_CHANGE_FLAGS,
                                              MAILBOX_CHANGE_EXPUNGE};
    for (int i = 0; i < 3; i++) {
        assert_true(mailbox_changes_next(&watch, &change, &lost));
        assert_int_equal(change.kind, kinds[i]);
        assert_int_equal(change.uid, uid);
    }
    assert_false(mailbox_changes_next(&watch, &change, &lost));
    assert_false(lost);
    uid = deliver("anna", "", "Subject: x\r\n\r\n");
    for (int i = 0; i < 5000; i++) {
        seen.mode = i % 2 ? FLAGS_REMOVE : FLAGS_ADD;
        MUST(mailbox_flags(inbox, uid, &seen));
    }
    assert_false(mailbox_changes_next(&watch, &change, &lost));
    assert_true(lost);
    assert_false(mailbox_changes_next(&watch, &change, &lost));
    assert_false(lost);
    mailbox_unwatch(&watch);
    mailbox_close(&inbox);
}

static void test_watchers_hear_of_every_change(void **state)
{
    (void)state;
    with_store(watching);
}

static void recent_once(void)
{
    deliver("anna", "", "Subject: x\r\n\r\n");
    deliver("anna", "", "Subject: x\r\n\r\n");
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    uint32_t from, to;
    mailbox_recent(inbox, false, &from, &to);
    assert_int_equal(from, 1);
    assert_int_equal(to, 3);
    mailbox_recent(inbox, true, &from, &to);
    assert_int_equal(to - from, 2);
    mailbox_recent(inbox, true, &from, &to);
    assert_int_equal(to - from, 0);
    deliver("anna", "", "Subject: x\r\n\r\n");
    mailbox_recent(inbox, true, &from, &to);
    assert_int_equal(from, 3);
    assert_int_equal(to, 4);
    mailbox_cache_set(inbox, 2, SLICE("an envelope"));
    mailbox_close(&inbox);
}

static void recent_kept(void)
{
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    uint32_t from, to;
    mailbox_recent(inbox, true, &from, &to);
    assert_int_equal(to - from, 0);
    assert_true(slice_equal(mailbox_cache(inbox, mailbox_find(inbox, 2)), SLICE("an envelope")));
    assert_int_equal(mailbox_cache(inbox, mailbox_find(inbox, 1)).size, 0);
    mailbox_close(&inbox);
}

static void test_recent_is_for_one_session(void **state)
{
    (void)state;
    with_store(recent_once);
    with_store(recent_kept);
}

static void test_other_durabilities(void **state)
{
    (void)state;
    test_durability = JOURNAL_DURABILITY_FSYNC;
    with_store(deliver_and_read);
    with_store(read_again);
    tear_down(NULL);
    set_up(NULL);
    test_durability = JOURNAL_DURABILITY_NONE;
    with_store(deliver_and_read);
    with_store(read_again);
    test_durability = JOURNAL_DURABILITY_JOURNAL;
}

static void large_message(void)
{
    size_t size = 450000; /* more than is written in place */
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i / 64 % 26);
    slice part = slice_of(text, size);
    struct store_recipient to = {.account = key_of("anna")};
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = &to, .recipient_count = 1};
    MUST(store_deliver(&delivery));
    MUST(to.result);
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    assert_int_equal(mailbox_status(inbox).messages, 1); /* the look at the Maildir adds none */
    struct body body;
    MUST(mail_load(inbox, to.uid, &body));
    assert_int_equal(body.size, size);
    assert_memory_equal(body.data, text, size);
    body_close(&body);
    mailbox_close(&inbox);
    free(text);
}

static void test_large_messages(void **state)
{
    (void)state;
    with_store(large_message);
}

static void refused(void)
{
    fail();
}

/* Larger than both segments of the journal together: durable all the same, by its file. */
static void larger_than_the_journal(void)
{
    size_t size = 3 << 20;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    slice part = slice_of(text, size);
    struct store_recipient to[2] = {{.account = key_of("anna")}, {.account = key_of("bert")}};
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = to, .recipient_count = 2};
    MUST(store_deliver(&delivery));
    MUST(to[0].result);
    MUST(to[1].result);
    struct mailbox *inbox = open_mailbox("bert", "INBOX");
    assert_int_equal(mailbox_find(inbox, to[1].uid)->size, size);
    mailbox_close(&inbox);
    free(text);
}

static void test_larger_than_the_journal(void **state)
{
    (void)state;
    with_store(larger_than_the_journal);
    assert_int_equal(count_files("anna", "new"), 1);
    assert_int_equal(count_files("bert", "new"), 1);
}

static void test_a_store_is_used_once(void **state)
{
    (void)state;
    struct store_settings s = settings();
    assert_int_equal(mkdir(s.path, 0700), 0);
    char path[256];
    snprintf(path, sizeof path, "%s/ringmail.run", s.path);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(run_store(refused, true).kind, ERROR_BUSY);
    close(fd);
}

/* ---- Limits of names ---- */

static error deliver_to(const struct store_recipient *recipient)
{
    struct store_recipient to = *recipient;
    slice part = SLICE("Subject: x\r\n\r\n");
    struct store_delivery delivery = {
        .parts = &part, .part_count = 1, .recipients = &to, .recipient_count = 1};
    TRY(store_deliver(&delivery));
    return to.result;
}

/* STORE_ACCOUNT_ID_SIZE_MAX, STORE_PATH_SIZE_MAX, STORE_DELIVERY_KEYWORDS_MAX: at the limit mail
 * arrives, one more is refused before anything is kept. */
static void deliver_at_the_limits(void)
{
    static char id[STORE_ACCOUNT_ID_SIZE_MAX + 1], path[STORE_PATH_SIZE_MAX + 1];
    static slice keywords[STORE_DELIVERY_KEYWORDS_MAX + 1];
    struct arena arena;
    struct account *account;
    arena_init(&arena, 1 << 16);
    for (unsigned i = 0; i <= STORE_DELIVERY_KEYWORDS_MAX; i++)
        MUST(arena_format(&arena, &keywords[i], "Keyword%u", i));
    memset(id, 'i', sizeof id);
    int size =
        snprintf(path, sizeof path, "%s/mail", root.path); /* "//////Maildir" is one folder */
    memset(path + size, '/', sizeof path - (size_t)size);
    memcpy(path + STORE_PATH_SIZE_MAX - 2 - 7, "Maildir", 7);
    struct store_recipient to = {.account = {slice_of(id, STORE_ACCOUNT_ID_SIZE_MAX),
                                             slice_of(path, STORE_PATH_SIZE_MAX - 2), 0, 0},
                                 .keywords = keywords,
                                 .keyword_count = STORE_DELIVERY_KEYWORDS_MAX};
    MUST(deliver_to(&to));
    struct mailbox *inbox;
    MUST(account_open(&to.account, false, &account));
    MUST(mailbox_open(account, SLICE("INBOX"), &inbox));
    assert_int_equal(inbox->index.header.messages, 1);
    mailbox_close(&inbox);
    account_close(&account);

    struct store_recipient more = to;
    more.account.id.size++;
    assert_error(deliver_to(&more), ERROR_LIMIT);
    assert_error(account_open(&more.account, true, &account), ERROR_MALFORMED);
    more = to;
    more.account.path = SLICE("/");
    assert_error(account_open(&more.account, true, &account), ERROR_MALFORMED);
    memmove(path + STORE_PATH_SIZE_MAX - 1 - 7, "Maildir", 7);
    more.account = (struct store_account_key){SLICE("other@example.org"),
                                              slice_of(path, STORE_PATH_SIZE_MAX - 1), 0, 0};
    assert_error(deliver_to(&more), ERROR_LIMIT);
    assert_error(account_open(&more.account, true, &account), ERROR_MALFORMED);
    more = to;
    more.keyword_count++;
    assert_error(deliver_to(&more), ERROR_LIMIT);
    arena_close(&arena);
}

static void test_limits_of_recipients(void **state)
{
    (void)state;
    with_store(deliver_at_the_limits);
    assert_int_equal(count_files("", "new"), 0);
}

/* STORE_BASE_NAME_SIZE_MAX: the host's name is cut so that the sizes behind it stand. */
static void name_large_mail(void)
{
    char name[STORE_BASE_NAME_SIZE_MAX];
    size_t size = store_base_name(UINT64_MAX, UINT64_MAX, name);
    assert_true(size < STORE_BASE_NAME_SIZE_MAX);
    assert_true(
        slice_ends(slice_of(name, size), SLICE(",S=18446744073709551615,W=18446744073709551615")));
}

static void test_limits_of_file_names(void **state)
{
    (void)state;
    with_store(name_large_mail);
}

/* STORE_MAILBOX_DEPTH_MAX levels, and one more. */
static void make_deep(void)
{
    char name[2 * STORE_MAILBOX_DEPTH_MAX + 2];
    for (unsigned i = 0; i < sizeof name; i++)
        name[i] = i % 2 ? STORE_SEPARATOR : 'm';
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct account *account = mailbox_account(inbox);
    MUST(mailbox_create(account, slice_of(name, 2 * STORE_MAILBOX_DEPTH_MAX - 1)));
    assert_error(mailbox_create(account, slice_of(name, 2 * STORE_MAILBOX_DEPTH_MAX + 1)),
                 ERROR_LIMIT);
    mailbox_close(&inbox);
}

/* STORE_MAILBOXES_PER_ACCOUNT_MAX, INBOX among them; most made by another program, and in memory
 * where that is possible: thousands of folders take a disk its time. */
static void make_many(void)
{
    struct scratch many;
    char path[sizeof many.path + 16], folders[sizeof path + 16];
    if (!scratch_make_in(&many, "/dev/shm"))
        scratch_make(&many);
    snprintf(path, sizeof path, "%s/Maildir", many.path);
    const struct store_account_key key = {SLICE("many@example.org"), slice_from_string(path), 0, 0};
    struct account *account;
    struct mailbox *inbox;
    MUST(account_open(&key, true, &account));
    MUST(mailbox_open(account, SLICE("INBOX"), &inbox));
    for (unsigned i = 0; i < STORE_MAILBOXES_PER_ACCOUNT_MAX - 2; i++) {
        snprintf(folders, sizeof folders, "%s/.m%u", path, i);
        assert_int_equal(mkdir(folders, 0700), 0);
    }
    MUST(mailbox_create(account, SLICE("last")));
    assert_error(mailbox_create(account, SLICE("too many")), ERROR_LIMIT);
    MUST(mailbox_delete(account, SLICE("last")));
    MUST(mailbox_create(account, SLICE("another")));
    mailbox_close(&inbox);
    account_close(&account);
    scratch_remove(&many);
}

static void test_limits_of_mailboxes(void **state)
{
    (void)state;
    with_store(make_deep);
    with_store(make_many);
}

/* REMOVE_DEPTH_MAX (data/store/mailbox_tree.c): folders that somebody put into a mailbox go with it
 * so deep; deeper ones stay on disk, out of everybody's sight. */
static void remove_deep(void)
{
    enum { REMOVE_DEPTH_MAX = 8 };
    struct mailbox *inbox = open_mailbox("anna", "INBOX");
    struct account *account = mailbox_account(inbox);
    for (int more = 0; more < 2; more++) {
        char path[256];
        MUST(mailbox_create(account, SLICE("deep")));
        int size = snprintf(path, sizeof path, "%s/mail/anna/Maildir/.deep", root.path);
        for (int i = 0; i < REMOVE_DEPTH_MAX + more; i++) {
            size += snprintf(path + size, sizeof path - (size_t)size, "/d");
            assert_int_equal(mkdir(path, 0700), 0);
        }
        MUST(mailbox_delete(account, SLICE("deep")));
        assert_false(mailbox_exists(account, SLICE("deep")));
        snprintf(path, sizeof path, "%s/mail/anna/Maildir", root.path);
        DIR *directory = opendir(path);
        unsigned left = 0;
        for (struct dirent *entry; (entry = readdir(directory));)
            left += strncmp(entry->d_name, "..ringmail-deleted-", 19) == 0;
        closedir(directory);
        assert_int_equal(left, more);
    }
    mailbox_close(&inbox);
}

static void test_limits_of_removal(void **state)
{
    (void)state;
    with_store(remove_deep);
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_delivers_and_finds_it_after_a_clean_stop),
        STORE_TEST(test_flags_reach_index_at_once_and_names_later),
        STORE_TEST(test_copies_moves_and_expunges),
        STORE_TEST(test_several_recipients_share_one_file),
        STORE_TEST(test_quota_is_exact),
        STORE_TEST(test_watchers_hear_of_every_change),
        STORE_TEST(test_recent_is_for_one_session),
        STORE_TEST(test_other_durabilities),
        STORE_TEST(test_large_messages),
        STORE_TEST(test_larger_than_the_journal),
        STORE_TEST(test_a_store_is_used_once),
        STORE_TEST(test_limits_of_recipients),
        STORE_TEST(test_limits_of_file_names),
        STORE_TEST(test_limits_of_mailboxes),
        STORE_TEST(test_limits_of_removal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
