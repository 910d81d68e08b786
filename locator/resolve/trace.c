#include "locator/resolve/trace.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void resolve_trace_fini(struct resolve_trace *trace)
{
    free(trace->steps);
    *trace = (struct resolve_trace){NULL, 0};
}

void resolve_trace_join(struct resolve_trace *to, struct resolve_trace *from)
{
    size_t count = from->count;
    if (count > RESOLVE_STEPS_MAX - to->count)
        count = RESOLVE_STEPS_MAX - to->count;
    if (count) {
        to->steps = sl_resize(to->steps, to->count + count, sizeof *to->steps);
        memcpy(to->steps + to->count, from->steps, count * sizeof *from->steps);
        to->count += count;
    }
    resolve_trace_fini(from);
}

bool resolve_has_trust(const struct src_answer *a)
{
    return a->result == SRC_ANSWER || a->result == SRC_REFUTED || a->result == SRC_TRUST_TOO_LOW;
}

static struct resolve_step *append(struct resolve_trace *trace, const char *source, const char *asked, int64_t ms)
{
    if (trace->count == RESOLVE_STEPS_MAX)
        return NULL;
    trace->steps = sl_resize(trace->steps, trace->count + 1, sizeof *trace->steps);
    struct resolve_step *step = &trace->steps[trace->count++];
    *step = (struct resolve_step){.ms = ms, .age_s = SRC_AGE_UNKNOWN, .ttl_s = SRC_AGE_UNKNOWN};
    (void)sl_text_copy(step->source, sizeof step->source, source);
    (void)sl_text_copy(step->asked, sizeof step->asked, asked);
    return step;
}

void resolve_trace_origin(struct resolve_trace *trace, const char *source, const char *origin, const char *passed_over)
{
    struct resolve_step *step = append(trace, source, "where from", 0);
    if (!step)
        return;
    (void)sl_text_copy(step->result, sizeof step->result, origin);
    if (passed_over[0])
        (void)snprintf(step->verdict, sizeof step->verdict, "not in profile %s", passed_over);
}

static void conclude(struct resolve_step *step, const struct src_answer *a, enum resolve_rule rule)
{
    const char *extra = a && a->rule[0] ? a->rule : "";
    (void)snprintf(step->rule, sizeof step->rule, "%s%s%s", resolve_rule_id(rule), extra[0] ? " " : "", extra);
    (void)sl_text_copy(step->verdict, sizeof step->verdict, resolve_rule_verdict(rule));
    if (!a) {
        (void)sl_text_copy(step->result, sizeof step->result, "not waited for");
        return;
    }
    (void)sl_text_copy(step->result, sizeof step->result, src_result_word(a->result));
    if (!resolve_has_trust(a))
        return;
    step->age_s = a->age_s;
    step->ttl_s = a->ttl_s;
    (void)sl_text_copy(step->owner, sizeof step->owner, a->owner);
    (void)sl_text_copy(step->trust, sizeof step->trust, lm_trust_word(a->trust));
}

void resolve_trace_add(struct resolve_trace *trace, const char *source, const char *asked, const struct src_answer *a,
                       enum resolve_rule rule, int64_t ms)
{
    for (size_t i = 0; a && i < a->note_count; i++) {
        struct resolve_step *step = append(trace, source, a->notes[i].asked, a->notes[i].ms);
        if (step)
            (void)sl_text_copy(step->result, sizeof step->result, a->notes[i].result);
    }
    struct resolve_step *last = append(trace, source, asked, ms);
    if (last)
        conclude(last, a, rule);
}

void resolve_trace_say(struct resolve_trace *trace, const char *asked, const char *result, const char *rule)
{
    struct resolve_step *step = append(trace, "-", asked, 0);
    if (!step)
        return;
    (void)sl_text_copy(step->result, sizeof step->result, result);
    (void)sl_text_copy(step->verdict, sizeof step->verdict, resolve_rule_verdict(RESOLVE_ANSWER));
    (void)sl_text_copy(step->rule, sizeof step->rule, rule);
}
