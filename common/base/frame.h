/*
 * frame.h - the frames of the control protocol, read and written by both ends.
 *
 * A control socket (a stream) carries frames: u32 length of what follows (big-endian), one octet kind, then strings, each
 * ended by NUL. One request, then any number of answers, the last of which is SL_FRAME_END.
 *
 *   kind                 strings
 *   Q request            verb, then "name=value" for each option, then "" and the positional arguments
 *   C columns            "1" for a single record or "*" for a list, then "name:type" (type: text number bool list)
 *   R row                one string a column; lists join their items with newlines; a string "\x01" stands for null
 *   S step               like R, for the fixed columns of a trace step (cli.h)
 *   W warning            one string
 *   P progress           done, total ("0" = unknown), what
 *   E end                outcome word, reason, message
 */
#ifndef SL_COMMON_BASE_FRAME_H
#define SL_COMMON_BASE_FRAME_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stddef.h>

enum sl_frame_kind {
    SL_FRAME_REQUEST = 'Q',
    SL_FRAME_COLUMNS = 'C',
    SL_FRAME_ROW = 'R',
    SL_FRAME_WARNING = 'W',
    SL_FRAME_PROGRESS = 'P',
    SL_FRAME_END = 'E',
};

enum { SL_FRAME_MAX = 1 << 20, SL_FRAME_STRINGS_MAX = 4096 };

#define SL_FRAME_NULL "\x01"

/* A decoded frame; the strings point into the octets it was read from. */
struct sl_frame {
    enum sl_frame_kind kind;
    size_t count;
    const char *strings[SL_FRAME_STRINGS_MAX];
};

/* Appends a frame to `out`; NULL strings are written as SL_FRAME_NULL. A frame too large marks `out` failed. */
void sl_frame_put(struct sl_text *out, enum sl_frame_kind kind, const char *const *strings, size_t count);
/*
 * Reads the frame at the start of `octets`. *ret_used is 0 when more octets are needed, else the octets it took.
 * SL_MALFORMED: too large, no NUL at the end, unknown kind, too many strings.
 */
enum sl_status sl_frame_get(const char *octets, size_t len, struct sl_frame *ret_frame, size_t *ret_used,
                            struct sl_error *e) SL_MUST;

#endif
