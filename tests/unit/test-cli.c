/*
 * The command line: a small program with every kind of option and verb, run as a whole in a process of its own.
 */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/cli/cli.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the program ------------------------------------------------------------------------------------------------- */

struct values {
    struct cli_common common;
    char *control;
    int64_t number;
};

struct verb_values {
    char *site;
    struct sl_strings on;
    int kind;
};

static const char *const kinds[] = {"short", "long", NULL};
static const struct sl_option program_rows[] = {
    {.name = "control", .letter = 'c', .type = SL_OPT_STRING, .offset = offsetof(struct values, control), .arg = "PATH",
     .fallback = "/run/x.sock", .help = "The socket of the daemon"},
    {.name = "number", .letter = 'n', .type = SL_OPT_INT, .offset = offsetof(struct values, number), .arg = "N", .min = 1,
     .max = 5,
     .fallback = "2", .help = "How many"},
};
static const struct sl_option verb_rows[] = {
    {.name = "site", .type = SL_OPT_STRING, .offset = offsetof(struct verb_values, site), .arg = "CODE",
     .help = "Only this site's"},
    {.name = "on", .type = SL_OPT_STRINGS, .offset = offsetof(struct verb_values, on), .arg = "DP", .help = "Where it is"},
    {.name = "kind", .type = SL_OPT_WORD, .offset = offsetof(struct verb_values, kind), .arg = "WORD", .words = kinds,
     .help = "How much"},
};

/* Shows what the parser made of the line. */
static enum sl_outcome run_show(struct cli_call *call)
{
    static const struct cli_column columns[] = {{"verb", CLI_TEXT}, {"args", CLI_TEXT}, {"control", CLI_TEXT},
                                                {"number", CLI_NUMBER},
                                                {"site", CLI_TEXT}, {"on", CLI_LIST},   {"kind", CLI_TEXT},
                                                   {"given", CLI_BOOL}};
    const struct values *v = call->values;
    const struct verb_values *vv = call->verb_values;
    struct sl_text args = sl_text_new(1000), on = sl_text_new(1000);
    char number[24];
    for (int i = 0; i < call->arg_count; i++)
        sl_text_printf(&args, "%s<%s>", i ? " " : "", call->args[i]);
    for (size_t i = 0; vv && i < vv->on.count; i++)
        sl_text_printf(&on, "%s%s", i ? "\n" : "", vv->on.items[i]);
    snprintf(number, sizeof number, "%lld", (long long)v->number);
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
    cli_doc_row(call->doc, (const char *[]){call->verb->name, sl_text_str(&args), v->control, number, vv ? vv->site : NULL,
                                            sl_text_str(&on),
                                            vv ? kinds[vv->kind] : NULL, cli_given(call, "number") ? "true" : "false"});
    sl_text_fini(&args);
    sl_text_fini(&on);
    return SL_OUTCOME_OK;
}

static enum sl_outcome run_list(struct cli_call *call)
{
    static const struct cli_column columns[] = {{"name", CLI_TEXT}, {"age_s", CLI_NUMBER}, {"static", CLI_BOOL},
                                                {"addresses", CLI_LIST}};
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), false);
    cli_doc_row(call->doc, (const char *[]){"a\tb\x1b[1m", "12", "true", "1.2.3.4\n5.6.7.8"});
    cli_doc_row(call->doc, (const char *[]){"x,\"y", "1e3", NULL, ""});
    cli_doc_row(call->doc, (const char *[]){"caf\xc3\xa9", NULL, "false", "9.9.9.9"});
    cli_doc_step(call->doc, (const char *[]){"ldap:", "q", "r", "ok", "R1", "3", NULL, "-1.5", "", ""});
    if (call->arg_count)
        cli_doc_show_steps(call->doc);
    cli_doc_warning(call->doc, "careful\n");
    cli_note(call, "a note");
    return SL_OUTCOME_OK;
}

