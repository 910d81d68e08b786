#include "common/base/frame.h"

#include <stdint.h>
#include <string.h>

enum { HEAD = 5, LENGTH_FIELD = 4 };

void sl_frame_put(struct sl_text *out, enum sl_frame_kind kind, const char *const *strings, size_t count)
{
    size_t body = 1;
    for (size_t i = 0; i < count; i++)
        body += strlen(strings[i] ? strings[i] : SL_FRAME_NULL) + 1;
    if (body > SL_FRAME_MAX || count > SL_FRAME_STRINGS_MAX) {
        out->failed = true;
        return;
    }
    const uint8_t head[HEAD] = {(uint8_t)(body >> 24), (uint8_t)(body >> 16), (uint8_t)(body >> 8), (uint8_t)body, (uint8_t)kind};
    sl_text_add(out, head, sizeof head);
    for (size_t i = 0; i < count; i++) {
        const char *s = strings[i] ? strings[i] : SL_FRAME_NULL;
        sl_text_add(out, s, strlen(s) + 1);
    }
}

enum sl_status sl_frame_get(const char *octets, size_t len, struct sl_frame *ret_frame, size_t *ret_used, struct sl_error *e)
{
    const uint8_t *p = (const uint8_t *)octets;
    *ret_used = 0;
    if (len < HEAD)
        return SL_OK;
    size_t body = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
    if (body < 1 || body > SL_FRAME_MAX)
        return sl_fail(e, SL_MALFORMED, "control frame of %zu octets", body);
    if (!p[LENGTH_FIELD] || !strchr("QCRSWPE", p[LENGTH_FIELD]))
        return sl_fail(e, SL_MALFORMED, "control frame of unknown kind 0x%02x", p[LENGTH_FIELD]);
    if (len < LENGTH_FIELD + body)
        return SL_OK;
    const char *at = octets + HEAD, *end = octets + LENGTH_FIELD + body;
    if (at < end && end[-1] != '\0')
        return sl_fail(e, SL_MALFORMED, "control frame does not end with NUL");
    ret_frame->kind = p[LENGTH_FIELD];
    for (ret_frame->count = 0; at < end; at += strlen(at) + 1) {
        if (ret_frame->count == SL_FRAME_STRINGS_MAX)
            return sl_fail(e, SL_MALFORMED, "control frame with more than %d strings", SL_FRAME_STRINGS_MAX);
        ret_frame->strings[ret_frame->count++] = at;
    }
    *ret_used = LENGTH_FIELD + body;
    return SL_OK;
}
