/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/tls/x509.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_OCTETS = 0x04,
    DER_OID = 0x06,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_VERSION = 0xa0,    /* [0] of TBSCertificate */
    DER_EXTENSIONS = 0xa3, /* [3] */
    DER_DNS_NAME = 0x82,   /* [2] of GeneralName */
};

struct element {
    uint8_t tag;
    slice whole, content;
};

static error malformed(void)
{
    return error_make(ERROR_MALFORMED, "not a certificate");
}

/* One element off the front of *rest (X.690 8.1, definite lengths, low tags). */
static bool take(slice *rest, struct element *out)
{
    const uint8_t *b = (const uint8_t *)rest->data;
    size_t head = 2, size;
    if (rest->size < 2 || (b[0] & 0x1f) == 0x1f)
        return false;
    size = b[1];
    if (size >= 0x80) {
        unsigned bytes = b[1] & 0x7f;
        if (bytes == 0 || bytes > 4 || rest->size < 2 + bytes)
            return false;
        size = 0;
        for (unsigned i = 0; i < bytes; i++)
            size = size << 8 | b[2 + i];
        head += bytes;
    }
    if (size > rest->size - head)
        return false;
    *out = (struct element){b[0], slice_sub(*rest, 0, head + size), slice_sub(*rest, head, size)};
    *rest = slice_from(*rest, head + size);
    return true;
}

static bool take_tag(slice *rest, uint8_t tag, struct element *out)
{
    slice before = *rest;
    if (take(rest, out) && out->tag == tag)
        return true;
    *rest = before;
    return false;
}

/* The last commonName (2.5.4.3) of a Name. */
static slice find_common_name(slice name)
{
    slice found = SLICE_EMPTY;
    struct element set, pair, oid, value;
    while (take_tag(&name, DER_SET, &set))
        while (take_tag(&set.content, DER_SEQUENCE, &pair))
            if (take_tag(&pair.content, DER_OID, &oid) && take(&pair.content, &value) &&
                slice_equal(oid.content, SLICE("\x55\x04\x03")))
                found = value.content;
    return found;
}

/* RFC 5280 4.2.1.9 */
static bool read_authority(slice value)
{
    struct element sequence, flag;
    return take_tag(&value, DER_SEQUENCE, &sequence) &&
           take_tag(&sequence.content, DER_BOOLEAN, &flag) && flag.content.size == 1 &&
           flag.content.data[0] != 0;
}

static void read_extension(slice content, struct x509 *x509)
{
    struct element oid, critical, value, names;
    if (!take_tag(&content, DER_OID, &oid))
        return;
    (void)take_tag(&content, DER_BOOLEAN, &critical); /* may be absent */
    if (!take_tag(&content, DER_OCTETS, &value))
        return;
    if (slice_equal(oid.content, SLICE("\x55\x1d\x11")) &&
        take_tag(&value.content, DER_SEQUENCE, &names))
        x509->alternative = names.content;
    else if (slice_equal(oid.content, SLICE("\x55\x1d\x13")))
        x509->authority = read_authority(value.content);
}

error x509_parse(slice der, struct x509 *out_x509)
{
    struct x509 x509 = {0};
    struct element certificate, tbs, part, subject, list, extension;
    if (!take_tag(&der, DER_SEQUENCE, &certificate) ||
        !take_tag(&certificate.content, DER_SEQUENCE, &tbs))
        return malformed();
    slice rest = tbs.content;
    (void)take_tag(&rest, DER_VERSION, &part);  /* absent in version 1 */
    if (!take_tag(&rest, DER_INTEGER, &part) || /* serial number */
        !take_tag(&rest, DER_SEQUENCE, &part))  /* signature algorithm */
        return malformed();
    if (!take_tag(&rest, DER_SEQUENCE, &part))
        return malformed();
    x509.issuer = part.whole;
    if (!take_tag(&rest, DER_SEQUENCE, &part) || /* validity */
        !take_tag(&rest, DER_SEQUENCE, &subject) || !take_tag(&rest, DER_SEQUENCE, &part))
        return malformed();
    x509.subject = subject.whole;
    x509.common_name = find_common_name(subject.content);
    x509.key = part.whole;
    while (take(&rest, &part)) /* the unique identifiers come before */
        if (part.tag == DER_EXTENSIONS && take_tag(&part.content, DER_SEQUENCE, &list))
            while (take_tag(&list.content, DER_SEQUENCE, &extension))
                read_extension(extension.content, &x509);
    *out_x509 = x509;
    return OK;
}

bool x509_next_name(slice *rest, slice *out_name)
{
    struct element name;
    while (take(rest, &name)) {
        if (name.tag != DER_DNS_NAME)
            continue;
        *out_name = name.content;
        return true;
    }
    return false;
}

static slice without_dot(slice name)
{
    return slice_ends(name, SLICE(".")) ? slice_sub(name, 0, name.size - 1) : name;
}

static bool name_matches(slice pattern, slice host)
{
    slice label, parent, pattern_label, pattern_parent;
    pattern = without_dot(pattern);
    if (pattern.size == 0 || slice_find_byte(pattern, '\0') >= 0)
        return false;
    if (slice_equal_nocase(pattern, host))
        return true;
    /* "*.example.org", never "*.org" and never "m*.example.org" */
    return slice_cut(pattern, '.', &pattern_label, &pattern_parent) &&
           slice_equal(pattern_label, SLICE("*")) && slice_find_byte(pattern_parent, '.') >= 0 &&
           slice_cut(host, '.', &label, &parent) && label.size &&
           slice_equal_nocase(pattern_parent, parent);
}

bool x509_is_for(const struct x509 *x509, slice host, bool common_name_counts)
{
    slice rest = x509->alternative, name;
    bool named = false;
    host = without_dot(host);
    if (host.size == 0)
        return false;
    while (x509_next_name(&rest, &name)) {
        named = true;
        if (name_matches(name, host))
            return true;
    }
    return common_name_counts && !named && name_matches(x509->common_name, host);
}