static enum sl_outcome run_no(struct cli_call *call)
{
    cli_doc_reason(call->doc, "no-default-mp", "site XYZ has none");
    return SL_OUTCOME_NEGATIVE;
}

static enum sl_outcome run_fail(struct cli_call *call)
{
    struct sl_error e = {0};
    if (call->arg_count)
        return cli_usage(call, "\"%s\" is no name", call->args[0]);
    enum sl_status status = sl_fail(&e, SL_DENIED, "ldap://x: bind refused");
    return cli_fail(call, status, &e);
}

static enum sl_outcome run_done(struct cli_call *call)
{
    cli_doc_reason(call->doc, "", "added");
    return SL_OUTCOME_OK;
}

static const struct cli_verb verbs[] = {
    {.name = "list", .args = "[NAME]", .max_args = 1, .summary = "List names", .run = run_list},
    {.name = "find mp", .args = "NAME...", .min_args = 1, .max_args = -1, .summary = "Find the MP", .detail = "One.\n\nTwo.",
     .options = verb_rows, .option_count = SL_COUNT(verb_rows), .values_size = sizeof(struct verb_values), .run = run_show},
    {.name = "find", .args = "[ANY]", .max_args = 1, .summary = "Find anything", .run = run_show},
    {.name = "no", .args = "", .summary = "Say no", .run = run_no},
    {.name = "fail", .args = "[X]", .max_args = 1, .summary = "Fail", .run = run_fail},
    {.name = "mp add", .args = "", .summary = "Add an MP", .run = run_done,
     .examples = {"try mp add", "Add it", "try mp add -q", "Silently"}},
    {.name = "mp drop", .args = "", .summary = "Drop an MP", .run = run_done},
};
static const struct cli_program program = {
    .name = "try", .section = "1", .summary = "Try the command line", .description = "First.\n\n.Second \\ 'x'",
    .options = program_rows,
    .option_count = SL_COUNT(program_rows), .values_size = sizeof(struct values), .verbs = verbs, .verb_count = SL_COUNT(verbs),
    .examples = {"try list", "List all", "try find mp A", "Find A"}, .files = "/etc/try", .see_also = "true(1)",
};
static const struct cli_verb daemon_verb[] = {{.name = "", .args = "", .summary = "Serve", .options = verb_rows,
                                               .option_count = 1,
                                               .values_size = sizeof(struct verb_values), .run = run_show}};
static const struct cli_program daemon_program = {
    .name = "tryd", .section = "8", .summary = "Serve", .description = "Serves.", .options = program_rows, .option_count = 2,
    .values_size = sizeof(struct values), .verbs = daemon_verb, .verb_count = 1,
    .examples = {"tryd", "Serve", "tryd -n 3", "Thrice"},
};

/* ---- running it -------------------------------------------------------------------------------------------------- */

struct ran {
    int code;
    char *out, *err;
};

static char *content(FILE *file)
{
    long len = (fseek(file, 0, SEEK_END), ftell(file));
    char *text = sl_new((size_t)len + 1);
    rewind(file);
    ck_assert_uint_eq(fread(text, 1, (size_t)len, file), (size_t)len);
    fclose(file);
    return text;
}

