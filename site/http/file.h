/*
 * file.h - what part of a file a request asks for (RFC 9110, sections 13 and 14). Pure.
 */
#ifndef SL_SITE_HTTP_FILE_H
#define SL_SITE_HTTP_FILE_H

#include <stdbool.h>
#include <stdint.h>

enum web_part { WEB_WHOLE, WEB_PART, WEB_NO_PART };

/*
 * Reads a Range header against a file of `size` octets: WEB_PART sets *ret_first and *ret_count; WEB_NO_PART when it asks for
 * octets that are not there (416). A header that is malformed, of another unit, or asks for several parts is WEB_WHOLE, as the
 * RFC allows; so is NULL.
 */
enum web_part web_range(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_count);
/* True when a list of entity tags, as in If-None-Match, has `etag` (with its quotes) or is "*". */
bool web_has_etag(const char *header, const char *etag);

#endif
