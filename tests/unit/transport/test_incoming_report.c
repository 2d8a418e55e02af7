/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which reports become which events; the events are caught here.
 */
#include "check.h"

#include "base/log.h"
#include "transport/event.h"
#include "transport/forward.h"
#include "transport/incoming_report.h"

#include <fcntl.h>
#include <stdio.h>

static char told[20000]; /* one line an event */
static unsigned count;

void transport_event(const struct transport_event *event)
{
    size_t size = strlen(told);
    snprintf(told + size, sizeof told - size, "%d %.*s|%.*s|%.*s|%.*s|%d|%d.%d.%d|%.*s\n",
             event->kind, SLICE_ARG(event->account), SLICE_ARG(event->sender),
             SLICE_ARG(event->recipient), SLICE_ARG(event->host), event->code, event->enhanced[0],
             event->enhanced[1], event->enhanced[2], SLICE_ARG(event->text));
    count++;
}

/* Bounces to "srs@" are for somebody else. */
error forward_original(slice address, struct arena *arena, slice *out_address)
{
    (void)arena;
    if (!slice_starts(address, SLICE("srs@")))
        return error_make(ERROR_NOT_FOUND, "not rewritten");
    *out_address = SLICE("stranger@example.com");
    return OK;
}

static const char *for_whom = "alice@example.org";

static void tell(const char *sender, const char *type, const char *fields)
{
    static char message[200000];
    told[0] = '\0';
    count = 0;
    int size = snprintf(message, sizeof message,
                        "Content-Type: multipart/report; boundary=b\n\n--b\n\n--b\n"
                        "Content-Type: message/%s\n\n%s\n--b--\n",
                        type, fields);
    assert_in_range(size, 1, sizeof message - 1);
    incoming_report_tell(&(struct incoming_report){
        .id = SLICE("1-1"),
        .sender = slice_from_string(sender),
        .recipient = slice_from_string(for_whom),
        .account = SLICE("al@example.org"),
        .message = slice_from_string(message),
    });
}

static const char two[] =
    "Reporting-MTA: dns; mx.example.com\n\nOriginal-Recipient: rfc822;b@example.com\n"
    "Final-Recipient: rfc822; c@example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; "
    "in.example.net\nDiagnostic-Code: smtp; 550 no\n\nFinal-Recipient: rfc822; d@example.net\n"
    "Action: delayed\nStatus: 4.0.0\n\nFinal-Recipient: rfc822; e@example.net\nAction: failed\n";

static void test_bounce(void **state)
{
    (void)state;
    tell("", "delivery-status", two);
    assert_string_equal(
        told, "5 al@example.org|alice@example.org|b@example.com|in.example.net|550|5.1.1|no\n"
              "5 al@example.org|alice@example.org|e@example.net|mx.example.com|0|0.0.0|\n");
    assert_int_equal(TRANSPORT_REPORTED, 5);
    tell("somebody@example.net", "delivery-status", two); /* no bounce has a sender */
    assert_int_equal(count, 0);
    for_whom = "srs@example.org";
    tell("", "delivery-status", "Final-Recipient: rfc822; b@example.com\nAction: failed\n");
    assert_string_equal(told, "5 al@example.org|stranger@example.com|b@example.com||0|0.0.0|\n");
    for_whom = "alice@example.org";
    tell("", "disposition-notification", "Disposition: displayed\n");
    assert_int_equal(count, 0);
}

static void test_complaint(void **state)
{
    (void)state;
    tell("fbl@isp.example", "feedback-report",
         "Feedback-Type: abuse\nOriginal-Mail-From: <bulk@example.org>\n"
         "Original-Rcpt-To: x@isp.example\nOriginal-Rcpt-To: y@isp.example\n");
    assert_string_equal(told, "4 al@example.org|bulk@example.org|x@isp.example||0|0.0.0|abuse\n"
                              "4 al@example.org|bulk@example.org|y@isp.example||0|0.0.0|abuse\n");
    assert_int_equal(TRANSPORT_COMPLAINT, 4);
    tell("fbl@isp.example", "feedback-report", "Feedback-Type: fraud\nSource-IP: 192.0.2.1\n");
    assert_string_equal(told, "4 al@example.org|alice@example.org||192.0.2.1|0|0.0.0|fraud\n");
}

static void test_bounded(void **state)
{
    (void)state;
    static char many[INCOMING_REPORT_EVENTS_MAX * 80];
    for (unsigned i = 0, size = 0; i <= INCOMING_REPORT_EVENTS_MAX; i++)
        size += (unsigned)snprintf(many + size, sizeof many - size,
                                   "Final-Recipient: rfc822; %u@b.example\nAction: failed\n\n", i);
    tell("", "delivery-status", many);
    assert_int_equal(count, INCOMING_REPORT_EVENTS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounce),
        cmocka_unit_test(test_complaint),
        cmocka_unit_test(test_bounded),
    };
    log_configure(open("/dev/null", O_WRONLY | O_CLOEXEC), LOG_WARNING, LOG_LOGFMT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
