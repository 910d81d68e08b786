/*
 * error.h - the human detail of a failure.
 *
 * A caller that wants to know why passes a struct sl_error; NULL is always accepted. The text is one line without a
 * newline, names the place ("site.conf:12", "question name, octet 3", an attribute or a URI) and is safe to print:
 * control characters are escaped when it is set.
 */
#ifndef SL_COMMON_BASE_ERROR_H
#define SL_COMMON_BASE_ERROR_H

#include "common/base/status.h"

#include <stdarg.h>

enum { SL_ERROR_TEXT_MAX = 512 };

struct sl_error {
    enum sl_status status;
    char text[SL_ERROR_TEXT_MAX];
};

/* Records a failure and returns `status`, so that a caller can write `return sl_fail(e, SL_IO, ...)`. `e` may be NULL. */
enum sl_status sl_fail(struct sl_error *e, enum sl_status status, const char *fmt, ...) SL_PRINTF(3, 4);
/* The same with a va_list. */
enum sl_status sl_vfail(struct sl_error *e, enum sl_status status, const char *fmt, va_list args) SL_PRINTF(3, 0);
/* Puts "context: " in front of a recorded failure and returns its status. */
enum sl_status sl_fail_in(struct sl_error *e, enum sl_status status, const char *fmt, ...) SL_PRINTF(3, 4);
/* The recorded text, or the phrase of the status when none was recorded. */
const char *sl_error_text(const struct sl_error *e);

#endif
