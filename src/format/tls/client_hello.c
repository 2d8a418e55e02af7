/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/tls/client_hello.h"

enum {
    RECORD_HEADER = 5,
    RECORD_SIZE_MAX = 1 << 14,
    CONTENT_HANDSHAKE = 22,
    MESSAGE_HEADER = 4,
    MESSAGE_CLIENT_HELLO = 1,
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_SIGNATURE_ALGORITHMS = 13,
    EXTENSION_PROTOCOLS = 16,
    EXTENSION_VERSIONS = 43,
};

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "not a TLS ClientHello");
}

static unsigned byte_at(slice s, size_t i)
{
    return (unsigned char)s.data[i];
}

/* Takes a vector whose size stands before it in `width` bytes. */
static bool take_vector(slice *rest, unsigned width, slice *out)
{
    size_t size = 0;
    if (rest->size < width)
        return false;
    for (unsigned i = 0; i < width; i++)
        size = size << 8 | byte_at(*rest, i);
    if (rest->size - width < size)
        return false;
    *out = slice_sub(*rest, width, size);
    *rest = slice_from(*rest, width + size);
    return true;
}

static bool take_u16(slice *rest, unsigned *out)
{
    if (rest->size < 2)
        return false;
    *out = byte_at(*rest, 0) << 8 | byte_at(*rest, 1);
    *rest = slice_from(*rest, 2);
    return true;
}

/* Cipher suites of TLS 1.2 with ECDHE that we may speak: which signature they ask for. */
static void read_suites(slice suites, bool *ecdsa, bool *rsa)
{
    unsigned suite;
    while (take_u16(&suites, &suite)) {
        if (suite == 0xc02b || suite == 0xc02c || suite == 0xcca9 || suite == 0xc023 ||
            suite == 0xc024 || suite == 0xc009 || suite == 0xc00a)
            *ecdsa = true;
        else if (suite == 0xc02f || suite == 0xc030 || suite == 0xcca8 || suite == 0xc027 ||
                 suite == 0xc028 || suite == 0xc013 || suite == 0xc014)
            *rsa = true;
    }
}

static void read_signatures(slice list, bool *ecdsa, bool *rsa)
{
    unsigned scheme;
    while (take_u16(&list, &scheme)) {
        if (scheme == 0x0403 || scheme == 0x0503) /* ecdsa_secp256r1_sha256, secp384r1_sha384 */
            *ecdsa = true;
        else if ((scheme >= 0x0804 && scheme <= 0x0806) || scheme == 0x0401 || scheme == 0x0501 ||
                 scheme == 0x0601)
            *rsa = true;
    }
}

/* RFC 6066 3: ServerNameList with one host_name. */
static error read_server_name(slice body, struct tls_client_hello *hello)
{
    slice list, name;
    if (!take_vector(&body, 2, &list) || body.size || list.size < 1)
        return malformed();
    if (byte_at(list, 0) != 0) /* not a host_name */
        return OK;
    list = slice_from(list, 1);
    if (!take_vector(&list, 2, &name) || name.size == 0 || name.size > 255 ||
        memchr(name.data, 0, name.size))
        return malformed();
    hello->server_name = name;
    return OK;
}

static error read_protocols(slice body, struct tls_client_hello *hello)
{
    slice list, name;
    if (!take_vector(&body, 2, &list) || body.size || list.size == 0)
        return malformed();
    for (slice rest = list; rest.size;)
        if (!take_vector(&rest, 1, &name) || name.size == 0)
            return malformed();
    hello->protocols = list;
    return OK;
}

static error read_versions(slice body, struct tls_client_hello *hello)
{
    slice list;
    unsigned version;
    if (!take_vector(&body, 1, &list) || body.size)
        return malformed();
    hello->version_1_2 = false; /* RFC 8446 4.2.1: this list counts, not legacy_version */
    while (take_u16(&list, &version)) {
        hello->version_1_3 |= version == 0x0304;
        hello->version_1_2 |= version == 0x0303;
    }
    return OK;
}

