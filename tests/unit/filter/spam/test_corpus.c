/* SPDX-License-Identifier: GPL-3.0-or-later
 * Whole mails: what people and programs send must stay below the score that makes mail junk, what
 * nobody wants must be above it. All of it is invented. The samples of MIME parsers
 * (../shared/vectors/mime) are odd, but honest.
 */
#include "filter/spam/spam_mail.h"

#include <dirent.h>
#include <stdlib.h>

static const double junk_score = 6; /* the default of spam.junk_score */

/* How the mail came. */
enum proof { PROVED, BULK, NOBODY, FORGED };

struct sample {
    const char *name;
    enum proof proof;
    const char *from, *fields, *body;
};

static void set_proof(struct spam_test *test, enum proof proof)
{
    struct authentic *authentic = &test->authentic;
    spam_test_stranger(test);
    test->lists.enabled = false;
    *authentic = (struct authentic){.reverse_name = SLICE("out7.sender.example")};
    authentic->dmarc.from_domain = SLICE("sender.example");
    if (proof == PROVED || proof == BULK) {
        authentic->spf_mail = SPF_PASS;
        authentic->dkim_count = 1;
        authentic->dkim[0].result = DKIM_PASS;
        authentic->dkim[0].signature.domain = SLICE("sender.example");
        authentic->dmarc.result = DMARC_PASS;
    } else if (proof == NOBODY) {
        authentic->spf_mail = SPF_NONE;
    } else {
        authentic->spf_mail = SPF_SOFTFAIL;
        authentic->dmarc.result = DMARC_FAIL;
        authentic->reverse_name = SLICE_EMPTY;
    }
}

static void judge(struct spam_test *test, const struct sample *sample)
{
    char fields[4000];
    spam_test_open(test);
    set_proof(test, sample->proof);
    snprintf(fields, sizeof fields, "From: %s\r\n%s", sample->from, sample->fields);
    spam_test_mail(test, strstr(sample->fields, "Subject:") ? "From Subject" : "From", fields,
                   sample->body);
}

#define HTML_MAIL "Content-Type: text/html; charset=utf-8\r\n"

