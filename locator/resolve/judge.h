/*
 * judge.h - the one place that decides which answer wins. Pure: it sees what the sources said, in order of priority.
 *
 * Sources are judged from the first to the last:
 *
 *   J1  the first source that has an answer decides: ok
 *   J2  "the site is published and has no default management point" decides too: negative (S1.26); a registration that was left
 *       behind in a lower source must not overrule the site
 *   J3  a source that says no (schema not extended, nothing published, not found) leaves it to the next one (S1.19)
 *   J4  a source that could not be asked, or not to the end, decides nothing and costs at most its time-out
 *   J5  what ranks below the deciding source does not count, whether it has spoken or not
 *   J6  a source that knows nothing of the kind is not asked
 *   J7  an answer that is not trusted enough (refuted, or less than what is demanded; prove.h) decides nothing
 *   J8  a suspect answer (reported by a caller) is passed over for a lower-ranked one that is not; when it is judged it has been
 *       passed over already for the next by name of the same source (Q12)
 *   J9  without such a one the first suspect answer decides after all
 *
 * When nobody decides: if any answer was refused (J7), the outcome is that of the first of them, untrusted, because there was an
 * answer; else if any source failed (J4), the outcome and reason are those of the first that failed, because it might
 * have known; else those of the first that said no; if none could be asked such a question at all, it is a usage mistake. So
 * "negative" always means that every source was asked to the end.
 *
 * Rules Q12, S1.21 and S1.26 are applied inside a source (locator/model) and shown in its step.
 */
#ifndef SL_LOCATOR_RESOLVE_JUDGE_H
#define SL_LOCATOR_RESOLVE_JUDGE_H

#include "common/base/status.h"
#include "locator/source/source.h"

#include <stdbool.h>
#include <stddef.h>

#define RESOLVE_RULE_TABLE(X)                                                                                          \
    X(NONE, "", "")                                                                                                    \
    X(ANSWER, "J1", "accepted")                                                                                        \
    X(DECISION, "J2", "accepted")                                                                                      \
    X(PASSED, "J3", "passed on")                                                                                       \
    X(FAILED, "J4", "failed")                                                                                          \
    X(OUTRANKED, "J5", "outranked")                                                                                    \
    X(UNABLE, "J6", "not asked")                                                                                       \
    X(REFUSED, "J7", "refused")                                                                                        \
    X(SUSPECT, "J8", "suspect")                                                                                        \
    X(NO_OTHER, "J9", "accepted")

enum resolve_rule {
#define RESOLVE_RULE_ENUM(name, id, verdict) RESOLVE_##name,
    RESOLVE_RULE_TABLE(RESOLVE_RULE_ENUM)
#undef RESOLVE_RULE_ENUM
        RESOLVE_RULE_COUNT
};

/* The id of a rule ("J1") and its verdict on a source ("accepted"). */
const char *resolve_rule_id(enum resolve_rule rule);
const char *resolve_rule_verdict(enum resolve_rule rule); /* as above */

struct resolve_judgement {
    bool decided;           /* false: a source that could still decide has not spoken */
    bool final;             /* a source decided (J1, J2, J9); false: nobody did, and all were heard */
    size_t by;              /* the source whose words make the outcome */
    enum sl_outcome outcome;
    bool outranking_failed; /* ok, but a source of higher rank gave no answer: `lower` */
    size_t lower;           /* that source, the first of them */
};

/* Judges `count` sources; a NULL answer has not come yet. count 0 is decided as a usage mistake. */
struct resolve_judgement resolve_judge(const struct src_answer *const *answers, size_t count);
/* The rule that applies to source `i` once judged. */
enum resolve_rule resolve_rule_of(const struct resolve_judgement *j, const struct src_answer *answer, size_t i);

#endif
