/*
 * option.h - one row per option; the same row feeds the command line, the configuration file, --help, the man page and
 * the shell completions.
 *
 * Values live in a plain struct of the program; a row says where (offset) and how (type). Strings and lists in such a
 * struct are owned by it and released by sl_options_fini.
 */
#ifndef SL_COMMON_BASE_OPTION_H
#define SL_COMMON_BASE_OPTION_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_option_type {
    SL_OPT_FLAG,     /* bool, no argument */
    SL_OPT_STRING,   /* char *, NULL when not given and without a default */
    SL_OPT_STRINGS,  /* struct sl_strings, repeatable */
    SL_OPT_INT,      /* int64_t within [min, max] */
    SL_OPT_DURATION, /* int64_t milliseconds within [min, max], text as in sl_parse_duration_ms */
    SL_OPT_WORD,     /* int, index into `words` */
};

/* May stand in the configuration file as well as on the command line. */
#define SL_OPT_IN_FILE 1u
/* SL_OPT_STRING: names a file; sent to a daemon it becomes absolute (remote.h). */
#define SL_OPT_PATH 2u
/* A reload of the configuration file takes it over while the program runs. */
#define SL_OPT_LIVE 4u

struct sl_strings {
    char **items;
    size_t count;
    bool by_default; /* holds the default of an option, which the first given item replaces */
};

struct sl_option {
    const char *name; /* without the dashes; in a file "-" becomes "_" */
    char letter;      /* short form, or 0 */
    enum sl_option_type type;
    size_t offset;           /* of the value in the program's struct */
    const char *arg;         /* name of the argument for help: "ADDR[:PORT]" */
    const char *fallback;    /* default as text, or NULL */
    const char *help;        /* one sentence without a full stop */
    int64_t min, max;        /* SL_OPT_INT and SL_OPT_DURATION; both 0 = no bounds */
    const char *const *words; /* SL_OPT_WORD: NULL-terminated */
    unsigned flags;
    /* SL_OPT_STRING and SL_OPT_STRINGS: SL_USAGE for a text that cannot be understood, or NULL. */
    enum sl_status (*check)(const char *text, struct sl_error *e);
};

/* Sets every value to its default; earlier contents are overwritten, not freed. */
void sl_options_init(const struct sl_option *rows, size_t count, void *values);
/* Frees the strings and lists of the struct. */
void sl_options_fini(const struct sl_option *rows, size_t count, void *values);
/* Parses `text` into the value of one row (NULL for SL_OPT_FLAG). The first SL_OPT_STRINGS item given replaces a default. */
enum sl_status sl_option_set(const struct sl_option *row, void *values, const char *text, struct sl_error *e) SL_MUST;
/* Appends the words of a SL_OPT_WORD as a sentence has them: "a, b or c". */
void sl_option_words(struct sl_text *out, const char *const *words);
/* Exchanges the value of one row between two structs. */
void sl_option_swap(const struct sl_option *row, void *a, void *b);
/* True when the value of one row is the same in both. */
bool sl_option_equal(const struct sl_option *row, const void *a, const void *b);
/* Appends a copy of `item`. */
void sl_strings_add(struct sl_strings *list, const char *item);
/* Frees a list. */
void sl_strings_fini(struct sl_strings *list);

#endif
