#include "common/files/ldif.h"
#include "common/files/zone.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* RFC 2849, SAFE-STRING; a blank at the end is better told in base64 too. */
static bool is_safe(const char *data, size_t len)
{
    if (len > 0 && (strchr(" :<", data[0]) != NULL || data[len - 1] == ' '))
        return false;
    for (size_t i = 0; i < len; i++)
        if (data[i] == '\0' || data[i] == '\n' || data[i] == '\r' || (unsigned char)data[i] > 0x7f)
            return false;
    return true;
}

/* RFC 4648. */
static void put_base64(struct sl_text *out, const char *data, size_t len)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        uint32_t three = (uint32_t)(uint8_t)data[i] << 16;
        three |= i + 1 < len ? (uint32_t)(uint8_t)data[i + 1] << 8 : 0;
        three |= i + 2 < len ? (uint32_t)(uint8_t)data[i + 2] : 0;
        const char four[] = {digits[three >> 18], digits[three >> 12 & 63], i + 1 < len ? digits[three >> 6 & 63] : '=',
                             i + 2 < len ? digits[three & 63] : '='};
        sl_text_add(out, four, sizeof four);
    }
}

void ff_ldif_put(struct sl_text *out, const char *attr, const char *data, size_t len)
{
    bool safe = is_safe(data, len);
    sl_text_printf(out, "%s%s", attr, len == 0 ? ":" : safe ? ": " : ":: ");
    if (safe)
        sl_text_add(out, data, len);
    else
        put_base64(out, data, len);
    sl_text_puts(out, "\n");
}

void ff_zone_put_srv(struct sl_text *out, const struct ff_zone_record *record)
{
    sl_text_printf(out, "%s. %" PRId64 " IN SRV %u %u %u %s.\n", record->owner, record->ttl_s, record->priority, record->weight,
                   record->port, record->target);
}
