/*
 * Completions of three shells from the tables. All work alike: from the words typed so far (options and their values left out)
 * follows which words of a verb's name or which options may come next.
 */
#include "common/cli/private.h"

#include <string.h>

/* What is called so may be completed as the name of a file or folder. */
static bool is_file(const char *arg)
{
    return strstr(arg, "FILE") || strstr(arg, "PATH") || strstr(arg, "DIR");
}

static bool names_file(const struct sl_option *row)
{
    return row->arg && is_file(row->arg);
}

/* One line for every verb that takes a file: `before`, its name, `after`. */
static void each_file_verb(FILE *out, const struct cli_program *program, const char *before, const char *after)
{
    for (size_t v = 0; v < program->verb_count; v++) {
        const struct cli_verb *verb = &program->verbs[v];
        if (verb->name[0] && verb->args && is_file(verb->args))
            fprintf(out, "%s%s%s\n", before, verb->name, after);
    }
}

typedef void row_fn(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row);

/* Every option row of the program: the common ones, its own, and those of each verb (`verb` is NULL for the first two). */
static void each_row(FILE *out, const struct cli_program *program, row_fn *fn)
{
    for (size_t i = 0; i < cli_common_option_count; i++)
        fn(out, program, NULL, &cli_common_options[i]);
    for (size_t i = 0; i < program->option_count; i++)
        fn(out, program, NULL, &program->options[i]);
    for (size_t v = 0; v < program->verb_count; v++)
        for (size_t i = 0; i < program->verbs[v].option_count; i++)
            fn(out, program, program->verbs[v].name[0] ? &program->verbs[v] : NULL, &program->verbs[v].options[i]);
}

/* Shell text within single quotes. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    fputc('\'', out);
}

typedef void step_fn(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed,
                     const char *next);

/* True when an earlier verb has the same words up to and including the one that ends at `len`. */
static bool seen(const struct cli_program *program, size_t verb, size_t len)
{
    for (size_t i = 0; i < verb; i++) {
        const char *name = program->verbs[i].name;
        if (strncmp(name, program->verbs[verb].name, len) == 0 && (name[len] == ' ' || name[len] == '\0'))
            return true;
    }
    return false;
}

/* Every word that may come next: after `typed` ("find ", ends in a blank unless empty) follows `next`; the verb is given at its
 * last word. */
static void each_step(FILE *out, const struct cli_program *program, step_fn *fn)
{
    for (size_t v = 0; v < program->verb_count; v++) {
        const char *name = program->verbs[v].name;
        for (size_t from = 0; name[from];) {
            size_t len = strcspn(name + from, " ");
            char typed[CLI_TYPED_MAX], next[CLI_TYPED_MAX];
            snprintf(typed, sizeof typed, "%.*s", (int)from, name);
            snprintf(next, sizeof next, "%.*s", (int)len, name + from);
            bool last = name[from + len] == '\0';
            if (!seen(program, v, from + len))
                fn(out, program, last ? &program->verbs[v] : NULL, typed, next);
            from += len + !last;
        }
    }
}

/* ---- bash -------------------------------------------------------------------------------------------------------- */

static void skip_pattern(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    (void)verb;
    if (row->type == SL_OPT_FLAG)
        return;
    fprintf(out, "|--%s", row->name);
    if (row->letter)
        fprintf(out, "|-%c", row->letter);
}

static void bash_value(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    (void)verb;
    if (row->type == SL_OPT_FLAG)
        return;
    fprintf(out, "        --%s) ", row->name);
    if (row->type == SL_OPT_WORD) {
        fputs("COMPREPLY=($(compgen -W '", out);
        for (size_t i = 0; row->words[i]; i++)
            fprintf(out, "%s%s", i ? " " : "", row->words[i]);
        fputs("' -- \"$cur\")); ", out);
    } else if (names_file(row)) {
        fputs("compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); ", out);
    }
    fputs("return ;;\n", out);
}

static void bash_option(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    if (verb)
        fprintf(out, "    [[ $typed == '%s '* ]] && next+=' --%s'\n", verb->name, row->name);
    else
        fprintf(out, "    next+=' --%s'\n", row->name);
}

static void bash_step(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed,
                      const char *next)
{
    (void)program;
    (void)verb;
    fprintf(out, "        [[ $typed == '%s' ]] && next+=' %s'\n", typed, next);
}

void cli_print_bash(FILE *out, const struct cli_program *program)
{
    const char *name = program->name;
    fprintf(out, "# bash completion of %s, made by %s --help=bash\n_%s()\n{\n", name, name, name);
    /* To the shell the equals sign of --name=value is a word of its own. */
    fputs("    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} typed= next= skip= i\n"
          "    [[ $cur == = ]] && cur=\n"
          "    [[ $prev == = ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        if [[ ${COMP_WORDS[i]} == = ]]; then skip=1; continue; fi\n"
          "        if [[ $skip ]]; then skip=; continue; fi\n"
          "        case ${COMP_WORDS[i]} in\n"
          "            ''", out);
    each_row(out, program, skip_pattern);
    fputs(") skip=1 ;;\n"
          "            -*) ;;\n"
          "            *) typed+=\"${COMP_WORDS[i]} \" ;;\n"
          "        esac\n"
          "    done\n"
          "    case $prev in\n", out);
    each_row(out, program, bash_value);
    fputs("    esac\n"
          "    if [[ $cur != -* ]]; then\n", out);
    each_file_verb(out, program, "        if [[ $typed == '",
                   " '* ]]; then compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return; fi");
    each_step(out, program, bash_step);
    fputs("        COMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n"
          "        return\n"
          "    fi\n"
          "    next=' --help --version'\n", out);
    each_row(out, program, bash_option);
    fprintf(out, "    COMPREPLY=($(compgen -W \"$next\" -- \"$cur\"))\n}\ncomplete -F _%s %s\n", name, name);
}