static const struct sample ham[] = {
    {"a letter", PROVED, "Bert <bert@sender.example>", "",
     "Hi Anna,\r\n\r\ncould you send me the minutes of Monday's meeting? I think we said\r\n"
     "the 14th, but Carla is not sure.\r\n\r\nBert\r\n"},
    {"a letter from a server nobody set up well", NOBODY, "bert@sender.example", "",
     "Hi,\r\nthe backup finished at 03:12, 214 files, 3.1 GiB. See\r\n"
     "https://backup.sender.example/run/2214 for details.\r\n"},
    {"a reply", PROVED, "Bert Sender <bert.sender@gmail.com>",
     "Subject: Re: house\r\nIn-Reply-To: <a@example.org>\r\nReferences: <a@example.org>\r\n",
     "Yes, Saturday works. The bank wants to see the inheritance papers, bring them.\r\n\r\n"
     "> Can we meet?\r\n"},
    {"a newsletter", BULK, "The Shop <news@sender.example>",
     "Subject: =?utf-8?Q?Spring_sale_=E2=80=93_30_%_off_everything?=\r\n"
     "List-Unsubscribe: <https://sender.example/u?1>, <mailto:u@sender.example>\r\n"
     "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n" HTML_MAIL,
     "<html><head><title>Sale</title><style>p{color:#333}</style></head><body>"
     "<div style=\"display:none;max-height:0;overflow:hidden\">Only until Sunday: all shoes, all "
     "coats, all bags. &zwnj;&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;</div>"
     "<table><tr><td><img src=\"https://cdn.sender.example/logo.png\" alt=\"The Shop\"></td></tr>"
     "<tr><td><h1>Spring is here</h1><p>Take 30 % off everything in our shop until Sunday. Free "
     "delivery for orders above 50 euros. Limited time offer, while stock lasts.</p>"
     "<p><a href=\"https://click.mailer.example/c/7f3\">www.sender.example</a></p>"
     "<a href=\"https://click.mailer.example/c/7f4\"><img src=\"https://cdn.sender.example/a.jpg\">"
     "</a><p style=\"font-size:10px\">You get this mail because you asked for it at "
     "sender.example. <a href=\"https://click.mailer.example/u\">Unsubscribe</a></p></td></tr>"
     "</table><img src=\"https://click.mailer.example/o.gif\" width=1 height=1></body></html>"},
    {"a receipt", PROVED, "Shop <no-reply@sender.example>",
     "Subject: Your order 402-11\r\n" HTML_MAIL,
     "<html><body><p>Dear customer,</p><p>thank you for your order. Your card was charged 23.90 "
     "EUR. The parcel will be with you within 48 hours.</p><p><a "
     "href=\"https://sender.example/o/402\">Show the order</a></p></body></html>"},
    {"a password reset", PROVED, "Service <support@sender.example>",
     "Subject: Reset your password\r\n",
     "Somebody asked to reset the password of your account. If it was you, follow\r\n"
     "https://sender.example/reset?t=abc within 24 hours. Otherwise do nothing.\r\n"},
    {"a mailing list", NOBODY, "Bert via list <list@lists.sender.example>",
     "Subject: [list] [PATCH] fix the thing\r\nList-Id: <list.lists.sender.example>\r\n"
     "List-Post: <mailto:list@lists.sender.example>\r\n"
     "List-Unsubscribe: <mailto:list-off@lists.sender.example>\r\nPrecedence: list\r\n"
     "Reply-To: bert@gmail.com\r\n",
     "diff --git a/x.c b/x.c\r\n--- a/x.c\r\n+++ b/x.c\r\n@@ -1 +1 @@\r\n-int x;\r\n+int y;\r\n"},
    {"a picture from a phone", PROVED, "Carla <carla@sender.example>",
     "Subject: cat\r\nContent-Type: multipart/mixed; boundary=b\r\n",
     "--b\r\nContent-Type: text/plain\r\n\r\nlook!\r\n--b\r\nContent-Type: image/jpeg; "
     "name=cat.jpg\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; "
     "filename=cat.jpg\r\n\r\n/9j/4AAQSkZJRgABAQAAAQABAAD=\r\n--b--\r\n"},
    {"a bounce", PROVED, "Mail Delivery System <mailer-daemon@sender.example>",
     "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
     "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
     "--b\r\n\r\nYour mail to x@sender.example could not be delivered: mailbox is full\r\n--b\r\n"
     "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; sender.example\r\n\r\n"
     "Final-Recipient: rfc822; x@sender.example\r\nAction: failed\r\nStatus: 5.2.2\r\n--b--\r\n"},
    {"an invitation", PROVED, "Calendar <cal@sender.example>",
     "Subject: Invitation: Review @ Fri 10:00\r\n"
     "Content-Type: multipart/alternative; boundary=b\r\n",
     "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nReview, Friday 10:00, room 4\r\n--b\r\n"
     "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
     "--b--\r\n"},
};

