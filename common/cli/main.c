#include "common/cli/private.h"

#include "common/base/log.h"

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WHO_MAX = 2 * CLI_TYPED_MAX };

const struct sl_option cli_common_options[] = {
    {.name = "json", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, json), .help = "Write one JSON document"},
    {.name = "jsonl", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, jsonl), .help = "Write one JSON object a line"},
    {.name = "csv", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, csv),
     .help = "Write comma-separated values with a header"},
    {.name = "plain", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, plain),
     .help = "Write tab-separated values (the default when not on a terminal)"},
    {.name = "table", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, table),
     .help = "Write an aligned table (the default on a terminal)"},
    {.name = "quiet", .letter = 'q', .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, quiet), .help = "Say less"},
    {.name = "verbose", .letter = 'v', .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, verbose), .help = "Say more"},
    {.name = "no-color", .type = SL_OPT_FLAG, .offset = offsetof(struct cli_common, no_color),
     .help = "Use no colors (also through NO_COLOR in the environment)"},
};
const size_t cli_common_option_count = SL_COUNT(cli_common_options);

bool cli_given(const struct cli_call *call, const char *option)
{
    for (size_t i = 0; i < call->given_count; i++)
        if (strcmp(call->given[i]->name, option) == 0)
            return true;
    return false;
}

enum sl_outcome cli_usage(struct cli_call *call, const char *fmt, ...)
{
    struct sl_error e = {0};
    va_list args;
    va_start(args, fmt);
    sl_vfail(&e, SL_USAGE, fmt, args);
    va_end(args);
    cli_doc_reason(call->doc, "", e.text);
    return SL_OUTCOME_USAGE;
}

enum sl_outcome cli_fail(struct cli_call *call, enum sl_status status, const struct sl_error *e)
{
    struct sl_error whole = {.status = status};
    if (e && e->text[0])
        sl_text_copy(whole.text, sizeof whole.text, e->text);
    if (call->verb->name[0])
        sl_fail_in(&whole, status, "%s", call->verb->name);
    cli_doc_reason(call->doc, "", sl_error_text(&whole));
    return sl_status_outcome(status);
}

void cli_note(struct cli_call *call, const char *fmt, ...)
{
    const struct cli_common *common = call->values;
    if (common->quiet || common->json || common->jsonl || common->csv)
        return;
    struct sl_error e = {0};
    va_list args;
    va_start(args, fmt);
    sl_vfail(&e, SL_OK, fmt, args);
    va_end(args);
    fprintf(stderr, "%s\n", e.text);
}

static enum cli_format format_of(const struct cli_common *common)
{
    const struct {
        bool given;
        enum cli_format format;
    } formats[] = {
        {common->json, CLI_JSON}, {common->jsonl, CLI_JSONL}, {common->csv, CLI_CSV}, {common->plain, CLI_PLAIN},
        {common->table, CLI_TABLE},
    };
    for (size_t i = 0; i < SL_COUNT(formats); i++)
        if (formats[i].given)
            return formats[i].format;
    return CLI_AUTO;
}

static const char *who(char out[WHO_MAX], const struct cli_line *line)
{
    const char *verb = line->call.verb ? line->call.verb->name : line->typed;
    snprintf(out, WHO_MAX, "%s%s%s", line->call.program->name, verb[0] ? " " : "", verb);
    return out;
}

static void point_to_help(const struct cli_line *line)
{
    char name[WHO_MAX];
    fprintf(stderr, "Try \"%s --help\".\n", who(name, line));
}

/* What was written must have arrived: a full disk is a failure, a reader that has enough is not. */
static enum sl_outcome close_output(const struct cli_program *program, enum sl_outcome outcome)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return outcome;
    if (errno == EPIPE)
        return outcome;
    fprintf(stderr, "%s: standard output: %s\n", program->name, strerror(errno));
    return sl_status_outcome(SL_IO);
}

static enum sl_outcome run(struct cli_line *line)
{
    const struct cli_common *common = line->call.values;
    const char *no_color = getenv("NO_COLOR");
    bool color = !common->no_color && !(no_color && no_color[0]);
    line->call.doc = cli_doc_new(stdout, format_of(common), color);
    enum sl_outcome outcome = line->call.verb->run(&line->call);
    cli_doc_finish(line->call.doc, line->call.program->name, outcome, common->quiet);
    if (outcome == SL_OUTCOME_USAGE)
        point_to_help(line);
    cli_doc_free(line->call.doc);
    return outcome;
}

/* Looks at words alone: the line cannot be parsed. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

static enum sl_outcome tell_mistake(const struct cli_line *line, bool json)
{
    char name[WHO_MAX];
    if (json) {
        struct cli_doc *doc = cli_doc_new(stdout, CLI_JSON, false);
        cli_doc_reason(doc, "", sl_error_text(&line->mistake));
        cli_doc_finish(doc, line->call.program->name, SL_OUTCOME_USAGE, true);
        cli_doc_free(doc);
    } else {
        fprintf(stderr, "%s%s: %s\n", sl_log_journal_prefix(SL_LOG_ERROR), who(name, line), sl_error_text(&line->mistake));
    }
    point_to_help(line);
    return SL_OUTCOME_USAGE;
}

static enum sl_outcome print_help(const struct cli_line *line)
{
    static const struct {
        const char *name;
        void (*print)(FILE *out, const struct cli_program *program);
    } writers[] = {{"man", cli_print_man}, {"bash", cli_print_bash}, {"zsh", cli_print_zsh}, {"fish", cli_print_fish}};
    for (size_t i = 0; i < SL_COUNT(writers); i++)
        if (strcmp(writers[i].name, line->help) == 0) {
            writers[i].print(stdout, line->call.program);
            return SL_OUTCOME_OK;
        }
    cli_print_help(stdout, line->call.program, line->call.verb, line->typed);
    return SL_OUTCOME_OK;
}

static enum sl_outcome print_version(const struct cli_line *line)
{
    printf("%s (%s) %s\n", line->call.program->name, PACKAGE_NAME, PACKAGE_VERSION);
    return SL_OUTCOME_OK;
}

int cli_main(const struct cli_program *program, int argc, char **argv)
{
    struct cli_line line;
    enum sl_outcome outcome = SL_OUTCOME_INTERNAL;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write, as on a full disk */
    cli_line_parse(&line, program, argc, argv);
    switch (line.wish) {
    case CLI_RUN:
        outcome = run(&line);
        break;
    case CLI_HELP:
        outcome = print_help(&line);
        break;
    case CLI_VERSION:
        outcome = print_version(&line);
        break;
    case CLI_MISTAKE:
        outcome = tell_mistake(&line, wants_json(argc, argv));
        break;
    }
    outcome = close_output(program, outcome);
    cli_line_fini(&line);
    return sl_outcome_exit(outcome);
}
