/* SPDX-License-Identifier: GPL-3.0-or-later
 * The index file: what was written is found again; cut or damaged anywhere, it gives a state that
 * was, never one that was not, and no UID a second time. */
#include "check.h"
#include "scratch.h"

#include "data/store/index_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct scratch scratch;
static int directory;

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    directory = open(scratch.path, O_RDONLY | O_DIRECTORY);
    return directory < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(directory);
    scratch_remove(&scratch);
    return 0;
}

static void begin(struct index *index)
{
    index_init(index);
    index->header.uid_validity = 77;
    index->header.uid_next = 1;
    index->header.modseq = 1;
    index->header.stops = 5;
}

static void add(struct index *index, const char *name, slice cache)
{
    struct mail mail = {.uid = index->header.uid_next,
                        .modseq = index->header.modseq + 1,
                        .size = 1000 + index->header.uid_next,
                        .save_date = time_wall_seconds()};
    assert_ok(index_add(index, &mail, slice_from_string(name), cache));
}

/* What a session could tell apart. */
struct view {
    uint32_t count, uid_next, unseen;
    uint64_t bytes, sum;
};

static struct view view_of(struct index *index)
{
    struct view view = {.uid_next = index->header.uid_next,
                        .unseen = index->header.unseen,
                        .bytes = index->header.bytes};
    uint64_t bytes = 0;
    uint32_t unseen = 0;
    for (struct mail *mail = index_next_from(index, 1); mail;
         mail = index_next_from(index, mail->uid + 1)) {
        view.count++;
        bytes += mail->size;
        unseen += !(mail->flags & MAIL_SEEN);
        view.sum = view.sum * 1000003 + mail->uid * 31 + mail->flags * 7 + mail->keywords * 3 +
                   slice_hash_stable(index_name(index, mail)) +
                   slice_hash_stable(index_cache(index, mail)) + mail->name_flags;
    }
    assert_int_equal(view.count, index->header.messages);
    assert_true(bytes == view.bytes);
    assert_int_equal(unseen, view.unseen);
    return view;
}

static bool same(struct view a, struct view b)
{
    return a.count == b.count && a.uid_next == b.uid_next && a.bytes == b.bytes && a.sum == b.sum;
}

enum { STEPS = 12 };

/* A little history; the view and the file's size after each step. */
static void make_history(struct index *index, struct view *views, uint64_t *sizes)
{
    for (unsigned step = 0; step < STEPS; step++) {
        switch (step % 6) {
        case 0:
            add(index, step ? "1.second,S=7,W=8" : "1.first", SLICE("blob"));
            break;
        case 1:
            add(index, "2.other", SLICE_EMPTY);
            break;
        case 2:
            assert_ok(index_set_flags(index, step / 6 + 1, MAIL_SEEN, 1));
            break;
        case 3:
            assert_ok(index_set_keyword(index, step / 6, SLICE("$Junk")));
            break;
        case 4:
            assert_ok(index_set_cache(index, step / 6 + 1, SLICE("another blob")));
            break;
        case 5:
            assert_ok(step == 5 ? index_expunge(index, 1) : index_set_name(index, 2, true, 8));
            break;
        }
        assert_ok(index_write(index));
        views[step] = view_of(index);
        sizes[step] = index->file_size;
    }
}

static void write_file(slice content)
{
    int fd = openat(directory, INDEX_FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, content.data, content.size), (ssize_t)content.size);
    close(fd);
}

