#include "site/publish/publish.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/publish/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const action_words[] = {
#define PUB_ACTION_WORD(name, word) word,
    PUB_ACTION_TABLE(PUB_ACTION_WORD)
#undef PUB_ACTION_WORD
};

static char *format(const char *fmt, va_list args) SL_PRINTF(1, 0);

/* Long attribute values are cut, not refused: these are texts for people. */
static char *format(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    size_t size = len < 0 ? 1 : (size_t)len < PUB_TEXT_MAX ? (size_t)len + 1 : PUB_TEXT_MAX;
    char *text = sl_new(size);
    vsnprintf(text, size, fmt, again);
    va_end(again);
    return text;
}

/* For a list: what would be added is not there, what would be removed is stale. */
static bool is_listed(const struct pub_run *run, enum pub_action *action)
{
    if (run->mode != PUB_LIST)
        return true;
    if (*action == PUB_REMOVE_LINE)
        *action = PUB_STALE_LINE;
    bool is_planned = *action == PUB_SAME_LINE || *action == PUB_CHANGE_LINE;
    return *action != PUB_ADD_LINE && !(is_planned && run->order->is_stale);
}

void pub_line_add(struct pub_run *run, enum pub_action action, const char *object, const char *fmt, ...)
{
    struct pub_report *r = run->report;
    if (r->line_count >= PUB_LINES_MAX || !is_listed(run, &action))
        return;
    va_list args;
    va_start(args, fmt);
    char *detail = format(fmt, args);
    va_end(args);
    r->lines = sl_resize(r->lines, r->line_count + 1, sizeof *r->lines);
    r->lines[r->line_count++] = (struct pub_line){.target = sl_strdup(run->target->uri), .object = sl_strdup(object),
                                                  .action = sl_strdup(action_words[action]), .detail = detail};
}

void pub_differs(struct pub_run *run)
{
    run->result->differing += run->mode == PUB_APPLY;
}

void pub_line_fail(struct pub_run *run, size_t line, const char *why)
{
    run->result->failed += run->mode == PUB_APPLY;
    struct pub_line *l = &run->report->lines[line];
    free(l->action);
    free(l->detail);
    l->action = sl_strdup(action_words[PUB_FAILED_LINE]);
    l->detail = sl_strdup(why);
}

static void warn(struct pub_run *run, const char *rule, const char *fmt, va_list args) SL_PRINTF(3, 0);

static void warn(struct pub_run *run, const char *rule, const char *fmt, va_list args)
{
    if (run->report->warnings.count == PUB_WARNINGS_MAX)
        return;
    char *text = format(fmt, args);
    sl_strings_add(&run->report->warnings, text);
    sl_strings_add(&run->report->rules, rule);
    free(text);
}

void pub_warn(struct pub_run *run, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    warn(run, "", fmt, args);
    va_end(args);
}

void pub_warn_of(struct pub_run *run, const char *rule, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    warn(run, rule, fmt, args);
    va_end(args);
}

void pub_result_set(struct pub_run *run, enum sl_outcome outcome, const char *reason, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    free(run->result->reason);
    free(run->result->message);
    run->result->outcome = outcome;
    run->result->reason = sl_strdup(reason);
    run->result->message = format(fmt, args);
    va_end(args);
}

void pub_result_fail(struct pub_run *run, enum sl_status status, const struct sl_error *e)
{
    enum sl_outcome outcome = sl_status_outcome(status);
    if (outcome == SL_OUTCOME_NEGATIVE) /* that would read as "it differs", of a target that could not be read at all */
        outcome = SL_OUTCOME_CONFLICT;
    pub_result_set(run, outcome, outcome == SL_OUTCOME_UNREACHABLE ? "could-not-ask" : sl_outcome_word(outcome), "%s",
                   sl_error_text(e));
}

/* ---- the outcome of all ----------------------------------------------------------------------------------------------- */

static void conclude(struct pub_report *r, enum sl_outcome outcome, const char *reason, const char *message)
{
    r->outcome = outcome;
    r->reason = sl_strdup(reason);
    r->message = sl_strdup(message);
}

/* `degraded` is a target that was passed over because another serves: it does not count. */
static bool has_failed(const struct pub_result *result)
{
    return result->outcome != SL_OUTCOME_OK && result->outcome != SL_OUTCOME_NEGATIVE && result->outcome != SL_OUTCOME_DEGRADED;
}

static void judge(const struct pub_run *run)
{
    struct pub_report *r = run->report;
    const struct pub_result *failed = NULL;
    size_t failures = 0, differing = 0;
    struct sl_text names = sl_text_new(PUB_TEXT_MAX), different = sl_text_new(PUB_TEXT_MAX);
    for (size_t i = 0; i < r->result_count; i++) {
        bool is_different = r->results[i].outcome == SL_OUTCOME_NEGATIVE;
        differing += is_different;
        if (is_different && r->results[i].message[0])
            sl_text_printf(&different, "%s%s", different.len ? "; " : "", r->results[i].message);
        if (!has_failed(&r->results[i]))
            continue;
        failures++;
        failed = failed ? failed : &r->results[i];
        sl_text_printf(&names, "%s%s: %s", names.len ? "; " : "", r->results[i].target,
                       r->results[i].message[0] ? r->results[i].message : sl_outcome_word(r->results[i].outcome));
    }
    if (different.len == 0)
        sl_text_printf(&different, "%zu of %zu targets differ; --apply changes them", differing, r->result_count);
    if (r->result_count == 0 && (run->mode == PUB_DIFF || run->mode == PUB_APPLY))
        conclude(r, SL_OUTCOME_CONFLICT, "no-target", "the site has no target: nobody could find its management point (S1.19)");
    else if (failures == r->result_count && failed)
        conclude(r, failed->outcome, failed->reason, failed->message);
    else if (failures > 0)
        conclude(r, SL_OUTCOME_PARTIAL, failed->reason, sl_text_str(&names));
    else if (differing > 0 && run->mode != PUB_LIST)
        conclude(r, SL_OUTCOME_NEGATIVE, pub_is_diff(run) ? "differs" : "not-yet", sl_text_str(&different));
    else
        conclude(r, SL_OUTCOME_OK, "", "");
    sl_text_fini(&names);
    sl_text_fini(&different);
}

