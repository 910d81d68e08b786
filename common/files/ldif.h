/*
 * ldif.h - directory entries in LDIF (RFC 2849), as ldapsearch, slapcat and ldifde write them.
 *
 * Reading streams: each entry is handed out when its last line has been read; what is wrong ends the reading with "FILE:LINE:
 * text". Taken: folded lines, base64 ("attr:: ..."), comments, CR LF, a byte order mark of UTF-8, "version: 1", "changetype: add"
 * (ldifde writes it), continuation references ("ref:") and the closing words of ldapsearch ("search: 2", "result: 0 Success").
 * Refused: values that are named by a URL ("attr:< ..."), since a dump must not make us read other files; changes; lines that are
 * none; UTF-16. Lines, values and entries have the limits below. Thread-safe: no state outside the arguments.
 */
#ifndef SL_COMMON_FILES_LDIF_H
#define SL_COMMON_FILES_LDIF_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
    FF_LDIF_LINE_MAX = 1 << 20,   /* octets of an unfolded line */
    FF_LDIF_ENTRY_MAX = 16 << 20, /* octets of the names and values of an entry */
    FF_LDIF_VALUES_MAX = 65536,   /* of an entry */
};

struct ff_ldif_value {
    const char *attr; /* with its options, as in the file: "member;range=0-1499" */
    const char *data; /* decoded, followed by a NUL that is not counted */
    size_t len;
};

/* An entry; everything in it lives as long as the call it is given to. Values of one attribute need not stand together. */
struct ff_ldif_entry {
    const char *dn;
    const struct ff_ldif_value *values;
    size_t count;
    unsigned line; /* of its dn */
};

/* Takes an entry; a failure ends the reading and is reported with its place. */
typedef enum sl_status ff_ldif_fn(void *ctx, const struct ff_ldif_entry *entry, struct sl_error *e);

/*
 * Reads the file at `path`. *ret_cut is true when ldapsearch noted at the end that the server had not sent everything.
 * SL_IO or SL_DENIED when it cannot be read, SL_MALFORMED or SL_LIMIT for what it holds.
 */
enum sl_status ff_ldif_read(const char *path, ff_ldif_fn *fn, void *ctx, bool *ret_cut, struct sl_error *e) SL_MUST;
/* The same from an open stream, called `name` in errors. The stream stays open. */
enum sl_status ff_ldif_read_stream(FILE *in, const char *name, ff_ldif_fn *fn, void *ctx, bool *ret_cut,
                                   struct sl_error *e) SL_MUST;

/*
 * Appends "attr: value" with its newline, in base64 where the value asks for that; lines are not folded. An entry begins with its
 * "dn" and ends with an empty line.
 */
void ff_ldif_put(struct sl_text *out, const char *attr, const char *data, size_t len);

#endif
