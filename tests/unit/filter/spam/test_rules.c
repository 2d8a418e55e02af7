/* SPDX-License-Identifier: GPL-3.0-or-later
 * For every symbol that a mail alone can have: a mail that has it, and one that only looks so.
 */
#include "filter/spam/spam_mail.h"

#define HTML(body) "<html><body>" body "</body></html>\r\n"
#define TEXT "Hello Anna, see you on Thursday at nine.\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"
#define AS_HTML "Content-Type: text/html; charset=utf-8\r\n"

static const struct {
    const char *without, *fields, *body, *expected;
} rows[] = {
    /* author, replies, recipients */
    {"From", "", TEXT, "FROM_MISSING"},
    {"From", "From: nobody\r\n", TEXT, "FROM_NO_ADDRESS -FROM_MISSING"},
    {"From", "From: a@sender.example, b@sender.example\r\n", TEXT, "FROM_SEVERAL"},
    {"From", "From: 83920174x@sender.example\r\n", TEXT, "FROM_DIGITS"},
    {"From", "From: anna1987@sender.example\r\n", TEXT, "-FROM_DIGITS"},
    {"From", "From: \"service@bank.example\" <x@other.example>\r\n", TEXT, "FROM_NAME_ADDRESS"},
    {"From", "From: \"x@mail.other.example\" <x@other.example>\r\n", TEXT, "-FROM_NAME_ADDRESS"},
    {"From", "From: =?utf-8?B?c2VydmljZUBiYW5rLmV4YW1wbGU=?= <x@other.example>\r\n", TEXT,
     "FROM_NAME_ADDRESS"},
    {"From", "From: \"example.org mail team\" <x@other.example>\r\n", TEXT, "FROM_NAME_OURS"},
    {"From", "From: \"example.org mail team\" <x@example.org>\r\n", TEXT, "-FROM_NAME_OURS"},
    {"From", "From: Bert <bert@gmail.com>\r\n", TEXT, "FREEMAIL_FROM SENDER_OTHER"},
    {"", "Reply-To: bert2@gmail.com\r\n", TEXT, "REPLY_TO_FREEMAIL"},
    {"", "Reply-To: office@sender.example\r\n", TEXT, "-REPLY_TO_FREEMAIL -REPLY_TO_BROKEN"},
    {"From", "From: b@gmail.com\r\nReply-To: c@gmail.com\r\n", TEXT, "REPLY_TO_OTHER_FREEMAIL"},
    {"From", "From: b@gmail.com\r\nReply-To: B@gmail.com\r\n", TEXT, "-REPLY_TO_OTHER_FREEMAIL"},
    {"", "Reply-To: nobody\r\n", TEXT, "REPLY_TO_BROKEN"},
    {"To", "", TEXT, "TO_MISSING"},
    {"To", "Cc: anna@example.org\r\n", TEXT, "-TO_MISSING -TO_OTHERS"},
    {"To", "To: undisclosed-recipients:;\r\n", TEXT, "TO_UNDISCLOSED -TO_MISSING"},
    {"To", "To: somebody@else.example\r\n", TEXT, "TO_OTHERS"},
    /* header */
    {"Date", "", TEXT, "DATE_MISSING"},
    {"Date", "Date: soon\r\n", TEXT, "DATE_BROKEN -DATE_MISSING"},
    {"Date", "Date: Tue, 01 Jul 2003 10:52:37 +0200\r\n", TEXT, "DATE_PAST"},
    {"Date", "Date: Tue, 01 Jul 2203 10:52:37 +0200\r\n", TEXT, "DATE_FUTURE"},
    {"Message-ID", "", TEXT, "MESSAGE_ID_MISSING"},
    {"Message-ID", "Message-ID: x\r\n", TEXT, "MESSAGE_ID_BROKEN"},
    {"Message-ID", "Message-ID: <a b@c>\r\n", TEXT, "MESSAGE_ID_BROKEN"},
    {"Message-ID", "Message-ID: <@c>\r\n", TEXT, "MESSAGE_ID_BROKEN"},
    {"Subject", "", TEXT, "SUBJECT_MISSING"},
    {"Subject", "Subject: \r\n", TEXT, "SUBJECT_MISSING"},
    {"Subject", "Subject: YOU MUST READ THIS\r\n", TEXT, "SUBJECT_CAPITALS"},
    {"Subject", "Subject: ISO 9001 at Acme\r\n", TEXT, "-SUBJECT_CAPITALS"},
    {"Subject", "Subject: =?utf-8?B?SGVsbG8gQW5uYQ==?=\r\n", TEXT, "SUBJECT_ENCODED"},
    {"Subject", "Subject: =?utf-8?B?R3LDvMOfZSBhbiBBbm5h?=\r\n", TEXT, "-SUBJECT_ENCODED"},
    {"Subject", "Subject: \xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5 deal\r\n", TEXT,
     "SUBJECT_EMOJI -FIELD_EIGHT_BIT"},
    {"Subject", "Subject: party \xf0\x9f\x8e\x89\r\n", TEXT, "-SUBJECT_EMOJI"},
    {"Subject", "Subject: cheap m-e-d-s here\r\n", TEXT, "SUBJECT_GAPS"},
    {"Subject", "Subject: plan b or c, p. 7\r\n", TEXT, "-SUBJECT_GAPS"},
    {"Subject", "Subject: books by J. R. R. Tolkien\r\n", TEXT, "-SUBJECT_GAPS"},
    {"Subject", "Subject: V i a gra\r\n", TEXT, "-SUBJECT_GAPS"},
    {"Subject", "Subject: V i a g r a\r\n", TEXT, "SUBJECT_GAPS"},
    {"Subject", "Subject: Re: the plan\r\n", TEXT, "SUBJECT_FALSE_REPLY"},
    {"Subject", "Subject: Re: the plan\r\nIn-Reply-To: <x@example.org>\r\n", TEXT,
     "IS_REPLY -SUBJECT_FALSE_REPLY"},
    {"Subject", "Subject: invoice                              83hd7\r\n", TEXT,
     "SUBJECT_LONG_GAP"},
    {"", "Subject: another\r\n", TEXT, "FIELD_REPEATED"},
    {"", "Received: a\r\nReceived: b\r\n", TEXT, "-FIELD_REPEATED"},
    {"", "this is no field\r\n", TEXT, "FIELD_BROKEN"},
    {"", "X-Name: \xff\xfe\r\n", TEXT, "FIELD_EIGHT_BIT"},
    {"", "X-Name: J\xc3\xb6rg\r\n", TEXT, "-FIELD_EIGHT_BIT"},
    {"", "List-Unsubscribe: <mailto:off@sender.example>\r\n", TEXT, "LIST_UNSUBSCRIBE"},
    {"", "List-Unsubscribe: ask us\r\n", TEXT, "-LIST_UNSUBSCRIBE"},
    {"", "List-Id: <l.example>\r\nList-Post: <mailto:l@l.example>\r\n", TEXT, "MAILING_LIST"},
    {"", "List-Id: <l.example>\r\n", TEXT, "-MAILING_LIST"},
    /* text */
    {"", PLAIN,
     "p\xe2\x80\x8b"
     "a\xe2\x80\x8by\xe2\x80\x8bp\xe2\x80\x8b"
     "al\r\n",
     "TEXT_INVISIBLE"},
    {"", PLAIN, "preview \xe2\x80\x8c\xc2\xa0\xe2\x80\x8c\xc2\xa0\xe2\x80\x8c end\r\n",
     "-TEXT_INVISIBLE"},
    {"", PLAIN,
     "\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xae\xd9\x88\xd8\xa7\xd9\x87\xd9\x85 "
     "\xd9\x86\xd9\x85\xdb\x8c\xe2\x80\x8c\xd8\xb4\xd9\x88\xd8\xaf\r\n",
     "-TEXT_INVISIBLE -TEXT_DIRECTION"},
    {"", PLAIN, "see invoice\xe2\x80\xaeslx.exe\r\n", "TEXT_DIRECTION"},
    {"", PLAIN, "P\xd0\xb0yPal and \xd0\x90pple want you\r\n", "TEXT_LOOKALIKE"},
    {"", PLAIN, "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 Anna\r\n", "-TEXT_LOOKALIKE"},
    {"", PLAIN, "10 k\xce\xa9 and 5 \xce\xbcm\r\n", "-TEXT_LOOKALIKE"},
    {"", "", "As next of kin of our late client you may claim the inheritance.\r\n", "TEXT_FEE"},
    {"", "", "My aunt left an inheritance to the church.\r\n", "-TEXT_FEE"},
    {"", "", "Your account has been suspended. Verify your account now.\r\n", "TEXT_CREDENTIALS"},
    {"", "", "Please click here for the minutes.\r\n", "-TEXT_CREDENTIALS"},
    {"", "", "We recorded you through your webcam. Pay to 1BoatSLRHtKNngkdXEeobR76b53LETtpyT\r\n",
     "TEXT_THREAT TEXT_WALLET BLACKMAIL"},
    {"", "", "Order 1BoatSLRHtKNngkdXEeobR76b53LETtpyT has shipped\r\n",
     "-TEXT_WALLET -TEXT_THREAT"},
    {"", "", "Canadian pharmacy, no prescription\r\n", "TEXT_PILLS"},
    {"", "", "Congratulations, you have won the lottery\r\n", "TEXT_PRIZE"},
    {"", "", "Congratulations on the new job!\r\n", "-TEXT_PRIZE"},
    {"", "", "Work from home and earn money, no risk\r\n", "TEXT_PROFIT"},
    {"", "", "We bring you to the first page of Google with backlinks\r\n", "TEXT_OFFER"},
    /* HTML */
    {"", AS_HTML, HTML("<p>Hello Anna, see you on Thursday</p>"), "MIME_HTML_ONLY -HTML_HIDDEN"},
    {"", AS_HTML, HTML("<form action=http://a.example/><input type=PASSWORD></form>"),
     "HTML_FORM HTML_PASSWORD"},
    {"", AS_HTML, HTML("<script>x()</script>text"), "HTML_SCRIPT"},
    {"", AS_HTML, HTML("<script type=\"application/ld+json\">{}</script>text"), "-HTML_SCRIPT"},
    {"", AS_HTML, HTML("<iframe src=x></iframe>text"), "HTML_FRAME"},
    {"", AS_HTML, "<meta http-equiv=\"Refresh\" content=\"0;url=http://a.example/\">x",
     "HTML_REFRESH"},
    {"", AS_HTML, "<meta http-equiv=\"Content-Type\" content=\"text/html\">x", "-HTML_REFRESH"},
    {"", AS_HTML, HTML("<img src=http://a.example/x.png>"), "HTML_IMAGE_ONLY"},
    {"", AS_HTML, HTML("<a href=\"data:text/html;base64,PGI+\">x</a>"), "HTML_DATA_LINK"},
    {"", AS_HTML, HTML("<img src=\"data:image/png;base64,aaaa\">"), "-HTML_DATA_LINK"},
    {"", AS_HTML, "<html><body>text <a href=\"http", "HTML_UNCLOSED"},
    {"", AS_HTML, HTML("<a href=http://evil.example/>https://bank.example/login</a>"),
     "LINK_SHOWS_OTHER"},
    {"", AS_HTML, HTML("<a href=http://evil.example/>www.<b>bank</b>.example</a>"),
     "LINK_SHOWS_OTHER"},
    {"", AS_HTML, HTML("<a href=https://login.bank.example/x>www.bank.example</a>"),
     "-LINK_SHOWS_OTHER"},
    {"", AS_HTML, HTML("<a href=http://shop.example/>Click here</a>"), "-LINK_SHOWS_OTHER"},
    {"", AS_HTML, HTML("<a href=mailto:a@b.example>a@b.example</a>"), "-LINK_SHOWS_OTHER"},
    /* links */
    {"", "", "see http://192.0.2.1/x for more about it, please\r\n", "URL_ADDRESS -URL_PORT"},
    {"", "", "see http://0x7f000001/x for more about it, please\r\n", "URL_ADDRESS"},
    {"", "", "see http://xn--bcher-kva.example/ for more about it\r\n",
     "URL_PUNYCODE -URL_LOOKALIKE"},
    {"", "", "see http://xn--pypal-4ve.example/ for more about it\r\n", "URL_LOOKALIKE"},
    {"", "", "see https://bit.ly/3xyz for more about the plan\r\n", "URL_SHORTENER"},
    {"", "", "see https://rabbit.ly/3xyz for more about the plan\r\n", "-URL_SHORTENER"},
    {"", "", "see https://a.example/r?u=https%3A%2F%2Fb.example for more\r\n", "URL_REDIRECT"},
    {"", "", "see https://www.google.com/url?q=https%3A%2F%2Fb.example%2Fx&sa=D for more\r\n",
     "URL_WRAPPED -URL_REDIRECT"},
    {"", "", "see https://www.google.com/url?q=http%3A%2F%2F192.0.2.1%2Fx&sa=D for more\r\n",
     "URL_WRAPPED URL_ADDRESS"},
    {"", "", "see https://google.com.example/url?q=https%3A%2F%2Fb.example for more\r\n",
     "-URL_WRAPPED URL_REDIRECT"},
    {"", AS_HTML,
     HTML("<a href=\"https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2F"
          "www.bank.example%2Flogin&amp;data=05\">https://www.bank.example/login</a>"),
     "URL_WRAPPED -LINK_SHOWS_OTHER -URL_REDIRECT"},
    {"", AS_HTML,
     HTML("<a href=\"https://eur02.safelinks.protection.outlook.com/?url=https%3A%2F%2F"
          "evil.example%2Flogin&amp;data=05\">https://www.bank.example/login</a>"),
     "URL_WRAPPED LINK_SHOWS_OTHER"},
    {"", AS_HTML,
     HTML("<a href=\"https://protect-eu.mimecast.com/s/abcd?domain=bank.example\">"
          "www.bank.example</a>"),
     "URL_WRAPPED -LINK_SHOWS_OTHER"},
    {"", "", "see http://a.example:8000/ for more about the plan\r\n", "URL_PORT"},
    {"", "", "see http://a.example:443/ for more about the plan\r\n", "-URL_PORT"},
    {"", "", "see http://bank.example@evil.example/ for more\r\n", "URL_USER"},
    {"", "", "see http://%65vil.example/ for more about the plan\r\n", "URL_ESCAPED"},
    {"", "", "http://a.example/\r\n", "URL_ONLY"},
    {"", "", "Anna, the plan we spoke about is at http://a.example/ now\r\n", "-URL_ONLY"},
    /* structure */
    {"", "Content-Type: text/plain; charset=klingon\r\n", TEXT, "MIME_CHARSET"},
    {"", "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n",
     "SGVsbG8gQW5uYSwgc2VlIHlvdSBvbiBUaHVyc2RheSBhdCBuaW5lLCBCZXJ0Lg==\r\n", "MIME_BASE64_TEXT"},
    {"", "Content-Type: multipart/mixed\r\n", TEXT, "MIME_BROKEN"},
    {"", "Content-Transfer-Encoding: rot13\r\n", TEXT, "MIME_BROKEN"},
    {"", "", "\r\n", "MIME_EMPTY"},
    {"", "Content-Type: application/pdf\r\n", "%PDF-1.4\r\n", "-MIME_EMPTY"},
    /* attachments, a part each */
    {"", "Content-Type: application/x; name=\"invoice.exe\"\r\n", "x\r\n", "ATTACHMENT_EXECUTABLE"},
    {"", "Content-Type: application/x; name=\"invoice.pdf.scr\"\r\n", "x\r\n",
     "ATTACHMENT_EXECUTABLE ATTACHMENT_DOUBLE"},
    {"", "Content-Type: application/pdf; name=\"report.v2.pdf\"\r\n", "%PDF-1.4\r\n",
     "-ATTACHMENT_EXECUTABLE -ATTACHMENT_DOUBLE -ATTACHMENT_MISMATCH"},
    {"", "Content-Type: image/png; name=\"a.png\"\r\n", "%PDF-1.4\r\n", "ATTACHMENT_MISMATCH"},
    {"", "Content-Type: application/x; name=\"a.docm\"\r\n", "x\r\n", "ATTACHMENT_MACROS"},
    {"", "Content-Type: application/x; name=\"a.html\"\r\n", "x\r\n", "ATTACHMENT_HTML"},
    {"", "Content-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\n",
     "f0VMRgIBAQAAAAAAAAAAAA==\r\n", "ATTACHMENT_DISGUISED"},
};

