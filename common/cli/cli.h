/*
 * cli.h - the shape of a command line program: options and verbs as tables, one description of the data, many writers.
 *
 * A program is a struct cli_program: global options, verbs (a verb is one or two words: "find mp"), examples. From it come
 * the parser, --help (of the program and of each verb, ending in two examples), --version, the man page (--help=man) and the
 * completions (--help=bash, --help=zsh, --help=fish); the build runs the programs to make those files.
 *
 * Every program has the common options of cli_common_options in front of its own; its values struct starts with a
 * struct cli_common.
 *
 * Data goes to standard output through a cli_doc; talk goes to standard error. With --json the document is
 *     {"v":1,"outcome":"ok","reason":"","answer":{...} or [...],"steps":[...],"warnings":[...]}
 * (a list is written as it comes, so its "answer" stands before the outcome; "message" is there when there is one; "answer" is
 * null when no columns were declared). Table on a terminal, tab-separated when piped (--plain), one object a line with --jsonl,
 * header and commas with --csv.
 * Control characters are always escaped.
 */
#ifndef SL_COMMON_CLI_CLI_H
#define SL_COMMON_CLI_CLI_H

#include "common/base/error.h"
#include "common/base/option.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_format { CLI_AUTO, CLI_TABLE, CLI_PLAIN, CLI_JSON, CLI_JSONL, CLI_CSV };

/* First member of every program's values struct. */
struct cli_common {
    bool json, jsonl, csv, plain, table;
    bool quiet, verbose, no_color;
};

/* The rows of struct cli_common (offsets from the start of the values struct). */
extern const struct sl_option cli_common_options[];
extern const size_t cli_common_option_count;

struct cli_call;

struct cli_verb {
    const char *name;    /* "list", "find mp"; "" for a program without verbs (a daemon) */
    const char *args;    /* synopsis of the positional arguments: "NAME#XX ADDR..." or "" */
    int min_args, max_args; /* max_args < 0: any number */
    const char *summary; /* one line without a full stop */
    const char *detail;  /* paragraphs for the manual, or NULL */
    const struct sl_option *options; /* of this verb only; their values struct is call->verb_values */
    size_t option_count;
    size_t values_size;  /* size of that struct; 0 without options */
    enum sl_outcome (*run)(struct cli_call *call);
    const char *examples[6]; /* as in cli_program; a verb that cannot be run as its synopsis stands needs one; help adds --json */
};

struct cli_program {
    const char *name;    /* "winsctl" */
    const char *section; /* of the manual: "1" or "8" */
    const char *summary;
    const char *description; /* paragraphs for the manual */
    const struct sl_option *options; /* after the common ones */
    size_t option_count;
    size_t values_size;  /* of the whole values struct, beginning with struct cli_common */
    const struct cli_verb *verbs;
    size_t verb_count;
    const char *examples[24]; /* pairs: command, what it does; at least two pairs, NULL-ended */
    const char *files;    /* paragraph of the manual, or NULL */
    const char *see_also; /* or NULL */
};

struct cli_doc;

struct cli_call {
    const struct cli_program *program;
    const struct cli_verb *verb;
    void *values;      /* the program's values struct */
    void *verb_values; /* the verb's values struct, or NULL */
    char **args;       /* positional arguments */
    int arg_count;
    struct cli_doc *doc;
    /* The option rows that were given on the command line (not by default), each once: ask with cli_given. */
    const struct sl_option **given;
    size_t given_count;
};

/*
 * Parses, runs the verb and finishes its document; returns the exit code for main. Usage mistakes are told on standard
 * error with the nearest help and give 2. SIGPIPE is ignored.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);
/* True when the option of this name was on the command line. */
bool cli_given(const struct cli_call *call, const char *option);
/* For a verb that finds its arguments wrong: records the message, told on standard error in the end; returns SL_OUTCOME_USAGE. */
enum sl_outcome cli_usage(struct cli_call *call, const char *fmt, ...) SL_PRINTF(2, 3);
/* Records outcome from a failed status and its error text (message "verb: text"); returns the outcome. */
enum sl_outcome cli_fail(struct cli_call *call, enum sl_status status, const struct sl_error *e);

/* ---- documents -------------------------------------------------------------------------------------------------- */

enum cli_type { CLI_TEXT, CLI_NUMBER, CLI_BOOL, CLI_LIST };

struct cli_column {
    const char *name; /* JSON key and, in upper case, table heading: "expires_s" */
    enum cli_type type; /* CLI_LIST cells hold items separated by newlines */
};

/* A document on `out_file` (a FILE); with CLI_AUTO the format is a table on a terminal, else plain. Freed by cli_doc_free. */
struct cli_doc *cli_doc_new(void *out_file, enum cli_format format, bool color);
/*
 * Writes what is left: the table, the tail of the JSON document, and on standard error warnings and the outcome (`who` is the
 * program's name; success with a message is told unless `quiet`). cli_main does it for every verb.
 */
void cli_doc_finish(struct cli_doc *doc, const char *who, enum sl_outcome outcome, bool quiet);
/* Frees it; NULL is accepted. */
void cli_doc_free(struct cli_doc *doc);
/*
 * Declares the columns of the answer: one record (`single`, shown as "name: value" lines in a table) or a list. Once, before
 * rows. The columns are copied.
 */
void cli_doc_columns(struct cli_doc *doc, const struct cli_column *columns, size_t count, bool single);
/* Before rows that come over a long time: each is written at once, on a terminal as a line too, not as part of a table. */
void cli_doc_live(struct cli_doc *doc);
/* Writes one row; cells are text in the order of the columns, NULL for null. Streams in every format but table. */
void cli_doc_row(struct cli_doc *doc, const char *const *cells);
/* The columns of a step: source asked result verdict rule ms age_s ttl_s owner trust. */
extern const struct cli_column cli_step_columns[];
enum { CLI_STEP_COLUMNS = 10 };
/*
 * Adds a step of a trace (explain), cells in the order of cli_step_columns. Shown in JSON under "steps", and as a second table in
 * the text formats when cli_doc_show_steps was called.
 */
void cli_doc_step(struct cli_doc *doc, const char *const *cells);
/* Shows the steps in the text formats too. */
void cli_doc_show_steps(struct cli_doc *doc);
/* Adds a warning: JSON "warnings", else standard error. */
void cli_doc_warning(struct cli_doc *doc, const char *text);
/*
 * Records the reason word ("schema-not-extended", or "") and the message for people; printed with the outcome by cli_doc_finish:
 * in JSON as "reason" and "message", else on standard error as "PROGRAM: OUTCOME (reason): message".
 */
void cli_doc_reason(struct cli_doc *doc, const char *reason, const char *message);
/* Talk for people on standard error: nothing with --quiet or a machine format. */
void cli_note(struct cli_call *call, const char *fmt, ...) SL_PRINTF(2, 3);

#endif