/* Runs the program with a command line whose words are separated by single blanks. */
static struct ran run_program(const struct cli_program *p, const char *line)
{
    FILE *out = tmpfile(), *err = tmpfile();
    pid_t child = fork();
    if (child == 0) {
        char *copy = sl_strdup(line), *argv[32], name[] = "try";
        int argc = 1;
        argv[0] = name;
        for (char *rest = copy, *word; (word = strsep(&rest, " ")) && argc < 31;)
            argv[argc++] = word;
        argv[argc] = NULL;
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        _exit(cli_main(p, argc, argv));
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return (struct ran){WEXITSTATUS(status), content(out), content(err)};
}

static void gives_of(const struct cli_program *p, const char *line, int code, const char *out, const char *err)
{
    struct ran ran = run_program(p, line);
    ck_assert_msg(ran.code == code, "try %s: exit %d instead of %d: %s", line, ran.code, code, ran.err);
    ck_assert_msg(strcmp(ran.out, out) == 0, "try %s wrote\n%s\ninstead of\n%s", line, ran.out, out);
    ck_assert_msg(strcmp(ran.err, err) == 0, "try %s said\n%s\ninstead of\n%s", line, ran.err, err);
    free(ran.out);
    free(ran.err);
}

static void gives(const char *line, int code, const char *out, const char *err)
{
    gives_of(&program, line, code, out, err);
}

/* ---- the parser -------------------------------------------------------------------------------------------------- */

START_TEST(options_and_verbs_are_found_in_any_order)
{
    gives("find mp A", 0, "find mp\t<A>\t/run/x.sock\t2\t\t\tshort\tfalse\n", "");
    gives("--control /y find mp A B", 0, "find mp\t<A> <B>\t/y\t2\t\t\tshort\tfalse\n", "");
    gives("find --control=/y mp --site=ABC A", 0, "find mp\t<A>\t/y\t2\tABC\t\tshort\tfalse\n", "");
    gives("find mp A --site ABC --on x --kind long --on=y -n 3", 0, "find mp\t<A>\t/run/x.sock\t3\tABC\tx,y\tlong\ttrue\n", "");
    gives("find mp -qn3 -c/z A", 0, "find mp\t<A>\t/z\t3\t\t\tshort\ttrue\n", "");
    gives("find mp -vqc /z -- --site -", 0, "find mp\t<--site> <->\t/z\t2\t\t\tshort\tfalse\n", "");
    gives("find mp A --site=", 0, "find mp\t<A>\t/run/x.sock\t2\t\t\tshort\tfalse\n", "");
    gives("find mp A --site a=b -n 2 -n 4", 0, "find mp\t<A>\t/run/x.sock\t4\ta=b\t\tshort\ttrue\n", "");
}
END_TEST

START_TEST(a_shorter_verb_takes_what_is_no_word_of_a_longer)
{
    gives("find", 0, "find\t\t/run/x.sock\t2\t\t\t\tfalse\n", "");
    gives("find zz", 0, "find\t<zz>\t/run/x.sock\t2\t\t\t\tfalse\n", "");
    gives("find -- zz", 0, "find\t<zz>\t/run/x.sock\t2\t\t\t\tfalse\n", "");
}
END_TEST

START_TEST(mistakes_name_the_nearest_help)
{
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"", "try: unknown verb \"\"\nTry \"try --help\".\n"},
        {"lst", "try: unknown verb \"lst\"; did you mean \"list\"?\nTry \"try --help\".\n"},
        {"fnd", "try: unknown verb \"fnd\"; did you mean \"find\"?\nTry \"try --help\".\n"},
        {"mpp add", "try: unknown verb \"mpp\"; did you mean \"mp\"?\nTry \"try --help\".\n"},
        {"something", "try: unknown verb \"something\"\nTry \"try --help\".\n"},
        {"mp", "try mp: needs one more word: add, drop\nTry \"try mp --help\".\n"},
        {"mp dro", "try mp: unknown verb \"mp dro\"; did you mean \"mp drop\"?\nTry \"try mp --help\".\n"},
        {"-q", "try: needs a verb: list, find mp, find, no, fail, mp add, mp drop\nTry \"try --help\".\n"},
        {"find mp", "try find mp: needs NAME...\nTry \"try find mp --help\".\n"},
        {"list a b", "try list: unexpected argument \"b\"\nTry \"try list --help\".\n"},
        {"list --sit x", "try list: unknown option \"--sit\"\nTry \"try list --help\".\n"},
        {"find mp --sit x", "try find mp: unknown option \"--sit\"; did you mean \"--site\"?\nTry \"try find mp --help\".\n"},
        {"list --number 6", "try list: --number: 6 is outside 1 to 5\nTry \"try list --help\".\n"},
        {"list --number=", "try list: --number: \"\" is not a number\nTry \"try list --help\".\n"},
        {"list --number", "try list: --number needs a value: N\nTry \"try list --help\".\n"},
        {"list -c", "try list: -c needs a value: PATH\nTry \"try list --help\".\n"},
        {"list -x", "try list: unknown option \"-x\"\nTry \"try list --help\".\n"},
        {"list --json=yes", "try list: --json takes no value\nTry \"try list --help\".\n"},
        {"list --jsonl --csv",
         "try list: only one of --json, --jsonl, --csv, --plain and --table may be given\nTry \"try list --help\".\n"},
        {"find mp A --kind middle", "try find mp: --kind: \"middle\" is not short or long\nTry \"try find mp --help\".\n"},
        {"--help=pdf", "try: --help: \"pdf\" is not one of man, bash, zsh, fish\nTry \"try --help\".\n"},
        {"fail x", "try: usage: \"x\" is no name\nTry \"try fail --help\".\n"},
    };
    for (size_t i = 0; i < SL_COUNT(cases); i++)
        gives(cases[i].line, 2, "", cases[i].said);
    gives("lst --json", 2,
          "{\"v\":1,\"outcome\":\"usage\",\"reason\":\"\",\"message\":\"unknown verb \\\"lst\\\"; did you mean \\\"list\\\"?\","
          "\"answer\":{},\"steps\":[],\"warnings\":[]}\n",
          "try: usage: unknown verb \"lst\"; did you mean \"list\"?\nTry \"try --help\".\n");
}
END_TEST

