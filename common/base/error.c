#include "common/base/error.h"

#include "common/base/text.h"

#include <stdio.h>
#include <string.h>

enum sl_status sl_vfail(struct sl_error *e, enum sl_status status, const char *fmt, va_list args)
{
    if (e) {
        char raw[SL_ERROR_TEXT_MAX];
        vsnprintf(raw, sizeof raw, fmt, args);
        e->status = status;
        sl_text_escape(e->text, sizeof e->text, raw, strlen(raw));
    }
    return status;
}

enum sl_status sl_fail(struct sl_error *e, enum sl_status status, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    sl_vfail(e, status, fmt, args);
    va_end(args);
    return status;
}

enum sl_status sl_fail_in(struct sl_error *e, enum sl_status status, const char *fmt, ...)
{
    if (e) {
        char context[SL_ERROR_TEXT_MAX], whole[2 * SL_ERROR_TEXT_MAX];
        va_list args;
        va_start(args, fmt);
        vsnprintf(context, sizeof context, fmt, args);
        va_end(args);
        snprintf(whole, sizeof whole, "%s: %s", context, sl_error_text(e));
        e->status = status;
        sl_text_escape(e->text, sizeof e->text, whole, strlen(whole));
    }
    return status;
}

const char *sl_error_text(const struct sl_error *e)
{
    return e->text[0] ? e->text : sl_status_text(e->status);
}
