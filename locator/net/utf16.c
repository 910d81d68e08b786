#include "locator/net/utf16.h"

#include <stdbool.h>
#include <string.h>

enum { PIECE = 256, EIGHT = 8 };

static void put16(struct sl_text *out, uint32_t unit)
{
    sl_text_add(out, (uint8_t[]){(uint8_t)unit, (uint8_t)(unit >> 8)}, 2);
}

/* Octets of the UTF-8 sequence that `first` starts, 0 when it starts none. */
static size_t utf8_len(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return 2;
    if (first >= 0xe0 && first < 0xf0)
        return 3;
    return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* Decodes one character; false on overlong forms, surrogates, values beyond U+10FFFF, NUL. */
static bool utf8_next(const uint8_t *in, size_t left, size_t *ret_used, uint32_t *ret_char)
{
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    size_t n = utf8_len(in[0]);
    if (!n || n > left)
        return false;
    uint32_t c = n == 1 ? in[0] : in[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((in[i] & 0xc0) != 0x80)
            return false;
        c = c << 6 | (in[i] & 0x3fu);
    }
    if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return false;
    *ret_used = n;
    *ret_char = c;
    return true;
}

/* True when eight octets are ASCII and none of them is NUL. */
static bool is_ascii(const uint8_t octets[EIGHT])
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, octets, sizeof word);
    return ((word | (word - ones)) & ones << 7) == 0;
}

/* Appends the ASCII that a text begins with, which is most of it, eight characters at a time; returns how much that is. */
static size_t put_ascii16(struct sl_text *out, const char *text, size_t len)
{
    uint8_t piece[2 * PIECE];
    size_t n = 0;
    for (; n + EIGHT <= len && n + EIGHT <= PIECE && is_ascii((const uint8_t *)text + n); n += EIGHT)
        for (size_t i = n; i < n + EIGHT; i++) {
            piece[2 * i] = (uint8_t)text[i];
            piece[2 * i + 1] = 0;
        }
    sl_text_add(out, piece, 2 * n);
    return n;
}

enum sl_status ccm_put_utf16(struct sl_text *out, const char *text, size_t len, struct sl_error *e)
{
    sl_text_expect(out, 2 * len);
    for (size_t at = 0; at < len;) {
        size_t used = put_ascii16(out, text + at, len - at);
        uint32_t c;
        at += used;
        if (used > 0)
            continue;
        if (!utf8_next((const uint8_t *)text + at, len - at, &used, &c))
            return sl_fail(e, SL_MALFORMED, "message, octet %zu: not UTF-8", at);
        if (c >= 0x10000) {
            put16(out, 0xd800 + ((c - 0x10000) >> 10));
            put16(out, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            put16(out, c);
        }
        at += used;
    }
    return SL_OK;
}

static void put_utf8(struct sl_text *out, uint32_t c)
{
    uint8_t o[4];
    size_t n = 0;
    if (c < 0x80) {
        o[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        o[n++] = (uint8_t)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        o[n++] = (uint8_t)(0xe0 | c >> 12);
        o[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    } else {
        o[n++] = (uint8_t)(0xf0 | c >> 18);
        o[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        o[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    if (c >= 0x80)
        o[n++] = (uint8_t)(0x80 | (c & 0x3f));
    sl_text_add(out, o, n);
}

/* The counterpart of put_ascii16; what is returned counts characters. */
static size_t put_ascii8(struct sl_text *out, const uint8_t *octets, size_t len)
{
    uint8_t piece[PIECE];
    size_t n = 0;
    while (n + EIGHT <= len / 2 && n + EIGHT <= PIECE) {
        uint8_t upper = 0;
        for (size_t i = n; i < n + EIGHT; i++) {
            piece[i] = octets[2 * i];
            upper |= octets[2 * i + 1];
        }
        if (upper != 0 || !is_ascii(piece + n))
            break;
        n += EIGHT;
    }
    sl_text_add(out, piece, n);
    return n;
}

enum sl_status ccm_get_utf16(const uint8_t *octets, size_t len, const char *what, struct sl_text *out, struct sl_error *e)
{
    if (len % 2)
        return sl_fail(e, SL_MALFORMED, "%s: an odd number of octets is no UTF-16", what);
    sl_text_expect(out, len / 2);
    for (size_t at = 0; at < len; at += 2) {
        at += 2 * put_ascii8(out, octets + at, len - at);
        if (at == len)
            break;
        uint32_t c = (uint32_t)(octets[at] | octets[at + 1] << 8);
        if (!c && at + 2 == len)
            break;
        if (c >= 0xd800 && c < 0xe000) {
            uint32_t low = at + 4 <= len ? (uint32_t)(octets[at + 2] | octets[at + 3] << 8) : 0;
            if (c >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
                return sl_fail(e, SL_MALFORMED, "%s, octet %zu: a surrogate without its other half", what, at);
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
            at += 2;
        }
        if (!c)
            return sl_fail(e, SL_MALFORMED, "%s, octet %zu: NUL inside the text", what, at);
        put_utf8(out, c);
    }
    return sl_text_failed(out) ? sl_fail(e, SL_LIMIT, "%s: larger than %zu octets", what, out->limit) : SL_OK;
}
