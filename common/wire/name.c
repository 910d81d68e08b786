#include "common/wire/name.h"

#include <stdio.h>
#include <string.h>

enum { CODED_LEN = 2 * NB_NAME_LEN, POINTER = 0xc0, TEXT_LEN = NB_NAME_LEN - 1 };

static void pad(struct nb_name *name, size_t len)
{
    bool wildcard = len == 1 && name->octets[0] == '*';
    memset(name->octets + len, wildcard ? 0 : ' ', TEXT_LEN - len);
}

bool nb_name_make(const char *text, uint8_t suffix, struct nb_name *ret_name)
{
    size_t len = strlen(text);
    if (len > TEXT_LEN)
        return false;
    memcpy(ret_name->octets, text, len);
    pad(ret_name, len);
    ret_name->octets[TEXT_LEN] = suffix;
    ret_name->scope_len = 0;
    return true;
}

bool nb_name_equal(const struct nb_name *a, const struct nb_name *b)
{
    return memcmp(a->octets, b->octets, NB_NAME_LEN) == 0 && a->scope_len == b->scope_len &&
           memcmp(a->scope, b->scope, a->scope_len) == 0;
}

bool nb_name_is_wildcard(const struct nb_name *name)
{
    static const uint8_t wildcard[TEXT_LEN] = {'*'};
    return memcmp(name->octets, wildcard, TEXT_LEN) == 0;
}

/* --- text ----------------------------------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int hex_octet(const char *text)
{
    int high = hex_digit(text[0]);
    int low = high < 0 ? -1 : hex_digit(text[1]);
    return low < 0 ? -1 : high * 16 + low;
}

/* One octet at *p, plain or \xNN; *p moves behind it. -1 when it is neither. */
static int text_octet(const char **p)
{
    const unsigned char c = (unsigned char)**p;
    if (c != '\\') {
        (*p)++;
        return c >= 0x20 && c != 0x7f ? c : -1;
    }
    int octet = (*p)[1] == 'x' ? hex_octet(*p + 2) : -1;
    *p += octet < 0 ? 1 : 4;
    return octet;
}

static enum sl_status parse_scope(const char *text, const char *p, struct nb_name *name, struct sl_error *e)
{
    size_t len = 0;
    size_t label = 0;
    while (*p) {
        bool dot = *p == '.';
        int octet = text_octet(&p);
        if (octet <= 0 || (octet == '.' && !dot))
            return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\", column %d: not an octet of a scope", text, (int)(p - text));
        if (dot ? label == 0 || !*p : label == NB_LABEL_MAX)
            return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\", column %d: scope labels have 1 to %d octets", text, (int)(p - text),
                           NB_LABEL_MAX);
        if (len == NB_SCOPE_READ)
            return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\": the scope is longer than %d octets", text, NB_SCOPE_READ);
        name->scope[len++] = (char)octet;
        label = dot ? 0 : label + 1;
    }
    name->scope_len = (uint8_t)len;
    return SL_OK;
}

/* The type, and the scope if there is one; any other "#" belongs to the name. */
static bool ends_name(const char *p)
{
    return *p == '#' && hex_octet(p + 1) >= 0 && (!p[3] || (p[3] == '.' && p[4]));
}

enum sl_status nb_name_parse(const char *text, struct nb_name *ret_name, struct sl_error *e)
{
    struct nb_name name = {0};
    const char *p = text;
    size_t len = 0;
    while (*p && !ends_name(p)) {
        int octet = text_octet(&p);
        if (octet < 0)
            return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\", column %d: not an octet (plain or \\xNN)", text, (int)(p - text));
        if (len == TEXT_LEN)
            return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\": more than %d octets before the type", text, TEXT_LEN);
        name.octets[len++] = (uint8_t)octet;
    }
    if (!*p)
        return sl_fail(e, SL_USAGE, "NetBIOS name \"%s\": want NAME#XX or NAME#XX.scope, XX being the type in hexadecimal", text);
    pad(&name, len);
    name.octets[TEXT_LEN] = (uint8_t)hex_octet(p + 1);
    if (p[3] == '.') {
        enum sl_status s = parse_scope(text, p + 4, &name, e);
        if (s)
            return s;
    }
    *ret_name = name;
    return SL_OK;
}

static char *put_octet(char *p, uint8_t octet)
{
    static const char digits[] = "0123456789abcdef";
    if (octet >= 0x21 && octet <= 0x7e && !strchr("#.\\", octet)) {
        *p++ = (char)octet;
        return p;
    }
    *p++ = '\\';
    *p++ = 'x';
    *p++ = digits[octet >> 4];
    *p++ = digits[octet & 15];
    return p;
}

