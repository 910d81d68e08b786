/* Search filters (RFC 4515) judged over an entry in memory: and, or, not, equality, presence and substrings. */
#include "locator/net/ldapc/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 32, NAME_MAX_LEN = 128 };

/* What is left of a filter, and whether it has been found to be none. */
struct reader {
    const char *at;
    int depth;
    bool bad;
};

static bool judge(struct reader *r, const struct ldapc_entry *entry);

/* Octets stand for themselves or as \XX; '*' only as itself. True with one octet taken. */
static bool take_octet(const char **at, const char *end, uint8_t *ret_octet)
{
    char digits[3] = "";
    size_t got;

    if (*at == end)
        return false;
    if (**at != '\\') {
        *ret_octet = (uint8_t)*(*at)++;
        return true;
    }
    if (end - *at < 3)
        return false;
    memcpy(digits, *at + 1, 2);
    *at += 3;
    return sl_parse_hex(digits, ret_octet, 1, &got);
}

static uint8_t lower(uint8_t octet)
{
    return octet >= 'A' && octet <= 'Z' ? (uint8_t)(octet | 0x20) : octet;
}

/*
 * True when the value is spelled by the pattern [at, end), where a bare '*' stands for anything; ASCII case ignored. A later star
 * makes what an earlier one took final, so nothing is tried twice.
 */
static bool spells(const char *at, const char *end, const struct ldapc_value *value)
{
    const char *star = NULL;
    size_t i = 0, kept = 0;

    while (i < value->len) {
        const char *next = at;
        uint8_t octet;

        if (at < end && *at == '*') {
            star = ++at;
            kept = i;
        } else if (take_octet(&next, end, &octet) && lower(octet) == lower((uint8_t)value->data[i])) {
            at = next;
            i++;
        } else if (star != NULL) {
            at = star;
            i = ++kept;
        } else {
            return false;
        }
    }
    while (at < end && *at == '*')
        at++;
    return at == end;
}

/* "attr=pattern" up to the closing parenthesis. */
static bool judge_item(struct reader *r, const struct ldapc_entry *entry)
{
    size_t len = strcspn(r->at, ")"), name_len = strcspn(r->at, "=<>~:()");
    const char *pattern = r->at + name_len + 1, *end = r->at + len;
    char name[NAME_MAX_LEN];

    if (r->at[name_len] != '=' || name_len == 0 || name_len >= sizeof name || *end != ')') {
        r->bad = true;
        return false;
    }
    memcpy(name, r->at, name_len);
    name[name_len] = '\0';
    r->at = end;
    const struct ldapc_attr *attr = entry != NULL ? ldapc_entry_attr(entry, name) : NULL;

    for (size_t i = 0; attr != NULL && i < attr->count; i++) {
        if (spells(pattern, end, &attr->values[i]))
            return true;
    }
    return false;
}

/* The filters behind '&' or '|'; once it is decided the rest is only read (a NULL entry). */
static bool judge_set(struct reader *r, const struct ldapc_entry *entry, bool all)
{
    bool verdict = all;

    while (*r->at == '(' && !r->bad) {
        bool one = judge(r, verdict == all ? entry : NULL);

        if (verdict == all)
            verdict = one;
    }
    return verdict;
}

static bool judge(struct reader *r, const struct ldapc_entry *entry)
{
    bool verdict;

    if (*r->at != '(' || ++r->depth > DEPTH_MAX) {
        r->bad = true;
        return false;
    }
    r->at++;
    switch (*r->at) {
    case '&':
        r->at++;
        verdict = judge_set(r, entry, true);
        break;
    case '|':
        r->at++;
        verdict = judge_set(r, entry, false);
        break;
    case '!':
        r->at++;
        verdict = !judge(r, entry);
        break;
    default:
        verdict = judge_item(r, entry);
    }
    r->bad = r->bad || *r->at != ')';
    r->depth--;
    r->at += *r->at == ')';
    return verdict && !r->bad;
}

bool ldapc_filter_matches(const char *filter, const struct ldapc_entry *entry, bool *ret_matches)
{
    struct reader r = {.at = filter};
    bool verdict = judge(&r, entry);

    if (r.bad || *r.at != '\0')
        return false;
    *ret_matches = verdict;
    return true;
}
