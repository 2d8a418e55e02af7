/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * `ringload sink`: its command line, its cores, and what it prints.
 */
#include "base/cursor.h"
#include "base/time.h"
#include "load/sink.h"
#include "net/listener.h"
#include "net/tls.h"
#include "runtime/core.h"
#include "runtime/crew.h"
#include "runtime/fiber.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Large buffers for DATA: fewer receives, and a sink never has many of them in hand at once. */
enum { BUFFERS = 128, BUFFER_SIZE = 64 << 10, CORES_MAX = 64 };

static struct sink {
    struct sink_options options;
    unsigned cores;
    int64_t print_every; /* ns; 0: when asked, and at the end */
    bool starttls;
    const char *certificate, *key; /* NULL: one made for the occasion */
    struct tls_server *tls;
    struct listener *listener;
    struct sink_counts counts[CORES_MAX];
} sink = {.cores = 1};

static const char usage_text[] =
    "usage: ringload sink [options] ADDRESS:PORT | /PATH/OF/A/SOCKET\n"
    "Accepts all mail, keeps none, counts it. One line of JSON to standard output when SIGUSR1 "
    "asks,\n"
    "and at the end (SIGTERM, SIGINT).\n\n"
    "  --lmtp              speak LMTP\n"
    "  --without WORD,...  do not offer pipelining, size, 8bitmime, chunking, smtputf8, dsn,\n"
    "                      enhancedstatuscodes\n"
    "  --starttls          offer it, with a certificate made for the occasion\n"
    "  --certificate FILE --key FILE   or with this one (PEM)\n"
    "  --reply STAGE[/N]=REPLY   at connect, hello, mail, rcpt, data, end; each N-th time only:\n"
    "                      --reply rcpt/10='450 4.2.0 later'; 421 ends the session\n"
    "  --delay STAGE=TIME  before the answer: 20ms, 1s\n"
    "  --print TIME        print the counts so often while they change\n"
    "  --cores N           threads (1)\n";

static int complain(const char *what, const char *about)
{
    fprintf(stderr, "ringload sink: %s: %s\n", what, about);
    return 2;
}

static const slice stage_words[SINK_STAGES] = {
    [SINK_CONNECT] = SLICE("connect"), [SINK_HELLO] = SLICE("hello"), [SINK_MAIL] = SLICE("mail"),
    [SINK_RCPT] = SLICE("rcpt"),       [SINK_DATA] = SLICE("data"),   [SINK_END] = SLICE("end"),
};

static struct sink_behaviour *stage_named(slice word)
{
    for (unsigned i = 0; i < SINK_STAGES; i++)
        if (slice_equal(word, stage_words[i]))
            return &sink.options.stages[i];
    return NULL;
}

/* "20ms", "1s" */
static bool read_time(slice text, int64_t *out_span)
{
    static const struct {
        slice word;
        int64_t unit;
    } units[] = {{SLICE("us"), TIME_US}, {SLICE("ms"), TIME_MS}, {SLICE("s"), TIME_S}};
    struct cursor c = cursor_over(text);
    uint64_t number;
    if (!cursor_take_u64(&c, 1000000, &number))
        return false;
    for (unsigned i = 0; i < sizeof units / sizeof *units; i++)
        if (slice_equal(cursor_rest(&c), units[i].word)) {
            *out_span = (int64_t)number * units[i].unit;
            return true;
        }
    return false;
}

/* STAGE=TIME */
static bool set_delay(slice text)
{
    slice word, span;
    struct sink_behaviour *stage;
    return slice_cut(text, '=', &word, &span) && (stage = stage_named(word)) &&
           read_time(span, &stage->delay);
}

/* STAGE[/N]=REPLY */
static bool set_reply(slice text)
{
    slice word, reply, number;
    if (!slice_cut(text, '=', &word, &reply))
        return false;
    bool some = slice_cut(word, '/', &word, &number);
    struct sink_behaviour *stage = stage_named(word);
    if (!stage || reply.size < 3 || reply.size > SINK_REPLY_SIZE_MAX ||
        slice_find_byte(reply, '\n') >= 0)
        return false;
    stage->reply = reply;
    stage->every = 1;
    struct cursor c = cursor_over(number);
    return !some ||
           (cursor_take_u64(&c, UINT32_MAX, &stage->every) && cursor_done(&c) && stage->every > 0);
}

static bool withdraw(slice words)
{
    static const slice known[] = {
#define X(name, word, line) SLICE(word),
        SINK_OFFER_TABLE(X)
#undef X
    };
    while (words.size) {
        slice word;
        unsigned found = SINK_OFFERS;
        slice_cut(words, ',', &word, &words);
        for (unsigned i = 0; i < SINK_OFFERS; i++)
            if (slice_equal(word, known[i]))
                found = i;
        if (found == SINK_OFFERS)
            return false;
        sink.options.offers &= ~(1u << found);
    }
    return true;
}

static bool set(int letter, const char *value)
{
    slice text = slice_from_string(value);
    struct cursor c = cursor_over(text);
    uint64_t number;
    switch (letter) {
    case 'l':
        sink.options.lmtp = true;
        return true;
    case 'w':
        return withdraw(text);
    case 's':
        sink.starttls = true;
        return true;
    case 'c':
        sink.certificate = value;
        sink.starttls = true;
        return true;
    case 'k':
        sink.key = value;
        return true;
    case 'r':
        return set_reply(text);
    case 'd':
        return set_delay(text);
    case 'p':
        return read_time(text, &sink.print_every);
    default:
        if (!cursor_take_u64(&c, CORES_MAX, &number) || !cursor_done(&c) || number == 0)
            return false;
        sink.cores = (unsigned)number;
        return true;
    }
}