static void test_each_symbol(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct spam_test test;
        spam_test_open(&test);
        spam_test_mail(&test, rows[i].without, rows[i].fields, rows[i].body);
        spam_test_expect(&test, rows[i].expected);
        spam_test_close(&test);
    }
}

static void test_gtube(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    /* in two pieces, so that this file can be mailed */
    spam_test_mail(&test, "", "",
                   "XJS*C4JDBQADN1.NSBN3*2IDNEN*"
                   "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n");
    spam_test_expect(&test, "GTUBE");
    assert_true(test.verdict.score >= 100);
    spam_test_mail(&test, "", "", "GTUBE is a test string\r\n");
    spam_test_expect(&test, "-GTUBE");
    spam_test_close(&test);
}

static void test_hidden_text(void **state)
{
    (void)state;
    static const char *const hiding[] = {
        "<div style=\"display:none\">",
        "<div style='visibility: hidden'>",
        "<div style=\"opacity:0\">",
        "<p hidden>",
        "<span style='color:#fff;background-color:#FFF'>",
        "<div style=\"max-height:0px;overflow:hidden\">",
    };
    static const char *const showing[] = {
        "<div style=\"display:block\">",
        "<div style=\"opacity:0.8\">",
        "<div style='color:#000;background:#fff'>",
        "<p>",
    };
    char body[4000], words[1200];
    memset(words, 'w', 1000);
    words[1000] = '\0';
    for (int i = 7; i < 1000; i += 8)
        words[i] = ' ';
    for (size_t i = 0; i < sizeof hiding / sizeof *hiding; i++) {
        struct spam_test test;
        spam_test_open(&test);
        snprintf(body, sizeof body, "%s%s</div></p></span>seen\r\n", hiding[i], words);
        spam_test_mail(&test, "", AS_HTML, body);
        spam_test_expect(&test, "HTML_HIDDEN");
        snprintf(body, sizeof body, "%s%.100s</div></p></span>seen %s\r\n", hiding[i], words,
                 words);
        spam_test_mail(&test, "", AS_HTML, body); /* a preview */
        spam_test_expect(&test, "-HTML_HIDDEN");
        spam_test_close(&test);
    }
    for (size_t i = 0; i < sizeof showing / sizeof *showing; i++) {
        struct spam_test test;
        spam_test_open(&test);
        snprintf(body, sizeof body, "%s%s</div></p>seen\r\n", showing[i], words);
        spam_test_mail(&test, "", AS_HTML, body);
        spam_test_expect(&test, "-HTML_HIDDEN");
        spam_test_close(&test);
    }
    struct spam_test test;
    spam_test_open(&test);
    snprintf(body, sizeof body, "<span style=\"font-size:1px\">%s</span>seen\r\n", words);
    spam_test_mail(&test, "", AS_HTML, body);
    spam_test_expect(&test, "HTML_TINY");
    snprintf(body, sizeof body, "<span style=\"font-size:0.9em\">%s</span>seen\r\n", words);
    spam_test_mail(&test, "", AS_HTML, body);
    spam_test_expect(&test, "-HTML_TINY");
    snprintf(body, sizeof body,
             "<td style=\"font-size:0px\"><table><td><div style=\"font-size:13px\"><div>x</div>"
             "%s</div></td></table></td>seen\r\n",
             words);
    spam_test_mail(&test, "", AS_HTML, body);
    spam_test_expect(&test, "-HTML_TINY");
    snprintf(body, sizeof body,
             "<td style=\"font-size:0px\"><div style=\"font-size:13px\">x</div>%s</td>seen\r\n",
             words);
    spam_test_mail(&test, "", AS_HTML, body);
    spam_test_expect(&test, "HTML_TINY");
    snprintf(body, sizeof body, "<p style=\"font-size:0.83333333333em\">%s</p>seen\r\n", words);
    spam_test_mail(&test, "", AS_HTML, body);
    spam_test_expect(&test, "-HTML_TINY");
    spam_test_close(&test);
}

