/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Keys that sign mail: made, and shown as what DNS must say about them.
 */
#include "control/dkim.h"

#include "base/cursor.h"
#include "crypto/constant.h"
#include "data/directory/directory.h"
#include "filter/authentic/dkim_record.h"
#include "filter/authentic/keyring.h"
#include "format/dns/zone.h"
#include "format/json/write.h"
#include "format/text/idna.h"
#include "runtime/core.h"
#include "runtime/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARENA_SIZE_MAX = 4 << 20,
    RECORD_SIZE_MAX = 4096,
    RECORD_TTL_S = 3600,
    RSA_BITS_DEFAULT = 2048,
    SELECTOR_SIZE_MAX = 63,
};

/* ---- One key ---- */

static error make_record(struct arena *arena, slice domain, slice selector, slice path, slice text,
                         struct control_dkim_record *out)
{
    struct signing_key *key = NULL;
    struct buffer record;
    *out = (struct control_dkim_record){.selector = selector, .path = path, .type = ""};
    TRY(arena_format(arena, &out->name, "%.*s._domainkey.%.*s", SLICE_ARG(selector),
                     SLICE_ARG(domain)));
    if (failed(signing_key_parse(text, &key)))
        return OK;
    out->type = signing_key_algorithm(key) == SIGNATURE_RSA_SHA256 ? "rsa" : "ed25519";
    buffer_init(&record, RECORD_SIZE_MAX);
    error problem = dkim_record_write(key, &record);
    if (!failed(problem))
        problem = arena_copy(arena, buffer_slice(&record), &out->text);
    buffer_close(&record);
    signing_key_destroy(&key);
    return problem;
}

static void write_json(struct json_writer *json, const struct control_dkim_record *record)
{
    json_object_open(json);
    json_member_text(json, "selector", record->selector);
    json_member_string(json, "type", record->type);
    json_member_text(json, "name", record->name);
    json_member_text(json, "value", record->text);
    json_member_text(json, "path", record->path);
    json_object_close(json);
}

static void write_zone(struct buffer *out, const struct control_dkim_record *record)
{
    struct buffer data;
    if (record->text.size == 0) {
        buffer_format(out, "; the key of %.*s cannot be read: %.*s\n", SLICE_ARG(record->name),
                      SLICE_ARG(record->path));
        return;
    }
    buffer_init(&data, 2 * RECORD_SIZE_MAX);
    zone_text(&data, record->text);
    zone_record(out, record->name, RECORD_TTL_S, "TXT", buffer_slice(&data));
    buffer_close(&data);
}

static bool take_domain(const struct control *control, struct arena *arena, slice *out_domain)
{
    if (!failed(idna_to_ascii(arena, control->words[0], out_domain)))
        return true;
    control_say(CONTROL_USAGE, "%.*s is no domain", SLICE_ARG(control->words[0]));
    return false;
}

/* ---- dkim show ---- */

struct asking {
    const struct control *control;
    slice domain;
    struct arena *arena;
    struct directory_dkim_key *keys;
    unsigned count;
    error result;
};

static void ask_directory(void *argument)
{
    struct asking *asking = argument;
    struct directory *directory = NULL;
    asking->result = directory_open(&asking->control->config->directory, &directory);
    if (!failed(asking->result))
        asking->result =
            directory_dkim(directory, asking->domain, asking->arena, &asking->keys, &asking->count);
    directory_close(&directory);
}

static error from_directory(const struct control *control, slice domain, struct arena *arena,
                            struct control_dkim_record *out_records, unsigned *out_count)
{
    struct asking asking = {.control = control, .domain = domain, .arena = arena};
    if (control->config->directory.dkim_query.size == 0)
        return OK;
    TRY(core_run_here(NULL, ask_directory, &asking));
    TRY(asking.result);
    unsigned count = asking.count < DKIM_SIGNERS_MAX ? asking.count : DKIM_SIGNERS_MAX;
    for (unsigned i = 0; i < count; i++)
        TRY(make_record(arena, domain, asking.keys[i].selector, SLICE_EMPTY,
                        asking.keys[i].private_key, &out_records[i]));
    *out_count = count;
    return OK;
}

