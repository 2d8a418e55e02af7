#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything our own rules can say of a mail: name, score in thousandths, group, what it means. A
 * row here is a setting (spam.scores.NAME), a counter (ringmail_spam_symbols_total) and a word in
 * composites. Scores below 0 speak for a mail. The sum that makes mail junk is spam.junk_score.
 *
 * Chosen so that one plain sign never makes mail junk, two strong or four weak ones do; and so that
 * what honest senders often get wrong (no reverse name, a missing Date) weighs little alone.
 */

/* name, the most that its symbols add together (thousandths; 0: no cap), what they are about */
#define SPAM_GROUPS(X)                                                                             \
    X(POLICY, policy, 8000, "SPF, DKIM, DMARC and ARC")                                            \
    X(HOST, host, 5000, "hello and name of the sending host")                                      \
    X(HEADER, header, 5500, "fields of the header")                                                \
    X(MIME, mime, 10000, "structure and attachments")                                              \
    X(TEXT, text, 6000, "what is written")                                                         \
    X(HTML, html, 6000, "how HTML is written")                                                     \
    X(URL, url, 5000, "links")                                                                     \
    X(LIST, list, 10000, "DNS lists")                                                              \
    X(CLASSIFIER, classifier, 0, "what was learned")                                               \
    X(COMPOSITE, composite, 0, "symbols together")                                                 \
    X(TEST, test, 0, "test strings")

#define SPAM_POLICY_SYMBOLS(X)                                                                     \
    X(SPF_PASS, -200, POLICY, "the domain of the sender lets this host send")                      \
    X(SPF_FAIL, 2500, POLICY, "the domain of the sender forbids this host")                        \
    X(SPF_SOFTFAIL, 1000, POLICY, "the domain of the sender doubts this host")                     \
    X(SPF_NONE, 200, POLICY, "the domain of the sender has no SPF policy")                         \
    X(SPF_BROKEN, 500, POLICY, "the sender's SPF policy cannot be read")                           \
    X(SPF_HELO_FAIL, 1500, POLICY, "the domain of the hello forbids this host")                    \
    X(DKIM_PASS, -300, POLICY, "a signature of the author's domain is right")                      \
    X(DKIM_OTHER_PASS, -100, POLICY, "a signature of another domain is right")                     \
    X(DKIM_FAIL, 700, POLICY, "signed, and no signature is right")                                 \
    X(DKIM_NO_KEY, 500, POLICY, "signed with keys that do not exist")                              \
    X(DMARC_PASS, -700, POLICY, "the author's domain is who sent this")                            \
    X(DMARC_FAIL, 600, POLICY, "not from the author's domain, which asks for nothing")             \
    X(DMARC_FAIL_QUARANTINE, 4000, POLICY, "not from the author's domain, which asks for junk")    \
    X(DMARC_FAIL_REJECT, 6500, POLICY, "not from the author's domain, which asks to refuse")       \
    X(ARC_PASS, -300, POLICY, "who passed this on vouches for it")                                 \
    X(ARC_FAIL, 500, POLICY, "a broken chain of those who passed this on")                         \
    X(UNAUTHENTIC, 1000, POLICY, "nothing says who this is from")

#define SPAM_HOST_SYMBOLS(X)                                                                       \
    X(HELO_LITERAL, 1000, HOST, "the hello is an address literal")                                 \
    X(HELO_BARE_ADDRESS, 2500, HOST, "the hello is an address without brackets")                   \
    X(HELO_OURS, 4000, HOST, "the hello is our own name")                                          \
    X(HELO_NO_DOT, 1500, HOST, "the hello is no full name")                                        \
    X(HELO_LOCALHOST, 2000, HOST, "the hello is localhost")                                        \
    X(HELO_UNKNOWN, 1200, HOST, "the hello's name does not exist")                                 \
    X(REVERSE_MISSING, 1500, HOST, "the host has no confirmed reverse name")                       \
    X(REVERSE_GENERIC, 1300, HOST, "the host's name looks like a home connection's")

