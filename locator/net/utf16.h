/*
 * utf16.h - between UTF-8, which we keep, and UTF-16LE, which the messages of a management point travel in. Pure, any thread.
 */
#ifndef SL_LOCATOR_NET_UTF16_H
#define SL_LOCATOR_NET_UTF16_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

/* Appends UTF-8 as UTF-16LE. SL_MALFORMED: it is none; want of room is sticky in `out`. */
enum sl_status ccm_put_utf16(struct sl_text *out, const char *text, size_t len, struct sl_error *e) SL_MUST;
/*
 * Appends UTF-16LE as UTF-8; one NUL at its end is dropped. `what` is what errors call it. SL_MALFORMED: an odd number of octets,
 * a lone surrogate, any other NUL; SL_LIMIT: it does not fit.
 */
enum sl_status ccm_get_utf16(const uint8_t *octets, size_t len, const char *what, struct sl_text *out,
                             struct sl_error *e) SL_MUST;

#endif