static void test_alternatives(void **state)
{
    (void)state;
    static const char frame[] = "--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n"
                                "--b\r\nContent-Type: text/html\r\n\r\n<p>%s</p>\r\n--b--\r\n";
    static const char one[] =
        "the minutes of our meeting on thursday are here now please read them before we meet "
        "again next week because there are many things which we have to decide then";
    static const char other[] =
        "buy cheap watches today our shop sells every famous brand with great discount and fast "
        "delivery worldwide visit this incredible store online right away while stock lasts folks";
    char body[2000];
    struct spam_test test;
    spam_test_open(&test);
    snprintf(body, sizeof body, frame, one, one);
    spam_test_mail(&test, "", "Content-Type: multipart/alternative; boundary=b\r\n", body);
    spam_test_expect(&test, "-MIME_ALTERNATIVES -MIME_HTML_ONLY");
    snprintf(body, sizeof body, frame, one, other);
    spam_test_mail(&test, "", "Content-Type: multipart/alternative; boundary=b\r\n", body);
    spam_test_expect(&test, "MIME_ALTERNATIVES");
    /* Plain text has the addresses of links. */
    char linked[1500];
    size_t size = (size_t)snprintf(linked, sizeof linked, "%s", one);
    for (unsigned i = 0; i < 30; i++)
        size += (size_t)snprintf(linked + size, sizeof linked - size,
                                 " http://a%u.b%u.c%u.d%u.example/", i, i, i, i);
    snprintf(body, sizeof body, frame, linked, one);
    spam_test_mail(&test, "", "Content-Type: multipart/alternative; boundary=b\r\n", body);
    spam_test_expect(&test, "-MIME_ALTERNATIVES");
    spam_test_close(&test);
}

