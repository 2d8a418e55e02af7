/* SPDX-License-Identifier: GPL-3.0-or-later
 * A mail in memory, in the journal's words and in the log's. */
#include "check.h"

#include "transport/queue/log_record.h"

#include <stdio.h>
#include <stdlib.h>

static struct queue_recipient to(const char *address)
{
    return (struct queue_recipient){.address = slice_from_string(address),
                                    .orcpt_type = SLICE("rfc822"),
                                    .orcpt_address = SLICE("o@x"),
                                    .notify = SMTP_NOTIFY_SUCCESS,
                                    .final = address[0] == 'f'};
}

static struct queue_mail *make(struct queue_content *content, queue_id id)
{
    struct queue_recipient recipients[] = {to("z@beta"),  to("a@Alpha"), to("f@beta"),
                                           to("b@alpha"), to("nobody"),  to("c@gamma")};
    struct queue_envelope envelope = {.sender = SLICE("s@x"),
                                      .prefix = SLICE("P: 1\r\n"),
                                      .recipients = recipients,
                                      .recipient_count = 6,
                                      .body = SMTP_BODY_8BITMIME,
                                      .utf8 = true,
                                      .ret = SMTP_RETURN_HEADERS,
                                      .envid = SLICE("E"),
                                      .require_tls = true,
                                      .priority = -3,
                                      .hold_until = 5,
                                      .deliver_by = 6,
                                      .deliver_by_mode = 'R',
                                      .deliver_by_trace = true,
                                      .account = SLICE("acc"),
                                      .origin = SLICE("o1")};
    struct queue_mail *mail;
    assert_ok(queue_mail_make(&envelope, content, id, 1000, &mail));
    return mail;
}

static void unmake(struct queue_content *content)
{
    while (content->mails) {
        struct queue_mail *mail = content->mails;
        queue_mail_free(&mail);
    }
    assert_int_equal(content->references, 0);
}

static void test_items_are_domains(void **state)
{
    (void)state;
    struct queue_content content = {0};
    struct queue_mail *mail = make(&content, 9);
    static const char *const want[] = {"nobody", "a@Alpha", "b@alpha",
                                       "z@beta", "f@beta",  "c@gamma"};
    for (unsigned i = 0; i < 6; i++)
        assert_true(slice_equal(queue_mail_text(mail, mail->recipients[i].address),
                                slice_from_string(want[i])));
    static const uint32_t first[] = {0, 1, 3, 5}, count[] = {1, 2, 2, 1};
    assert_int_equal(mail->item_count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(mail->items[i].first, first[i]);
        assert_int_equal(mail->items[i].count, count[i]);
        assert_ptr_equal(mail->items[i].mail, mail);
    }
    assert_slice(queue_item_domain(&mail->items[0]), "");
    assert_slice(queue_item_domain(&mail->items[2]), "beta");
    assert_true(mail->recipients[4].final);
    assert_int_equal(content.references, 1);
    unmake(&content);
}

static void test_limits(void **state)
{
    (void)state;
    struct queue_content content = {0};
    struct queue_mail *mail;
    struct queue_recipient *many = calloc(QUEUE_RECIPIENTS_MAX + 1, sizeof *many);
    static char large[UINT16_MAX + 1], prefix[QUEUE_PREFIX_SIZE_MAX + 1];
    struct queue_envelope envelope = {.recipients = many};
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    envelope.recipient_count = QUEUE_RECIPIENTS_MAX + 1;
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    envelope.recipient_count = QUEUE_RECIPIENTS_MAX;
    assert_ok(queue_mail_make(&envelope, &content, 1, 1, &mail));
    assert_int_equal(mail->item_count, 1);
    queue_mail_free(&mail);
    envelope.recipient_count = 1;
    envelope.sender = slice_of(large, sizeof large);
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    envelope.sender = SLICE_EMPTY;
    envelope.prefix = slice_of(prefix, sizeof prefix);
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    envelope.prefix = SLICE_EMPTY;
    for (unsigned i = 0; i < QUEUE_RECIPIENTS_MAX; i++)
        many[i].address = slice_of(large, 1000);
    envelope.recipient_count = QUEUE_RECIPIENTS_MAX;
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    assert_int_equal(content.references, 0);
    free(many);
}

