#include "common/base/text.h"

#include "common/base/assert.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST_CAP = 128 };

static const char hex_digits[] = "0123456789abcdef";

struct sl_text sl_text_new(size_t limit)
{
    return (struct sl_text){.limit = limit};
}

void sl_text_fini(struct sl_text *t)
{
    free(t->data);
    *t = sl_text_new(t->limit);
}

void sl_text_reset(struct sl_text *t)
{
    t->len = 0;
    t->failed = false;
    if (t->data)
        t->data[0] = '\0';
}

bool sl_text_failed(const struct sl_text *t)
{
    return t->failed;
}

const char *sl_text_str(const struct sl_text *t)
{
    return t->data ? t->data : "";
}

char *sl_text_take(struct sl_text *t)
{
    if (t->failed) {
        sl_text_fini(t);
        return NULL;
    }
    char *whole = t->data ? t->data : strdup("");
    *t = sl_text_new(t->limit);
    return whole;
}

static bool reserve(struct sl_text *t, size_t more)
{
    if (t->failed || more > t->limit || t->len > t->limit - more) {
        t->failed = true;
        return false;
    }
    size_t need = t->len + more + 1;
    if (need <= t->cap)
        return true;
    size_t cap = t->cap ? t->cap : TEXT_FIRST_CAP;
    while (cap < need)
        cap *= 2;
    char *grown = realloc(t->data, cap);
    if (!grown) {
        t->failed = true;
        return false;
    }
    grown[t->len] = '\0';
    t->data = grown;
    t->cap = cap;
    return true;
}

void sl_text_expect(struct sl_text *t, size_t more)
{
    if (t->len <= t->limit && more <= t->limit - t->len)
        (void)reserve(t, more);
}

void sl_text_add(struct sl_text *t, const void *octets, size_t len)
{
    bool is_room = !t->failed && len < t->cap - t->len && len <= t->limit - t->len;
    if (!is_room && !reserve(t, len))
        return;
    if (len)
        memcpy(t->data + t->len, octets, len);
    t->len += len;
    t->data[t->len] = '\0';
}

void sl_text_printf(struct sl_text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len >= 0 && reserve(t, (size_t)len)) {
        vsnprintf(t->data + t->len, (size_t)len + 1, fmt, again);
        t->len += (size_t)len;
    }
    va_end(again);
}

size_t sl_utf8_len(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 0; n < SL_COUNT(forms); n++) {
        if ((p[0] & forms[n].mask) != forms[n].lead)
            continue;
        if (n + 1 > left)
            return 0;
        uint32_t code = p[0] & (uint32_t)(unsigned char)~forms[n].mask;
        for (size_t i = 1; i <= n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (p[i] & 0x3fu);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code >= forms[n].min && code <= 0x10ffff && !surrogate ? n + 1 : 0;
    }
    return 0;
}

/* U+0080 to U+009F in UTF-8: control characters, which some terminals obey as they do ESC. */
static bool is_c1(const unsigned char *p)
{
    return p[0] == 0xc2 && p[1] < 0xa0;
}

void sl_text_json(struct sl_text *t, const char *text, size_t len)
{
    sl_text_puts(t, "\"");
    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *)text + i;
        size_t n = sl_utf8_len(text + i, len - i);
        if (n == 0)
            sl_text_puts(t, "\xef\xbf\xbd");
        else if (*p == '"' || *p == '\\')
            sl_text_printf(t, "\\%c", *p);
        else if (*p < 0x20 || *p == 0x7f || is_c1(p))
            sl_text_printf(t, "\\u%04x", is_c1(p) ? p[1] : *p);
        else
            sl_text_add(t, p, n);
        i += n ? n : 1;
    }
    sl_text_puts(t, "\"");
}

bool sl_is_utf8(const char *text)
{
    size_t left = strlen(text), len = 1;
    for (; left > 0 && len > 0; left -= len) {
        len = sl_utf8_len(text, left);
        text += len;
    }
    return len > 0;
}

void sl_text_escape(char *out, size_t out_size, const char *text, size_t len)
{
    sl_assert(out_size > 0);
    size_t o = 0;
    for (size_t i = 0; i < len;) {
        const unsigned char *p = (const unsigned char *)text + i;
        size_t n = sl_utf8_len(text + i, len - i);
        bool plain = n > 0 && *p >= 0x20 && *p != 0x7f && !is_c1(p);
        size_t need = plain ? n : 4;
        if (o + need >= out_size)
            break;
        if (plain)
            memcpy(out + o, p, n);
        else
            memcpy(out + o, (char[4]){'\\', 'x', hex_digits[*p >> 4], hex_digits[*p & 15]}, 4);
        o += need;
        i += plain ? n : 1;
    }
    out[o] = '\0';
}

bool sl_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    if (digits[0] < '0' || digits[0] > '9')
        return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end || value < min || value > max)
        return false;
    *ret_value = value;
    return true;
}

bool sl_parse_u64(const char *text, uint64_t max, uint64_t *ret_value)
{
    if (text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || value > max)
        return false;
    *ret_value = value;
    return true;
}

size_t sl_word_find(const char *const *words, size_t count, const char *word)
{
    size_t i = 0;
    while (i < count && strcmp(words[i], word) != 0)
        i++;
    return i;
}

bool sl_parse_duration_ms(const char *text, int64_t *ret_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 12)
        return false;
    int64_t value = strtoll(text, NULL, 10);
    for (size_t i = 0; i < SL_COUNT(units); i++)
        if (strcmp(text + digits, units[i].unit) == 0)
            return !__builtin_mul_overflow(value, units[i].ms, ret_ms);
    return false;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool sl_parse_hex(const char *text, uint8_t *out, size_t out_size, size_t *ret_len)
{
    size_t len = strlen(text);
    if (len % 2 || len / 2 > out_size)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(text[i]), low = hex_value(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    *ret_len = len / 2;
    return true;
}

static char ascii_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool sl_text_iequal(const char *a, const char *b)
{
    while (*a && ascii_upper(*a) == ascii_upper(*b))
        a++, b++;
    return ascii_upper(*a) == ascii_upper(*b);
}

bool sl_text_copy(char *out, size_t size, const char *text)
{
    if (size == 0)
        return false;
    if (text == NULL)
        text = "";
    size_t len = strnlen(text, size);
    bool fits = len < size;
    len = fits ? len : size - 1;
    memcpy(out, text, len);
    out[len] = '\0';
    return fits;
}

void sl_text_upper(char *text)
{
    for (; *text; text++)
        *text = ascii_upper(*text);
}