static error from_files(const struct control *control, slice domain, struct arena *arena,
                        struct control_dkim_record *out_records, unsigned *out_count)
{
    struct keyring *ring = NULL;
    struct buffer problems;
    unsigned count = 0;
    buffer_init(&problems, CONFIG_PROBLEMS_SIZE_MAX);
    error problem = keyring_read(&control->config->dkim, NULL, &problems, &ring);
    const struct keyring_key *keys = failed(problem) ? NULL : keyring_find(ring, domain, &count);
    for (unsigned i = 0; i < count && !failed(problem); i++) {
        slice selector = SLICE_EMPTY, path = SLICE_EMPTY;
        problem = arena_copy(arena, keys[i].selector, &selector);
        if (!failed(problem))
            problem = arena_copy(arena, keys[i].path, &path);
        if (!failed(problem))
            problem = make_record(arena, domain, selector, path, keys[i].text, &out_records[i]);
        if (!failed(problem) && keys[i].text.size == 0)
            control_say(CONTROL_TROUBLE, "%.*s cannot be read", SLICE_ARG(path));
    }
    keyring_unref(&ring);
    buffer_close(&problems);
    TRY(problem);
    *out_count = count;
    return OK;
}

enum control_exit control_dkim_records(const struct control *control, slice domain,
                                       struct arena *arena,
                                       struct control_dkim_record out_records[DKIM_SIGNERS_MAX],
                                       unsigned *out_count)
{
    *out_count = 0;
    error problem = from_files(control, domain, arena, out_records, out_count);
    if (!failed(problem) && *out_count == 0) /* as the signer looks for them */
        problem = from_directory(control, domain, arena, out_records, out_count);
    return failed(problem)
               ? control_say(CONTROL_TROUBLE, "the keys cannot be read: %s", problem.text)
               : CONTROL_DONE;
}

static enum control_exit show(struct control *control, slice domain, struct arena *arena)
{
    struct control_dkim_record records[DKIM_SIGNERS_MAX];
    unsigned count;
    enum control_exit exit = control_dkim_records(control, domain, arena, records, &count);
    if (exit != CONTROL_DONE)
        return exit;
    if (count == 0)
        return control_say(CONTROL_REFUSED,
                           "%.*s has no DKIM key; \"ringmail dkim create %.*s\" makes one",
                           SLICE_ARG(domain), SLICE_ARG(domain));
    struct json_writer json;
    json_begin(&json, &control->out);
    if (control->options[OPTION_JSON])
        json_array_open(&json);
    for (unsigned i = 0; i < count; i++)
        if (control->options[OPTION_JSON])
            write_json(&json, &records[i]);
        else
            write_zone(&control->out, &records[i]);
    if (control->options[OPTION_JSON]) {
        json_array_close(&json);
        buffer_add_byte(&control->out, '\n');
    }
    return CONTROL_DONE;
}

enum control_exit control_dkim_show(struct control *control)
{
    struct arena arena;
    slice domain;
    arena_init(&arena, ARENA_SIZE_MAX);
    enum control_exit exit =
        take_domain(control, &arena, &domain) ? show(control, domain, &arena) : CONTROL_USAGE;
    arena_close(&arena);
    return exit;
}

/* ---- dkim create ---- */

struct wish {
    slice domain, selector;
    enum signature_algorithm algorithm;
    unsigned bits;
    const char *path;
    bool path_given;
};

