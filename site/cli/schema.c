#include "site/cli/schema.h"

#include "site/cli/schema_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const since_words[] = {"2007", "2003", NULL};
static const int since_years[] = {SCHEMA_SINCE_2007, SCHEMA_SINCE_2003};

enum { WORK_MS = 30000, CELL_MAX = 8192 };

#define SINCE_ROW(holder) \
    { \
        .name = "since", .type = SL_OPT_WORD, .offset = offsetof(holder, since), .arg = "YEAR", .fallback = "2007", \
        .words = since_words, .help = "With 2003 leave out what Configuration Manager 2007 added" \
    }

const struct sl_option sctl_schema_print_options[SCTL_SCHEMA_PRINT_OPTIONS] = {
    {.name = "flavor",
     .type = SL_OPT_WORD,
     .offset = offsetof(struct sctl_schema_print_values, flavor),
     .arg = "KIND",
     .fallback = "openldap",
     .words = schema_flavor_words,
     .help = "Kind of server the file is for"},
    {.name = "part",
     .type = SL_OPT_WORD,
     .offset = offsetof(struct sctl_schema_print_values, part),
     .arg = "PART",
     .fallback = "sms",
     .words = schema_part_words,
     .help = "The extension, the base that it leans on where Active Directory is not, or both"},
    SINCE_ROW(struct sctl_schema_print_values),
};

const struct sl_option sctl_schema_check_options[SCTL_SCHEMA_CHECK_OPTIONS] = {
    LDAPC_CREDENTIAL_ROWS(struct sctl_schema_values, ldap),
    LDAPC_CERTIFICATE_ROWS(struct sctl_schema_values, ldap),
    LDAPC_TIMEOUT_ROW(struct sctl_schema_values, ldap),
};

const struct sl_option sctl_schema_apply_options[SCTL_SCHEMA_APPLY_OPTIONS] = {
    LDAPC_CREDENTIAL_ROWS(struct sctl_schema_values, ldap),
    LDAPC_CERTIFICATE_ROWS(struct sctl_schema_values, ldap),
    LDAPC_TIMEOUT_ROW(struct sctl_schema_values, ldap),
    SINCE_ROW(struct sctl_schema_values),
    {.name = "apply",
     .type = SL_OPT_FLAG,
     .offset = offsetof(struct sctl_schema_values, apply),
     .help = "Do it; without it only the plan is shown"},
};

/* ---- schema print --------------------------------------------------------------------------------------------------- */

/* A schema file goes out as it is, unless a machine format wraps it. */
enum sl_outcome sctl_schema_print(struct cli_call *call)
{
    static const struct cli_column columns[] = {{"schema", CLI_TEXT}};
    const struct cli_common *common = call->values;
    const struct sctl_schema_print_values *v = call->verb_values;
    struct sl_text text = sl_text_new(SCHEMA_FILE_MAX);

    schema_print(&text, (enum schema_flavor)v->flavor, (enum schema_part)v->part, since_years[v->since]);
    if (common->json || common->jsonl || common->csv) {
        cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
        cli_doc_row(call->doc, (const char *const[]){sl_text_str(&text)});
    } else {
        fputs(sl_text_str(&text), stdout);
    }
    sl_text_fini(&text);
    return SL_OUTCOME_OK;
}

/* ---- schema check --------------------------------------------------------------------------------------------------- */

static enum sl_outcome finish(struct cli_call *call, enum sl_outcome outcome, const char *reason, const char *message)
{
    cli_doc_reason(call->doc, reason, message);
    return outcome;
}

/* The outcome when a server could not be asked or refused the account. */
static enum sl_outcome finish_failed(struct cli_call *call, enum sl_status s, const struct sl_error *e)
{
    enum sl_outcome outcome = sl_status_outcome(s);

    const char *reason = outcome == SL_OUTCOME_UNREACHABLE ? "could-not-ask" : outcome == SL_OUTCOME_DENIED ? "refused" : "";

    return finish(call, outcome, reason, sl_error_text(e));
}

static void join(struct sl_text *out, const struct sl_strings *list, const char *between)
{
    for (size_t i = 0; i < list->count; i++)
        sl_text_printf(out, "%s%s", i > 0 ? between : "", list->items[i]);
}

