/*
 * private.h - what the files of common/cli share; nobody else includes it.
 */
#ifndef SL_COMMON_CLI_PRIVATE_H
#define SL_COMMON_CLI_PRIVATE_H

#include "common/base/text.h"
#include "common/cli/cli.h"

#include <stdio.h>

enum { CLI_TYPED_MAX = 128, CLI_TEXT_LIMIT = 1 << 24 };

/* What a command line asks for. */
enum cli_wish { CLI_RUN, CLI_HELP, CLI_VERSION, CLI_MISTAKE };

/* A parsed command line. */
struct cli_line {
    struct cli_call call; /* verb NULL while it is not known */
    enum cli_wish wish;
    const char *help;          /* CLI_HELP: "" or the value of --help=man */
    char typed[CLI_TYPED_MAX]; /* the words that name the verb */
    bool only_args;            /* after "--" */
    struct sl_error mistake;   /* CLI_MISTAKE */
};

/* One group of option rows and the struct that their values live in. */
struct cli_rows {
    const char *title;
    const struct sl_option *rows;
    size_t count;
    void *values; /* NULL outside a call */
};

enum { CLI_ROW_GROUPS = 3 };

/* The groups of a command line, most special first: of the verb (may be NULL), of the program, common to all programs. */
void cli_row_groups(const struct cli_program *program, const struct cli_call *call, const struct cli_verb *verb,
                    struct cli_rows ret_groups[CLI_ROW_GROUPS]);
/* Parses a command line; never fails, a mistake is a wish. Release with cli_line_fini. */
void cli_line_parse(struct cli_line *line, const struct cli_program *program, int argc, char **argv);
/* Frees the values and arguments. */
void cli_line_fini(struct cli_line *line);
/* True when `typed` is a whole-word beginning of the verb's name; *ret_rest is what follows ("" when it is the name). */
bool cli_verb_begins(const struct cli_verb *verb, const char *typed, const char **ret_rest);

/* Of the candidates offered the one that is a small typing mistake away from `typed`; "" when there is none. */
struct cli_nearest {
    const char *typed;
    char best[CLI_TYPED_MAX];
    size_t distance;
};

/* Offers the first `len` octets of a candidate. */
void cli_nearest_offer(struct cli_nearest *n, const char *candidate, size_t len);

/* Help for people: of a verb, or of the program with the verbs that begin with `typed`. */
void cli_print_help(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed);
/* The manual page in the man(7) macros. */
void cli_print_man(FILE *out, const struct cli_program *program);
/* The completion of bash. */
void cli_print_bash(FILE *out, const struct cli_program *program);
/* The completion of zsh. */
void cli_print_zsh(FILE *out, const struct cli_program *program);
/* The completion of fish. */
void cli_print_fish(FILE *out, const struct cli_program *program);

/* Writes the two (or more) examples of a verb or, with NULL, of the program; `print` gets command and explanation. */
void cli_each_example(const struct cli_program *program, const struct cli_verb *verb,
                      void (*print)(FILE *out, const char *command, const char *what), FILE *out);
/* Appends a sentence of a table, which begins as its writer liked, with a capital. */
void cli_put_sentence(struct sl_text *out, const char *text);
/* How an option is written in help: "-o, --option=ARG". */
void cli_option_form(struct sl_text *out, const struct sl_option *row);
/* What stands behind the help of an option: " (default: X)", " (A, B or C)", " (repeatable)". */
void cli_option_notes(struct sl_text *out, const struct sl_option *row);

#endif