#define SPAM_ENVELOPE_SYMBOLS(X)                                                                   \
    X(FROM_MISSING, 3000, HEADER, "no From field")                                                 \
    X(FROM_NO_ADDRESS, 2500, HEADER, "From has no address")                                        \
    X(FROM_SEVERAL, 1000, HEADER, "From has several addresses")                                    \
    X(FROM_DIGITS, 500, HEADER, "the author's address is mostly digits")                           \
    X(FROM_NAME_ADDRESS, 3000, HEADER, "the author's name is an address of another domain")        \
    X(FROM_NAME_OURS, 2500, HEADER,                                                                \
      "the author's name is the recipient's domain, not the address")                              \
    X(FREEMAIL_FROM, 0, HEADER, "the author uses a free mail provider")                            \
    X(REPLY_TO_FREEMAIL, 2000, HEADER,                                                             \
      "replies go to a free mail provider, the author is not there")                               \
    X(REPLY_TO_OTHER_FREEMAIL, 1500, HEADER, "replies go to another free mail address")            \
    X(REPLY_TO_BROKEN, 700, HEADER, "Reply-To has no address")                                     \
    X(SENDER_OTHER, 0, HEADER, "envelope and From are of different domains")                       \
    X(TO_MISSING, 1000, HEADER, "neither To nor Cc")                                               \
    X(TO_UNDISCLOSED, 800, HEADER, "recipients are not disclosed")                                 \
    X(TO_OTHERS, 300, HEADER, "none of the recipients is in To or Cc")                             \
    X(TO_MANY, 700, HEADER, "very many addresses in To and Cc")

#define SPAM_HEADER_SYMBOLS(X)                                                                     \
    X(DATE_MISSING, 1000, HEADER, "no Date field")                                                 \
    X(DATE_BROKEN, 1000, HEADER, "Date is no date")                                                \
    X(DATE_FUTURE, 2000, HEADER, "dated more than a day ahead")                                    \
    X(DATE_PAST, 800, HEADER, "dated more than two weeks ago")                                     \
    X(MESSAGE_ID_MISSING, 1500, HEADER, "no Message-ID")                                           \
    X(MESSAGE_ID_BROKEN, 800, HEADER, "Message-ID is none")                                        \
    X(MESSAGE_ID_OURS, 3000, HEADER, "a Message-ID of ours from outside, and no reply")            \
    X(SUBJECT_MISSING, 800, HEADER, "no Subject, or nothing in it")                                \
    X(SUBJECT_CAPITALS, 1200, HEADER, "the subject is shouted")                                    \
    X(SUBJECT_ENCODED, 800, HEADER, "the subject is encoded without need")                         \
    X(SUBJECT_EMOJI, 800, HEADER, "three or more pictures in the subject")                         \
    X(SUBJECT_GAPS, 1800, HEADER, "l e t t e r s of the subject stand apart")                      \
    X(SUBJECT_FALSE_REPLY, 1200, HEADER, "says it is a reply, and to nothing")                     \
    X(SUBJECT_LONG_GAP, 1000, HEADER, "much blank in the subject hides its end")                   \
    X(FIELD_REPEATED, 1500, HEADER, "a field that may stand once stands twice")                    \
    X(FIELD_BROKEN, 1200, HEADER, "lines of the header that are no fields")                        \
    X(FIELD_EIGHT_BIT, 700, HEADER, "bytes in the header that are no UTF-8")                       \
    X(HEADER_HUGE, 1500, HEADER, "more fields than anybody needs")                                 \
    X(LIST_UNSUBSCRIBE, -300, HEADER, "says how to unsubscribe")                                   \
    X(MAILING_LIST, -700, HEADER, "passed on by a mailing list")                                   \
    X(IS_REPLY, -300, HEADER, "answers another mail")

