/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filter/authentic/dkim_record.h"

#include "format/text/base64.h"

enum { PUBLIC_KEY_SIZE_MAX = 1024 };

error dkim_record_write(const struct signing_key *key, struct buffer *out_record)
{
    struct buffer bytes;
    char text[PUBLIC_KEY_SIZE_MAX * 2];
    bool rsa = signing_key_algorithm(key) == SIGNATURE_RSA_SHA256;
    buffer_init(&bytes, PUBLIC_KEY_SIZE_MAX);
    error problem = signing_key_public(key, &bytes);
    if (!failed(problem)) {
        base64_encode_into(text, buffer_slice(&bytes));
        buffer_format(out_record, "v=DKIM1; k=%s; p=", rsa ? "rsa" : "ed25519");
        buffer_add(out_record, slice_of(text, base64_encoded_size(bytes.size)));
        problem = buffer_check(out_record);
    }
    buffer_close(&bytes);
    return problem;
}
