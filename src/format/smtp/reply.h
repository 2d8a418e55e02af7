#pragma once
/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Everything an SMTP or LMTP server of ours can say, in one table: reply code (RFC 5321 4.2),
 * enhanced status code (RFC 3463, 5248), text. Replies whose text depends on the moment are written
 * with smtp_reply_text and smtp_reply_lines.
 */
#include "base/buffer.h"
#include "base/slice.h"

#define SMTP_REPLY_TABLE(X)                                                                        \
    X(HELP, 214, "2.0.0", "See https://www.rfc-editor.org/rfc/rfc5321")                            \
    X(READY_FOR_TLS, 220, "2.0.0", "Ready to start TLS")                                           \
    X(GOODBYE, 221, "2.0.0", "Goodbye")                                                            \
    X(LOGGED_IN, 235, "2.7.0", "Logged in")                                                        \
    X(OK, 250, "2.0.0", "Ok")                                                                      \
    X(RESET, 250, "2.0.0", "Forgotten")                                                            \
    X(SENDER_OK, 250, "2.1.0", "Sender ok")                                                        \
    X(RECIPIENT_OK, 250, "2.1.5", "Recipient ok")                                                  \
    X(CHUNK_OK, 250, "2.0.0", "Chunk received")                                                    \
    X(PRIORITY_CHANGED, 250, "2.3.6", "Sender ok, but the priority was lowered")                   \
    X(CANNOT_VERIFY, 252, "2.5.0", "Send some mail, I will try my best")                           \
    X(SEND_DATA, 354, NULL, "End data with <CR><LF>.<CR><LF>")                                     \
    X(SHUTTING_DOWN, 421, "4.3.2", "Service is shutting down, come back later")                    \
    X(IDLE_TOO_LONG, 421, "4.4.2", "You were silent for too long")                                 \
    X(TOO_MANY_CONNECTIONS, 421, "4.7.0", "Too many connections, come back later")                 \
    X(TOO_MANY_ERRORS, 421, "4.7.0", "Too many errors")                                            \
    X(TOO_MANY_COMMANDS, 421, "4.7.0", "Too many commands in one session")                         \
    X(TOO_MANY_TRANSACTIONS, 421, "4.5.3", "Too many transactions in one session")                 \
    X(TOO_MANY_LOGINS, 421, "4.7.0", "Too many failed logins")                                     \
    X(SENDING_LIMIT, 450, "4.7.1", "You have sent as much as you may for now, try again later")    \
    X(DIRECTORY_TROUBLE, 451, "4.3.0", "The directory cannot be asked now, try again later")       \
    X(SPAM_DELAYED, 451, "4.7.1", "Message delayed, try again later")                              \
    X(STORE_TROUBLE, 451, "4.3.0", "The mail cannot be stored now, try again later")               \
    X(OUT_OF_MEMORY, 452, "4.3.1", "Not enough memory now, try again later")                       \
    X(QUEUE_TROUBLE, 451, "4.3.0", "The mail cannot be queued now, try again later")               \
    X(ALIAS_BROKEN, 451, "4.3.5", "The recipient's alias names an address that is none")           \
    X(SIGNING_TROUBLE, 451, "4.7.5", "The mail cannot be signed now, try again later")             \
    X(QUEUE_FULL, 452, "4.3.1", "The queue is full, try again later")                              \
    X(TOO_MANY_RECIPIENTS, 452, "4.5.3", "Too many recipients")                                    \
    X(MAILBOX_FULL, 452, "4.2.2", "The mailbox is full, try again later")                          \
    X(DISK_FULL, 452, "4.3.1", "Not enough storage now, try again later")                          \
    X(TLS_UNAVAILABLE, 454, "4.7.0", "TLS is not available now")                                   \
    X(LOGIN_TROUBLE, 454, "4.7.0", "Passwords cannot be checked now, try again later")             \
    X(UNKNOWN_COMMAND, 500, "5.5.1", "What command is that?")                                      \
    X(BAD_LINE, 500, "5.5.2", "The line has bytes that no command may have")                       \
    X(LINE_TOO_LONG, 500, "5.5.6", "The line is too long")                                         \
    X(RESPONSE_TOO_LONG, 500, "5.5.6", "The response is too long")                                 \
    X(BAD_ARGUMENT, 501, "5.5.4", "The argument is malformed")                                     \
    X(NO_ARGUMENT, 501, "5.5.4", "This command takes no argument")                                 \
    X(HELO_SYNTAX, 501, "5.5.4", "Say your name: HELO host.example")                               \
    X(MAIL_SYNTAX, 501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")                       \
    X(RCPT_SYNTAX, 501, "5.5.4", "Syntax: RCPT TO:<address> [parameters]")                         \
    X(BDAT_SYNTAX, 501, "5.5.4", "Syntax: BDAT size [LAST]")                                       \
    X(BAD_PARAMETER, 501, "5.5.4", "A parameter is malformed")                                     \
    X(BAD_SENDER_ADDRESS, 501, "5.1.7", "The sender's address is malformed")                       \
    X(BAD_RECIPIENT_ADDRESS, 501, "5.1.3", "The recipient's address is malformed")                 \
    X(LOGIN_CANCELLED, 501, "5.7.0", "Login cancelled")                                            \
    X(BAD_RESPONSE, 501, "5.5.2", "The response is not what the mechanism asks for")               \
    X(HOLD_TOO_LONG, 501, "5.5.4", "The mail cannot be held that long")                            \
    X(NOT_IMPLEMENTED, 502, "5.5.1", "This command is not offered")                                \
    X(HELO_FIRST, 503, "5.5.1", "Say hello first")                                                 \
    X(MAIL_FIRST, 503, "5.5.1", "MAIL comes first")                                                \
    X(NESTED_MAIL, 503, "5.5.1", "A transaction is already open")                                  \
    X(RCPT_FIRST, 503, "5.5.1", "RCPT comes first")                                                \
    X(NO_VALID_RECIPIENTS, 554, "5.5.1", "No valid recipients")                                    \
    X(BDAT_GOING_ON, 503, "5.5.1", "Only BDAT, RSET and QUIT may follow BDAT")                     \
    X(BINARY_NEEDS_BDAT, 503, "5.5.1", "BODY=BINARYMIME needs BDAT")                               \
    X(ALREADY_TLS, 503, "5.5.1", "TLS is already active")                                          \
    X(ALREADY_LOGGED_IN, 503, "5.5.1", "You are logged in already")                                \
    X(NOT_AFTER_PIPELINING, 503, "5.5.0", "Do not send ahead of this command's reply")             \
    X(UNKNOWN_MECHANISM, 504, "5.5.4", "This mechanism is not offered")                            \
    X(TLS_FIRST, 530, "5.7.0", "Say STARTTLS first")                                               \
    X(LOGIN_FIRST, 530, "5.7.0", "Authentication required")                                        \
    X(LOGIN_DENIED, 535, "5.7.8", "Wrong name or password")                                        \
    X(LOGIN_NEEDS_TLS, 538, "5.7.11", "Say STARTTLS first: the password would be seen")            \
    X(TALKS_TOO_EARLY, 554, "5.5.0", "Wait for the greeting before you speak")                     \
    X(UNKNOWN_RECIPIENT, 550, "5.1.1", "There is no such mailbox here")                            \
    X(TRANSPORT_REFUSES, 550, "5.0.0", "Mail for this domain is not delivered")                    \
    X(NO_RELAY, 550, "5.7.1", "Mail is not relayed for strangers")                                 \
    X(RECIPIENT_DISABLED, 550, "5.2.1", "The mailbox takes no mail")                               \
    X(ALIAS_LOOP, 550, "5.4.6", "The recipient's alias goes in circles")                           \
    X(BOUNCE_ADDRESS_FORGED, 550, "5.7.1", "This bounce address is not ours, or too old")          \
    X(FROM_MISSING, 550, "5.6.0", "A mail needs one From: field with an address")                  \
    X(FROM_NOT_YOURS, 550, "5.7.1", "The From: field names an address that is not yours")          \
    X(NOT_AUTHENTIC, 550, "5.7.1", "The mail is not from whom it says it is from")                 \
    X(SCRIPT_REFUSED, 550, "5.7.1", "The recipient does not take this mail")                       \
    X(SPAM_REFUSED, 550, "5.7.1", "Message refused as spam")                                       \
    X(EMPTY_SENDER, 550, "5.7.1", "Only reports may have an empty sender")                         \
    X(SENDING_LIMIT_NEVER, 550, "5.7.1", "The mail has more recipients than you may ever have")    \
    X(UTF8_NEEDED, 553, "5.6.7", "Addresses beyond ASCII need SMTPUTF8")                           \
    X(SENDER_NOT_YOURS, 553, "5.7.1", "The sender is not an address of yours")                     \
    X(BARE_LINE_END, 550, "5.6.0", "Lines must end in CRLF: a bare CR or LF was found")            \
    X(MAIL_TOO_LARGE, 552, "5.3.4", "The message is larger than what is taken here")               \
    X(HEADER_TOO_LARGE, 552, "5.3.4", "The header is larger than what is taken here")              \
    X(MAILBOX_TOO_SMALL, 552, "5.2.2", "The message is larger than the mailbox may become")        \
    X(MAIL_LOOP, 554, "5.4.6", "Too many hops: the mail goes in circles")                          \
    X(REFUSED, 554, "5.7.1", "Refused")                                                            \
    X(TRANSACTION_FAILED, 554, "5.3.0", "Transaction failed")                                      \
    X(UNKNOWN_PARAMETER, 555, "5.5.4", "A parameter is not known or not offered")                  \
    X(INTERNAL, 451, "4.3.5", "Something is wrong here, try again later")

enum smtp_reply {
    SMTP_REPLY_NONE, /* nothing to say */
#define X(name, code, enhanced, text) SMTP_REPLY_##name,
    SMTP_REPLY_TABLE(X)
#undef X
        SMTP_REPLIES
};

enum {
    SMTP_REPLY_LINE_SIZE_MAX = 512, /* RFC 5321 4.5.3.1.5, with CRLF */
    SMTP_REPLY_SIZE_MAX = 16 * 1024,
};

struct smtp_reply_row {
    int code;
    const char *enhanced; /* NULL: none (354, RFC 2034 4) */
    const char *text;
};
const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply);

/* A row of the table with CRLF. NONE writes nothing. */
void smtp_reply_write(struct buffer *buffer, enum smtp_reply reply);
/* Code and status of a row with another text (one line; bytes that may not be there are replaced).
 */
void smtp_reply_text(struct buffer *buffer, enum smtp_reply reply, slice text);
/* Lines joined by '\n' as one reply: "250-a", "250 b". `enhanced` NULL: none (EHLO, greeting). A
 * line longer than SMTP_REPLY_LINE_SIZE_MAX is cut. */
void smtp_reply_lines(struct buffer *buffer, int code, const char *enhanced, slice lines);