#define SPAM_MIME_SYMBOLS(X)                                                                       \
    X(ATTACHMENT_EXECUTABLE, 7000, MIME, "a program is attached")                                  \
    X(ATTACHMENT_DISGUISED, 7000, MIME, "a program is attached under another name")                \
    X(ATTACHMENT_DOUBLE, 4000, MIME, "an attachment shows one extension and has another")          \
    X(ATTACHMENT_MACROS, 1500, MIME, "an office document with macros")                             \
    X(ATTACHMENT_HTML, 1200, MIME, "a web page is attached")                                       \
    X(ATTACHMENT_MISMATCH, 1000, MIME, "an attachment is not of the type it names")                \
    X(ATTACHMENT_NAME_HUGE, 2000, MIME, "a name of an attachment longer than any file may have")   \
    X(ATTACHMENTS_MANY, 1000, MIME, "more attachments than are looked at")                         \
    X(ARCHIVE_EXECUTABLE, 4500, MIME, "a program in an archive")                                   \
    X(ARCHIVE_ENCRYPTED, 2500, MIME, "an archive nobody can look into")                            \
    X(MIME_HTML_ONLY, 400, MIME, "HTML, and no plain text")                                        \
    X(MIME_ALTERNATIVES, 1500, MIME, "plain text and HTML say different things")                   \
    X(MIME_BASE64_TEXT, 800, MIME, "plain ASCII text in base64")                                   \
    X(MIME_BROKEN, 1000, MIME, "parts that are not there, or not closed")                          \
    X(MIME_DEEP, 1500, MIME, "more parts, or deeper, than anybody needs")                          \
    X(MIME_CHARSET, 700, MIME, "a charset that nobody knows")                                      \
    X(MIME_EMPTY, 1000, MIME, "nothing in it")

#define SPAM_TEXT_SYMBOLS(X)                                                                       \
    X(GTUBE, 100000, TEST, "the test string for unwanted mail")                                    \
    X(TEXT_INVISIBLE, 1800, TEXT, "invisible characters within words")                             \
    X(TEXT_DIRECTION, 1500, TEXT, "characters that turn the direction of reading")                 \
    X(TEXT_LOOKALIKE, 2500, TEXT, "words of letters from several scripts")                         \
    X(TEXT_CAPITALS, 800, TEXT, "the text is shouted")                                             \
    X(TEXT_FEE, 3000, TEXT, "speaks as advance fee fraud does")                                    \
    X(TEXT_CREDENTIALS, 2500, TEXT, "asks to confirm an account as phishing does")                 \
    X(TEXT_THREAT, 3000, TEXT, "threatens as blackmail does")                                      \
    X(TEXT_PILLS, 2500, TEXT, "sells medicine as unwanted mail does")                              \
    X(TEXT_PRIZE, 2500, TEXT, "speaks of a prize that was won")                                    \
    X(TEXT_PROFIT, 2000, TEXT, "promises profit")                                                  \
    X(TEXT_OFFER, 1500, TEXT, "offers what nobody asked for: rankings, leads, loans")              \
    X(TEXT_WALLET, 1200, TEXT, "the address of a wallet")

#define SPAM_HTML_SYMBOLS(X)                                                                       \
    X(HTML_HIDDEN, 1800, HTML, "much text that nobody sees")                                       \
    X(HTML_TINY, 1200, HTML, "text in letters too small to read")                                  \
    X(HTML_FORM, 2000, HTML, "a form")                                                             \
    X(HTML_PASSWORD, 3000, HTML, "a field for a password")                                         \
    X(HTML_SCRIPT, 2000, HTML, "a script")                                                         \
    X(HTML_FRAME, 1500, HTML, "a frame or an object")                                              \
    X(HTML_REFRESH, 2500, HTML, "leads elsewhere by itself")                                       \
    X(HTML_IMAGE_ONLY, 1800, HTML, "pictures and almost no text")                                  \
    X(HTML_DATA_LINK, 2500, HTML, "a link that is itself a page, or a script")                     \
    X(HTML_UNCLOSED, 500, HTML, "ends within a tag")

#define SPAM_URL_SYMBOLS(X)                                                                        \
    X(LINK_SHOWS_OTHER, 3500, URL, "a link shows another host than it leads to")                   \
    X(URL_ADDRESS, 2000, URL, "a link to an address instead of a name")                            \
    X(URL_PUNYCODE, 300, URL, "a link to an internationalised name")                               \
    X(URL_LOOKALIKE, 3000, URL, "a link to a name of letters from several scripts")                \
    X(URL_SHORTENER, 700, URL, "a link through a shortener")                                       \
    X(URL_REDIRECT, 800, URL, "a link that carries another in it")                                 \
    X(URL_WRAPPED, 0, URL, "a link that a filter of the sender's or a known program wrapped")      \
    X(URL_MANY_HOSTS, 700, URL, "links to very many hosts")                                        \
    X(URL_PORT, 1000, URL, "a link to an odd port")                                                \
    X(URL_USER, 2500, URL, "a link with a name before its host")                                   \
    X(URL_ESCAPED, 2500, URL, "a link whose host is written in escapes")                           \
    X(URL_ONLY, 1000, URL, "a link, and next to no words")                                         \
    X(URL_CUT, 500, URL, "more links than are looked at")