/* QUEUE_ENVELOPE_SIZE_MAX: texts of so many bytes, and of one more. */
static void test_texts_have_a_limit(void **state)
{
    (void)state;
    enum { TEXTS = QUEUE_ENVELOPE_SIZE_MAX / UINT16_MAX };
    static char large[UINT16_MAX];
    struct queue_content content = {0};
    struct queue_mail *mail;
    struct queue_recipient many[TEXTS + 1] = {0};
    memset(large, 'x', sizeof large);
    for (unsigned i = 0; i < TEXTS; i++)
        many[i].address = slice_of(large, sizeof large);
    size_t rest = QUEUE_ENVELOPE_SIZE_MAX - (size_t)TEXTS * sizeof large;
    many[TEXTS].address = slice_of(large, rest - 1);
    struct queue_envelope envelope = {
        .sender = SLICE("s"), .recipients = many, .recipient_count = TEXTS + 1};
    assert_ok(queue_mail_make(&envelope, &content, 1, 1, &mail));
    assert_true(slice_equal(queue_mail_text(mail, mail->sender), SLICE("s")));
    queue_mail_free(&mail);
    many[TEXTS].address.size++;
    assert_error(queue_mail_make(&envelope, &content, 1, 1, &mail), ERROR_LIMIT);
    assert_int_equal(content.references, 0);
}

static void test_ids_as_text(void **state)
{
    (void)state;
    char text[QUEUE_ID_TEXT_SIZE];
    queue_id id;
    queue_id_format(0x0123456789abcdefu, text);
    assert_string_equal(text, "0123456789abcdef");
    assert_true(queue_id_parse(SLICE("0123456789ABCDEF"), &id));
    assert_true(id == 0x0123456789abcdefu);
    assert_true(queue_id_parse(SLICE("1f"), &id));
    assert_int_equal(id, 31);
    assert_false(queue_id_parse(SLICE(""), &id));
    assert_false(queue_id_parse(SLICE("12345678901234567"), &id));
    assert_false(queue_id_parse(SLICE("12 4"), &id));
}

/* Everything that a record keeps. */
static void assert_same(const struct queue_mail *a, const struct queue_mail *b)
{
    assert_true(a->id == b->id && a->arrived == b->arrived && a->expires == b->expires);
    assert_true(a->hold_until == b->hold_until && a->deliver_by == b->deliver_by);
    assert_true(a->utf8 == b->utf8 && a->require_tls == b->require_tls);
    assert_true(a->tls_optional == b->tls_optional && a->deliver_by_trace == b->deliver_by_trace);
    assert_true(a->body == b->body && a->ret == b->ret && a->priority == b->priority);
    assert_true(a->held == b->held && a->warned == b->warned);
    assert_true(a->deliver_by_mode == b->deliver_by_mode && a->open_count == b->open_count);
    assert_true(a->prefix.offset == b->prefix.offset && a->prefix.size == b->prefix.size);
    assert_true(slice_equal(queue_mail_text(a, a->sender), queue_mail_text(b, b->sender)));
    assert_true(slice_equal(queue_mail_text(a, a->envid), queue_mail_text(b, b->envid)));
    assert_true(slice_equal(queue_mail_text(a, a->account), queue_mail_text(b, b->account)));
    assert_true(slice_equal(queue_mail_text(a, a->origin), queue_mail_text(b, b->origin)));
    assert_int_equal(a->recipient_count, b->recipient_count);
    for (uint32_t i = 0; i < a->recipient_count; i++) {
        const struct queue_mail_recipient *x = &a->recipients[i], *y = &b->recipients[i];
        assert_true(slice_equal(queue_mail_text(a, x->address), queue_mail_text(b, y->address)));
        assert_true(
            slice_equal(queue_mail_text(a, x->orcpt_type), queue_mail_text(b, y->orcpt_type)));
        assert_true(slice_equal(queue_mail_text(a, x->orcpt_address),
                                queue_mail_text(b, y->orcpt_address)));
        assert_true(x->notify == y->notify && x->final == y->final);
        assert_true(x->outcome == y->outcome && x->reported == y->reported);
    }
    assert_int_equal(a->item_count, b->item_count);
    for (uint32_t i = 0; i < a->item_count; i++) {
        const struct queue_item *x = &a->items[i], *y = &b->items[i];
        assert_true(x->first == y->first && x->count == y->count && x->attempts == y->attempts);
        assert_true(x->due == y->due && x->tried == y->tried && x->site == y->site);
        assert_true(slice_equal(slice_from_string(x->response), slice_from_string(y->response)));
    }
}

static void change(struct queue_mail *mail)
{
    mail->expires = 2000;
    mail->held = mail->warned = true;
    mail->prefix.offset = 3;
    mail->items[1].attempts = 4;
    mail->items[1].due = 77;
    mail->items[1].tried = 70;
    mail->items[1].site = 0x0a1b2c3d;
    mail->items[1].response = strdup("mx: 450 no");
    mail->recipients[2].outcome = QUEUE_RELAYED;
    mail->recipients[2].reported = true;
    mail->recipients[5].outcome = QUEUE_FAILED;
    mail->open_count -= 2;
}

