#include "locator/api/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

struct locator_result *api_result_new(void)
{
    struct locator_result *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->magic = LOCATOR_RESULT_MAGIC;
    for (size_t i = 0; i < LOCATOR_FIELDS; i++)
        r->numbers[i] = -1;
    return r;
}

void api_conclude(struct locator_result *r, enum sl_outcome outcome, const char *reason, const char *message)
{
    r->outcome = (enum locator_outcome)sl_outcome_exit(outcome);
    (void)sl_text_copy(r->reason, sizeof r->reason, outcome == SL_OUTCOME_OK ? "" : reason);
    (void)sl_text_copy(r->message, sizeof r->message, message);
}

void api_put_text(struct locator_result *r, enum locator_field field, const char *text)
{
    free(r->texts[field]);
    r->texts[field] = text && text[0] ? sl_strdup(text) : NULL;
}

void api_warn(struct locator_result *r, const char *text)
{
    if (r->warnings.count < LOCATOR_WARNINGS_MAX)
        sl_strings_add(&r->warnings, text);
}

void locator_result_free(struct locator_result *r)
{
    if (!r)
        return;
    SL_CHECK_MAGIC(r, LOCATOR_RESULT_MAGIC);
    for (size_t i = 0; i < LOCATOR_FIELDS; i++) {
        free(r->texts[i]);
        sl_strings_fini(&r->lists[i]);
    }
    sl_strings_fini(&r->warnings);
    api_rows_fini(r);
    resolve_trace_fini(&r->trace);
    r->magic = 0;
    free(r);
}

enum locator_outcome locator_result_outcome(const struct locator_result *r)
{
    return r ? r->outcome : LOCATOR_INTERNAL;
}

const char *locator_result_reason(const struct locator_result *r)
{
    return r ? r->reason : "out-of-memory";
}

const char *locator_result_message(const struct locator_result *r)
{
    return r ? r->message : sl_status_text(SL_NOMEM);
}

static bool is_field(const struct locator_result *r, enum locator_field field)
{
    return r && (int)field > 0 && (int)field < LOCATOR_FIELDS;
}

const char *locator_result_text(const struct locator_result *r, enum locator_field field)
{
    return is_field(r, field) ? r->texts[field] : NULL;
}

int64_t locator_result_number(const struct locator_result *r, enum locator_field field)
{
    return is_field(r, field) ? r->numbers[field] : -1;
}

size_t locator_result_count(const struct locator_result *r, enum locator_field field)
{
    return is_field(r, field) ? r->lists[field].count : 0;
}

const char *locator_result_item(const struct locator_result *r, enum locator_field field, size_t index)
{
    return index < locator_result_count(r, field) ? r->lists[field].items[index] : NULL;
}

size_t locator_warning_count(const struct locator_result *r)
{
    return r ? r->warnings.count : 0;
}

const char *locator_warning(const struct locator_result *r, size_t index)
{
    return index < locator_warning_count(r) ? r->warnings.items[index] : NULL;
}

size_t locator_step_count(const struct locator_result *r)
{
    return r ? r->trace.count : 0;
}

const char *locator_step_text(const struct locator_result *r, size_t step, enum locator_step_field field)
{
    if (step >= locator_step_count(r))
        return "";
    const struct resolve_step *s = &r->trace.steps[step];
    switch (field) {
    case LOCATOR_STEP_SOURCE:
        return s->source;
    case LOCATOR_STEP_ASKED:
        return s->asked;
    case LOCATOR_STEP_RESULT:
        return s->result;
    case LOCATOR_STEP_VERDICT:
        return s->verdict;
    case LOCATOR_STEP_RULE:
        return s->rule;
    case LOCATOR_STEP_OWNER:
        return s->owner;
    case LOCATOR_STEP_TRUST:
        return s->trust;
    case LOCATOR_STEP_MS:
    case LOCATOR_STEP_AGE_S:
    case LOCATOR_STEP_TTL_S:
        break;
    }
    return "";
}

int64_t locator_step_number(const struct locator_result *r, size_t step, enum locator_step_field field)
{
    if (step >= locator_step_count(r))
        return -1;
    const struct resolve_step *s = &r->trace.steps[step];
    if (field == LOCATOR_STEP_MS)
        return s->ms;
    if (field == LOCATOR_STEP_AGE_S)
        return s->age_s;
    return field == LOCATOR_STEP_TTL_S ? s->ttl_s : -1;
}

const char *locator_outcome_word(enum locator_outcome outcome)
{
    for (int i = 0; i < SL_OUTCOME_COUNT; i++)
        if (sl_outcome_exit((enum sl_outcome)i) == (int)outcome)
            return sl_outcome_word((enum sl_outcome)i);
    return "";
}