static void test_hello(void **state)
{
    (void)state;
    static const struct {
        const char *helo, *expected;
    } hellos[] = {
        {"[8.9.10.11]", "HELO_LITERAL"},
        {"8.9.10.11", "HELO_BARE_ADDRESS -HELO_LITERAL"},
        {"mx.example.org", "HELO_OURS"},
        {"MX.Example.ORG", "HELO_OURS"},
        {"desktop-7", "HELO_NO_DOT"},
        {"localhost.localdomain", "HELO_LOCALHOST"},
        {"mail.sender.example", "-HELO_OURS -HELO_NO_DOT -HELO_LOCALHOST -HELO_LITERAL"},
    };
    for (size_t i = 0; i < sizeof hellos / sizeof *hellos; i++) {
        struct spam_test test;
        spam_test_open(&test);
        test.lists.enabled = false;
        spam_test_stranger(&test);
        test.mail.helo = slice_from_string(hellos[i].helo);
        spam_test_mail(&test, "", "", TEXT);
        spam_test_expect(&test, hellos[i].expected);
        assert_ok(address_parse_ip(SLICE("10.1.2.3"), &test.mail.peer)); /* ours to trust */
        spam_test_mail(&test, "", "", TEXT);
        spam_test_expect(&test, "-HELO_OURS -HELO_NO_DOT -HELO_LOCALHOST -HELO_LITERAL");
        spam_test_close(&test);
    }
}

