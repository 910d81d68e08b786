#include "locator/cli/private.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where an answer comes from. */
#define ANSWER_COLUMNS                                                                                                 \
    {"source", CLI_TEXT, LOCATOR_SOURCE},                                                                              \
    {"server", CLI_TEXT, LOCATOR_SERVER},                                                                              \
    {"replicated_from", CLI_TEXT, LOCATOR_REPLICATED_FROM},                                                            \
    {"owner", CLI_TEXT, LOCATOR_OWNER},                                                                                \
    {"age_s", CLI_NUMBER, LOCATOR_AGE_S},                                                                              \
    {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S},                                                                              \
    {"trust", CLI_TEXT, LOCATOR_TRUST},                                                                                \
    {"answer_id", CLI_TEXT, LOCATOR_ANSWER_ID}

/* Where an object that is published stands. */
#define PUBLISHED_COLUMNS                                                                                              \
    {"owner", CLI_TEXT, LOCATOR_OWNER},                                                                                \
    {"age_s", CLI_NUMBER, LOCATOR_AGE_S},                                                                              \
    {"dn", CLI_TEXT, LOCATOR_DN},                                                                                      \
    {"source", CLI_TEXT, LOCATOR_SOURCE},                                                                              \
    {"server", CLI_TEXT, LOCATOR_SERVER},                                                                              \
    {"replicated_from", CLI_TEXT, LOCATOR_REPLICATED_FROM},                                                            \
    {"trust", CLI_TEXT, LOCATOR_TRUST}

static const struct lc_column site_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"assigned_by", CLI_TEXT, LOCATOR_ASSIGNED_BY},
    {"mp", CLI_TEXT, LOCATOR_MP},
    {"resident_site", CLI_TEXT, LOCATOR_RESIDENT_SITE},
    ANSWER_COLUMNS,
};

static const struct lc_column mp_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"mp", CLI_TEXT, LOCATOR_MP},
    {"address", CLI_TEXT, LOCATOR_ADDRESS},
    {"port", CLI_NUMBER, LOCATOR_PORT},
    {"default", CLI_BOOL, LOCATOR_DEFAULT},
    {"role", CLI_TEXT, LOCATOR_ROLE},
    {"version", CLI_TEXT, LOCATOR_VERSION},
    {"source", CLI_TEXT, LOCATOR_SOURCE},
    {"server", CLI_TEXT, LOCATOR_SERVER},
    {"replicated_from", CLI_TEXT, LOCATOR_REPLICATED_FROM},
    {"age_s", CLI_NUMBER, LOCATOR_AGE_S},
    {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S},
    {"trust", CLI_TEXT, LOCATOR_TRUST},
    {"owner", CLI_TEXT, LOCATOR_OWNER},
    {"answer_id", CLI_TEXT, LOCATOR_ANSWER_ID},
    {"assigned_mp", CLI_TEXT, LOCATOR_ASSIGNED_MP},
    {"resident_site", CLI_TEXT, LOCATOR_RESIDENT_SITE},
    {"resident_mp", CLI_TEXT, LOCATOR_RESIDENT_MP},
    {"proxy_mp", CLI_TEXT, LOCATOR_PROXY_MP},
};

static const struct lc_column dp_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"package", CLI_TEXT, LOCATOR_PACKAGE},
    {"package_version", CLI_NUMBER, LOCATOR_PACKAGE_VERSION},
    {"dp", CLI_TEXT, LOCATOR_DP},
    {"url", CLI_TEXT, LOCATOR_URL},
    {"locality", CLI_TEXT, LOCATOR_LOCALITY},
    {"mp", CLI_TEXT, LOCATOR_MP},
    {"seed", CLI_NUMBER, LOCATOR_CHOICE_SEED},
    {"candidates", CLI_LIST, LOCATOR_CANDIDATES},
    ANSWER_COLUMNS,
    {"assigned_mp", CLI_TEXT, LOCATOR_ASSIGNED_MP},
    {"resident_mp", CLI_TEXT, LOCATOR_RESIDENT_MP},
    {"proxy_mp", CLI_TEXT, LOCATOR_PROXY_MP},
};

static const struct lc_column name_columns[] = {
    {"name", CLI_TEXT, LOCATOR_NAME},     {"kind", CLI_TEXT, LOCATOR_KIND},     {"addresses", CLI_LIST, LOCATOR_ADDRESSES},
    {"node", CLI_TEXT, LOCATOR_NODE},     {"source", CLI_TEXT, LOCATOR_SOURCE}, {"server", CLI_TEXT, LOCATOR_SERVER},
    {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S}, {"trust", CLI_TEXT, LOCATOR_TRUST},   {"answer_id", CLI_TEXT, LOCATOR_ANSWER_ID},
};