static bool selector_is_valid(slice selector)
{
    for (size_t i = 0; i < selector.size; i++) {
        char c = selector.data[i];
        if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
            (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return selector.size > 0 && selector.size <= SELECTOR_SIZE_MAX;
}

static bool read_bits(const char *text, unsigned *out_bits)
{
    struct cursor cursor = cursor_over(slice_from_string(text));
    uint64_t bits;
    if (!cursor_take_u64(&cursor, SIGNATURE_RSA_BITS_MAX, &bits) || !cursor_done(&cursor) ||
        bits < SIGNATURE_RSA_BITS_MIN || bits % 8)
        return false;
    *out_bits = (unsigned)bits;
    return true;
}

static enum control_exit read_wish(const struct control *control, struct arena *arena,
                                   struct wish *wish)
{
    const char *type = control->options[OPTION_TYPE], *bits = control->options[OPTION_BITS];
    bool rsa = !type || strcmp(type, "rsa") == 0;
    wish->bits = RSA_BITS_DEFAULT;
    if (!take_domain(control, arena, &wish->domain))
        return CONTROL_USAGE;
    if (!rsa && strcmp(type, "ed25519") != 0)
        return control_say(CONTROL_USAGE, "--type is rsa or ed25519, not %s", type);
    wish->algorithm = rsa ? SIGNATURE_RSA_SHA256 : SIGNATURE_ED25519_SHA256;
    if (bits && (!rsa || !read_bits(bits, &wish->bits)))
        return control_say(CONTROL_USAGE, "--bits is %d to %d, a multiple of 8, for rsa only",
                           SIGNATURE_RSA_BITS_MIN, SIGNATURE_RSA_BITS_MAX);
    wish->selector = slice_from_string(control->options[OPTION_SELECTOR]);
    if (!control->options[OPTION_SELECTOR])
        wish->selector = rsa ? SLICE("ringmail") : SLICE("ringmail-ed25519");
    if (!selector_is_valid(wish->selector))
        return control_say(CONTROL_USAGE,
                           "--selector is letters, digits, \"-\", \"_\" and \".\", up to %d",
                           SELECTOR_SIZE_MAX);
    wish->path = control->options[OPTION_PATH];
    wish->path_given = wish->path;
    if (wish->path_given && wish->path[0] != '/')
        return control_say(CONTROL_USAGE, "--path must begin with /: the server reads it, too");
    slice pattern = control->config->dkim.path;
    if (wish->path_given)
        return CONTROL_DONE;
    if (pattern.size == 0)
        return control_say(CONTROL_USAGE, "dkim.path is empty: say where with --path");
    if (failed(keyring_path_of(pattern, wish->domain, wish->selector, arena, &wish->path)))
        return control_say(CONTROL_USAGE, "the key's path is too long");
    return CONTROL_DONE;
}

/* The server reads it again on a reload, when it is root no more. */
static void give_to_server(const struct control *control, int fd)
{
    const char *user = control->config->server.user;
    const struct passwd *entry = user && geteuid() == 0 ? getpwnam(user) : NULL;
    if (entry && fchown(fd, entry->pw_uid, entry->pw_gid) != 0)
        control_say(CONTROL_TROUBLE, "the key cannot be given to %s: %s", user, strerror(errno));
}

static error write_whole(int fd, slice text)
{
    while (text.size) {
        ssize_t put = write(fd, text.data, text.size);
        if (put < 0 && errno != EINTR)
            return error_system(errno, "the key cannot be written");
        text = slice_from(text, put > 0 ? (size_t)put : 0);
    }
    return fsync(fd) == 0 ? OK : error_system(errno, "the key cannot be written");
}

/* Under another name first, then linked: whole or not at all, and never over another. */
static error write_key_file(const struct control *control, const char *path, slice pem)
{
    char folder[SETTING_PATH_SIZE_MAX + 1], fresh[SETTING_PATH_SIZE_MAX + 32];
    slice parent, name;
    if (strlen(path) > SETTING_PATH_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the path is too long");
    if (!slice_cut_last(slice_from_string(path), '/', &parent, &name))
        parent = SLICE("."), name = slice_from_string(path);
    snprintf(folder, sizeof folder, "%.*s", SLICE_ARG(parent.size ? parent : SLICE("/")));
    TRY(file_make_directories(folder, 0755));
    snprintf(fresh, sizeof fresh, "%s/.new-%d", folder, getpid());
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_system(errno, "the key cannot be written");
    error problem = write_whole(fd, pem);
    give_to_server(control, fd);
    close(fd);
    if (!failed(problem) && link(fresh, path) != 0)
        problem = error_system(errno, "the key cannot be put in its place");
    unlink(fresh);
    return problem;
}

static error make_key(const struct control *control, const struct wish *wish)
{
    struct signing_key *key = NULL;
    struct buffer pem;
    TRY(signing_key_make(wish->algorithm, wish->bits, &key));
    buffer_init(&pem, SIGNATURE_KEY_TEXT_SIZE_MAX);
    error problem = signing_key_write(key, &pem);
    if (!failed(problem))
        problem = write_key_file(control, wish->path, buffer_slice(&pem));
    if (pem.size)
        constant_wipe(pem.data, pem.size);
    buffer_close(&pem);
    signing_key_destroy(&key);
    return problem;
}

static error read_key_file(const char *path, struct arena *arena, slice *out_text)
{
    char text[SIGNATURE_KEY_TEXT_SIZE_MAX];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_system(errno, "the key cannot be read");
    ssize_t size = read(fd, text, sizeof text);
    int problem = errno;
    close(fd);
    if (size < 0)
        return error_system(problem, "the key cannot be read");
    error copied = arena_copy(arena, slice_of(text, (size_t)size), out_text);
    constant_wipe(text, sizeof text);
    return copied;
}

/* Will the server find it? */
static void advise(const struct control *control, const struct wish *wish, bool made)
{
    struct arena scratch;
    const char *path;
    arena_init(&scratch, 8 << 10);
    bool found = !failed(keyring_path_of(control->config->dkim.path, wish->domain, wish->selector,
                                         &scratch, &path)) &&
                 strcmp(path, wish->path) == 0;
    for (size_t i = 0; i < control->config->dkim.keys.count; i++) {
        slice domain, selector, place;
        found |= !failed(keyring_item_parse(control->config->dkim.keys.items[i], &domain, &selector,
                                            &place)) &&
                 slice_equal(place, slice_from_string(wish->path));
    }
    arena_close(&scratch);
    if (!found)
        fprintf(stderr, "ringmail: name it in the configuration: dkim.keys = [\"%.*s=%.*s:%s\"]\n",
                SLICE_ARG(wish->domain), SLICE_ARG(wish->selector), wish->path);
    if (made)
        fprintf(stderr,
                "ringmail: %s was made; publish the record, then let the server read it "
                "(systemctl reload ringmail)\n",
                wish->path);
}

struct knowing {
    const struct control *control;
    slice domain;
    bool known;
    error result;
};

static void ask_for_domain(void *argument)
{
    struct knowing *knowing = argument;
    struct directory *directory = NULL;
    knowing->result = directory_open(&knowing->control->config->directory, &directory);
    if (!failed(knowing->result))
        knowing->result = directory_domain(directory, knowing->domain, &knowing->known);
    directory_close(&directory);
}

/* A key for a domain that nobody here writes as is a slip of the pen, most of the time. */
static enum control_exit check_domain(const struct control *control, slice domain)
{
    struct knowing knowing = {.control = control, .domain = domain};
    if (control->options[OPTION_FORCE])
        return CONTROL_DONE;
    error problem = core_run_here(NULL, ask_for_domain, &knowing);
    if (!failed(problem))
        problem = knowing.result;
    if (failed(problem))
        return control_say(CONTROL_TROUBLE,
                           "the directory cannot be asked whether it knows %.*s: %s; --force makes "
                           "the key all the same",
                           SLICE_ARG(domain), problem.text);
    if (!knowing.known)
        return control_say(CONTROL_REFUSED,
                           "%.*s is no domain of the directory: \"ringmail domain add %.*s\" "
                           "first, or --force where it only signs",
                           SLICE_ARG(domain), SLICE_ARG(domain));
    return CONTROL_DONE;
}

static enum control_exit create(struct control *control, struct arena *arena)
{
    struct wish wish = {0};
    struct control_dkim_record record;
    slice text = SLICE_EMPTY;
    enum control_exit exit = read_wish(control, arena, &wish);
    if (exit == CONTROL_DONE)
        exit = check_domain(control, wish.domain);
    if (exit != CONTROL_DONE)
        return exit;
    bool there = access(wish.path, F_OK) == 0;
    error problem = there ? OK : make_key(control, &wish);
    if (problem.kind == ERROR_EXISTS)
        there = true; /* somebody was quicker */
    else if (failed(problem))
        return control_say(CONTROL_TROUBLE, "%s: %s%s%s", wish.path, problem.text,
                           problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
    problem = read_key_file(wish.path, arena, &text);
    if (!failed(problem))
        problem = make_record(arena, wish.domain, wish.selector, slice_from_string(wish.path), text,
                              &record);
    if (failed(problem))
        return control_say(CONTROL_TROUBLE, "%s: %s%s%s", wish.path, problem.text,
                           problem.os ? ": " : "", problem.os ? strerror(problem.os) : "");
    if (record.text.size == 0)
        return control_say(CONTROL_REFUSED, "%s is there, but is no key; it was left as it is",
                           wish.path);
    if (there && control->options[OPTION_TYPE] &&
        strcmp(record.type, control->options[OPTION_TYPE]) != 0)
        return control_say(CONTROL_REFUSED,
                           "%s is there, and of type %s; choose another --selector", wish.path,
                           record.type);
    if (control->options[OPTION_JSON]) {
        struct json_writer json;
        json_begin(&json, &control->out);
        write_json(&json, &record);
        buffer_add_byte(&control->out, '\n');
    } else {
        write_zone(&control->out, &record);
    }
    advise(control, &wish, !there);
    return CONTROL_DONE;
}

enum control_exit control_dkim_create(struct control *control)
{
    struct arena arena;
    arena_init(&arena, ARENA_SIZE_MAX);
    enum control_exit exit = create(control, &arena);
    arena_close(&arena);
    return exit;
}