static error read_message(slice message, struct tls_client_hello *hello)
{
    slice session, suites, compressions, extensions, body, list;
    bool suite_ecdsa = false, suite_rsa = false, has_signatures = false;
    unsigned version, type;
    if (!take_u16(&message, &version) || message.size < 32)
        return malformed();
    hello->version_1_2 = version >= 0x0303;
    message = slice_from(message, 32); /* random */
    if (!take_vector(&message, 1, &session) || !take_vector(&message, 2, &suites) ||
        !take_vector(&message, 1, &compressions))
        return malformed();
    read_suites(suites, &suite_ecdsa, &suite_rsa);
    if (message.size == 0) /* no extensions: RFC 5246 7.4.1.4.1 says SHA-1; nothing we would sign */
        extensions = SLICE_EMPTY;
    else if (!take_vector(&message, 2, &extensions) || message.size)
        return malformed();
    while (extensions.size) {
        if (!take_u16(&extensions, &type) || !take_vector(&extensions, 2, &body))
            return malformed();
        if (type == EXTENSION_SERVER_NAME) {
            TRY(read_server_name(body, hello));
        } else if (type == EXTENSION_PROTOCOLS) {
            TRY(read_protocols(body, hello));
        } else if (type == EXTENSION_VERSIONS) {
            TRY(read_versions(body, hello));
        } else if (type == EXTENSION_SIGNATURE_ALGORITHMS) {
            if (!take_vector(&body, 2, &list) || body.size)
                return malformed();
            has_signatures = true;
            read_signatures(list, &hello->ecdsa, &hello->rsa);
        }
    }
    if (!has_signatures)
        hello->rsa = true;
    /* TLS 1.3 suites name no signature; those of 1.2 do. */
    if (!hello->version_1_3) {
        hello->ecdsa &= suite_ecdsa;
        hello->rsa &= suite_rsa;
    }
    return OK;
}

/* Joins the fragments of the first handshake message in `joined`; `first` is the first fragment. */
static error join(slice records, size_t message_size, struct buffer *joined, size_t *out_wanted)
{
    size_t offset = 0;
    buffer_reset(joined);
    while (joined->size < message_size) {
        slice rest = slice_from(records, offset);
        if (rest.size < RECORD_HEADER) {
            *out_wanted = offset + RECORD_HEADER;
            return OK;
        }
        size_t size = byte_at(rest, 3) << 8 | byte_at(rest, 4);
        if (byte_at(rest, 0) != CONTENT_HANDSHAKE || size == 0 || size > RECORD_SIZE_MAX)
            return malformed();
        if (offset + RECORD_HEADER + size > 2 * TLS_CLIENT_HELLO_SIZE_MAX)
            return error_make(ERROR_LIMIT, "the TLS ClientHello is too long");
        if (rest.size - RECORD_HEADER < size) {
            *out_wanted = offset + RECORD_HEADER + size;
            return OK;
        }
        buffer_add(joined, slice_sub(rest, RECORD_HEADER, size));
        offset += RECORD_HEADER + size;
    }
    TRY(buffer_check(joined));
    *out_wanted = 0;
    return OK;
}

error tls_client_hello_parse(slice records, struct buffer *joined,
                             struct tls_client_hello *out_hello, size_t *out_wanted)
{
    struct tls_client_hello hello = {0};
    if (records.size && byte_at(records, 0) != CONTENT_HANDSHAKE)
        return malformed();
    if (records.size < RECORD_HEADER) {
        *out_wanted = RECORD_HEADER;
        return OK;
    }
    size_t size = byte_at(records, 3) << 8 | byte_at(records, 4);
    if (byte_at(records, 1) != 3 || size < MESSAGE_HEADER || size > RECORD_SIZE_MAX)
        return malformed();
    if (records.size < RECORD_HEADER + MESSAGE_HEADER) {
        *out_wanted = RECORD_HEADER + MESSAGE_HEADER;
        return OK;
    }
    slice first = slice_from(records, RECORD_HEADER);
    size_t message_size =
        MESSAGE_HEADER + (byte_at(first, 1) << 16 | byte_at(first, 2) << 8 | byte_at(first, 3));
    if (byte_at(first, 0) != MESSAGE_CLIENT_HELLO)
        return malformed();
    if (message_size > TLS_CLIENT_HELLO_SIZE_MAX)
        return error_make(ERROR_LIMIT, "the TLS ClientHello is too long");
    size_t wanted = RECORD_HEADER + size;
    if (records.size >= wanted) {
        wanted = 0;
        if (message_size > size) {
            TRY(join(records, message_size, joined, &wanted));
            first = buffer_slice(joined);
        }
    }
    if (wanted == 0) {
        TRY(read_message(slice_sub(first, MESSAGE_HEADER, message_size - MESSAGE_HEADER), &hello));
        *out_hello = hello;
    }
    *out_wanted = wanted;
    return OK;
}

bool tls_client_hello_protocol(slice *rest, slice *out_name)
{
    return rest->size && take_vector(rest, 1, out_name);
}
