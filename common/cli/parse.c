#include "common/cli/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR_TEXT_MAX = 64, NEAR_DISTANCE_MAX = 2 };

/* ---- near misses ------------------------------------------------------------------------------------------------- */

/* Edits that turn one text into the other (Levenshtein), texts cut at NEAR_TEXT_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NEAR_TEXT_MAX + 1], la = strnlen(a, NEAR_TEXT_MAX), lb = strnlen(b, NEAR_TEXT_MAX);
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[lb];
}

void cli_nearest_offer(struct cli_nearest *n, const char *candidate, size_t len)
{
    char cut[CLI_TYPED_MAX];
    snprintf(cut, sizeof cut, "%.*s", (int)len, candidate);
    size_t d = distance(n->typed, cut);
    if (d > NEAR_DISTANCE_MAX || d >= strlen(cut) || (n->best[0] && d >= n->distance))
        return;
    sl_text_copy(n->best, sizeof n->best, cut);
    n->distance = d;
}

/* ---- option rows ------------------------------------------------------------------------------------------------- */

void cli_row_groups(const struct cli_program *program, const struct cli_call *call, const struct cli_verb *verb,
                    struct cli_rows ret_groups[CLI_ROW_GROUPS])
{
    void *values = call ? call->values : NULL;
    ret_groups[0] = (struct cli_rows){.title = verb && !verb->name[0] ? "Options" : "Options of the verb"};
    if (verb) {
        ret_groups[0].rows = verb->options;
        ret_groups[0].count = verb->option_count;
        ret_groups[0].values = call ? call->verb_values : NULL;
    }
    ret_groups[1] = (struct cli_rows){"Options", program->options, program->option_count, values};
    ret_groups[2] = (struct cli_rows){"Common options", cli_common_options, cli_common_option_count, values};
}

static void mistake(struct cli_line *line, const char *fmt, ...) SL_PRINTF(2, 3);

/* The first mistake counts. */
static void mistake(struct cli_line *line, const char *fmt, ...)
{
    if (line->wish != CLI_RUN)
        return;
    va_list args;
    va_start(args, fmt);
    sl_vfail(&line->mistake, SL_USAGE, fmt, args);
    va_end(args);
    line->wish = CLI_MISTAKE;
}

static void mistake_near(struct cli_line *line, const char *what, const char *dashes, const struct cli_nearest *n)
{
    if (n->best[0])
        mistake(line, "%s \"%s%s\"; did you mean \"%s%s\"?", what, dashes, n->typed, dashes, n->best);
    else
        mistake(line, "%s \"%s%s\"", what, dashes, n->typed);
}

/* ---- verbs ------------------------------------------------------------------------------------------------------- */

bool cli_verb_begins(const struct cli_verb *verb, const char *typed, const char **ret_rest)
{
    size_t len = strlen(typed);
    if (strncmp(verb->name, typed, len) != 0)
        return false;
    const char *rest = verb->name + len;
    if (len > 0 && *rest != '\0' && *rest != ' ')
        return false;
    *ret_rest = len > 0 && *rest ? rest + 1 : rest;
    return true;
}

/* The verb of exactly this name, and how many names go on after it. */
static const struct cli_verb *find_verb(const struct cli_program *program, const char *typed, size_t *ret_longer)
{
    const struct cli_verb *exact = NULL;
    const char *rest;
    *ret_longer = 0;
    for (size_t i = 0; i < program->verb_count; i++) {
        if (!cli_verb_begins(&program->verbs[i], typed, &rest))
            continue;
        if (*rest)
            ++*ret_longer;
        else
            exact = &program->verbs[i];
    }
    return exact;
}

static void choose_verb(struct cli_line *line, const struct cli_verb *verb)
{
    line->call.verb = verb;
    if (verb->values_size)
        line->call.verb_values = sl_new(verb->values_size);
    sl_options_init(verb->options, verb->option_count, line->call.verb_values);
}

/* The length of the first words of a name, as many as `typed` has. */
static size_t as_many_words(const char *name, const char *typed)
{
    size_t len = strcspn(name, " ");
    for (; *typed; typed++)
        if (*typed == ' ' && name[len])
            len += 1 + strcspn(name + len + 1, " ");
    return len;
}

static void unknown_verb(struct cli_line *line, const char *typed)
{
    struct cli_nearest nearest = {.typed = typed};
    for (size_t i = 0; i < line->call.program->verb_count; i++) {
        const char *name = line->call.program->verbs[i].name;
        cli_nearest_offer(&nearest, name, as_many_words(name, typed));
    }
    mistake_near(line, "unknown verb", "", &nearest);
}

