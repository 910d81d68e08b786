#include "common/cli/private.h"

#include "common/base/assert.h"

#include <string.h>

enum { INDENT = 28, WIDTH = 100, EXAMPLE_MAX = 256, EXAMPLES_LEAST = 2 };

void cli_put_sentence(struct sl_text *out, const char *text)
{
    char first[2] = {text[0]};
    sl_text_upper(first);
    sl_text_puts(out, first);
    sl_text_puts(out, text[0] ? text + 1 : "");
}

void cli_option_form(struct sl_text *out, const struct sl_option *row)
{
    if (row->letter)
        sl_text_printf(out, "-%c, ", row->letter);
    sl_text_printf(out, "--%s", row->name);
    if (row->type != SL_OPT_FLAG)
        sl_text_printf(out, "=%s", row->arg ? row->arg : "VALUE");
}

void cli_option_notes(struct sl_text *out, const struct sl_option *row)
{
    if (row->type == SL_OPT_WORD) {
        sl_text_puts(out, " (");
        sl_option_words(out, row->words);
        sl_text_puts(out, ")");
    }
    if (row->fallback)
        sl_text_printf(out, " (default: %s)", row->fallback);
    if (row->type == SL_OPT_STRINGS)
        sl_text_puts(out, " (repeatable)");
}

/* ---- examples ---------------------------------------------------------------------------------------------------- */

static size_t print_pairs(const char *const *pairs, size_t count, const char *only,
                          void (*print)(FILE *out, const char *command, const char *what), FILE *out)
{
    size_t printed = 0;
    for (size_t i = 0; i + 1 < count && pairs[i]; i += 2) {
        if (only && !strstr(pairs[i], only))
            continue;
        print(out, pairs[i], pairs[i + 1]);
        printed++;
    }
    return printed;
}

/* The command that begins the examples of a verb, or NULL. */
static const char *first_example(const struct cli_program *program, const struct cli_verb *verb, const char *named)
{
    if (verb->examples[0])
        return verb->examples[0];
    for (size_t i = 0; i < SL_COUNT(program->examples) && program->examples[i]; i += 2)
        if (strstr(program->examples[i], named))
            return program->examples[i];
    return NULL;
}

void cli_each_example(const struct cli_program *program, const struct cli_verb *verb,
                      void (*print)(FILE *out, const char *command, const char *what), FILE *out)
{
    if (!verb || !verb->name[0]) {
        print_pairs(program->examples, SL_COUNT(program->examples), NULL, print, out);
        return;
    }
    char synopsis[EXAMPLE_MAX], json[EXAMPLE_MAX], named[CLI_TYPED_MAX];
    snprintf(named, sizeof named, " %s", verb->name);
    snprintf(synopsis, sizeof synopsis, "%s%s%s%s", program->name, named, verb->args[0] ? " " : "", verb->args);
    const char *first = first_example(program, verb, named);
    size_t printed = print_pairs(verb->examples, SL_COUNT(verb->examples), NULL, print, out);
    if (printed < EXAMPLES_LEAST)
        printed += print_pairs(program->examples, SL_COUNT(program->examples), named, print, out);
    if (!first) {
        print(out, synopsis, verb->summary);
        first = synopsis;
        printed++;
    }
    if (printed < EXAMPLES_LEAST) {
        snprintf(json, sizeof json, "%s --json%s", program->name, first + strcspn(first, " "));
        print(out, json, "The same as a JSON document");
    }
}

/* ---- help for people --------------------------------------------------------------------------------------------- */

