#include "locator/resolve/judge.h"

static const struct {
    const char *id, *verdict;
} rules[] = {
#define RESOLVE_RULE_ROW(name, id, verdict) {id, verdict},
    RESOLVE_RULE_TABLE(RESOLVE_RULE_ROW)
#undef RESOLVE_RULE_ROW
};

const char *resolve_rule_id(enum resolve_rule rule)
{
    return rules[rule].id;
}

const char *resolve_rule_verdict(enum resolve_rule rule)
{
    return rules[rule].verdict;
}

static bool is_suspect(const struct src_answer *a)
{
    return a->result == SRC_ANSWER && a->suspect_until_s;
}

static bool decides(const struct src_answer *a)
{
    return (a->result == SRC_ANSWER && !a->suspect_until_s) || a->result == SRC_NO_DEFAULT;
}

static bool says_no(const struct src_answer *a)
{
    return src_result_outcome(a->result) == SL_OUTCOME_NEGATIVE;
}

static bool is_refused(const struct src_answer *a)
{
    return a->result == SRC_REFUTED || a->result == SRC_TRUST_TOO_LOW;
}

static bool is_failure(const struct src_answer *a)
{
    return a->result != SRC_UNABLE && !decides(a) && !says_no(a);
}

/* The first source that `wanted` holds for, or count. */
static size_t first(const struct src_answer *const *answers, size_t count, bool (*wanted)(const struct src_answer *))
{
    size_t i = 0;
    while (i < count && !wanted(answers[i]))
        i++;
    return i;
}

/* The source that makes the outcome; `spoken` is the first that decides by itself, or count. */
static size_t pick(const struct src_answer *const *answers, size_t spoken, size_t count)
{
    size_t suspect = first(answers, spoken, is_suspect), refused = first(answers, spoken, is_refused);
    size_t failed = first(answers, spoken, is_failure), no = first(answers, spoken, says_no);
    if (suspect < spoken && (spoken == count || answers[spoken]->result != SRC_ANSWER))
        return suspect;
    if (spoken < count)
        return spoken;
    if (refused < spoken)
        return refused;
    if (failed < spoken)
        return failed;
    return no < spoken ? no : 0;
}

struct resolve_judgement resolve_judge(const struct src_answer *const *answers, size_t count)
{
    struct resolve_judgement j = {.outcome = SL_OUTCOME_USAGE};
    size_t spoken = 0;
    while (spoken < count && answers[spoken] && !decides(answers[spoken]))
        spoken++;
    if (spoken < count && !answers[spoken])
        return j;
    j.decided = true;
    j.by = pick(answers, spoken, count);
    j.final = j.by < count && (decides(answers[j.by]) || is_suspect(answers[j.by]));
    if (count)
        j.outcome = src_result_outcome(answers[j.by]->result);
    size_t failed = first(answers, j.by, is_failure), no = first(answers, j.by, says_no);
    if (j.outcome == SL_OUTCOME_OK && (failed < j.by || no < j.by)) {
        j.outranking_failed = true;
        j.lower = failed < no ? failed : no;
    }
    return j;
}

enum resolve_rule resolve_rule_of(const struct resolve_judgement *j, const struct src_answer *answer, size_t i)
{
    if (answer && answer->result == SRC_UNABLE)
        return RESOLVE_UNABLE;
    if (j->final && i > j->by)
        return RESOLVE_OUTRANKED;
    if (!answer)
        return RESOLVE_NONE;
    if (is_suspect(answer))
        return i == j->by ? RESOLVE_NO_OTHER : RESOLVE_SUSPECT;
    if (answer->result == SRC_ANSWER)
        return RESOLVE_ANSWER;
    if (answer->result == SRC_NO_DEFAULT)
        return RESOLVE_DECISION;
    if (is_refused(answer))
        return RESOLVE_REFUSED;
    return says_no(answer) ? RESOLVE_PASSED : RESOLVE_FAILED;
}
