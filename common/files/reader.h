/*
 * reader.h - what the readers and writers of the formats share; inside common/files only.
 */
#ifndef SL_COMMON_FILES_READER_H
#define SL_COMMON_FILES_READER_H

#include "common/files/files.h"

#define FF_TIME_MAX (INT64_MAX / 2)

struct ff_reader {
    const struct ff_format *format;
    FILE *in;
    struct ff_place place;
    bool within; /* the line goes on behind what was read last */
    bool standalone; /* may not read other files */
    int depth;
    uint64_t own; /* names of the program that wrote the file, which are not handed out */
    ff_row_fn *fn;
    void *ctx;
    char line[FF_LINE_MAX + 2]; /* the current line without its end */
};

/* Reads the next line into r->line; *ret_more is false at the end of the file. Lines end with LF or CR LF and hold no NUL. */
enum sl_status ff_next_line(struct ff_reader *r, bool *ret_more, struct sl_error *e) SL_MUST;
/* The same up to the end of an object of JSON, if the line goes on behind it: programs write all of them in one. */
enum sl_status ff_next_object(struct ff_reader *r, bool *ret_more, struct sl_error *e) SL_MUST;
/* Hands out a row, once it is what files.h says of its kind. */
enum sl_status ff_emit(struct ff_reader *r, struct ff_row *row, struct sl_error *e) SL_MUST;
/* Reads another file with the settings of `r`, one level deeper. */
enum sl_status ff_include(const struct ff_reader *r, const char *path, struct sl_error *e) SL_MUST;
/* Adds an address to a row; 0.0.0.0 and 255.255.255.255, how groups are spelled, are no machine's and left out. */
enum sl_status ff_add_address(struct ff_row *row, const char *text, struct sl_error *e) SL_MUST;
/* The names that a machine registers: `text` with the types 00, 03 and 20, otherwise as *row. */
enum sl_status ff_emit_machine(struct ff_reader *r, const char *text, const struct ff_row *row, struct sl_error *e) SL_MUST;
/* The next word at *p, cut off with a NUL and *p moved behind it; NULL at the end of the line. Blanks and tabs separate. */
char *ff_word(char **p);
/* "NAME#XX" as in nb_name_text, but blanks and dots as they are, and without the scope. */
void ff_put_name(struct sl_text *out, const struct nb_name *name);
/* The 15 octets before the type in the same way. */
void ff_put_bare_name(struct sl_text *out, const struct nb_name *name);
/* The addresses with `separator` between them; 255.255.255.255 for a normal group. */
void ff_put_addresses(struct sl_text *out, const struct ff_row *row, const char *separator);
/* The kind of a word; -1 when it is none. */
int ff_kind_parse(const char *word);
/* The same of "B", "P", "M", "H". */
int ff_node_parse(const char *word);
/* "B", "P", "M", "H". */
const char *ff_node_word(uint8_t node);
/* Refuses a scope in a format that has no place for it. */
enum sl_status ff_no_scope(const struct ff_row *row, struct sl_error *e) SL_MUST;

typedef enum sl_status ff_read_fn(struct ff_reader *r, struct sl_error *e);
typedef enum sl_status ff_write_fn(struct sl_text *out, const struct ff_row *row, struct sl_error *e);
/* The readers, from where r->in stands to its end. */
ff_read_fn ff_winsdat_read, ff_lmhosts_read, ff_netsh_read, ff_csv_read, ff_json_read;
/* The writers, of one row. */
ff_write_fn ff_winsdat_write, ff_lmhosts_write, ff_netsh_write, ff_csv_write, ff_json_write;

/* One named field of a row as text, for csv and json; `field` is its column. */
enum ff_field { FF_F_NAME, FF_F_KIND, FF_F_NODE, FF_F_STATIC, FF_F_EXPIRES, FF_F_ADDRESSES, FF_FIELD_COUNT };
extern const char *const ff_field_names[];
/* Sets a field from its text, which is used up. */
enum sl_status ff_field_set(struct ff_row *row, enum ff_field field, char *text, struct sl_error *e) SL_MUST;

#endif
