/*
 * files.h - registry contents as files: wins.dat, LMHOSTS, netsh scripts, CSV and JSON, read and written.
 *
 * Every format is read into the same neutral row and written from it; ff_formats is the table of them. Reading streams: a file is
 * taken line by line, each row is handed out as it is met, and what is wrong ends it with "FILE:LINE: text". What is read is
 * hostile: lines, addresses and nesting have the limits below.
 *
 * What a format keeps (a row that a format cannot tell at all is not written: SL_UNSUPPORTED):
 *
 *   winsdat  everything but scopes (such rows are refused); static is "never expires"; a multi-homed name with one address reads
 *            as unique. Source: wins.md 5.2 (observed with Samba 4.17).
 *   lmhosts  names and addresses of unique, multi-homed and special groups; all rows read as static, node H. Normal groups and
 *            scopes are refused. Source: wins.md 2.10.
 *   netsh    everything but the expiry of dynamic rows; node M is written as H, which netsh has instead. Source: Microsoft's
 *            netsh reference, "add name".
 *   csv      everything. RFC 4180 with the header name,kind,node,static,expires,addresses; a field stays on its line.
 *   json     everything. An array of flat objects, or one object after the other; keys as the columns of csv.
 *
 * Octets of names that a text cannot show are written \xNN (LMHOSTS: \0xNN). Thread-safe: no state outside the arguments.
 */
#ifndef SL_COMMON_FILES_FILES_H
#define SL_COMMON_FILES_FILES_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/wire/name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ff_kind { FF_UNIQUE, FF_GROUP, FF_SGROUP, FF_MHOMED, FF_KIND_COUNT };

enum {
    FF_ADDRESSES_MAX = 25,  /* of a name, M01 */
    FF_LINE_MAX = 4096,     /* octets of a line, without its end; in json of an object */
    FF_INCLUDE_DEPTH = 8,   /* LMHOSTS files within each other */
    FF_ROWS_MAX = 4000000,  /* of a list */
    FF_ROW_TEXT_MAX = 8192, /* a written row of any format fits */
};

struct ff_row {
    struct nb_name name;
    enum ff_kind kind;
    uint8_t node; /* B, P, M, H as 0 to 3 */
    bool is_static;
    int64_t expires_s; /* real time; 0: static, or not told */
    uint8_t address_count; /* unique: 1; special group, multi-homed: 1 to 25; normal group: 0 (it answers 255.255.255.255) */
    uint32_t addresses[FF_ADDRESSES_MAX];
};

/* Where a row was read. The name lives as long as the call it is given to. */
struct ff_place {
    const char *file;
    unsigned line;
};

/* Takes a row; a failure ends the reading and is reported at its place. */
typedef enum sl_status ff_row_fn(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e);

struct ff_reader;

struct ff_format {
    const char *name;
    const char *extension; /* how the names of such files end, or NULL */
    const char *file_name; /* what such a file is called, or NULL */
    const char *head;      /* written before the first row */
    enum sl_status (*read)(struct ff_reader *reader, struct sl_error *e);
    enum sl_status (*write)(struct sl_text *out, const struct ff_row *row, struct sl_error *e);
};

extern const struct ff_format ff_formats[];
enum { FF_FORMAT_COUNT = 5 };
/* Their names in the same order and NULL, for an option that takes one. */
extern const char *const ff_format_words[];

/* The format of that name, or NULL. */
const struct ff_format *ff_format_find(const char *name);
/* The format that the name of a file tells (its last part, in any case), or NULL. */
const struct ff_format *ff_format_of(const char *path);

/*
 * Reads the file at `path`, "-" for standard input. SL_IO or SL_DENIED when it cannot be read, SL_MALFORMED for what it holds.
 * *ret_own, unless NULL: how many names were not handed out since who wrote the file registers them anew (`S` in wins.dat).
 */
enum sl_status ff_read(const struct ff_format *format, const char *path, ff_row_fn *fn, void *ctx, uint64_t *ret_own,
                       struct sl_error *e) SL_MUST;
/* The same from an open stream, called `name` in errors. #INCLUDE is an error in it. The stream stays open. */
enum sl_status ff_read_stream(const struct ff_format *format, FILE *in, const char *name, ff_row_fn *fn, void *ctx,
                              struct sl_error *e) SL_MUST;
/* Appends a row; SL_UNSUPPORTED, and nothing appended, when the format cannot tell it. */
enum sl_status ff_write(const struct ff_format *format, struct sl_text *out, const struct ff_row *row,
                        struct sl_error *e) SL_MUST;

enum { FF_CELLS = 6 };
/* The row of six cells as in csv, in the order of its header; addresses are separated by blanks or newlines. */
enum sl_status ff_row_of_cells(const char *const cells[FF_CELLS], struct ff_row *ret_row, struct sl_error *e) SL_MUST;
/* "unique", "group", "sgroup", "mhomed". */
const char *ff_kind_word(enum ff_kind kind);

/* ---- lists ------------------------------------------------------------------------------------------------------ */

/* All rows of a file, packed (about 60 octets a row). */
struct ff_list;

/* An empty list; freed with ff_list_free, which accepts NULL. */
struct ff_list *ff_list_new(void);
void ff_list_free(struct ff_list *list);
/* An ff_row_fn for a list as ctx: keeps the row and its line. SL_LIMIT beyond FF_ROWS_MAX. */
enum sl_status ff_list_add(void *list, const struct ff_row *row, const struct ff_place *place, struct sl_error *e) SL_MUST;
/*
 * Sorts by name and joins rows of one name: special groups and multi-homed names by their addresses (LMHOSTS has one a line),
 * equal rows to one. SL_CONFLICT, naming both places, when they do not go together; SL_LIMIT beyond FF_ADDRESSES_MAX.
 */
enum sl_status ff_list_join(struct ff_list *list, struct sl_error *e) SL_MUST;
/* The number of rows. */
size_t ff_list_count(const struct ff_list *list);
/* Row number `at`, and where it stands. */
void ff_list_get(const struct ff_list *list, size_t at, struct ff_row *ret_row, struct ff_place *ret_place);

#endif