static char *read_file(size_t *out_size)
{
    int fd = openat(directory, INDEX_FILE_NAME, O_RDONLY);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    char *data = malloc((size_t)status.st_size);
    assert_int_equal(read(fd, data, (size_t)status.st_size), status.st_size);
    close(fd);
    *out_size = (size_t)status.st_size;
    return data;
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    struct index index;
    struct view views[STEPS], empty;
    uint64_t sizes[STEPS];
    begin(&index);
    assert_ok(index_create(&index, directory, true));
    empty = view_of(&index);
    uint64_t snapshot = index.file_size;
    make_history(&index, views, sizes);
    index_close(&index);
    size_t size;
    char *content = read_file(&size);
    assert_int_equal(size, sizes[STEPS - 1]);
    for (size_t cut = 0; cut <= size; cut++) {
        write_file(slice_of(content, cut));
        bool damaged;
        index_init(&index);
        error loaded = index_load(&index, directory, 5, &damaged);
        if (cut < snapshot) {
            assert_error(loaded, ERROR_MALFORMED);
        } else {
            assert_ok(loaded);
            struct view want = empty;
            bool whole = cut == snapshot;
            for (unsigned step = 0; step < STEPS && sizes[step] <= cut; step++) {
                want = views[step];
                whole = sizes[step] == cut;
            }
            assert_true(same(view_of(&index), want));
            assert_int_equal(damaged, !whole);
            add(&index, "3.after", SLICE_EMPTY); /* and it goes on */
            assert_ok(index_write(&index));
            struct view after = view_of(&index);
            index_close(&index);
            index_init(&index);
            assert_ok(index_load(&index, directory, 5, &damaged));
            assert_false(damaged);
            assert_true(same(view_of(&index), after));
        }
        index_close(&index);
    }
    free(content);
}

static void test_one_wrong_byte_anywhere(void **state)
{
    (void)state;
    struct index index;
    struct view views[STEPS + 1];
    uint64_t sizes[STEPS];
    begin(&index);
    add(&index, "0.snapshot", SLICE("in the snapshot"));
    assert_ok(index_create(&index, directory, true));
    views[STEPS] = view_of(&index);
    make_history(&index, views, sizes);
    index_close(&index);
    size_t size;
    char *content = read_file(&size);
    for (size_t at = 0; at < size; at++) {
        content[at] ^= 0x21;
        write_file(slice_of(content, size));
        content[at] ^= 0x21;
        bool damaged;
        index_init(&index);
        /* After an unclean stop, so that the whole snapshot is verified. */
        error loaded = index_load(&index, directory, 6, &damaged);
        if (!failed(loaded)) {
            bool known = false;
            struct view have = view_of(&index);
            for (unsigned i = 0; i <= STEPS; i++) {
                struct view want = views[i];
                want.uid_next = have.uid_next;
                known |= same(have, want);
            }
            assert_true(known);
            assert_true(have.uid_next >= 1024); /* past everything that was reserved */
        } else {
            assert_error(loaded, ERROR_MALFORMED);
        }
        index_close(&index);
    }
    free(content);
}

static void test_uids_go_on_past_the_range_after_an_unclean_stop(void **state)
{
    (void)state;
    struct index index;
    bool damaged;
    begin(&index);
    assert_ok(index_create(&index, directory, true));
    for (int i = 0; i < 10; i++)
        add(&index, "1.x", SLICE_EMPTY);
    uint64_t modseq = index.header.modseq;
    assert_ok(index_write(&index));
    index_close(&index);
    index_init(&index);
    assert_ok(index_load(&index, directory, 5, &damaged)); /* clean: no gap */
    assert_int_equal(index.header.uid_next, 11);
    assert_int_equal(index.uid_durable, 1 + INDEX_UID_RESERVE_MIN);
    index_close(&index);
    index_init(&index);
    assert_ok(index_load(&index, directory, 6, &damaged));
    assert_int_equal(index.header.uid_next, 1 + INDEX_UID_RESERVE_MIN);
    assert_int_equal(index.uid_durable, index.header.uid_next); /* nothing before it is reserved */
    assert_true(index.header.modseq >= modseq + INDEX_MODSEQ_JUMP);
    assert_int_equal(index.header.uid_validity, 77);
    assert_ok(index_set_reserved(&index, 4000, 6));
    add(&index, "1.y", SLICE_EMPTY);
    assert_ok(index_write(&index));
    index_close(&index);
    index_init(&index);
    assert_ok(index_load(&index, directory, 6, &damaged));
    assert_int_equal(index.header.uid_next, 2 + INDEX_UID_RESERVE_MIN);
    assert_int_equal(index.uid_durable, 4000);
    index_close(&index);
}