#define SPAM_LIST_SYMBOLS(X)                                                                       \
    X(ADDRESS_LISTED, 2000, LIST, "the host is on a list")                                         \
    X(ADDRESS_LISTED_SPAM, 4000, LIST, "the host is on a list of senders of unwanted mail")        \
    X(ADDRESS_LISTED_EXPLOITED, 4000, LIST, "the host is on a list of exploited machines")         \
    X(ADDRESS_LISTED_POLICY, 2500, LIST, "the host is on a list of those that should not send")    \
    X(ADDRESS_TRUSTED, -1500, LIST, "the host is on a list of good senders")                       \
    X(DOMAIN_LISTED, 2500, LIST, "a domain in it is on a list")                                    \
    X(DOMAIN_LISTED_SPAM, 4500, LIST, "a domain in it is on a list of unwanted mail's")            \
    X(DOMAIN_LISTED_PHISHING, 6000, LIST, "a domain in it is on a list of phishing's")             \
    X(DOMAIN_LISTED_MALWARE, 6000, LIST, "a domain in it is on a list of malware's")               \
    X(DOMAIN_LISTED_ABUSED, 1500, LIST, "a domain in it is on a list of abused ones")

#define SPAM_CLASSIFIER_SYMBOLS(X)                                                                 \
    X(LEARNED_SPAM, 5000, CLASSIFIER, "reads like what was learned as unwanted; times how sure")   \
    X(LEARNED_HAM, -3500, CLASSIFIER, "reads like what was learned as wanted; times how sure")

/* In the order of the groups. */
#define SPAM_SYMBOLS(X)                                                                            \
    SPAM_POLICY_SYMBOLS(X)                                                                         \
    SPAM_HOST_SYMBOLS(X)                                                                           \
    SPAM_ENVELOPE_SYMBOLS(X)                                                                       \
    SPAM_HEADER_SYMBOLS(X)                                                                         \
    SPAM_MIME_SYMBOLS(X)                                                                           \
    SPAM_TEXT_SYMBOLS(X)                                                                           \
    SPAM_HTML_SYMBOLS(X)                                                                           \
    SPAM_URL_SYMBOLS(X)                                                                            \
    SPAM_LIST_SYMBOLS(X)                                                                           \
    SPAM_CLASSIFIER_SYMBOLS(X)                                                                     \
    SPAM_COMPOSITE_SYMBOLS(X)

/* Composites of ours; their expressions stand in tables.c. */
#define SPAM_COMPOSITE_SYMBOLS(X)                                                                  \
    X(FORGED_AUTHOR, 2000, COMPOSITE, "pretends to be somebody, and is not")                       \
    X(PHISHING, 2500, COMPOSITE, "asks for an account behind a link that is not what it shows")    \
    X(FRAUD, 2500, COMPOSITE, "money, and replies that go elsewhere")                              \
    X(BOTNET, 2000, COMPOSITE, "sent by a machine that should not send, and badly written")        \
    X(BULK_DECENT, -1000, COMPOSITE, "bulk mail whose sender is known and lets go")                \
    X(BLACKMAIL, 3000, COMPOSITE, "a threat, and a wallet")                                        \
    X(DROPPER, 2000, COMPOSITE, "a locked or dangerous attachment from nobody known")

enum spam_group {
#define SPAM_GROUP_(NAME, name, cap, help) SPAM_GROUP_##NAME,
    SPAM_GROUPS(SPAM_GROUP_)
#undef SPAM_GROUP_
        SPAM_GROUP_COUNT
};

enum spam_symbol_id {
#define SPAM_SYMBOL_(NAME, score, group, help) SPAM_##NAME##_FOUND,
    SPAM_SYMBOLS(SPAM_SYMBOL_)
#undef SPAM_SYMBOL_
        SPAM_SYMBOL_COUNT
};