/* ---- zsh --------------------------------------------------------------------------------------------------------- */

static void zsh_value(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    (void)verb;
    if (row->type == SL_OPT_FLAG)
        return;
    fprintf(out, "        (--%s) ", row->name);
    if (row->type == SL_OPT_WORD) {
        fputs("compadd --", out);
        for (size_t i = 0; row->words[i]; i++)
            fprintf(out, " %s", row->words[i]);
        fputs("; ", out);
    } else if (names_file(row)) {
        fputs("_files; ", out);
    }
    fputs("return ;;\n", out);
}

/* A pair "word:explanation" as _describe wants it. */
static void zsh_pair(FILE *out, const char *dashes, const char *word, const char *what)
{
    char pair[1024];
    snprintf(pair, sizeof pair, "%s%s:%s", dashes, word, what);
    put_quoted(out, pair);
}

static void zsh_option(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    if (verb)
        fprintf(out, "    [[ $typed == '%s '* ]] && next+=(", verb->name);
    else
        fputs("    next+=(", out);
    zsh_pair(out, "--", row->name, row->help);
    fputs(")\n", out);
}

static void zsh_step(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed,
                     const char *next)
{
    (void)program;
    fprintf(out, "        [[ $typed == '%s' ]] && next+=(", typed);
    zsh_pair(out, "", next, verb ? verb->summary : "...");
    fputs(")\n", out);
}

void cli_print_zsh(FILE *out, const struct cli_program *program)
{
    const char *name = program->name;
    fprintf(out, "#compdef %s\n# made by %s --help=zsh\n_%s() {\n", name, name, name);
    fputs("    local -a next\n"
          "    local typed= word skip=\n"
          "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
          "        if [[ -n $skip ]]; then skip=; continue; fi\n"
          "        case $word in\n"
          "            (''", out);
    each_row(out, program, skip_pattern);
    fputs(") skip=1 ;;\n"
          "            (-*) ;;\n"
          "            (*) typed+=\"$word \" ;;\n"
          "        esac\n"
          "    done\n"
          "    case ${words[CURRENT-1]} in\n", out);
    each_row(out, program, zsh_value);
    fputs("    esac\n"
          "    if [[ $PREFIX != -* ]]; then\n", out);
    each_file_verb(out, program, "        if [[ $typed == '", " '* ]]; then _files; return; fi");
    each_step(out, program, zsh_step);
    fputs("        _describe verb next\n"
          "        return\n"
          "    fi\n"
          "    next=('--help:Show help' '--version:Show the version')\n", out);
    each_row(out, program, zsh_option);
    fprintf(out, "    _describe -o option next\n}\n_%s \"$@\"\n", name);
}

/* ---- fish -------------------------------------------------------------------------------------------------------- */

static void fish_option(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    fprintf(out, "complete -c %s", program->name);
    if (verb)
        fprintf(out, " -n \"__%s_in '%s'\"", program->name, verb->name);
    if (row->letter)
        fprintf(out, " -s %c", row->letter);
    fprintf(out, " -l %s", row->name);
    if (row->type == SL_OPT_WORD) {
        fputs(" -x -a '", out);
        for (size_t i = 0; row->words[i]; i++)
            fprintf(out, "%s%s", i ? " " : "", row->words[i]);
        fputs("'", out);
    } else if (row->type != SL_OPT_FLAG) {
        fputs(names_file(row) ? " -r -F" : " -x", out);
    }
    fputs(" -d ", out);
    put_quoted(out, row->help);
    fputs("\n", out);
}

static void fish_step(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const char *typed,
                      const char *next)
{
    fprintf(out, "complete -c %s -n \"__%s_at '%s'\" -a %s -d ", program->name, program->name, typed, next);
    put_quoted(out, verb ? verb->summary : "...");
    fputs("\n", out);
}

static void fish_skip(FILE *out, const struct cli_program *program, const struct cli_verb *verb, const struct sl_option *row)
{
    (void)program;
    (void)verb;
    if (row->type == SL_OPT_FLAG)
        return;
    fprintf(out, " --%s", row->name);
    if (row->letter)
        fprintf(out, " -%c", row->letter);
}

void cli_print_fish(FILE *out, const struct cli_program *program)
{
    const char *name = program->name;
    fprintf(out, "# fish completion of %s, made by %s --help=fish\n", name, name);
    fprintf(out, "function __%s_typed\n"
                 "    set -l skip 0\n"
                 "    for word in (commandline -opc)[2..-1]\n"
                 "        if test $skip = 1\n            set skip 0\n            continue\n        end\n"
                 "        switch $word\n"
                 "            case ''", name);
    each_row(out, program, fish_skip);
    fprintf(out, "\n                set skip 1\n"
                 "            case '-*'\n"
                 "            case '*'\n                printf '%%s ' $word\n"
                 "        end\n    end\nend\n");
    fprintf(out, "function __%s_at\n    set -l typed (__%s_typed)\n    test \"$typed\" = \"$argv[1]\"\nend\n", name, name);
    fprintf(out, "function __%s_in\n    string match -q -- \"$argv[1] *\" (__%s_typed)\nend\n", name, name);
    fprintf(out, "complete -c %s -f\ncomplete -c %s -s h -l help -d 'Show help'\n"
                 "complete -c %s -l version -d 'Show the version'\n", name, name, name);
    each_row(out, program, fish_option);
    char before[64];
    snprintf(before, sizeof before, "complete -c %s -n \"__%s_in '", name, name);
    each_file_verb(out, program, before, "'\" -F");
    each_step(out, program, fish_step);
}