static void test_large_snapshot_is_mapped_and_changes_stay_ours(void **state)
{
    (void)state;
    struct index index;
    bool damaged;
    char name[32];
    begin(&index);
    index.quiet = true;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%d.name", i);
        add(&index, name, SLICE_EMPTY);
    }
    index.quiet = false;
    assert_ok(index_create(&index, directory, false));
    assert_true(index.base_mapped);
    assert_ok(index_set_flags(&index, 2500, MAIL_SEEN, 0));
    for (uint32_t uid = 1; uid < 2000; uid++)
        assert_ok(index_expunge(&index, uid));
    assert_ok(index_write(&index));
    assert_int_equal(index.header.messages, 3001);
    assert_true(slice_equal(index_name(&index, index_find(&index, 3000)), SLICE("2999.name")));
    struct view view = view_of(&index);
    index_close(&index);
    index_init(&index);
    assert_ok(index_load(&index, directory, 5, &damaged));
    assert_true(same(view_of(&index), view));
    assert_true(index_has_tombstone(&index, SLICE("0.name")));
    assert_false(index_has_tombstone(&index, SLICE("2999.name")));
    struct buffer image;
    buffer_init(&image, INDEX_FILE_SIZE_MAX);
    assert_ok(index_image(&index, &image));
    index_close(&index);
    write_file(buffer_slice(&image));
    buffer_close(&image);
    index_init(&index);
    assert_ok(index_load(&index, directory, 6, &damaged)); /* sums verified */
    struct view compacted = view_of(&index);
    assert_int_equal(compacted.uid_next, index.header.uid_reserved);
    compacted.uid_next = view.uid_next;
    assert_true(same(compacted, view));
    assert_true(index_has_tombstone(&index, SLICE("0.name")));
    index_close(&index);
}

static void test_refuses_what_cannot_be(void **state)
{
    (void)state;
    struct index index;
    bool damaged;
    begin(&index);
    assert_ok(index_create(&index, directory, false));
    struct mail mail = {.uid = 0};
    assert_error(index_add(&index, &mail, SLICE("x"), SLICE_EMPTY), ERROR_MALFORMED);
    mail.uid = 1;
    assert_error(index_add(&index, &mail, SLICE_EMPTY, SLICE_EMPTY), ERROR_MALFORMED);
    char name[300];
    memset(name, 'x', sizeof name);
    assert_error(index_add(&index, &mail, slice_of(name, 256), SLICE_EMPTY), ERROR_LIMIT);
    assert_ok(index_add(&index, &mail, slice_of(name, 255), SLICE_EMPTY));
    assert_error(index_set_flags(&index, 2, 0, 0), ERROR_MALFORMED);
    assert_error(index_set_keyword(&index, STORE_KEYWORDS_MAX, SLICE("x")), ERROR_MALFORMED);
    assert_error(index_set_keyword(&index, 0, slice_of(name, STORE_KEYWORD_SIZE_MAX + 1)),
                 ERROR_LIMIT);
    static char blob[STORE_CACHE_BLOB_SIZE_MAX + 1];
    assert_ok(index_set_cache(&index, 1, slice_of(blob, STORE_CACHE_BLOB_SIZE_MAX + 1)));
    assert_int_equal(index_cache(&index, index_find(&index, 1)).size, 0);
    assert_ok(index_set_cache(&index, 1, slice_of(blob, STORE_CACHE_BLOB_SIZE_MAX)));
    assert_int_equal(index_cache(&index, index_find(&index, 1)).size, STORE_CACHE_BLOB_SIZE_MAX);
    index_close(&index);
    unlinkat(directory, INDEX_FILE_NAME, 0);
    index_init(&index);
    assert_error(index_load(&index, directory, 5, &damaged), ERROR_NOT_FOUND);
    index_close(&index);
}

#define INDEX_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INDEX_TEST(test_cut_at_every_byte),
        INDEX_TEST(test_one_wrong_byte_anywhere),
        INDEX_TEST(test_uids_go_on_past_the_range_after_an_unclean_stop),
        INDEX_TEST(test_large_snapshot_is_mapped_and_changes_stay_ours),
        INDEX_TEST(test_refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