/* Connects and probes; on failure *ret_dir is NULL and the outcome is recorded. */
static enum sl_outcome ask(struct cli_call *call, enum ldapc_probe_what what, struct ldapc **ret_dir,
                           struct ldapc_probe *ret_probe)
{
    const struct sctl_schema_values *v = call->verb_values;
    struct sl_deadline deadline = sl_deadline_in(v->ldap.timeout_ms);
    struct sl_error e = {0};
    struct ldapc *dir = NULL;
    enum sl_status s = ldapc_new(call->args[0], &v->ldap, &dir, &e);

    *ret_dir = NULL;
    if (s == SL_OK)
        s = ldapc_connect(dir, deadline, &e);
    if (s == SL_OK)
        s = ldapc_probe(dir, what, deadline, ret_probe, &e);
    if (s == SL_OK) {
        *ret_dir = dir;
        return SL_OUTCOME_OK;
    }
    ldapc_free(dir);
    return finish_failed(call, s, &e);
}

static void show_probe(struct cli_call *call, const struct ldapc *dir, const struct ldapc_probe *probe)
{
    static const struct cli_column columns[] = {
        {"server", CLI_TEXT},          {"kind", CLI_TEXT},
        {"vendor", CLI_TEXT},          {"schema", CLI_TEXT},
        {"missing_classes", CLI_LIST}, {"missing_attributes", CLI_LIST},
        {"lacking", CLI_LIST},         {"base", CLI_TEXT},
        {"container", CLI_TEXT},       {"container_state", CLI_TEXT},
    };
    const struct sl_strings *const lists[] = {&probe->missing_classes, &probe->missing_attributes, &probe->lacking};
    struct sl_text texts[SL_COUNT(lists)];

    for (size_t i = 0; i < SL_COUNT(lists); i++) {
        texts[i] = sl_text_new(CELL_MAX);
        join(&texts[i], lists[i], "\n");
    }
    cli_doc_columns(call->doc, columns, SL_COUNT(columns), true);
    cli_doc_row(call->doc, (const char *const[]){ldapc_server(dir), ldapc_server_kind_word(probe->kind), probe->vendor,
                                                 ldapc_schema_word(probe->schema), sl_text_str(&texts[0]),
                                                 sl_text_str(&texts[1]), sl_text_str(&texts[2]), probe->base_dn,
                                                 probe->container_dn, ldapc_container_word(probe->container)});
    for (size_t i = 0; i < SL_COUNT(lists); i++)
        sl_text_fini(&texts[i]);
}

/* The schema is judged before the container: without it nothing can be in there. */
static enum sl_outcome judge(struct cli_call *call, const struct ldapc_probe *probe)
{
    switch (probe->schema) {
    case LDAPC_SCHEMA_UNKNOWN:
        return finish(call, SL_OUTCOME_DENIED, "schema-unreadable", "this account may not read the schema");
    case LDAPC_SCHEMA_NONE:
        return finish(call, SL_OUTCOME_NEGATIVE, "schema-not-extended", "the directory has none of the four classes");
    case LDAPC_SCHEMA_PARTLY:
        return finish(call, SL_OUTCOME_NEGATIVE, "schema-partly-extended", "the directory has only parts of the schema");
    case LDAPC_SCHEMA_2003:
        return finish(call, SL_OUTCOME_NEGATIVE, "schema-partly-extended",
                      "the directory has the schema of SMS 2003: publishing and finding work, without what came in 2007");
    case LDAPC_SCHEMA_EXTENDED:
        break;
    }
    if (probe->container == LDAPC_CONTAINER_ABSENT)
        return finish(call, SL_OUTCOME_NEGATIVE, "container-absent", probe->container_why);
    if (probe->container == LDAPC_CONTAINER_UNREADABLE)
        return finish(call, SL_OUTCOME_DENIED, "container-unreadable", probe->container_why);
    return SL_OUTCOME_OK;
}

enum sl_outcome sctl_schema_check(struct cli_call *call)
{
    struct ldapc *dir;
    struct ldapc_probe probe;
    enum sl_outcome outcome = ask(call, LDAPC_PROBE_ALL, &dir, &probe);

    if (dir == NULL)
        return outcome;
    show_probe(call, dir, &probe);
    outcome = judge(call, &probe);
    ldapc_probe_fini(&probe);
    ldapc_free(dir);
    return outcome;
}

/* ---- schema apply --------------------------------------------------------------------------------------------------- */