static const struct lc_column caps_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},     {"caps", CLI_LIST, LOCATOR_CAPS},  {"source", CLI_TEXT, LOCATOR_SOURCE},
    {"server", CLI_TEXT, LOCATOR_SERVER}, {"trust", CLI_TEXT, LOCATOR_TRUST}, {"answer_id", CLI_TEXT, LOCATOR_ANSWER_ID},
};

static const struct lc_column mps_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"mp", CLI_TEXT, LOCATOR_MP},
    {"address", CLI_TEXT, LOCATOR_ADDRESS},
    {"default", CLI_BOOL, LOCATOR_DEFAULT},
    {"role", CLI_TEXT, LOCATOR_ROLE},
    {"why_unused", CLI_TEXT, LOCATOR_WHY_UNUSED},
    {"device_mp", CLI_BOOL, LOCATOR_DEVICE_MP},
    {"mp_name", CLI_TEXT, LOCATOR_MP_NAME},
    {"version", CLI_TEXT, LOCATOR_VERSION},
    {"build", CLI_NUMBER, LOCATOR_BUILD},
    {"http_port", CLI_NUMBER, LOCATOR_PORT},
    {"https_port", CLI_NUMBER, LOCATOR_HTTPS_PORT},
    {"ssl_state", CLI_NUMBER, LOCATOR_SSL_STATE},
    {"security_mask", CLI_NUMBER, LOCATOR_SECURITY_MASK},
    {"site_type", CLI_TEXT, LOCATOR_SITE_TYPE},
    {"root_site", CLI_TEXT, LOCATOR_ROOT_SITE},
    {"command_site", CLI_TEXT, LOCATOR_COMMAND_SITE},
    {"fsps", CLI_LIST, LOCATOR_FSPS},
    PUBLISHED_COLUMNS,
};

static const struct lc_column sites_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"assignment_site", CLI_TEXT, LOCATOR_ASSIGNMENT_SITE},
    {"site_boundaries", CLI_LIST, LOCATOR_SITE_BOUNDARIES},
    {"roaming_boundaries", CLI_LIST, LOCATOR_ROAMING_BOUNDARIES},
    {"health_state", CLI_TEXT, LOCATOR_HEALTH_STATE},
    {"site_guid", CLI_TEXT, LOCATOR_SITE_GUID},
    PUBLISHED_COLUMNS,
};

static const struct lc_column slps_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"host", CLI_TEXT, LOCATOR_MP},
    {"mp_name", CLI_TEXT, LOCATOR_MP_NAME},
    PUBLISHED_COLUMNS,
};

static const struct lc_column boundaries_columns[] = {
    {"site", CLI_TEXT, LOCATOR_SITE},
    {"kind", CLI_TEXT, LOCATOR_BOUNDARY_KIND},
    {"boundary", CLI_TEXT, LOCATOR_BOUNDARY},
    {"low", CLI_TEXT, LOCATOR_RANGE_LOW},
    {"high", CLI_TEXT, LOCATOR_RANGE_HIGH},
    {"assignment_site", CLI_TEXT, LOCATOR_ASSIGNMENT_SITE},
    PUBLISHED_COLUMNS,
};

static const struct lc_column report_columns[] = {
    {"url", CLI_TEXT, LOCATOR_URL},
    {"chosen", CLI_NUMBER, LOCATOR_CHOSEN},
    {"chi_square", CLI_TEXT, LOCATOR_CHI_SQUARE},
    {"seed", CLI_NUMBER, LOCATOR_CHOICE_SEED},
};

static const struct lc_column compare_columns[] = {
    {"source", CLI_TEXT, LOCATOR_SOURCE}, {"result", CLI_TEXT, LOCATOR_RESULT}, {"verdict", CLI_TEXT, LOCATOR_VERDICT},
    {"said", CLI_TEXT, LOCATOR_SAID},     {"server", CLI_TEXT, LOCATOR_SERVER}, {"owner", CLI_TEXT, LOCATOR_OWNER},
    {"age_s", CLI_NUMBER, LOCATOR_AGE_S}, {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S}, {"trust", CLI_TEXT, LOCATOR_TRUST},
    {"replicated_from", CLI_TEXT, LOCATOR_REPLICATED_FROM},
};