START_TEST(a_daemon_needs_no_verb)
{
    gives_of(&daemon_program, "--site ABC -n 3", 0, "\t\t/run/x.sock\t3\tABC\t\tshort\ttrue\n", "");
    gives_of(&daemon_program, "extra", 2, "", "tryd: unexpected argument \"extra\"\nTry \"tryd --help\".\n");
}
END_TEST

/* ---- the writers ------------------------------------------------------------------------------------------------- */

START_TEST(one_answer_in_every_format)
{
    static const char json_steps[] = "{\"source\":\"ldap:\",\"asked\":\"q\",\"result\":\"r\",\"verdict\":\"ok\",\"rule\":\"R1\","
                                     "\"ms\":3,"
                                     "\"age_s\":null,\"ttl_s\":-1.5,\"owner\":\"\",\"trust\":\"\"}";
    static const char talk[] = "a note\ntry: warning: careful\\x0a\n", warning[] = "try: warning: careful\\x0a\n";
    static const char rows[] = "{\"name\":\"a\\u0009b\\u001b[1m\",\"age_s\":12,\"static\":true,"
                               "\"addresses\":[\"1.2.3.4\",\"5.6.7.8\"]}|\n"
                               "{\"name\":\"x,\\\"y\",\"age_s\":\"1e3\",\"static\":null,\"addresses\":[]}|\n"
                               "{\"name\":\"caf\xc3\xa9\",\"age_s\":null,\"static\":false,\"addresses\":[\"9.9.9.9\"]}|\n";
    gives("list", 0, "a\\x09b\\x1b[1m\t12\ttrue\t1.2.3.4,5.6.7.8\nx,\"y\t1e3\t\t\ncaf\xc3\xa9\t\tfalse\t9.9.9.9\n", talk);
    gives("list --table", 0, "NAME           AGE_S  STATIC  ADDRESSES\na\\x09b\\x1b[1m  12     true    1.2.3.4,5.6.7.8\n"
                             "x,\"y           1e3    -       \ncaf\xc3\xa9           -      false   9.9.9.9\n", talk);
    gives("list --csv", 0, "name,age_s,static,addresses\na\\x09b\\x1b[1m,12,true,\"1.2.3.4,5.6.7.8\"\n\"x,\"\"y\",1e3,,\n"
                           "caf\xc3\xa9,,false,9.9.9.9\n", warning);
    struct sl_text json = sl_text_new(4000), jsonl = sl_text_new(4000);
    sl_text_puts(&json, "{\"v\":1,\"answer\":[");
    for (const char *p = rows; *p; p++) {
        sl_text_puts(&jsonl, *p == '|' ? "" : (char[2]){*p});
        if (*p == '|' && !p[2])
            break;
        sl_text_puts(&json, *p == '|' ? "," : (char[2]){*p});
    }
    sl_text_puts(&jsonl, "\n");
    sl_text_printf(&json, "],\"outcome\":\"ok\",\"reason\":\"\",\"steps\":[%s],\"warnings\":[\"careful\\u000a\"]}\n", json_steps);
    gives("list --json", 0, sl_text_str(&json), "");
    gives("list --jsonl", 0, sl_text_str(&jsonl), warning);
    sl_text_fini(&json);
    sl_text_fini(&jsonl);
}
END_TEST

