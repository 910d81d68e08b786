#include "config.h"

#include "locator/net/ccm.h"

#include "common/base/random.h"
#include "common/xml/xml.h"
#include "locator/net/mssign.h"
#include "locator/net/utf16.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_TYPE "text/plain; charset=UTF-16"
#define BODY_TYPE "application/octet-stream"

enum { PARTS = 2, PART_HEADERS_MAX = 4096, HEADER_MAX = 64 << 10, BOM_LEN = 2 };
enum { FRAME_MAX = 3 * (CCM_BOUNDARY_MAX + 64) }; /* boundaries and headers around the parts */

static const uint8_t nul[] = {0, 0}, mark[] = {0xff, 0xfe};

/* A stretch of the envelope. */
struct span {
    const uint8_t *at;
    size_t len;
};

void ccm_fini(struct ccm_message *m)
{
    if (!m)
        return;
    free(m->key);
    free(m->body);
    memset(m, 0, sizeof *m);
}

void ccm_new_id(char out[CCM_ID_MAX])
{
    static const char form[] = "{00000000-0000-0000-0000-000000000000}", digits[] = "0123456789ABCDEF";
    uint8_t r[16];
    size_t half = 0;
    sl_random_os(r, sizeof r);
    r[6] = (uint8_t)((r[6] & 0x0f) | 0x40); /* RFC 4122: version 4, random */
    r[8] = (uint8_t)((r[8] & 0x3f) | 0x80);
    memcpy(out, form, sizeof form);
    for (char *c = out; *c != '\0'; c++) {
        if (*c != '0')
            continue;
        *c = digits[half % 2 == 0 ? r[half / 2] >> 4 : r[half / 2] & 0xf];
        half++;
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------- */

static void put_optional(struct sx_writer *w, const char *name, const char *text)
{
    if (text[0])
        sx_put_element(w, name, text);
}

static void put_number_attr(struct sx_writer *w, const char *name, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    sx_put_attr(w, name, text);
}

static void put_header(struct sl_text *out, const struct ccm_message *m, size_t body_len)
{
    char timeout[24];
    (void)snprintf(timeout, sizeof timeout, "%lld", (long long)m->timeout_ms);
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "Msg");
    sx_put_attr(&w, "SchemaVersion", "1.1");
    sx_open(&w, "Body");
    sx_put_attr(&w, "Type", "ByteRange");
    sx_put_attr(&w, "Offset", "0");
    put_number_attr(&w, "Length", body_len);
    sx_close(&w);
    put_optional(&w, "CorrelationID", m->correlation_id);
    sx_put_element(&w, "Hooks", "");
    put_optional(&w, "ID", m->id);
    sx_open(&w, "Payload");
    sx_put_attr(&w, "Type", "inline");
    sx_close(&w);
    sx_put_element(&w, "Priority", "0");
    sx_put_element(&w, "Protocol", "http");
    sx_put_element(&w, "ReplyMode", "Sync");
    put_optional(&w, "ReplyTo", m->reply_to);
    put_optional(&w, "SourceHost", m->source_host);
    put_optional(&w, "SourceID", m->source_id);
    put_optional(&w, "TargetAddress", m->target_address);
    put_optional(&w, "TargetEndpoint", m->target_endpoint);
    put_optional(&w, "TargetHost", m->target_host);
    if (m->timeout_ms)
        sx_put_element(&w, "Timeout", timeout);
    sx_close(&w);
}

static bool occurs(const struct sl_text *in, const char *needle)
{
    return in->len && memmem(in->data, in->len, needle, strlen(needle)) != NULL;
}

/* The first boundary of a fixed series that is in neither part: a body cannot end its own part. */
static void pick_boundary(const struct sl_text *header, const struct sl_text *body, char boundary[CCM_BOUNDARY_MAX + 1])
{
    for (unsigned n = 0;; n++) {
        (void)snprintf(boundary, CCM_BOUNDARY_MAX + 1, "ccm-part-%08x", n);
        if (!occurs(header, boundary) && !occurs(body, boundary))
            return;
    }
}

static enum sl_status make_parts(const struct ccm_message *m, struct sl_text *header, struct sl_text *body, struct sl_error *e)
{
    struct sl_text xml = sl_text_new(HEADER_MAX);
    enum sl_status s = ccm_put_utf16(body, m->body ? m->body : "", m->body_len, e);
    if (s == SL_OK) {
        sl_text_add(body, nul, sizeof nul);
        put_header(&xml, m, body->len);
        sl_text_add(header, mark, sizeof mark);
        s = ccm_put_utf16(header, sl_text_str(&xml), xml.len, e);
    }
    if (s == SL_OK && (sl_text_failed(&xml) || sl_text_failed(header) || sl_text_failed(body)))
        s = sl_fail(e, SL_LIMIT, "message: larger than %d octets", CCM_ENVELOPE_MAX);
    sl_text_fini(&xml);
    return s;
}

static void put_part(struct sl_text *out, const char *boundary, const char *type, const struct sl_text *part)
{
    sl_text_puts(out, "--");
    sl_text_puts(out, boundary);
    sl_text_puts(out, "\r\nContent-Type: ");
    sl_text_puts(out, type);
    sl_text_puts(out, "\r\n\r\n");
    sl_text_add(out, part->data, part->len);
}

enum sl_status ccm_write(const struct ccm_message *m, struct sl_text *out, char content_type[CCM_CONTENT_TYPE_MAX],
                         struct sl_error *e)
{
    struct sl_text header = sl_text_new(CCM_ENVELOPE_MAX), body = sl_text_new(CCM_ENVELOPE_MAX);
    char boundary[CCM_BOUNDARY_MAX + 1];
    enum sl_status s = make_parts(m, &header, &body, e);
    if (s != SL_OK)
        goto done;
    pick_boundary(&header, &body, boundary);
    sl_text_expect(out, header.len + body.len + FRAME_MAX);
    put_part(out, boundary, HEADER_TYPE, &header);
    sl_text_puts(out, "\r\n");
    put_part(out, boundary, BODY_TYPE, &body);
    sl_text_puts(out, "\r\n--");
    sl_text_puts(out, boundary);
    sl_text_puts(out, "--\r\n");
    if (sl_text_failed(out))
        s = sl_fail(e, SL_LIMIT, "message: larger than %zu octets", out->limit);
    else
        (void)snprintf(content_type, CCM_CONTENT_TYPE_MAX, "multipart/mixed; boundary=\"%s\"", boundary);
done:
    sl_text_fini(&header);
    sl_text_fini(&body);
    return s;
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

/* The boundary parameter of a multipart/mixed content type (RFC 2045 5.1). */
static enum sl_status read_boundary(const char *content_type, char ret_boundary[CCM_BOUNDARY_MAX + 1], struct sl_error *e)
{
    static const char type[] = "multipart/mixed", key[] = "boundary=";
    if (!content_type || strncasecmp(content_type, type, sizeof type - 1) != 0)
        return sl_fail(e, SL_MALFORMED, "Content-Type: %s is wanted", type);
    const char *at = strcasestr(content_type, key);
    if (!at)
        return sl_fail(e, SL_MALFORMED, "Content-Type: no boundary");
    at += sizeof key - 1;
    bool quoted = *at == '"';
    at += quoted;
    size_t len = strcspn(at, quoted ? "\"" : "; \t\r\n");
    if (!len || len > CCM_BOUNDARY_MAX || (quoted && at[len] != '"'))
        return sl_fail(e, SL_MALFORMED, "Content-Type: the boundary has 1 to %d characters", CCM_BOUNDARY_MAX);
    memcpy(ret_boundary, at, len);
    ret_boundary[len] = '\0';
    return SL_OK;
}

static const uint8_t *find(struct span in, const char *needle)
{
    return memmem(in.at, in.len, needle, strlen(needle));
}

static struct span rest_from(struct span in, const uint8_t *at)
{
    return (struct span){at, in.len - (size_t)(at - in.at)};
}

/* Takes the next part: `rest` stands after a delimiter. The part's own headers are skipped, its data are returned. */
static enum sl_status take_part(struct span *rest, const char *delimiter, int number, struct span *ret_part, struct sl_error *e)
{
    if (rest->len < 2 || memcmp(rest->at, "\r\n", 2) != 0)
        return sl_fail(e, SL_MALFORMED, "part %d: no line end after the boundary", number);
    struct span heads = {rest->at, rest->len < PART_HEADERS_MAX ? rest->len : PART_HEADERS_MAX};
    const uint8_t *end_of_heads = find(heads, "\r\n\r\n");
    if (!end_of_heads)
        return sl_fail(e, SL_MALFORMED, "part %d: its headers do not end", number);
    struct span data = rest_from(*rest, end_of_heads + 4);
    const uint8_t *end = find(data, delimiter);
    if (!end)
        return sl_fail(e, SL_MALFORMED, "part %d: does not end with the boundary", number);
    *ret_part = (struct span){data.at, (size_t)(end - data.at)};
    *rest = rest_from(data, end + strlen(delimiter));
    return SL_OK;
}

static enum sl_status split(const char *boundary, struct span in, struct span parts[PARTS], struct sl_error *e)
{
    char delimiter[CCM_BOUNDARY_MAX + 5];
    (void)snprintf(delimiter, sizeof delimiter, "\r\n--%s", boundary);
    const uint8_t *first = find(in, delimiter + 2);
    if (!first)
        return sl_fail(e, SL_MALFORMED, "message: the boundary does not occur");
    struct span rest = rest_from(in, first + strlen(delimiter + 2));
    for (int i = 0; i < PARTS; i++) {
        enum sl_status s = take_part(&rest, delimiter, i + 1, &parts[i], e);
        if (s != SL_OK)
            return s;
    }
    return SL_OK;
}

static enum sl_status read_field(struct sx_node *msg, const char *name, char *out, size_t size, struct sl_error *e)
{
    struct sx_node *node = sx_child(msg, name);
    out[0] = '\0';
    if (node && !sl_text_copy(out, size, sx_content(node)))
        return sl_fail(e, SL_MALFORMED, "Msg/%s: longer than %zu octets", name, size - 1);
    return SL_OK;
}

/* Every text of the header: element and place in struct ccm_message. */
static const struct {
    const char *name;
    size_t offset, size;
} fields[] = {
#define FIELD(name, member) {name, offsetof(struct ccm_message, member), sizeof((struct ccm_message *)0)->member}
    FIELD("ID", id),
    FIELD("CorrelationID", correlation_id),
    FIELD("SourceHost", source_host),
    FIELD("SourceID", source_id),
    FIELD("ReplyTo", reply_to),
    FIELD("TargetEndpoint", target_endpoint),
    FIELD("TargetHost", target_host),
    FIELD("TargetAddress", target_address),
#undef FIELD
};

/* The hook of this name, or NULL. */
static struct sx_node *find_hook(struct sx_node *msg, const char *wanted)
{
    struct sx_node *hooks = sx_child(msg, "Hooks"), *h = hooks ? sx_child(hooks, NULL) : NULL;
    for (; h; h = sx_next(h, NULL)) {
        const char *name = sx_attr(h, "Name");
        if (name && sl_text_iequal(name, wanted))
            return h;
    }
    return NULL;
}

/* The second part: as it came, and what the header says that it is. */
struct payload {
    struct span part;
    struct span body; /* within the part, or within `inflated` */
    ccm_inflate_fn *inflate;
    struct sl_text inflated;
};

/* Decompresses the part when the header says that it is compressed. */
static enum sl_status unpack(struct sx_node *msg, struct payload *p, struct sl_error *e)
{
    p->body = p->part;
    if (!find_hook(msg, "zlib-compress"))
        return SL_OK;
    if (!p->inflate)
        return sl_fail(e, SL_UNSUPPORTED, "Msg/Hooks: the body is compressed (zlib-compress), which is not supported");
    enum sl_status s = p->inflate(p->part.at, p->part.len, &p->inflated, e);
    p->body = (struct span){(const uint8_t *)sl_text_str(&p->inflated), p->inflated.len};
    return s == SL_OK ? s : sl_fail_in(e, s, "message body");
}

/* A property of a hook, NULL when absent. */
static const char *property(struct sx_node *hook, const char *wanted)
{
    for (struct sx_node *p = sx_child(hook, "Property"); p; p = sx_next(p, "Property")) {
        const char *name = sx_attr(p, "Name");
        if (name && sl_text_iequal(name, wanted))
            return sx_content(p);
    }
    return NULL;
}

enum sl_status ccm_check_text(const char *key, const char *signature, const char *text, size_t len, struct sl_error *e)
{
    struct sl_text octets = sl_text_new(CCM_ENVELOPE_MAX + 2);
    enum sl_status s = ccm_put_utf16(&octets, text, len, e);
    size_t plain = octets.len;
    sl_text_add(&octets, nul, sizeof nul);
    if (s == SL_OK)
        s = mssign_check(key, signature, octets.data, plain, e);
    if (s == SL_UNTRUSTED)
        s = mssign_check(key, signature, octets.data, octets.len, e);
    sl_text_fini(&octets);
    return s;
}

static enum sl_status check_client_id(const struct ccm_message *m, const char *key, const char *signature, struct sl_error *e)
{
    enum sl_status s = ccm_check_text(key, signature, m->source_id, strlen(m->source_id), e);
    return s == SL_OK ? s : sl_fail_in(e, s, "clientauth, ClientIDSignature");
}

/* Over the body, or, where that is compressed, over the part as it came: no source says which, and either vouches for it. */
static enum sl_status check_payload(const char *key, const char *signature, const struct payload *p, struct sl_error *e)
{
    enum sl_status s = mssign_check(key, signature, p->body.at, p->body.len, e);
    if (s == SL_UNTRUSTED && p->inflated.len > 0)
        s = mssign_check(key, signature, p->part.at, p->part.len, e);
    return s == SL_OK ? s : sl_fail_in(e, s, "clientauth, PayloadSignature");
}

/* A message that says it is signed must be signed rightly. */
static enum sl_status check_signatures(struct sx_node *msg, struct ccm_message *m, const struct payload *p, struct sl_error *e)
{
    struct sx_node *hook = find_hook(msg, "clientauth");
    if (!hook)
        return SL_OK;
    const char *how = property(hook, "HashAlgorithm"), *key = property(hook, "PublicKey");
    const char *payload = property(hook, "PayloadSignature"), *client = property(hook, "ClientIDSignature");
    if (how && strcmp(how, MSSIGN_SHA256_RSA) != 0)
        return sl_fail(e, SL_UNSUPPORTED, "clientauth: HashAlgorithm %.64s is not supported", how);
    if (!key || !payload)
        return sl_fail(e, SL_UNTRUSTED, "clientauth: no %s", key ? "PayloadSignature" : "PublicKey");
    enum sl_status s = check_payload(key, payload, p, e);
    if (s == SL_OK && client)
        s = check_client_id(m, key, client, e);
    if (s == SL_OK && !(m->key = strdup(key)))
        return sl_fail(e, SL_NOMEM, "clientauth, PublicKey");
    if (s == SL_OK)
        sl_text_upper(m->key);
    return s;
}

/* Cuts the body to the stretch that Body/@Offset and @Length name. */
static enum sl_status cut_body(struct sx_node *msg, struct span *body, struct sl_error *e)
{
    struct sx_node *node = sx_child(msg, "Body");
    const char *offset = node ? sx_attr(node, "Offset") : NULL, *length = node ? sx_attr(node, "Length") : NULL;
    uint64_t from = 0, len = body->len;
    if ((offset && !sl_parse_u64(offset, body->len, &from)) || (length && !sl_parse_u64(length, body->len, &len)) ||
        len > body->len - from)
        return sl_fail(e, SL_MALFORMED, "Msg/Body: offset and length do not fit the %zu octets of the second part", body->len);
    *body = (struct span){body->at + from, (size_t)len};
    return SL_OK;
}

/*
 * A part as UTF-8, decoded here because libxml2 would print its complaints; *ret_start is behind a byte order mark and an XML
 * declaration, whose encoding would no longer be true.
 */
static enum sl_status part_text(struct span part, const char *what, struct sl_text *out, const char **ret_start,
                                struct sl_error *e)
{
    if (part.len >= BOM_LEN && part.at[0] == 0xff && part.at[1] == 0xfe)
        part = (struct span){part.at + BOM_LEN, part.len - BOM_LEN};
    enum sl_status s = ccm_get_utf16(part.at, part.len, what, out, e);
    const char *start = sl_text_str(out);
    const char *end = strncmp(start, "<?xml", 5) ? NULL : strstr(start, "?>");
    *ret_start = end ? end + 2 : start;
    return s;
}

static enum sl_status read_msg(struct sx_node *msg, struct ccm_message *m, struct payload *p, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    if (strcmp(sx_name(msg), "Msg") != 0)
        return sl_fail(e, SL_MALFORMED, "message header: the element is %.64s, not Msg", sx_name(msg));
    for (size_t i = 0; s == SL_OK && i < SL_COUNT(fields); i++)
        s = read_field(msg, fields[i].name, (char *)m + fields[i].offset, fields[i].size, e);
    struct sx_node *timeout = sx_child(msg, "Timeout");
    if (timeout && !sl_parse_i64(sx_content(timeout), 0, INT32_MAX, &m->timeout_ms))
        m->timeout_ms = 0;
    if (s == SL_OK)
        s = unpack(msg, p, e);
    if (s == SL_OK)
        s = cut_body(msg, &p->body, e);
    return s == SL_OK ? check_signatures(msg, m, p, e) : s;
}

static enum sl_status read_header(struct span header, struct ccm_message *m, struct payload *p, struct sl_error *e)
{
    struct sl_text text = sl_text_new(HEADER_MAX);
    struct sx_doc *doc;
    const char *start;
    enum sl_status s = part_text(header, "message header", &text, &start, e);
    if (s == SL_OK) {
        s = sx_parse(start, strlen(start), SX_STRICT, &doc, e);
        if (s != SL_OK)
            (void)sl_fail_in(e, s, "message header");
    }
    if (s == SL_OK) {
        s = read_msg(sx_root(doc), m, p, e);
        sx_free(doc);
    }
    sl_text_fini(&text);
    return s;
}

static enum sl_status read_body(struct span body, struct ccm_message *m, struct sl_error *e)
{
    struct sl_text text = sl_text_new(CCM_BODY_MAX);
    const char *start;
    enum sl_status s = part_text(body, "message body", &text, &start, e);
    if (s == SL_OK && !(m->body = strdup(start)))
        s = sl_fail(e, SL_NOMEM, "message body");
    if (s == SL_OK)
        m->body_len = strlen(m->body);
    sl_text_fini(&text);
    return s;
}

enum sl_status ccm_read(const char *content_type, const void *octets, size_t len, ccm_inflate_fn *inflate,
                        struct ccm_message *ret_message, struct sl_error *e)
{
    char boundary[CCM_BOUNDARY_MAX + 1];
    struct span parts[PARTS];
    struct ccm_message m = {.body = NULL};
    struct payload payload = {.inflate = inflate, .inflated = sl_text_new(CCM_ENVELOPE_MAX)};
    if (len > CCM_ENVELOPE_MAX)
        return sl_fail(e, SL_LIMIT, "message: larger than %d octets", CCM_ENVELOPE_MAX);
    enum sl_status s = read_boundary(content_type, boundary, e);
    if (s == SL_OK)
        s = split(boundary, (struct span){octets, len}, parts, e);
    if (s == SL_OK)
        payload.part = parts[1];
    if (s == SL_OK)
        s = read_header(parts[0], &m, &payload, e);
    if (s == SL_OK)
        s = read_body(payload.body, &m, e);
    sl_text_fini(&payload.inflated);
    if (s == SL_OK)
        *ret_message = m;
    else
        ccm_fini(&m);
    return s;
}