/* A word before the verb is known: one more word of its name, or the first argument of a verb that is complete. */
static void verb_word(struct cli_line *line, char *word)
{
    const struct cli_program *program = line->call.program;
    char joined[CLI_TYPED_MAX];
    bool fits = (size_t)snprintf(joined, sizeof joined, "%s%s%s", line->typed, line->typed[0] ? " " : "", word) < sizeof joined;
    size_t longer = 0, ignored;
    const struct cli_verb *exact = fits && word[0] ? find_verb(program, joined, &longer) : NULL;
    if (exact || longer) {
        sl_text_copy(line->typed, sizeof line->typed, joined);
        if (exact && !longer)
            choose_verb(line, exact);
        return;
    }
    const struct cli_verb *shorter = line->typed[0] ? find_verb(program, line->typed, &ignored) : NULL;
    if (!shorter) {
        unknown_verb(line, joined);
        return;
    }
    choose_verb(line, shorter);
    line->call.args[line->call.arg_count++] = word;
}

static void no_verb(struct cli_line *line)
{
    struct sl_text names = sl_text_new(SL_ERROR_TEXT_MAX);
    for (size_t i = 0; i < line->call.program->verb_count; i++) {
        const char *rest;
        if (cli_verb_begins(&line->call.program->verbs[i], line->typed, &rest))
            sl_text_printf(&names, "%s%s", names.len ? ", " : "", rest);
    }
    if (line->typed[0])
        mistake(line, "needs one more word: %s", sl_text_str(&names));
    else
        mistake(line, "needs a verb: %s", sl_text_str(&names));
    sl_text_fini(&names);
}