START_TEST(steps_are_a_second_table_on_request)
{
    struct ran ran = run_program(&program, "list x");
    ck_assert_ptr_nonnull(strstr(ran.out, "\n\nldap:\tq\tr\tok\tR1\t3\t\t-1.5\t\t\n"));
    free(ran.out);
    free(ran.err);
    ran = run_program(&program, "list x --table");
    ck_assert_ptr_nonnull(strstr(ran.out, "\n\nSOURCE  ASKED  RESULT"));
    free(ran.out);
    free(ran.err);
}
END_TEST

START_TEST(outcomes_are_told_where_they_belong)
{
    gives("no", 1, "", "try: negative (no-default-mp): site XYZ has none\n");
    gives("no -q", 1, "", "try: negative (no-default-mp): site XYZ has none\n");
    gives("no --json", 1, "{\"v\":1,\"outcome\":\"negative\",\"reason\":\"no-default-mp\",\"message\":\"site XYZ has none\","
                          "\"answer\":{},"
                          "\"steps\":[],\"warnings\":[]}\n", "");
    gives("fail", 6, "", "try: denied: fail: ldap://x: bind refused\n");
    gives("mp add", 0, "", "try: added\n");
    gives("mp add -q", 0, "", "");
    gives("mp add --json", 0, "{\"v\":1,\"outcome\":\"ok\",\"reason\":\"\",\"message\":\"added\",\"answer\":{},"
                              "\"steps\":[],\"warnings\":[]}\n",
          "");
    gives("find --json", 0, "{\"v\":1,\"outcome\":\"ok\",\"reason\":\"\",\"answer\":{\"verb\":\"find\",\"args\":\"\","
                            "\"control\":\"/run/x.sock\","
                            "\"number\":2,\"site\":null,\"on\":[],\"kind\":null,\"given\":false},\"steps\":[],\"warnings\":[]}\n",
                            "");
    gives("find zz --table", 0, "verb: find\nargs: <zz>\ncontrol: /run/x.sock\nnumber: 2\nsite: -\non: \nkind: -\ngiven: false\n",
          "");
}
END_TEST

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void shows(const char *line, const char *const *parts, size_t count)
{
    struct ran ran = run_program(&program, line);
    ck_assert_int_eq(ran.code, 0);
    ck_assert_str_eq(ran.err, "");
    const char *at = ran.out;
    for (size_t i = 0; i < count; i++) {
        const char *found = strstr(at, parts[i]);
        ck_assert_msg(found != NULL, "try %s lacks \"%s\" after %zu parts:\n%s", line, parts[i], i, ran.out);
        at = found + strlen(parts[i]);
    }
    free(ran.out);
    free(ran.err);
}

#define SHOWS(line, ...) shows(line, (const char *const[]){__VA_ARGS__}, SL_COUNT(((const char *const[]){__VA_ARGS__})))