static void test_reverse_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *expected;
    } names[] = {
        {NULL, "REVERSE_MISSING"},
        {"mail.sender.example", "-REVERSE_MISSING -REVERSE_GENERIC"},
        {"8-9-10-11.isp.example", "REVERSE_GENERIC"},
        {"host-011.010.009.008.isp.example", "REVERSE_GENERIC"},
        {"x.dynamic.isp.example", "REVERSE_GENERIC"},
        {"mx8.mail10.example", "-REVERSE_GENERIC"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct spam_test test;
        spam_test_open(&test);
        test.lists.enabled = false;
        spam_test_stranger(&test);
        test.authentic.reverse_name = slice_from_string(names[i].name);
        spam_test_mail(&test, "", "", TEXT);
        spam_test_expect(&test, names[i].expected);
        test.authentic.reverse_unsure = true; /* DNS did not answer: nobody's fault */
        spam_test_mail(&test, "", "", TEXT);
        spam_test_expect(&test, "-REVERSE_MISSING");
        spam_test_close(&test);
    }
}

static void test_policies(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    test.lists.enabled = false;
    spam_test_stranger(&test);
    struct authentic *authentic = &test.authentic;
    authentic->reverse_name = SLICE("mail.sender.example");
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "UNAUTHENTIC SPF_NONE -DKIM_FAIL");
    authentic->spf_mail = SPF_FAIL;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "SPF_FAIL UNAUTHENTIC");
    double whole = spam_test_find(&test, "SPF_FAIL")->score;
    authentic->dkim_count = 2; /* one of another domain fails, the author's is right */
    authentic->dkim[0].result = DKIM_FAIL;
    authentic->dkim[0].signature.domain = SLICE("list.example");
    authentic->dkim[1].result = DKIM_PASS;
    authentic->dkim[1].signature.domain = SLICE("sender.example");
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "SPF_FAIL DKIM_PASS -DKIM_FAIL -UNAUTHENTIC");
    assert_true(spam_test_find(&test, "SPF_FAIL")->score < whole);
    authentic->dkim[1].testing = true; /* t=y: counts for nothing (RFC 6376 3.6.1) */
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "-DKIM_PASS");
    authentic->dkim[1].testing = false;
    authentic->dkim[1].signature.domain = SLICE("bulk.example");
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "DKIM_OTHER_PASS -DKIM_PASS");
    authentic->dkim_count = 1;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "DKIM_FAIL");
    authentic->dkim[0].result = DKIM_TEMPERROR; /* nobody knows: no sign of anything */
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "-DKIM_FAIL -UNAUTHENTIC");
    authentic->dkim_count = 0;
    authentic->spf_mail = SPF_PASS;
    authentic->dmarc.result = DMARC_FAIL;
    authentic->dmarc.policy = DMARC_POLICY_REJECT;
    authentic->arc = ARC_FAIL;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "SPF_PASS DMARC_FAIL_REJECT -DMARC_FAIL ARC_FAIL");
    authentic->dmarc.policy = DMARC_POLICY_QUARANTINE;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "DMARC_FAIL_QUARANTINE");
    authentic->dmarc.policy = DMARC_POLICY_NONE;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "DMARC_FAIL -DMARC_FAIL_QUARANTINE");
    authentic->dmarc.result = DMARC_PASS;
    authentic->arc = ARC_PASS;
    authentic->spf_helo = SPF_FAIL;
    spam_test_mail(&test, "", "", TEXT);
    spam_test_expect(&test, "DMARC_PASS ARC_PASS SPF_HELO_FAIL -UNAUTHENTIC");
    spam_test_close(&test);
}

