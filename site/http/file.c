#include "site/http/file.h"

#include "common/base/text.h"

#include <string.h>
#include <strings.h>

/* Digits up to `end` as a number; an empty text is *ret_given false. */
static bool position(const char *text, const char *end, uint64_t *ret_value, bool *ret_given)
{
    char digits[24];
    size_t len = (size_t)(end - text);
    *ret_given = len > 0;
    if (len == 0)
        return true;
    if (len >= sizeof digits || strspn(text, "0123456789") < len)
        return false;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return sl_parse_u64(digits, UINT64_MAX, ret_value);
}

enum web_part web_range(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_count)
{
    static const char unit[] = "bytes=";
    uint64_t first = 0, last = 0;
    bool has_first, has_last;
    if (header == NULL || strncasecmp(header, unit, sizeof unit - 1) != 0 || strchr(header, ',') != NULL)
        return WEB_WHOLE;
    const char *from = header + sizeof unit - 1, *dash = strchr(from, '-');
    if (dash == NULL || !position(from, dash, &first, &has_first) || !position(dash + 1, dash + strlen(dash), &last, &has_last) ||
        (!has_first && !has_last) || (has_first && has_last && last < first))
        return WEB_WHOLE;
    if (!has_first) { /* the last octets, all of them when the file is smaller */
        if (last == 0 || size == 0)
            return WEB_NO_PART;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (first >= size) {
        return WEB_NO_PART;
    } else if (!has_last || last >= size) {
        last = size - 1;
    }
    *ret_first = first;
    *ret_count = last - first + 1;
    return WEB_PART;
}

bool web_has_etag(const char *header, const char *etag)
{
    size_t len = strlen(etag);
    if (header == NULL)
        return false;
    for (const char *at = header; *at != '\0';) {
        at += strspn(at, " \t,");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        if (strncmp(at, etag, len) == 0)
            return true;
        at += strcspn(at, ",");
    }
    return false;
}