/* Text from column `indent` on, wrapped between words. */
static void print_wrapped(FILE *out, const char *text, size_t indent)
{
    for (size_t column = indent; *text;) {
        size_t word = strcspn(text, " ");
        if (column > indent && column + word >= WIDTH) {
            fprintf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        fprintf(out, "%s%.*s", column > indent ? " " : "", (int)word, text);
        column += word + (column > indent);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

/* Paragraphs are parted by an empty line. */
static void print_paragraphs(FILE *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        struct sl_text paragraph = sl_text_new(CLI_TEXT_LIMIT);
        sl_text_printf(&paragraph, "%.*s", (int)len, text);
        fputc('\n', out);
        print_wrapped(out, sl_text_str(&paragraph), 0);
        sl_text_fini(&paragraph);
        text += len + (end ? 2 : 0);
    }
}

static void print_row(FILE *out, const char *left, const char *right)
{
    struct sl_text sentence = sl_text_new(CLI_TEXT_LIMIT);
    cli_put_sentence(&sentence, right);
    if (strlen(left) + 4 > INDENT)
        fprintf(out, "  %s\n%*s", left, INDENT, "");
    else
        fprintf(out, "  %-*s", INDENT - 2, left);
    print_wrapped(out, sl_text_str(&sentence), INDENT);
    sl_text_fini(&sentence);
}

static void print_option(FILE *out, const struct sl_option *row)
{
    struct sl_text left = sl_text_new(CLI_TEXT_LIMIT), right = sl_text_new(CLI_TEXT_LIMIT);
    sl_text_puts(&left, row->letter ? "" : "    ");
    cli_option_form(&left, row);
    sl_text_puts(&right, row->help);
    cli_option_notes(&right, row);
    print_row(out, sl_text_str(&left), sl_text_str(&right));
    sl_text_fini(&left);
    sl_text_fini(&right);
}

static void print_options(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
    struct cli_rows groups[CLI_ROW_GROUPS];
    cli_row_groups(program, NULL, verb, groups);
    for (size_t g = 0; g < CLI_ROW_GROUPS; g++) {
        if (groups[g].count > 0)
            fprintf(out, "\n%s:\n", groups[g].title);
        for (size_t i = 0; i < groups[g].count; i++)
            print_option(out, &groups[g].rows[i]);
    }
    print_row(out, "-h, --help[=FORM]", "Show this help, or write it as man, bash, zsh or fish");
    print_row(out, "    --version", "Show the version");
}

static void print_verbs(FILE *out, const struct cli_program *program, const char *typed)
{
    fprintf(out, "\nVerbs:\n");
    for (size_t i = 0; i < program->verb_count; i++) {
        const char *rest;
        char left[EXAMPLE_MAX];
        const struct cli_verb *verb = &program->verbs[i];
        if (!cli_verb_begins(verb, typed, &rest))
            continue;
        snprintf(left, sizeof left, "%s%s%s", verb->name, verb->args[0] ? " " : "", verb->args);
        print_row(out, left, verb->summary);
    }
}

static void print_example(FILE *out, const char *command, const char *what)
{
    struct sl_text sentence = sl_text_new(CLI_TEXT_LIMIT);
    cli_put_sentence(&sentence, what);
    fprintf(out, "  %s\n      %s\n", command, sl_text_str(&sentence));
    sl_text_fini(&sentence);
}

static void print_usage(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
    struct sl_text line = sl_text_new(CLI_TEXT_LIMIT);
    bool named = verb && verb->name[0];
    sl_text_printf(&line, "Usage: %s [OPTION...] ", program->name);
    if (verb)
        sl_text_printf(&line, "%s%s%s", verb->name, named && verb->args[0] ? " " : "", verb->args);
    else
        sl_text_puts(&line, "VERB [ARGUMENT...]");
    while (line.len > 0 && line.data[line.len - 1] == ' ')
        line.data[--line.len] = '\0';
    sl_text_puts(&line, "\n");
    cli_put_sentence(&line, named ? verb->summary : program->summary);
    fprintf(out, "%s.\n", sl_text_str(&line));
    sl_text_fini(&line);
}

void cli_print_help(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed)
{
    print_usage(out, program, verb);
    if (verb && verb->detail)
        print_paragraphs(out, verb->detail);
    if (!verb) {
        print_verbs(out, program, typed);
        fprintf(out, "\n\"%s VERB --help\" shows the options of a verb.\n", program->name);
    }
    print_options(out, program, verb);
    fprintf(out, "\nExamples:\n");
    cli_each_example(program, verb, print_example, out);
}