/* At the end of the words, or before an option that only a complete verb can have. */
static void settle_verb(struct cli_line *line)
{
    size_t ignored;
    if (line->call.verb || !line->typed[0])
        return;
    const struct cli_verb *exact = find_verb(line->call.program, line->typed, &ignored);
    if (exact)
        choose_verb(line, exact);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static const struct sl_option *find_row_now(const struct cli_line *line, const char *name, char letter, void **ret_values)
{
    struct cli_rows groups[CLI_ROW_GROUPS];
    cli_row_groups(line->call.program, &line->call, line->call.verb, groups);
    for (size_t g = 0; g < CLI_ROW_GROUPS; g++)
        for (size_t i = 0; i < groups[g].count; i++) {
            const struct sl_option *row = &groups[g].rows[i];
            if (name ? strcmp(row->name, name) == 0 : row->letter == letter) {
                *ret_values = groups[g].values;
                return row;
            }
        }
    return NULL;
}

/* Looks for an option; one that is not known before the verb may end its name. */
static const struct sl_option *find_row(struct cli_line *line, const char *name, char letter, void **ret_values)
{
    const struct sl_option *row = find_row_now(line, name, letter, ret_values);
    if (row || line->call.verb)
        return row;
    settle_verb(line);
    return find_row_now(line, name, letter, ret_values);
}

static void unknown_option(struct cli_line *line, const char *name)
{
    struct cli_rows groups[CLI_ROW_GROUPS];
    struct cli_nearest nearest = {.typed = name};
    cli_row_groups(line->call.program, &line->call, line->call.verb, groups);
    for (size_t g = 0; g < CLI_ROW_GROUPS; g++)
        for (size_t i = 0; i < groups[g].count; i++)
            cli_nearest_offer(&nearest, groups[g].rows[i].name, CLI_TYPED_MAX);
    cli_nearest_offer(&nearest, "help", CLI_TYPED_MAX);
    cli_nearest_offer(&nearest, "version", CLI_TYPED_MAX);
    mistake_near(line, "unknown option", "--", &nearest);
}

static void set_option(struct cli_line *line, const struct sl_option *row, void *values, const char *text)
{
    struct sl_error e = {0};
    if (sl_option_set(row, values, text, &e) != SL_OK) {
        mistake(line, "--%s", sl_error_text(&e));
        return;
    }
    if (cli_given(&line->call, row->name))
        return;
    line->call.given = sl_resize(line->call.given, line->call.given_count + 1, sizeof(*line->call.given));
    line->call.given[line->call.given_count++] = row;
}

static void wish_help(struct cli_line *line, const char *format)
{
    static const char *const formats[] = {"", "man", "bash", "zsh", "fish"};
    size_t i = sl_word_find(formats, SL_COUNT(formats), format);
    if (i == SL_COUNT(formats)) {
        mistake(line, "--help: \"%s\" is not one of man, bash, zsh, fish", format);
        return;
    }
    settle_verb(line);
    line->wish = CLI_HELP;
    line->help = formats[i];
}

/* "--name", "--name=value" or "--name value"; true when `next` was used up. */
static bool long_option(struct cli_line *line, const char *text, const char *next)
{
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : strlen(text);
    char name[CLI_TYPED_MAX];
    snprintf(name, sizeof name, "%.*s", (int)len, text);
    if (strcmp(name, "help") == 0) {
        wish_help(line, equals ? equals + 1 : "");
        return false;
    }
    void *values = NULL;
    const struct sl_option *row = find_row(line, name, 0, &values);
    if (!row && strcmp(text, "version") == 0) { /* a verb may have a version of its own to ask for */
        line->wish = CLI_VERSION;
        return false;
    }
    if (!row)
        unknown_option(line, name);
    else if (row->type == SL_OPT_FLAG && equals)
        mistake(line, "--%s takes no value", name);
    else if (row->type == SL_OPT_FLAG)
        set_option(line, row, values, NULL);
    else if (equals || next)
        set_option(line, row, values, equals ? equals + 1 : next);
    else
        mistake(line, "--%s needs a value: %s", name, row->arg ? row->arg : "VALUE");
    return row && row->type != SL_OPT_FLAG && !equals;
}

/* "-q", "-qv", "-ovalue" or "-o value"; true when `next` was used up. */
static bool short_options(struct cli_line *line, const char *letters, const char *next)
{
    for (; *letters && line->wish == CLI_RUN; letters++) {
        void *values = NULL;
        if (*letters == 'h') {
            wish_help(line, "");
            return false;
        }
        const struct sl_option *row = find_row(line, NULL, *letters, &values);
        if (!row) {
            mistake(line, "unknown option \"-%c\"", *letters);
            return false;
        }
        if (row->type == SL_OPT_FLAG) {
            set_option(line, row, values, NULL);
            continue;
        }
        bool inside = letters[1] != '\0';
        if (inside || next)
            set_option(line, row, values, inside ? letters + 1 : next);
        else
            mistake(line, "-%c needs a value: %s", *letters, row->arg ? row->arg : "VALUE");
        return !inside;
    }
    return false;
}

/* ---- the line ---------------------------------------------------------------------------------------------------- */

/* True when `next` was used up. */
static bool one_word(struct cli_line *line, char *word, const char *next)
{
    if (!line->only_args && strcmp(word, "--") == 0) {
        line->only_args = true;
        return false;
    }
    if (!line->only_args && word[0] == '-' && word[1]) {
        bool is_long = word[1] == '-';
        return is_long ? long_option(line, word + 2, next) : short_options(line, word + 1, next);
    }
    if (line->call.verb)
        line->call.args[line->call.arg_count++] = word;
    else
        verb_word(line, word);
    return false;
}

static void check_args(struct cli_line *line)
{
    const struct cli_verb *verb = line->call.verb;
    if (line->call.arg_count < verb->min_args)
        mistake(line, "needs %s", verb->args);
    else if (verb->max_args >= 0 && line->call.arg_count > verb->max_args)
        mistake(line, "unexpected argument \"%s\"", line->call.args[verb->max_args]);
}

static void check_formats(struct cli_line *line)
{
    const struct cli_common *c = line->call.values;
    if (c->json + c->jsonl + c->csv + c->plain + c->table > 1)
        mistake(line, "only one of --json, --jsonl, --csv, --plain and --table may be given");
}

void cli_line_parse(struct cli_line *line, const struct cli_program *program, int argc, char **argv)
{
    sl_assert(program->values_size >= sizeof(struct cli_common));
    *line = (struct cli_line){.call = {.program = program}};
    line->call.values = sl_new(program->values_size);
    line->call.args = sl_new_array((size_t)argc + 1, sizeof *line->call.args);
    sl_options_init(cli_common_options, cli_common_option_count, line->call.values);
    sl_options_init(program->options, program->option_count, line->call.values);
    if (program->verb_count == 1 && !program->verbs[0].name[0])
        choose_verb(line, &program->verbs[0]);
    for (int i = 1; i < argc && line->wish == CLI_RUN; i++)
        if (one_word(line, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
            i++;
    if (line->wish != CLI_RUN)
        return;
    settle_verb(line);
    if (!line->call.verb) {
        no_verb(line);
        return;
    }
    check_args(line);
    check_formats(line);
}

void cli_line_fini(struct cli_line *line)
{
    const struct cli_call *call = &line->call;
    if (call->verb)
        sl_options_fini(call->verb->options, call->verb->option_count, call->verb_values);
    sl_options_fini(call->program->options, call->program->option_count, call->values);
    free(call->verb_values);
    free(call->values);
    free(call->args);
    free(call->given);
}
