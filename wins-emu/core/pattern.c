#include "wins-emu/core/pattern.h"

#include "common/base/text.h"

#include <string.h>

enum sl_status wins_pattern_parse(const char *text, struct wins_pattern *ret_pattern, struct sl_error *e)
{
    struct wins_pattern p = {0};
    const char *hash = strrchr(text, '#');
    size_t len = hash ? (size_t)(hash - text) : 0, suffix_len;
    bool good = hash && len > 0 && len <= WINS_PATTERN_MAX;
    if (good && strcmp(hash + 1, "*") == 0)
        p.any_suffix = true;
    else
        good = good && sl_parse_hex(hash + 1, &p.suffix, sizeof p.suffix, &suffix_len) && suffix_len == 1;
    if (!good)
        return sl_fail(e, SL_USAGE, "\"%s\" is no pattern such as MP_*#1A or WPAD#*", text);
    memcpy(p.text, text, len);
    size_t octets = 0;
    for (const char *c = p.text; *c; c++)
        octets += *c != '*';
    if (octets > NB_NAME_LEN - 1)
        return sl_fail(e, SL_USAGE, "\"%s\" stands for no name: they have %d octets at most", text, NB_NAME_LEN - 1);
    *ret_pattern = p;
    return SL_OK;
}

static bool stands_for(char pattern, uint8_t octet)
{
    bool lower = pattern >= 'a' && pattern <= 'z';
    return pattern == '?' || (uint8_t)pattern == octet || (lower && pattern - 'a' + 'A' == octet);
}

/* Goes back to the last "*" only: linear in the pattern for each octet of the name, whatever the pattern. */
static bool glob(const char *pattern, const uint8_t *octets, size_t len)
{
    const char *star = NULL;
    size_t at = 0, resume = 0;
    while (at < len) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = at;
        } else if (*pattern && stands_for(*pattern, octets[at])) {
            pattern++;
            at++;
        } else if (star) {
            pattern = star;
            at = ++resume;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "*")] == '\0';
}

bool wins_pattern_matches(const struct wins_pattern *p, const struct nb_name *name)
{
    if (!p->any_suffix && p->suffix != nb_name_suffix(name))
        return false;
    size_t len = NB_NAME_LEN - 1;
    while (len > 0 && (name->octets[len - 1] == ' ' || name->octets[len - 1] == '\0'))
        len--;
    return glob(p->text, name->octets, len);
}
