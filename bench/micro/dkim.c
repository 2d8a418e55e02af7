/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a DKIM signature costs by itself, by algorithm and size of the mail.
 */
#include "filter/authentic/dkim.h"
#include "base/time.h"

#include <stdio.h>
#include <stdlib.h>

static const char header[] =
    "From: a@example.org\r\nTo: b@example.com\r\nSubject: hello\r\nDate: Sun, 22 Nov 2026 10:00:00 "
    "+0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";

static void measure(const char *name, enum signature_algorithm algorithm, unsigned bits,
                    size_t size)
{
    struct signing_key *key = NULL;
    struct buffer fields;
    char *body = malloc(size);
    if (!body || failed(signing_key_make(algorithm, bits, &key)))
        return;
    for (size_t i = 0; i < size; i++)
        body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
    buffer_init(&fields, 1 << 20);
    const struct dkim_signer signer = {key, SLICE("example.org"), SLICE("s")};
    const struct dkim_sign_options options = {.time = 1};
    instant began = time_now();
    unsigned rounds = 0;
    do {
        buffer_reset(&fields);
        error_ignore(dkim_sign_parts(SLICE(header), slice_of(body, size), &signer, 1, &options,
                                     &fields)); /* it cannot fail here */
        rounds++;
    } while (time_now() - began < TIME_S);
    printf("%-12s %8zu bytes %10.1f us\n", name, size,
           (double)(time_now() - began) / rounds / TIME_US);
    buffer_close(&fields);
    signing_key_destroy(&key);
    free(body);
}

int main(void)
{
    static const size_t sizes[] = {4 << 10, 100 << 10, 10 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        measure("rsa-2048", SIGNATURE_RSA_SHA256, 2048, sizes[i]);
        measure("ed25519", SIGNATURE_ED25519_SHA256, 0, sizes[i]);
    }
    return 0;
}
