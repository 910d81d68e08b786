/*
 * text.h - growable text with a limit, escaping, and small parsing helpers.
 *
 * struct sl_text is a sticky-error string builder: appending past its limit or without memory marks it failed, every
 * later append does nothing, and one check at the end (sl_text_failed) suffices. It may hold octets including NUL; `data`
 * is always followed by a NUL once anything was appended.
 */
#ifndef SL_COMMON_BASE_TEXT_H
#define SL_COMMON_BASE_TEXT_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sl_text {
    char *data;
    size_t len;
    size_t cap;
    size_t limit;
    bool failed;
};

/* An empty builder that never grows beyond `limit` octets; release with sl_text_fini. */
struct sl_text sl_text_new(size_t limit);
/* Frees the octets; the builder may be thrown away or set again. */
void sl_text_fini(struct sl_text *t);
/* Empties the builder and clears a failure, keeping its memory. */
void sl_text_reset(struct sl_text *t);
/* True when any append did not fit. */
bool sl_text_failed(const struct sl_text *t);
/* The text so far; "" when nothing was appended. Valid until the next append. */
const char *sl_text_str(const struct sl_text *t);
/* Hands the malloc'd, NUL-terminated text to the caller and empties the builder; NULL when it failed. */
char *sl_text_take(struct sl_text *t);
/* Makes room at once for about this many octets more; nothing when they do not fit. */
void sl_text_expect(struct sl_text *t, size_t more);
/* Appends `len` octets. */
void sl_text_add(struct sl_text *t, const void *octets, size_t len);
/* Appends a string; of a literal the compiler knows the length. */
static inline void sl_text_puts(struct sl_text *t, const char *text)
{
    sl_text_add(t, text, strlen(text));
}
/* Appends formatted text. */
void sl_text_printf(struct sl_text *t, const char *fmt, ...) SL_PRINTF(2, 3);
/* Appends a JSON string literal with its quotes; octets that are not valid UTF-8 become U+FFFD. */
void sl_text_json(struct sl_text *t, const char *text, size_t len);

/* The length of the valid UTF-8 sequence at `text` (left > 0), 0 when there is none (RFC 3629: no overlong form, no
 * surrogate). */
size_t sl_utf8_len(const char *text, size_t left);
/* True when all of it is valid UTF-8. */
bool sl_is_utf8(const char *text);
/* Copies text into `out`, control characters and octets above 0x7e that are not UTF-8 written as \xNN; always ends with NUL. */
void sl_text_escape(char *out, size_t out_size, const char *text, size_t len);
/* Parses a whole unsigned decimal number of at most `max`; false when `text` is anything else. */
bool sl_parse_u64(const char *text, uint64_t max, uint64_t *ret_value);
/* Parses a whole signed decimal number within [min, max]; false when `text` is anything else. */
bool sl_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value);
/* Parses a duration such as "250ms", "2s", "10m", "3h", "6d" (no unit: seconds) into milliseconds. */
bool sl_parse_duration_ms(const char *text, int64_t *ret_ms);
/* Decodes an even number of hexadecimal digits; false on anything else or when it does not fit. */
bool sl_parse_hex(const char *text, uint8_t *out, size_t out_size, size_t *ret_len);
/* The index of a word among `count` others, in its very letters; `count` when it is not there. */
size_t sl_word_find(const char *const *words, size_t count, const char *word);
/* ASCII-only case-insensitive comparison, whatever the locale. */
bool sl_text_iequal(const char *a, const char *b);
/* Copies at most size - 1 octets and ends with NUL; false when the text was cut. No text (NULL) is an empty one. */
bool sl_text_copy(char *out, size_t size, const char *text);
/* Upper-cases ASCII letters in place, whatever the locale. */
void sl_text_upper(char *text);

#endif