START_TEST(help_ends_with_two_examples)
{
    SHOWS("--help", "Usage: try [OPTION...] VERB", "\n  list [NAME] ", "\n  find mp NAME... ", "-n, --number=N", "(default: 2)",
          "--json",
          "\nExamples:\n  try list\n      List all\n  try find mp A\n      Find A\n");
    SHOWS("find mp -h", "Usage: try [OPTION...] find mp NAME...\nFind the MP.\n\nOne.\n\nTwo.\n", "--on=DP", "(repeatable)",
          "(short or long)",
          "\nExamples:\n  try find mp A\n      Find A\n  try --json find mp A\n      The same as a JSON document\n");
    SHOWS("no --help", "\nExamples:\n  try no\n      Say no\n  try --json no\n      The same as a JSON document\n");
    SHOWS("mp add --help", "\nExamples:\n  try mp add\n      Add it\n  try mp add -q\n      Silently\n");
    SHOWS("mp --help", "Verbs:\n  mp add", "  mp drop");
    SHOWS("--version", "try (sitelocator) ");
}
END_TEST

START_TEST(the_manual_is_complete)
{
    SHOWS("--help=man", ".TH TRY 1 ", ".SH NAME\ntry \\- Try the command line\n", ".SH SYNOPSIS",
          ".SH DESCRIPTION\nFirst.\n.PP\n\\&.Second \\e 'x'\n",
          ".SH VERBS", ".SS find mp NAME...\n", ".B \\-\\-site=CODE\n", ".SH OPTIONS", ".B \\-c, \\-\\-control=PATH\n",
          ".B \\-\\-json\n",
          ".SH EXIT STATUS", ".B 0 ok\n", ".B 7 conflict\n", ".B 70 internal\n", ".SH FILES\n/etc/try\n", ".SH EXAMPLES\n",
          ".B try list\n", ".SH SEE ALSO\ntrue(1)\n");
}
END_TEST

START_TEST(completions_know_verbs_and_options)
{
    SHOWS("--help=bash", "_try()", "--control|-c|", "--kind) COMPREPLY=($(compgen -W 'short long'", "complete -F _try try\n");
    SHOWS("--help=zsh", "#compdef try\n", "'mp:...'", "'add:Add an MP'", "'--site:Only this site'\\''s'", "_try \"$@\"\n");
    SHOWS("--help=fish", "complete -c try -s c -l control -r -F", "\"__try_at 'mp '\" -a drop -d 'Drop an MP'");
}
END_TEST

/* The words that bash would offer for the last word of a line. */
static void bash_offers(const char *line, const char *want)
{
    char command[1000], got[1000] = "";
    int pipes[2];
    snprintf(command, sizeof command,
             "source completion.bash; COMP_WORDS=(%s); [[ '%s' == *' ' ]] && COMP_WORDS+=(''); "
             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
             "_try; echo -n \"${COMPREPLY[*]}\"", line, line);
    ck_assert_int_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], STDOUT_FILENO);
        execlp("bash", "bash", "--norc", "-c", command, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    ssize_t n = read(pipes[0], got, sizeof got - 1);
    ck_assert_int_ge(n, 0);
    close(pipes[0]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_msg(strcmp(got, want) == 0, "\"%s\" offers \"%s\" instead of \"%s\"", line, got, want);
}

START_TEST(bash_completes)
{
    struct ran ran = run_program(&program, "--help=bash");
    FILE *file = fopen("completion.bash", "w");
    fputs(ran.out, file);
    fclose(file);
    bash_offers("try ", "list find no fail mp");
    bash_offers("try --control list fi", "find");
    bash_offers("try mp ", "add drop");
    bash_offers("try -c x mp d", "drop");
    bash_offers("try find mp --si", "--site");
    bash_offers("try list --si", "");
    bash_offers("try find mp --kind ", "short long");
    unlink("completion.bash");
    free(ran.out);
    free(ran.err);
}
END_TEST

UNIT_MAIN("cli", options_and_verbs_are_found_in_any_order, a_shorter_verb_takes_what_is_no_word_of_a_longer,
          mistakes_name_the_nearest_help,
          a_daemon_needs_no_verb, one_answer_in_every_format, steps_are_a_second_table_on_request,
          outcomes_are_told_where_they_belong,
          help_ends_with_two_examples, the_manual_is_complete, completions_know_verbs_and_options, bash_completes)
