#include "site/http/web.h"

#include <string.h>

/* Decodes one "%XX" whose digits stand at `text`; false when they are none. */
static bool decode_octet(const char *text, size_t len, char *ret_octet)
{
    char pair[3];
    uint8_t octet;
    size_t octets;
    if (len < 2)
        return false;
    memcpy(pair, text, 2);
    pair[2] = '\0';
    if (!sl_parse_hex(pair, &octet, 1, &octets) || octets != 1)
        return false;
    *ret_octet = (char)octet;
    return true;
}

static bool decode(const char *from, size_t len, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = from[i];
        if (c == '%') {
            if (!decode_octet(from + i + 1, len - i - 1, &c))
                return false;
            i += 2;
        }
        if (c == '\0' || used + 1 >= size)
            return false;
        out[used++] = c;
    }
    out[used] = '\0';
    return sl_is_utf8(out);
}

bool web_query_item(const char *query, size_t n, char *out, size_t size)
{
    while (n-- > 0) {
        query = strchr(query, '&');
        if (query == NULL)
            return false;
        query++;
    }
    return decode(query, strcspn(query, "&"), out, size);
}