static int parse(int count, char **words)
{
    static const struct option known[] = {
        {"lmtp", 0, NULL, 'l'},        {"without", 1, NULL, 'w'}, {"starttls", 0, NULL, 's'},
        {"certificate", 1, NULL, 'c'}, {"key", 1, NULL, 'k'},     {"reply", 1, NULL, 'r'},
        {"delay", 1, NULL, 'd'},       {"print", 1, NULL, 'p'},   {"cores", 1, NULL, 'n'},
        {"help", 0, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    int letter, index;
    sink.options.offers = (1u << SINK_OFFERS) - 1;
    while ((letter = getopt_long(count, words, "", known, &index)) != -1) {
        if (letter == 'h') {
            fputs(usage_text, stdout);
            exit(0);
        }
        if (letter == '?')
            return 2;
        if (!set(letter, optarg))
            return complain(known[index].name, "not understood; see --help");
    }
    if (!sink.certificate != !sink.key)
        return complain("--certificate", "goes with --key");
    if (optind + 1 != count ||
        failed(address_parse(slice_from_string(words[optind]), &sink.options.address))) {
        fputs(usage_text, stderr);
        return 2;
    }
    return 0;
}

/* The files are gone again once they are read. */
static error make_certificate(void)
{
    char folder[] = "/tmp/ringload-sink.XXXXXX", certificate[64], key[64];
    static const slice names[] = {SLICE("localhost"), SLICE("sink.invalid")};
    if (!mkdtemp(folder))
        return error_system(errno, "a folder for the certificate");
    snprintf(certificate, sizeof certificate, "%s/certificate", folder);
    snprintf(key, sizeof key, "%s/key", folder);
    error problem = tls_make_self_signed(TLS_KEY_ECDSA, names, 2, certificate, key);
    const struct tls_files files = {certificate, key};
    const struct tls_server_options options = {.files = &files, .file_count = 1};
    if (!failed(problem))
        problem = tls_server_create(&options, &sink.tls, NULL);
    unlink(certificate);
    unlink(key);
    rmdir(folder);
    return problem;
}

static error start_tls(void)
{
    TRY(tls_start());
    if (!sink.starttls)
        return OK;
    if (!sink.certificate)
        return make_certificate();
    const struct tls_files files = {sink.certificate, sink.key};
    const struct tls_server_options options = {.files = &files, .file_count = 1};
    return tls_server_create(&options, &sink.tls, NULL);
}

/* ---- Running ---- */

static void serve(struct stream **stream, void *argument)
{
    (void)argument;
    sink_serve(*stream, &sink.options, sink.tls, &sink.counts[core_self()]);
}

static void core_main(void *argument)
{
    struct crew sessions;
    (void)argument;
    crew_init(&sessions, NULL);
    error problem = listener_start(sink.listener, &sessions);
    if (failed(problem))
        complain("listen", problem.text);
    while (!failed(fiber_sleep(3600 * TIME_S)))
        ;
    listener_stop(sink.listener);
    crew_close(&sessions);
}

/* The sum over all cores; what changed while it was read counts next time. */
static void print_counts(bool always)
{
    static uint64_t before[8];
    uint64_t sum[8] = {0};
    for (unsigned i = 0; i < sink.cores; i++) {
        _Atomic uint64_t *const counters[8] = {
            &sink.counts[i].connections, &sink.counts[i].open,  &sink.counts[i].messages,
            &sink.counts[i].recipients,  &sink.counts[i].bytes, &sink.counts[i].refused,
            &sink.counts[i].malformed,   &sink.counts[i].tls};
        for (unsigned j = 0; j < 8; j++)
            sum[j] += atomic_load_explicit(counters[j], memory_order_relaxed);
    }
    if (!always && !memcmp(sum, before, sizeof sum))
        return;
    memcpy(before, sum, sizeof sum);
    printf("{\"connections\":%ju,\"open\":%ju,\"messages\":%ju,\"recipients\":%ju,\"bytes\":%ju,"
           "\"refused\":%ju,\"malformed\":%ju,\"tls\":%ju}\n",
           (uintmax_t)sum[0], (uintmax_t)sum[1], (uintmax_t)sum[2], (uintmax_t)sum[3],
           (uintmax_t)sum[4], (uintmax_t)sum[5], (uintmax_t)sum[6], (uintmax_t)sum[7]);
    fflush(stdout);
}

/* Until a signal ends it. */
static void watch(const sigset_t *signals)
{
    const struct timespec pause = {sink.print_every / TIME_S, sink.print_every % TIME_S};
    for (;;) {
        int came =
            sink.print_every ? sigtimedwait(signals, NULL, &pause) : sigwaitinfo(signals, NULL);
        if (came == SIGTERM || came == SIGINT)
            return;
        if (came == SIGUSR1 || (came < 0 && errno == EAGAIN))
            print_counts(came == SIGUSR1);
    }
}

int sink_main(int count, char **words)
{
    sigset_t signals;
    struct rlimit files;
    int status = parse(count, words);
    if (status)
        return status;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in the cores' threads too */
    const struct listener_options listening = {
        .name = "sink", .address = sink.options.address, .serve = serve};
    const struct core_options cores = {
        .count = sink.cores, .receive_buffers = BUFFERS, .receive_buffer_size = BUFFER_SIZE};
    error problem = start_tls();
    if (!failed(problem))
        problem = listener_bind(&listening, sink.cores, &sink.listener);
    if (!failed(problem))
        problem = cores_start(&cores, core_main, NULL);
    if (failed(problem)) {
        complain(words[optind], problem.os ? strerror(problem.os) : problem.text);
        return 3;
    }
    watch(&signals);
    cores_stop();
    cores_join();
    listener_destroy(&sink.listener);
    tls_server_destroy(&sink.tls);
    print_counts(true);
    return 0;
}
