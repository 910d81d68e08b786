#include "common/cli/private.h"

#include "config.h"

#include <string.h>

/* Text as roff takes it literally: backslashes and hyphens escaped, no line that begins like a request. */
static void put(FILE *out, const char *text)
{
    bool at_start = true;
    for (; *text; text++) {
        if (at_start && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\')
            fputs("\\e", out);
        else if (*text == '-')
            fputs("\\-", out);
        else
            fputc(*text, out);
        at_start = *text == '\n';
    }
}

static void put_sentence(FILE *out, const char *text)
{
    struct sl_text sentence = sl_text_new(CLI_TEXT_LIMIT);
    cli_put_sentence(&sentence, text);
    put(out, sl_text_str(&sentence));
    sl_text_fini(&sentence);
}

/* Paragraphs are separated by empty lines. */
static void put_paragraphs(FILE *out, const char *text)
{
    while (*text) {
        const char *end = strstr(text, "\n\n");
        size_t len = end ? (size_t)(end - text) : strlen(text);
        struct sl_text paragraph = sl_text_new(CLI_TEXT_LIMIT);
        sl_text_add(&paragraph, text, len);
        put(out, sl_text_str(&paragraph));
        fputs(end ? "\n.PP\n" : "\n", out);
        sl_text_fini(&paragraph);
        text += len + (end ? 2 : 0);
    }
}

static void put_upper(FILE *out, const char *name)
{
    char upper[CLI_TYPED_MAX];
    sl_text_copy(upper, sizeof upper, name);
    sl_text_upper(upper);
    put(out, upper);
}

static void put_option(FILE *out, const struct sl_option *row)
{
    struct sl_text form = sl_text_new(CLI_TEXT_LIMIT), help = sl_text_new(CLI_TEXT_LIMIT);
    cli_option_form(&form, row);
    cli_put_sentence(&help, row->help);
    cli_option_notes(&help, row);
    fputs(".TP\n.B ", out);
    put(out, sl_text_str(&form));
    fputs("\n", out);
    put(out, sl_text_str(&help));
    if (row->flags & SL_OPT_IN_FILE)
        fputs("; may stand in the configuration file", out);
    fputs(".\n", out);
    sl_text_fini(&form);
    sl_text_fini(&help);
}

static void put_options(FILE *out, const struct sl_option *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_option(out, &rows[i]);
}

static void put_example(FILE *out, const char *command, const char *what)
{
    fputs(".TP\n.B ", out);
    put(out, command);
    fputs("\n", out);
    put_sentence(out, what);
    fputs(".\n", out);
}

static void put_verb(FILE *out, const struct cli_program *program, const struct cli_verb *verb)
{
    fputs(".SS ", out);
    put(out, verb->name);
    fputs(verb->args[0] ? " " : "", out);
    put(out, verb->args);
    fputs("\n", out);
    put_sentence(out, verb->summary);
    fputs(".\n", out);
    if (verb->detail) {
        fputs(".PP\n", out);
        put_paragraphs(out, verb->detail);
    }
    put_options(out, verb->options, verb->option_count);
    if (verb->examples[0])
        cli_each_example(program, verb, put_example, out);
}

static void put_synopsis(FILE *out, const struct cli_program *program)
{
    const struct cli_verb *only = program->verb_count == 1 && !program->verbs[0].name[0] ? &program->verbs[0] : NULL;
    fputs(".SH SYNOPSIS\n.B ", out);
    put(out, program->name);
    fputs("\n[OPTION...] ", out);
    put(out, only ? only->args : "VERB [ARGUMENT...]");
    fputs("\n", out);
}

static void put_exit_status(FILE *out)
{
    fputs(".SH EXIT STATUS\nThe word is the outcome in JSON documents.\n", out);
    for (enum sl_outcome o = 0; o < SL_OUTCOME_COUNT; o++) {
        fprintf(out, ".TP\n.B %d %s\n", sl_outcome_exit(o), sl_outcome_word(o));
        put_sentence(out, sl_outcome_text(o));
        fputs(".\n", out);
    }
}

static void put_section(FILE *out, const char *title, const char *text)
{
    if (!text)
        return;
    fprintf(out, ".SH %s\n", title);
    put_paragraphs(out, text);
}

static void put_all_options(FILE *out, const struct cli_program *program)
{
    fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < program->verb_count; i++)
        if (!program->verbs[i].name[0])
            put_options(out, program->verbs[i].options, program->verbs[i].option_count);
    put_options(out, program->options, program->option_count);
    put_options(out, cli_common_options, cli_common_option_count);
    fputs(".TP\n.B \\-h, \\-\\-help[=FORM]\nShow help, or write it as man, bash, zsh or fish.\n", out);
    fputs(".TP\n.B \\-\\-version\nShow the version.\n", out);
}

void cli_print_man(FILE *out, const struct cli_program *program)
{
    fputs(".TH ", out);
    put_upper(out, program->name);
    fprintf(out, " %s \"\" \"%s %s\"\n.SH NAME\n", program->section, PACKAGE_NAME, PACKAGE_VERSION);
    put(out, program->name);
    fputs(" \\- ", out);
    put(out, program->summary);
    fputs("\n", out);
    put_synopsis(out, program);
    put_section(out, "DESCRIPTION", program->description);
    bool verbs = program->verb_count > 0 && program->verbs[0].name[0];
    if (verbs)
        fputs(".SH VERBS\n", out);
    for (size_t i = 0; verbs && i < program->verb_count; i++)
        put_verb(out, program, &program->verbs[i]);
    put_all_options(out, program);
    put_exit_status(out);
    put_section(out, "FILES", program->files);
    fputs(".SH EXAMPLES\n", out);
    cli_each_example(program, NULL, put_example, out);
    put_section(out, "SEE ALSO", program->see_also);
}