/* Octets that the text form shows: all but the padding; "*" padded with blanks keeps one, since "*" alone is padded with NULs. */
static size_t shown_len(const struct nb_name *name)
{
    if (nb_name_is_wildcard(name))
        return 1;
    size_t len = TEXT_LEN;
    while (len > 0 && name->octets[len - 1] == ' ')
        len--;
    return len == 1 && name->octets[0] == '*' ? 2 : len;
}

bool nb_name_has_lower(const struct nb_name *name)
{
    for (size_t i = 0; i + 1 < NB_NAME_LEN; i++)
        if (name->octets[i] >= 'a' && name->octets[i] <= 'z')
            return true;
    return false;
}

struct nb_name_text nb_name_text(const struct nb_name *name)
{
    struct nb_name_text t;
    char *p = t.text;
    size_t len = shown_len(name);
    for (size_t i = 0; i < len; i++)
        p = put_octet(p, name->octets[i]);
    p += snprintf(p, 4, "#%02X", nb_name_suffix(name));
    if (name->scope_len)
        *p++ = '.';
    for (size_t i = 0; i < name->scope_len; i++) {
        if (name->scope[i] == '.')
            *p++ = '.';
        else
            p = put_octet(p, (uint8_t)name->scope[i]);
    }
    *p = '\0';
    return t;
}

/* --- wire ----------------------------------------------------------------------------------------------------------- */

/* First level: each octet is two letters, 'A' + nibble. */
static void get_coded(struct nb_cursor *c, uint8_t octets[NB_NAME_LEN])
{
    const uint8_t *letters = nb_take(c, CODED_LEN);
    if (!letters)
        return;
    for (size_t i = 0; i < NB_NAME_LEN; i++) {
        uint8_t high = (uint8_t)(letters[2 * i] - 'A');
        uint8_t low = (uint8_t)(letters[2 * i + 1] - 'A');
        if (high > 15 || low > 15) {
            c->failed = true;
            return;
        }
        octets[i] = (uint8_t)(high << 4 | low);
    }
}

static void get_scope_label(struct nb_cursor *c, uint8_t len, struct nb_name *name)
{
    size_t dot = name->scope_len ? 1 : 0;
    const uint8_t *label = nb_take(c, len);
    if (!label || name->scope_len + dot + len > NB_SCOPE_READ || memchr(label, '.', len) || memchr(label, 0, len)) {
        c->failed = true;
        return;
    }
    if (dot)
        name->scope[name->scope_len] = '.';
    memcpy(name->scope + name->scope_len + dot, label, len);
    name->scope_len = (uint8_t)(name->scope_len + dot + len);
}

/*
 * The length octet of the next label. A pointer is followed once, to before `start`; *behind then says where the name goes on.
 * The one jump goes backwards and labels only forwards, so reading ends.
 */
static uint8_t get_label_len(struct nb_cursor *c, size_t start, size_t *behind)
{
    uint8_t len = nb_get8(c);
    if (len >= POINTER) {
        size_t target = (size_t)(len - POINTER) << 8 | nb_get8(c);
        if (c->failed || *behind || target >= start) {
            c->failed = true;
            return 0;
        }
        *behind = c->at;
        c->at = target;
        len = nb_get8(c);
    }
    if (len > NB_LABEL_MAX)
        c->failed = true;
    return c->failed ? 0 : len;
}

void nb_get_name(struct nb_cursor *c, struct nb_name *ret_name)
{
    size_t start = c->at;
    size_t behind = 0;
    ret_name->scope_len = 0;
    if (get_label_len(c, start, &behind) != CODED_LEN)
        c->failed = true;
    get_coded(c, ret_name->octets);
    for (uint8_t len = get_label_len(c, start, &behind); len; len = get_label_len(c, start, &behind))
        get_scope_label(c, len, ret_name);
    if (behind && !c->failed)
        c->at = behind;
}

static void put_scope(struct nb_cursor *c, const char *scope, size_t len)
{
    while (len) {
        const char *dot = memchr(scope, '.', len);
        size_t label = dot ? (size_t)(dot - scope) : len;
        if (label == 0 || label > NB_LABEL_MAX || (dot && label + 1 == len)) {
            c->failed = true;
            return;
        }
        nb_put8(c, (uint8_t)label);
        nb_put(c, scope, label);
        scope += label + (dot ? 1 : 0);
        len -= label + (dot ? 1 : 0);
    }
}

void nb_put_name(struct nb_cursor *c, const struct nb_name *name)
{
    nb_put8(c, CODED_LEN);
    uint8_t *letters = nb_take(c, CODED_LEN);
    if (!letters)
        return;
    for (size_t i = 0; i < NB_NAME_LEN; i++) {
        letters[2 * i] = (uint8_t)('A' + (name->octets[i] >> 4));
        letters[2 * i + 1] = (uint8_t)('A' + (name->octets[i] & 15));
    }
    put_scope(c, name->scope, name->scope_len);
    nb_put8(c, 0);
}