static const struct lc_column cache_columns[] = {
    {"asked", CLI_TEXT, LOCATOR_ASKED},       {"result", CLI_TEXT, LOCATOR_RESULT}, {"source", CLI_TEXT, LOCATOR_SOURCE},
    {"server", CLI_TEXT, LOCATOR_SERVER},     {"owner", CLI_TEXT, LOCATOR_OWNER},   {"trust", CLI_TEXT, LOCATOR_TRUST},
    {"cached_s", CLI_NUMBER, LOCATOR_CACHED_S}, {"age_s", CLI_NUMBER, LOCATOR_AGE_S}, {"ttl_s", CLI_NUMBER, LOCATOR_TTL_S},
    {"expired", CLI_BOOL, LOCATOR_EXPIRED},
};

static const struct lc_column watch_columns[] = {
    {"change", CLI_TEXT, LOCATOR_CHANGE},        {"dn", CLI_TEXT, LOCATOR_DN},
    {"stale_since", CLI_NUMBER, LOCATOR_STALE_SINCE_S}, {"message", CLI_TEXT, LOCATOR_SAID},
    {"source", CLI_TEXT, LOCATOR_SOURCE},        {"server", CLI_TEXT, LOCATOR_SERVER},
};

static const struct lc_column suspect_columns[] = {
    {"answer_id", CLI_TEXT, LOCATOR_ANSWER_ID},
    {"suspect_until", CLI_NUMBER, LOCATOR_SUSPECT_UNTIL_S},
};

/* Behind the columns of an answer that was kept. */
static const struct lc_column kept_column = {"cached_s", CLI_NUMBER, LOCATOR_CACHED_S};

#define SHAPE(name, rows)                                                                                              \
    const struct lc_shape lc_##name = {name##_columns, SL_COUNT(name##_columns), rows}

SHAPE(site, false);
SHAPE(mp, false);
SHAPE(dp, false);
SHAPE(name, false);
SHAPE(caps, false);
SHAPE(mps, true);
SHAPE(sites, true);
SHAPE(slps, true);
SHAPE(boundaries, true);
SHAPE(report, true);
SHAPE(compare, true);
SHAPE(cache, true);
SHAPE(watch, true);
SHAPE(suspect, false);
const struct lc_shape lc_nothing = {NULL, 0, false};

enum { COLUMNS_MAX = 32, NUMBER_MAX = 24, LIST_MAX = 1 << 20 };

/* Where the cells of a record come from: the result itself, or one of its rows. */
struct record {
    const struct locator_result *r;
    bool is_row;
    size_t row;
};

static const char *record_text(const struct record *rec, enum locator_field field)
{
    return rec->is_row ? locator_row_text(rec->r, rec->row, field) : locator_result_text(rec->r, field);
}

static int64_t record_number(const struct record *rec, enum locator_field field)
{
    return rec->is_row ? locator_row_number(rec->r, rec->row, field) : locator_result_number(rec->r, field);
}

static const char *record_item(const struct record *rec, enum locator_field field, size_t i)
{
    return rec->is_row ? locator_row_item(rec->r, rec->row, field, i) : locator_result_item(rec->r, field, i);
}

/* The text of a cell: NULL when the field is not filled. `buffer` serves numbers, `list` lists. */
static const char *cell(const struct record *rec, const struct lc_column *column, char buffer[NUMBER_MAX], struct sl_text *list)
{
    const char *text = record_text(rec, column->field), *item;
    int64_t number = record_number(rec, column->field);
    if (text)
        return text;
    for (size_t i = 0; (item = record_item(rec, column->field, i)) != NULL; i++)
        sl_text_printf(list, "%s%s", i ? "\n" : "", item);
    if (list->len)
        return sl_text_str(list);
    if (number < 0)
        return NULL;
    if (column->type == CLI_BOOL)
        return number ? "true" : "false";
    (void)snprintf(buffer, NUMBER_MAX, "%" PRId64, number);
    return buffer;
}

static void put_record(struct cli_doc *doc, const struct record *rec, const struct lc_shape *shape)
{
    const char *cells[COLUMNS_MAX];
    char numbers[COLUMNS_MAX][NUMBER_MAX];
    struct sl_text lists[COLUMNS_MAX];
    for (size_t i = 0; i < shape->count; i++) {
        lists[i] = sl_text_new(LIST_MAX);
        cells[i] = cell(rec, &shape->columns[i], numbers[i], &lists[i]);
    }
    cli_doc_row(doc, cells);
    for (size_t i = 0; i < shape->count; i++)
        sl_text_fini(&lists[i]);
}