static void test_our_message_ids(void **state)
{
    (void)state;
    struct spam_test test;
    spam_test_open(&test);
    test.lists.enabled = false;
    spam_test_stranger(&test);
    spam_test_mail(&test, "Message-ID", "Message-ID: <1.2@mx.example.org>\r\n", TEXT);
    spam_test_expect(&test, "MESSAGE_ID_OURS");
    spam_test_mail(&test, "Message-ID",
                   "Message-ID: <1.2@mx.example.org>\r\nList-Id: <l.example>\r\n", TEXT);
    spam_test_expect(&test, "-MESSAGE_ID_OURS");
    spam_test_close(&test);
}

/* WALLET_SIZE_MAX (filter/spam/rules/phrases.c) */
static void test_wallets_have_a_limit(void **state)
{
    (void)state;
    enum { WALLET_SIZE_MAX = 62 };
    struct spam_test test;
    spam_test_open(&test);
    for (int more = 0; more < 2; more++) {
        char body[200];
        snprintf(body, sizeof body, "We recorded you through your webcam: bc1%0*d please\r\n",
                 WALLET_SIZE_MAX - 3 + more, 5);
        spam_test_mail(&test, "", "", body);
        spam_test_expect(&test, more ? "TEXT_THREAT -TEXT_WALLET" : "TEXT_THREAT TEXT_WALLET");
    }
    spam_test_close(&test);
}

