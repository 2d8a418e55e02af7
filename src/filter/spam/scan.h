#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One mail as the rules see it: fields found once, MIME tree, decoded texts, HTML and links made
 * when the first rule asks for them. What rules find is added here, each symbol once. Memory is the
 * scan's own arenas; work is bounded by spam_scan_limits, and a mail that has more of something is
 * looked at up to there: nobody gets past the rules by being large.
 */
#include "filter/spam/html.h"
#include "filter/spam/spam.h"
#include "filter/spam/symbols.h"
#include "filter/spam/tables.h"
#include "filter/spam/url.h"
#include "filter/spam/word.h"
#include "filter/spam/wrapper.h"
#include "format/mail/address.h"
#include "format/mail/header.h"
#include "format/mail/mime.h"

enum spam_scan_limits {
    SPAM_SCAN_MEMORY_MAX = 16 << 20,   /* bytes, for one mail */
    SPAM_SCAN_SIZE_MAX = 32 << 20,     /* bytes of the message that are parsed */
    SPAM_TREE_MEMORY_MAX = 8 << 20,    /* bytes, for its parts */
    SPAM_TREE_CUT_SIZE = 256 << 10,    /* bytes that are parsed where all need more than that */
    SPAM_SUBJECT_SIZE_MAX = 8 << 10,   /* bytes of the subject that are decoded */
    SPAM_FIELDS_MAX = 512,             /* header fields that are looked at */
    SPAM_TEXTS_MAX = 16,               /* text parts that are decoded */
    SPAM_TEXT_SIZE_MAX = 256 << 10,    /* bytes that are decoded of one of them */
    SPAM_TEXT_TOTAL_MAX = 512 << 10,   /* and of all */
    SPAM_URLS_MAX = 256,               /* links */
    SPAM_LIST_DOMAINS_MAX = 16,        /* domains that lists are asked about */
    SPAM_QUESTIONS_MAX = 64,           /* to all lists */
    SPAM_WORDS_MAX = 16 << 10,         /* words */
    SPAM_ADDRESSES_SIZE_MAX = 8 << 10, /* bytes of an address field that are looked at */
};

/* Fields that rules ask for by number. */
#define SPAM_KNOWN_FIELDS(X)                                                                       \
    X(FROM, "From")                                                                                \
    X(SENDER, "Sender")                                                                            \
    X(REPLY_TO, "Reply-To")                                                                        \
    X(TO, "To")                                                                                    \
    X(CC, "Cc")                                                                                    \
    X(BCC, "Bcc")                                                                                  \
    X(SUBJECT, "Subject")                                                                          \
    X(DATE, "Date")                                                                                \
    X(MESSAGE_ID, "Message-ID")                                                                    \
    X(IN_REPLY_TO, "In-Reply-To")                                                                  \
    X(REFERENCES, "References")                                                                    \
    X(MIME_VERSION, "MIME-Version")                                                                \
    X(CONTENT_TYPE, "Content-Type")                                                                \
    X(CONTENT_TRANSFER_ENCODING, "Content-Transfer-Encoding")                                      \
    X(LIST_UNSUBSCRIBE, "List-Unsubscribe")                                                        \
    X(LIST_ID, "List-Id")                                                                          \
    X(LIST_POST, "List-Post")                                                                      \
    X(PRECEDENCE, "Precedence")                                                                    \
    X(DKIM_SIGNATURE, "DKIM-Signature")                                                            \
    X(AUTO_SUBMITTED, "Auto-Submitted")

enum spam_field {
#define SPAM_FIELD_(NAME, text) SPAM_FIELD_##NAME,
    SPAM_KNOWN_FIELDS(SPAM_FIELD_)
#undef SPAM_FIELD_
        SPAM_FIELD_COUNT
};

struct spam_text {
    const struct mime_part *part;
    slice decoded; /* UTF-8, as it stands in the part */
    slice visible; /* plain text as it is; HTML without its tags, and what they hide */
    const struct spam_html *html; /* NULL: plain */
    unsigned word_at, word_count; /* in the scan's words */
};

struct spam_link {
    struct url url; /* without the wrappers around it */
    slice host;     /* lower case, escapes undone */
    bool from_html; /* of a href */
    bool wrapped;   /* by a filter or a known program (wrapper.h) */
    bool sealed;    /* by one that does not say where it leads */
};

struct spam_question {
    const struct dns_list *list;
    slice name;  /* what is asked for */
    slice about; /* the address or domain */
};

struct spam_scan {
    const struct spam_mail *mail;
    const struct spam_tables *tables;
    struct arena *arena; /* of this scan */
    struct arena *kept;  /* of the verdict */
    slice message;       /* up to SPAM_SCAN_SIZE_MAX */
    size_t header_size;
    int64_t now; /* seconds since 1970 */

    struct mail_header_field *fields;
    unsigned field_count;
    bool fields_cut;
    slice field[SPAM_FIELD_COUNT]; /* value of the first; data NULL: not there */
    unsigned field_times[SPAM_FIELD_COUNT];
    struct mail_address *from; /* first mailbox of From, or NULL */
    slice from_domain;         /* A-labels, or as written; empty: none */
    slice subject;             /* decoded */

    bool mime_made, texts_made, links_made, words_made;
    struct arena tree; /* of `mime` */
    struct mime_message mime;
    struct spam_text *texts;
    unsigned text_count;
    struct spam_link *links;
    unsigned link_count, links_max;
    bool links_cut;
    uint32_t *words; /* hashes of folded words, in reading order; 0 between texts */
    unsigned word_count, words_max;

    struct spam_question questions[SPAM_QUESTIONS_MAX];
    unsigned question_count, domains_asked;

    uint64_t found[(SPAM_SYMBOL_COUNT + SPAM_COMPOSITES_MAX + 63) / 64];
    double group_score[SPAM_GROUP_COUNT];
    struct spam_symbol *symbols;
    unsigned symbol_count;
    double score;
};

/* `scan` is all zero, and closed in any case. Looks at the header; all else later. */
error spam_scan_open(struct spam_scan *scan, const struct spam_mail *mail,
                     const struct spam_tables *tables, struct arena *arena, struct arena *kept);
/* Also after an open that failed. */
void spam_scan_close(struct spam_scan *scan);

/* Each makes what it names where it is not made yet. */
error spam_scan_mime(struct spam_scan *scan);
error spam_scan_texts(struct spam_scan *scan);
error spam_scan_links(struct spam_scan *scan);
error spam_scan_words(struct spam_scan *scan);

/* Where a link leads, without what filters wrapped it in. */
error spam_scan_link(struct spam_scan *scan, const struct url *url, struct spam_link *out_link);

/* The mailboxes of an address field; NULL where it is not there. */
error spam_scan_addresses(struct spam_scan *scan, enum spam_field field,
                          struct mail_address **out_first);

/* A symbol was found: `times` (0..1) its score counts; the reason is copied and cut. Twice is once.
 */
void spam_scan_add(struct spam_scan *scan, unsigned id, double times, slice reason);
#define SPAM_ADD(scan, NAME, reason) spam_scan_add((scan), SPAM_##NAME##_FOUND, 1, (reason))
#define SPAM_HAS(scan, NAME) spam_scan_has((scan), SPAM_##NAME##_FOUND)

static inline bool spam_scan_has(const struct spam_scan *scan, unsigned id)
{
    return scan->found[id / 64] >> (id % 64) & 1;
}