static const struct sample spam[] = {
    {"phishing", FORGED, "\"service@bank.example\" <x81@sender.example>",
     "Subject: YOUR ACCOUNT IS LIMITED\r\n" HTML_MAIL,
     "<html><body><p>Dear customer, unusual activity was found and your account has been "
     "suspended. Verify your account within 24 hours.</p><a "
     "href=\"http://203.0.113.9/bank/\">https://www.bank.example/login</a></body></html>"},
    {"phishing with a form", NOBODY, "IT Helpdesk <help@sender.example>",
     "Subject: Mailbox quota\r\n" HTML_MAIL,
     "<html><body>Dear user, your mailbox is full. Keep your password here: <form "
     "action=\"http://sender.example/p\"><input type=text><input type=password></form></body>"
     "</html>"},
    {"advance fee", NOBODY, "Barrister John <office@sender.example>",
     "Subject: Attn: beneficiary\r\nReply-To: barrister.john@gmail.com\r\n",
     "I contact you in utmost confidentiality as next of kin of our late client, who left ten\r\n"
     "million dollars in a dormant account. We propose a transfer of the sum for mutual\r\n"
     "benefit.\r\n"},
    {"blackmail", NOBODY, "you <anna@sender.example>", "Subject: I know your password\r\n",
     "I have infected your device with a trojan and recorded you through your webcam on adult\r\n"
     "websites. Pay 900 EUR in bitcoin or I send the video to all your contacts:\r\n"
     "1BoatSLRHtKNngkdXEeobR76b53LETtpyT\r\n"},
    {"pills", FORGED, "Canadian Pharmacy <8371920@sender.example>",
     "Subject: V i a g r a  80% off\r\n",
     "Canadian pharmacy: viagra, cialis without prescription http://203.0.113.4/\r\n"},
    {"a program", NOBODY, "Accounting <acc@sender.example>",
     "Subject: Invoice\r\nContent-Type: "
     "multipart/mixed; boundary=b\r\n",
     "--b\r\n\r\nSee the invoice.\r\n--b\r\nContent-Type: application/octet-stream; "
     "name=\"invoice.pdf.exe\"\r\nContent-Transfer-Encoding: "
     "base64\r\n\r\nTVqQAAMAAAA=\r\n--b--\r\n"},
    {"lottery", NOBODY, "Award Office <win@sender.example>",
     "Subject: CONGRATULATIONS WINNER\r\nReply-To: claims@outlook.com\r\n",
     "You have won the lottery! Your email was a lucky winner. Claim your prize with the "
     "winning\r\n"
     "number 77-12.\r\n"},
    {"letters that look alike", FORGED, "P\xd0\xb0yPal <x@sender.example>",
     "Subject: P\xd0\xb0yP\xd0\xb0l: confirm your identity\r\n" HTML_MAIL,
     "<html><body>P\xd0\xb0yP\xd0\xb0l wants you to confirm your identity, update your payment. "
     "<a href=\"http://xn--pypal-4ve.example/\">Click here</a></body></html>"},
    {"a picture", FORGED, "Deals <d@sender.example>",
     "Subject: \xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5 act now\r\n" HTML_MAIL,
     "<html><body><a href=\"https://bit.ly/3x\"><img src=\"http://203.0.113.5/a.png\"></a></body>"
     "</html>"},
};

static void test_wanted_mail_stays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ham / sizeof *ham; i++) {
        struct spam_test test;
        judge(&test, &ham[i]);
        if (test.verdict.score >= junk_score / 2) { /* not even near */
            spam_test_print(&test);
            fail_msg("%s: %.2f", ham[i].name, test.verdict.score);
        }
        spam_test_close(&test);
    }
}

static void test_unwanted_mail_goes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof spam / sizeof *spam; i++) {
        struct spam_test test;
        judge(&test, &spam[i]);
        if (test.verdict.score < junk_score) {
            spam_test_print(&test);
            fail_msg("%s: %.2f", spam[i].name, test.verdict.score);
        }
        spam_test_close(&test);
    }
}

/* Most samples are about one thing and have next to no header: they get the rest of one. */
static void complete(struct spam_test *test, slice message)
{
    static const char *const names[] = {"From", "To", "Subject", "Message-ID", "Date"};
    char there[100] = "MIME-Version";
    slice header = slice_sub(message, 0, mail_header_size(message)), value;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (mail_header_find(header, slice_from_string(names[i]), &value))
            strcat(strcat(there, " "), names[i]);
    spam_test_header(test, there);
    buffer_add(&test->message, message);
}

static unsigned judge_folder(const char *folder)
{
    unsigned count = 0;
    DIR *directory = opendir(folder);
    struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        char path[600];
        struct spam_test test;
        static char text[4 << 20];
        slice name = slice_from_string(entry->d_name);
        if (!slice_ends(name, SLICE(".raw")) && !slice_ends(name, SLICE(".eml")) &&
            !slice_ends(name, SLICE(".txt")))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        size_t size = fread(text, 1, sizeof text, file);
        fclose(file);
        spam_test_open(&test);
        set_proof(&test, PROVED);
        test.scores.DATE_PAST = 0;
        complete(&test, slice_of(text, size));
        spam_test_judge(&test);
        count++;
        if (test.verdict.score >= junk_score) {
            spam_test_print(&test);
            fail_msg("%s: %.2f", path, test.verdict.score);
        }
        spam_test_close(&test);
    }
    if (directory)
        closedir(directory);
    return count;
}

static void test_odd_mail_is_judged(void **state)
{
    (void)state;
    unsigned count = judge_folder("../shared/vectors/mime/enmime") +
                     judge_folder("../shared/vectors/mime/mail-parser/legacy") +
                     judge_folder("../shared/vectors/mime/mail-parser/malformed");
    if (count == 0)
        skip();
    print_message("%u samples\n", count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted_mail_stays),
        cmocka_unit_test(test_unwanted_mail_goes),
        cmocka_unit_test(test_odd_mail_is_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
