/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "transport/webhook_request.h"

#include "base/arena.h"
#include "base/time.h"
#include "crypto/hmac.h"
#include "format/text/base64.h"
#include "net/http/client.h"

enum {
    SECRET_SIZE_MAX = 8 << 10,  /* decoded, with room for the arena's own */
    ARENA_SIZE_MAX = 256 << 10, /* of one exchange */
    SIGNATURE_SIZE_MAX = 128,   /* "v1," and 44 letters */
};

error webhook_sign(slice secret, slice id, slice timestamp, slice body, struct buffer *out)
{
    static const slice mark = {"whsec_", sizeof "whsec_" - 1};
    struct arena arena;
    slice key = secret;
    arena_init(&arena, SECRET_SIZE_MAX);
    error problem = OK;
    if (slice_starts(secret, mark))
        problem = base64_decode(&arena, slice_from(secret, mark.size), &key);
    if (!failed(problem)) {
        struct hmac hmac;
        uint8_t sum[32];
        hmac_init(&hmac, DIGEST_SHA256, key);
        hmac_add(&hmac, id);
        hmac_add(&hmac, SLICE("."));
        hmac_add(&hmac, timestamp);
        hmac_add(&hmac, SLICE("."));
        hmac_add(&hmac, body);
        hmac_finish(&hmac, sum);
        buffer_add_string(out, "v1,");
        base64_encode(out, slice_of(sum, sizeof sum));
    }
    arena_close(&arena);
    return problem;
}

static error ask(const struct webhook_request *hook, struct arena *arena, struct buffer *signature,
                 unsigned *out_status)
{
    slice timestamp;
    struct http_client_answer answer;
    TRY(arena_format(arena, &timestamp, "%lld", (long long)time_wall_seconds()));
    if (hook->secret.size > 0)
        TRY(webhook_sign(hook->secret, hook->id, timestamp, hook->body, signature));
    const struct http_client_field fields[] = {
        {SLICE("webhook-id"), hook->id},
        {SLICE("webhook-timestamp"), timestamp},
        {SLICE("webhook-signature"), buffer_slice(signature)},
    };
    const struct http_client_request request = {
        .method = "POST",
        .url = hook->url,
        .fields = fields,
        .field_count = signature->size > 0 ? 3 : 2,
        .content_type = SLICE("application/json"),
        .body = hook->body,
        .size_max = WEBHOOK_ANSWER_SIZE_MAX,
        .status_counts = true,
        .tls = hook->tls,
        .deadline = time_after(hook->timeout),
    };
    TRY(http_client_ask(&request, arena, &answer));
    *out_status = answer.status;
    return answer.status / 100 == 2 ? OK : error_make(ERROR_TEMPORARY, "the receiver refused");
}

error webhook_request_send(const struct webhook_request *request, unsigned *out_status)
{
    struct arena arena;
    struct buffer signature;
    *out_status = 0;
    arena_init(&arena, ARENA_SIZE_MAX);
    buffer_init(&signature, SIGNATURE_SIZE_MAX);
    error problem = ask(request, &arena, &signature, out_status);
    buffer_close(&signature);
    arena_close(&arena);
    return problem;
}