int64_t pub_time_ms(const struct sm_snapshot *site)
{
    return PUB_TARGET_MS + PUB_OBJECT_MS * (int64_t)(site->mp_count + site->boundary_count);
}

static const struct {
    enum sl_status (*check)(const struct sm_target *target, struct sl_error *e); /* NULL: nothing is left to check */
    void (*run)(struct pub_run *run);
} kinds[] = {
    [SM_TARGET_DIRECTORY] = {pub_directory_check, pub_directory},
    [SM_TARGET_REGISTRY] = {pub_registry_check, pub_registry},
    [SM_TARGET_STATIC] = {NULL, pub_static},
    [SM_TARGET_DNS] = {pub_dns_check, pub_dns},
    [SM_TARGET_LDIF] = {NULL, pub_file},
    [SM_TARGET_ZONE] = {NULL, pub_file},
    [SM_TARGET_NAMES] = {NULL, pub_file},
};

enum sl_status pub_check_target(const struct sm_target *target, struct sl_error *e)
{
    enum sl_status status = sm_check_target(target, e);
    if (status == SL_OK && kinds[sm_target_kind(target)].check)
        status = kinds[sm_target_kind(target)].check(target, e);
    return status;
}

static bool is_tree(const struct sm_target *target)
{
    enum sm_target_kind kind = sm_target_kind(target);
    return kind == SM_TARGET_DIRECTORY || kind == SM_TARGET_LDIF;
}

static void run_target(struct pub_run *run, struct sl_deadline all)
{
    run->deadline = sl_deadline_min(all, sl_deadline_in(pub_time_ms(run->site)));
    if (sl_deadline_passed(all))
        pub_result_set(run, SL_OUTCOME_UNREACHABLE, "could-not-ask", "no time was left for this target");
    else if (pub_is_stopping(run))
        pub_result_set(run, SL_OUTCOME_UNREACHABLE, "could-not-ask", "the daemon is stopping");
    else
        kinds[sm_target_kind(run->target)].run(run);
}

/* What others must do is waited for, and looked at last: what we do ourselves does not wait for it, nor for what ails. */
enum turn { TURN_WELL, TURN_AILING, TURN_OF_OTHERS, TURN_COUNT };

static enum turn turn_of(const struct pub_run *run, const struct sm_target *target)
{
    const struct pub_env *env = run->env;
    if (sm_target_is_registry(target))
        return TURN_OF_OTHERS;
    return env && env->is_ailing && env->is_ailing(env->ctx, run->site->site.code, target->uri) ? TURN_AILING : TURN_WELL;
}

static void run_targets(struct pub_run *run, const enum turn *turns, enum turn turn, struct sl_deadline deadline)
{
    for (size_t i = 0; i < run->site->target_count; i++) {
        run->target = &run->site->targets[i];
        run->result = &run->report->results[i];
        if (turns[i] != turn)
            continue;
        run->result->target = sl_strdup(run->target->uri);
        pub_result_set(run, SL_OUTCOME_OK, "", "%s", "");
        run_target(run, deadline);
        run->result->done_ms = sl_clock_mono_ms();
    }
}

void pub_run(const struct sm_snapshot *site, const struct pub_order *order, const struct pub_env *env,
             struct sl_deadline deadline, struct pub_report *ret_report)
{
    struct pub_report report = {.generation = site->generation, .result_count = site->target_count};
    struct pub_run run = {.site = site, .order = order, .mode = order->mode, .env = env, .report = &report};
    report.results = sl_new_array(site->target_count + 1, sizeof *report.results);
    enum turn *turns = sl_new_array(site->target_count + 1, sizeof *turns);
    for (size_t i = 0; i < site->target_count; i++) {
        run.has_other = run.has_other || !is_tree(&site->targets[i]);
        turns[i] = turn_of(&run, &site->targets[i]);
    }
    for (enum turn turn = 0; turn < TURN_COUNT; turn++)
        run_targets(&run, turns, turn, deadline);
    free(turns);
    judge(&run);
    *ret_report = report;
}

void pub_order_fini(struct pub_order *order)
{
    sl_strings_fini(&order->sites);
    sl_strings_fini(&order->known);
    free(order->forest);
    free(order->trial_mp);
    free(order->note);
    *order = (struct pub_order){.mode = order->mode};
}

void pub_report_fini(struct pub_report *report)
{
    for (size_t i = 0; i < report->line_count; i++) {
        free(report->lines[i].target);
        free(report->lines[i].object);
        free(report->lines[i].action);
        free(report->lines[i].detail);
    }
    for (size_t i = 0; i < report->result_count; i++) {
        free(report->results[i].target);
        free(report->results[i].reason);
        free(report->results[i].message);
    }
    sl_strings_fini(&report->warnings);
    sl_strings_fini(&report->rules);
    free(report->lines);
    free(report->results);
    free(report->reason);
    free(report->message);
    *report = (struct pub_report){0};
}