static void put_answer(struct cli_doc *doc, const struct locator_result *r, const struct lc_shape *shape)
{
    struct cli_column heads[COLUMNS_MAX];
    struct lc_column columns[COLUMNS_MAX];
    enum locator_outcome outcome = locator_result_outcome(r);
    const struct lc_shape with_age = {columns, shape->count + 1, false};
    if (!shape->rows && shape->count && locator_result_number(r, LOCATOR_CACHED_S) >= 0) {
        memcpy(columns, shape->columns, shape->count * sizeof columns[0]);
        columns[shape->count] = kept_column;
        shape = &with_age;
    }
    for (size_t i = 0; i < shape->count; i++)
        heads[i] = (struct cli_column){shape->columns[i].name, shape->columns[i].type};
    cli_doc_columns(doc, heads, shape->count, !shape->rows);
    for (size_t i = 0; shape->rows && i < locator_row_count(r); i++)
        put_record(doc, &(struct record){r, true, i}, shape);
    if (!shape->rows && (outcome == LOCATOR_OK || outcome == LOCATOR_DEGRADED))
        put_record(doc, &(struct record){r, false, 0}, shape);
}

void lc_begin_live(struct cli_call *call, const struct lc_shape *shape)
{
    struct cli_column heads[COLUMNS_MAX];
    for (size_t i = 0; i < shape->count; i++)
        heads[i] = (struct cli_column){shape->columns[i].name, shape->columns[i].type};
    cli_doc_live(call->doc);
    cli_doc_columns(call->doc, heads, shape->count, false);
}

void lc_show_change(void *doc, const struct locator_result *change)
{
    put_record(doc, &(struct record){change, false, 0}, &lc_watch);
}

static void put_steps(struct cli_doc *doc, const struct locator_result *r)
{
    for (size_t i = 0; i < locator_step_count(r); i++) {
        char numbers[3][NUMBER_MAX];
        static const enum locator_step_field number_fields[] = {LOCATOR_STEP_MS, LOCATOR_STEP_AGE_S, LOCATOR_STEP_TTL_S};
        const char *shown[3];
        for (size_t n = 0; n < SL_COUNT(number_fields); n++) {
            int64_t value = locator_step_number(r, i, number_fields[n]);
            (void)snprintf(numbers[n], NUMBER_MAX, "%" PRId64, value);
            shown[n] = value < 0 ? NULL : numbers[n];
        }
        cli_doc_step(doc, (const char *const[CLI_STEP_COLUMNS]){
                              locator_step_text(r, i, LOCATOR_STEP_SOURCE), locator_step_text(r, i, LOCATOR_STEP_ASKED),
                              locator_step_text(r, i, LOCATOR_STEP_RESULT), locator_step_text(r, i, LOCATOR_STEP_VERDICT),
                              locator_step_text(r, i, LOCATOR_STEP_RULE), shown[0], shown[1], shown[2],
                              locator_step_text(r, i, LOCATOR_STEP_OWNER), locator_step_text(r, i, LOCATOR_STEP_TRUST)});
    }
}

enum sl_outcome lc_show(struct cli_call *call, struct locator_result *r, const struct lc_shape *shape)
{
    enum sl_outcome outcome = sl_outcome_parse(locator_outcome_word(locator_result_outcome(r)));
    if (!strncmp(call->verb->name, "explain", strlen("explain")))
        cli_doc_show_steps(call->doc);
    if (shape->count)
        put_answer(call->doc, r, shape);
    put_steps(call->doc, r);
    for (size_t i = 0; i < locator_warning_count(r); i++)
        cli_doc_warning(call->doc, locator_warning(r, i));
    if (outcome != SL_OUTCOME_OK)
        cli_doc_reason(call->doc, locator_result_reason(r), locator_result_message(r));
    locator_result_free(r);
    return outcome;
}

void lc_show_rules(struct cli_call *call, const char *profile)
{
    static const struct cli_column heads[] = {
        {"id", CLI_TEXT}, {"profiles", CLI_TEXT}, {"rule", CLI_TEXT}, {"origin", CLI_TEXT}};
    cli_doc_columns(call->doc, heads, SL_COUNT(heads), false);
    for (size_t i = 0; i < locator_rule_count(); i++)
        if (!profile || strstr(locator_rule_text(i, LOCATOR_RULE_PROFILES), profile))
            cli_doc_row(call->doc, (const char *const[]){
                                   locator_rule_text(i, LOCATOR_RULE_ID), locator_rule_text(i, LOCATOR_RULE_PROFILES),
                                   locator_rule_text(i, LOCATOR_RULE_TEXT), locator_rule_text(i, LOCATOR_RULE_ORIGIN)});
}