/* The same in one step, and nothing where a byte is missing, or its prefix lies elsewhere. */
static void assert_loads(const struct queue_mail *mail)
{
    struct queue_content content = {.id = 9,
                                    .prefix_size = mail->prefix.offset + mail->prefix.size};
    struct queue_mail *copy;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    record_mail_write(&out, mail);
    slice record = buffer_slice(&out);
    assert_ok(record_mail_load(cursor_over(record), &content, &copy));
    assert_same(mail, copy);
    queue_mail_free(&copy);
    for (size_t size = 0; size < record.size; size++)
        assert_error(record_mail_load(cursor_over(slice_sub(record, 0, size)), &content, &copy),
                     ERROR_MALFORMED);
    if (content.prefix_size-- > 0)
        assert_error(record_mail_load(cursor_over(record), &content, &copy), ERROR_MALFORMED);
    assert_int_equal(content.references, 0);
    buffer_close(&out);
}

static void test_add_comes_back(void **state)
{
    (void)state;
    struct queue_content content = {.id = 9, .size = 4, .prefix_size = 12}, again = {.id = 9};
    make(&content, 9);
    change(make(&content, 10));
    struct buffer out;
    buffer_init(&out, 1 << 20);
    record_add_write(&out, &content);
    buffer_add(&out, SLICE("P: 1\r\nP: 2\r\nbody"));
    struct record_add add;
    struct record_mail record;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_ok(record_add_read(buffer_slice(&out), &add));
    assert_slice(add.prefixes, "P: 1\r\nP: 2\r\n");
    assert_slice(add.body, "body");
    assert_int_equal(add.count, 2);
    for (const struct queue_mail *mail = content.mails; mail; mail = mail->next_sharing) {
        struct queue_mail *copy;
        assert_ok(record_add_next(&add, &arena, &record));
        assert_ok(record_mail_make(&record, &again, &copy));
        assert_same(mail, copy);
        assert_loads(mail);
    }
    assert_error(record_add_next(&add, &arena, &record), ERROR_CLOSED);
    for (size_t size = 0; size < out.size; size++) /* no prefix of it is one */
        if (!failed(record_add_read(slice_of(out.data, size), &add)))
            fail_msg("%zu of %zu bytes are taken for a record", size, out.size);
    arena_close(&arena);
    buffer_close(&out);
    unmake(&content);
    unmake(&again);
}

static void test_outcomes_come_back(void **state)
{
    (void)state;
    struct queue_content content = {.id = 9};
    struct queue_mail *mail = make(&content, 9), *fresh = make(&content, 9);
    change(mail);
    struct buffer out;
    buffer_init(&out, 1 << 20);
    record_outcomes_write(&out, mail, &mail->items[1]);
    struct record_outcomes outcomes;
    struct record_outcome outcome;
    assert_ok(record_outcomes_read(buffer_slice(&out), &outcomes));
    assert_int_equal(outcomes.id, 9);
    while (record_outcomes_next(&outcomes, &outcome)) {
        record_outcome_apply(fresh, outcome);
        record_outcome_apply(fresh, outcome); /* twice does no harm */
    }
    assert_int_equal(fresh->open_count, 5);
    assert_int_equal(fresh->recipients[2].outcome, QUEUE_RELAYED);
    assert_true(fresh->recipients[2].reported);
    record_outcome_apply(fresh,
                         (struct record_outcome){6, QUEUE_FAILED, false, false}); /* nobody */
    record_outcome_apply(fresh, (struct record_outcome){1, 9, false, false});     /* no outcome */
    assert_int_equal(fresh->open_count, 5);
    buffer_close(&out);
    unmake(&content);
}

static void test_the_log_is_walked(void **state)
{
    (void)state;
    struct queue_content content = {.id = 9};
    struct queue_mail *mail = make(&content, 9);
    change(mail);
    struct log_place place = {
        .content = 9, .size = 4, .offset = 64, .segment = 3, .prefix_size = 9, .sharers = 1};
    struct buffer out;
    buffer_init(&out, 1 << 20);
    log_mail_write(&out, 5, mail, &place);
    log_state_write(&out, 5, mail, &mail->items[1]);
    log_outcomes_write(&out, 5, mail, NULL);
    log_move_write(&out, 5, 9, 4, 128);
    log_done_write(&out, 5, 9);
    struct frame_scan scan = {
        .window = buffer_slice(&out), .salt = 5, .kind_last = LOG_KIND_LAST, .last = true};
    unsigned kind;
    slice payload;
    for (int want = LOG_MAIL; want <= LOG_DONE; want++) {
        assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_RECORD);
        assert_int_equal(kind, want);
    }
    assert_int_equal(frame_scan_next(&scan, &kind, &payload), FRAME_SCAN_END);
    assert_false(scan.skipping);
    assert_int_equal(scan.damaged, 0);
    buffer_close(&out);
    unmake(&content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts_have_a_limit),
        cmocka_unit_test(test_items_are_domains),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_ids_as_text),
        cmocka_unit_test(test_add_comes_back),
        cmocka_unit_test(test_outcomes_come_back),
        cmocka_unit_test(test_the_log_is_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