/* POINTS_MAX (filter/spam/rules/subject.c): pictures that nobody sees in a list of mails. */
static void test_subjects_have_a_limit(void **state)
{
    (void)state;
    enum { POINTS_MAX = 300 };
    struct spam_test test;
    spam_test_open(&test);
    for (int more = 0; more < 2; more++) {
        char field[1000];
        snprintf(field, sizeof field,
                 "Subject: %0*d\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5\r\n",
                 POINTS_MAX - 3 + more, 5);
        spam_test_mail(&test, "Subject", field, TEXT);
        spam_test_expect(&test, more ? "-SUBJECT_EMOJI" : "SUBJECT_EMOJI");
    }
    spam_test_close(&test);
}

/* SPAM_PHRASE_HITS_MAX are named, all count. */
static void test_named_phrases_have_a_limit(void **state)
{
    (void)state;
    static const char *const phrases[] = {"lottery", "claim your prize", "lucky winner",
                                          "winning number", "claim your reward"};
    enum { PHRASES = sizeof phrases / sizeof *phrases };
    _Static_assert(PHRASES == SPAM_PHRASE_HITS_MAX + 1, "one more than are named");
    struct spam_test test;
    spam_test_open(&test);
    for (unsigned count = SPAM_PHRASE_HITS_MAX; count <= PHRASES; count++) {
        char body[500] = "";
        for (unsigned i = 0; i < count; i++)
            snprintf(body + strlen(body), sizeof body - strlen(body), "%s.\r\n", phrases[i]);
        spam_test_mail(&test, "", "", body);
        const struct spam_symbol *symbol = spam_test_find(&test, "TEXT_PRIZE");
        assert_non_null(symbol);
        assert_slice(symbol->reason, "lottery, claim your prize, lucky winner, winning number");
    }
    spam_test_close(&test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_symbol),
        cmocka_unit_test(test_gtube),
        cmocka_unit_test(test_hidden_text),
        cmocka_unit_test(test_alternatives),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_reverse_names),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_our_message_ids),
        cmocka_unit_test(test_wallets_have_a_limit),
        cmocka_unit_test(test_subjects_have_a_limit),
        cmocka_unit_test(test_named_phrases_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
