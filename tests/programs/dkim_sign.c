/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Signs a message from standard input with key files, for other implementations to check:
 *
 *     dkim_sign DOMAIN SELECTOR=KEY...         DKIM-Signature fields
 *     dkim_sign --arc DOMAIN SELECTOR=KEY      the first ARC set
 */
#include "base/time.h"
#include "filter/authentic/arc.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGE_SIZE_MAX = 64 << 20 };

static void check(error problem)
{
    if (!failed(problem))
        return;
    fprintf(stderr, "dkim_sign: %s\n", problem.text);
    exit(1);
}

static slice read_all(FILE *file, size_t size_max)
{
    char *text = malloc(size_max);
    return slice_of(text, text ? fread(text, 1, size_max, file) : 0);
}

static struct signing_key *read_key(const char *path)
{
    struct signing_key *key = NULL;
    FILE *file = fopen(path, "re");
    if (!file)
        check(error_make(ERROR_NOT_FOUND, "the key cannot be opened"));
    check(signing_key_parse(read_all(file, SIGNATURE_KEY_TEXT_SIZE_MAX), &key));
    fclose(file);
    return key;
}

int main(int count, char **arguments)
{
    static struct arc_chain chain;
    struct dkim_signer signers[DKIM_SIGNERS_MAX];
    unsigned used = 0;
    bool arc = count > 1 && strcmp(arguments[1], "--arc") == 0;
    int at = arc ? 2 : 1;
    if (count < at + 2)
        return 2;
    slice domain = slice_from_string(arguments[at++]);
    for (; at < count && used < DKIM_SIGNERS_MAX; at++) {
        slice selector, path;
        slice_cut(slice_from_string(arguments[at]), '=', &selector, &path);
        signers[used++] = (struct dkim_signer){read_key(path.data), domain, selector};
    }
    slice message = read_all(stdin, MESSAGE_SIZE_MAX);
    size_t size = mail_header_size(message);
    slice header = slice_sub(message, 0, size), body = slice_from(message, size);
    struct buffer fields;
    buffer_init(&fields, 1 << 20);
    const struct dkim_sign_options options = {.time = time_wall_seconds()};
    arc_chain_read(header, &chain);
    check(arc ? arc_seal(&chain, header, body, ARC_NONE, SLICE("mx.example.org; spf=none"), signers,
                         options.time, &fields)
              : dkim_sign_parts(header, body, signers, used, &options, &fields));
    fwrite(fields.data, 1, fields.size, stdout);
    fwrite(message.data, 1, message.size, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}
