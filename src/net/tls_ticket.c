/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Session tickets (RFC 5077, RFC 8446 4.6.1) are encrypted with ChaCha20-Poly1305 under keys that
 * all cores and all certificates share. The key of now seals; the one before still opens, so that a
 * ticket lives for one to two periods; older keys are wiped.
 */
#include "net/tls_set.h"

#include "base/assert.h"
#include "base/time.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <wolfssl/wolfcrypt/chacha20_poly1305.h>

struct ticket_key {
    unsigned char name[WOLFSSL_TICKET_NAME_SZ];
    unsigned char secret[CHACHA20_POLY1305_AEAD_KEYSIZE];
    bool valid;
};

static struct {
    pthread_mutex_t lock; /* once per full handshake */
    struct ticket_key now, before;
    instant made_at;
    int64_t age; /* added by tests */
} keys = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fill_random(void *data, size_t size)
{
    ssize_t got = getrandom(data, size, 0);
    ASSERT(got == (ssize_t)size); /* up to 256 bytes never fall short once the kernel is seeded */
}

static void rotate(void)
{
    int64_t age = time_now() + keys.age - keys.made_at;
    if (keys.now.valid && age < TLS_TICKET_KEY_S * TIME_S)
        return;
    if (age < 2 * TLS_TICKET_KEY_S * TIME_S)
        keys.before = keys.now;
    else
        explicit_bzero(&keys.before, sizeof keys.before);
    fill_random(keys.now.name, sizeof keys.now.name);
    fill_random(keys.now.secret, sizeof keys.now.secret);
    keys.now.valid = true;
    keys.made_at = time_now() + keys.age;
}

void tls_ticket_age(int64_t by_ns)
{
    pthread_mutex_lock(&keys.lock);
    keys.age += by_ns;
    pthread_mutex_unlock(&keys.lock);
}

static bool find_key(const unsigned char *name, struct ticket_key *out_key, bool *out_old)
{
    bool found = true;
    pthread_mutex_lock(&keys.lock);
    rotate();
    *out_old = false;
    if (!name || memcmp(keys.now.name, name, sizeof keys.now.name) == 0) {
        *out_key = keys.now;
    } else if (keys.before.valid && memcmp(keys.before.name, name, sizeof keys.now.name) == 0) {
        *out_key = keys.before;
        *out_old = true;
    } else {
        found = false;
    }
    pthread_mutex_unlock(&keys.lock);
    return found;
}

/* wolfSSL's ticket is in place: size bytes of plain text with room for *out_size. Name and IV are
 * authenticated as well. */
int tls_ticket_crypt(WOLFSSL *ssl, unsigned char name[WOLFSSL_TICKET_NAME_SZ],
                     unsigned char iv[WOLFSSL_TICKET_IV_SZ],
                     unsigned char mac[WOLFSSL_TICKET_MAC_SZ], int encrypt, unsigned char *ticket,
                     int size, int *out_size, void *context)
{
    (void)context;
    struct ticket_key key;
    bool old;
    int result = WOLFSSL_TICKET_RET_REJECT;
    if (!find_key(encrypt ? NULL : name, &key, &old))
        return result;
    if (encrypt) {
        memcpy(name, key.name, sizeof key.name);
        fill_random(iv, WOLFSSL_TICKET_IV_SZ);
        memset(mac, 0, WOLFSSL_TICKET_MAC_SZ);
        if (wc_ChaCha20Poly1305_Encrypt(key.secret, iv, name, WOLFSSL_TICKET_NAME_SZ, ticket,
                                        (word32)size, ticket, mac) == 0)
            result = WOLFSSL_TICKET_RET_OK;
    } else if (wc_ChaCha20Poly1305_Decrypt(key.secret, iv, name, WOLFSSL_TICKET_NAME_SZ, ticket,
                                           (word32)size, mac, ticket) == 0) {
        /* TLS 1.3 gives a new ticket in any case, and wolfSSL refuses this answer there. */
        result = old && wolfSSL_version(ssl) != TLS1_3_VERSION ? WOLFSSL_TICKET_RET_CREATE
                                                               : WOLFSSL_TICKET_RET_OK;
    }
    if (result != WOLFSSL_TICKET_RET_REJECT)
        *out_size = size;
    explicit_bzero(&key, sizeof key);
    return result;
}