static void show_plan(struct cli_call *call, const struct sctl_plan *plan, bool tried)
{
    static const struct cli_column columns[] = {{"action", CLI_TEXT}, {"name", CLI_TEXT}, {"oid", CLI_TEXT},
                                                {"part", CLI_TEXT},   {"adds", CLI_LIST}, {"state", CLI_TEXT}};
    static const char *const actions[] = {
        [SCTL_LOAD_ATTRIBUTE] = "load attribute", [SCTL_LOAD_CLASS] = "load class", [SCTL_EXTEND_CLASS] = "extend class"};

    cli_doc_columns(call->doc, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < plan->count; i++) {
        const struct sctl_piece *piece = &plan->pieces[i];
        struct sl_text adds = sl_text_new(CELL_MAX);

        join(&adds, &piece->lacking, "\n");
        cli_doc_row(call->doc, (const char *const[]){actions[piece->action],
                                                     piece->attribute != NULL ? piece->attribute->name : piece->class->name,
                                                     piece->attribute != NULL ? piece->attribute->oid : piece->class->oid,
                                                     schema_part_words[piece->base ? SCHEMA_PART_BASE : SCHEMA_PART_SMS],
                                                     sl_text_str(&adds),
                                                     piece->done ? "done"
                                                     : tried     ? "missing"
                                                                 : "planned"});
        sl_text_fini(&adds);
    }
}

static size_t count_done(const struct sctl_plan *plan)
{
    size_t done = 0;

    for (size_t i = 0; i < plan->count; i++)
        done += plan->pieces[i].done;
    return done;
}

/* After loading the server is asked again: only what it shows counts. */
static enum sl_outcome verify(struct cli_call *call, struct ldapc *dir, const struct ldapc_probe *probe, int since,
                              size_t loaded)
{
    struct sctl_plan left;
    struct sl_error e = {0};
    char message[128];
    enum sl_status s = sctl_plan_make(dir, probe, since, sl_deadline_in(WORK_MS), &left, &e);

    if (s != SL_OK)
        return finish(call, SL_OUTCOME_PARTIAL, "not-verified", sl_error_text(&e));
    size_t missing = left.count;

    sctl_plan_fini(&left);
    if (missing > 0) {
        snprintf(message, sizeof message, "%zu pieces loaded, but the server still lacks %zu", loaded, missing);
        return finish(call, SL_OUTCOME_PARTIAL, "not-verified", message);
    }
    cli_note(call, "%zu pieces loaded and read back", loaded);
    return SL_OUTCOME_OK;
}

static enum sl_outcome load(struct cli_call *call, struct ldapc *dir, const struct ldapc_probe *probe, int since,
                            struct sctl_plan *plan)
{
    struct sl_error e = {0};
    enum sl_status s = sctl_plan_load(dir, probe, since, sl_deadline_in(WORK_MS), plan, &e);
    size_t done = count_done(plan);

    show_plan(call, plan, true);
    if (s == SL_OK)
        return verify(call, dir, probe, since, done);
    if (done > 0)
        return finish(call, SL_OUTCOME_PARTIAL, "", sl_error_text(&e));
    return finish_failed(call, s, &e);
}

enum sl_outcome sctl_schema_apply(struct cli_call *call)
{
    const struct sctl_schema_values *v = call->verb_values;
    struct ldapc *dir;
    struct ldapc_probe probe;
    struct sctl_plan plan;
    struct sl_error e = {0};
    enum sl_outcome outcome = ask(call, LDAPC_PROBE_SCHEMA, &dir, &probe);

    if (dir == NULL)
        return outcome;
    enum sl_status s = sctl_plan_make(dir, &probe, since_years[v->since], sl_deadline_in(v->ldap.timeout_ms), &plan, &e);

    if (s != SL_OK) {
        outcome = finish_failed(call, s, &e);
    } else if (plan.count > 0 && v->apply) {
        outcome = load(call, dir, &probe, since_years[v->since], &plan);
    } else {
        show_plan(call, &plan, false);
        cli_note(call, "%s", plan.count == 0 ? "nothing to do" : "nothing changed; run again with --apply");
    }
    if (s == SL_OK)
        sctl_plan_fini(&plan);
    ldapc_probe_fini(&probe);
    ldapc_free(dir);
    return outcome;
}
