/*
 * trace.h - the steps of a lookup: what was asked, what came back, which rule accepted or rejected it, how long it took.
 *
 * Each question that a source sent is a step; the last step of a source has the whole question, the word of its result, the
 * verdict and the rule. A trace owns its steps.
 */
#ifndef SL_LOCATOR_RESOLVE_TRACE_H
#define SL_LOCATOR_RESOLVE_TRACE_H

#include "locator/resolve/judge.h"
#include "locator/source/source.h"

#include <stddef.h>
#include <stdint.h>

enum { RESOLVE_STEPS_MAX = 1024, RESOLVE_WORD_MAX = 32 };

struct resolve_step {
    char source[SRC_URI_MAX];
    char asked[SRC_TEXT_MAX];
    char result[SRC_TEXT_MAX];
    char verdict[RESOLVE_WORD_MAX];
    char rule[RESOLVE_WORD_MAX];
    int64_t ms;
    int64_t age_s, ttl_s; /* SRC_AGE_UNKNOWN */
    char owner[LM_NAME_MAX];
    char trust[RESOLVE_WORD_MAX]; /* word of LM_TRUST_TABLE, "" when there was no answer */
};

struct resolve_trace {
    struct resolve_step *steps;
    size_t count;
};

/*
 * Appends a step that says where a source comes from that the caller did not name. `passed_over`: the profile that does not ask
 * sources of its kind, "" when it is asked.
 */
void resolve_trace_origin(struct resolve_trace *trace, const char *source, const char *origin, const char *passed_over);
/* Frees the steps and empties the trace. */
void resolve_trace_fini(struct resolve_trace *trace);
/* Appends a step that no source took: what was decided, and by which rule. */
void resolve_trace_say(struct resolve_trace *trace, const char *asked, const char *result, const char *rule);
/* Moves the steps of `from` behind those of `to`; `from` is empty then. */
void resolve_trace_join(struct resolve_trace *to, struct resolve_trace *from);
/* True when there was an answer, taken or refused (J7): it has a trust. */
bool resolve_has_trust(const struct src_answer *a);
/*
 * Appends the steps of one source: a step per note, then the one that concludes. `a` is NULL for a source that was not waited
 * for. `asked` is the whole question ("find mp P01"). Steps beyond RESOLVE_STEPS_MAX are dropped.
 */
void resolve_trace_add(struct resolve_trace *trace, const char *source, const char *asked, const struct src_answer *a,
                       enum resolve_rule rule, int64_t ms);

#endif
