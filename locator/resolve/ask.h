/*
 * ask.h - sources asked side by side, judged in order of priority.
 *
 * Each source is asked in a thread of the library's own, with all signals blocked, that the caller never sees; the lower its
 * rank, the nicer it is to the others where processors are few. As soon as judge.h can decide, the call returns; sources that
 * still work are told to stop and left to end by themselves, at the latest at their own deadline: they own all they use. A source
 * that overruns its deadline, stuck in a library that blocks, is counted as failed and left behind in the same way, so the call
 * never takes longer than the longest time-out of a source that outranks the answer; one after another, it is the sum of those. A
 * deadline that is canceled makes all that have not spoken count as failed ("canceled"), at once.
 */
#ifndef SL_LOCATOR_RESOLVE_ASK_H
#define SL_LOCATOR_RESOLVE_ASK_H

#include "locator/resolve/judge.h"
#include "locator/resolve/prove.h"
#include "locator/resolve/trace.h"

enum {
    RESOLVE_SOURCES_MAX = 64,
    RESOLVE_GRACE_MS = 100, /* a source may overrun its deadline by so much before it is left behind */
};

/* A source ready to be asked: `source` comes from ops->open and passes into the ownership of resolve_ask; NULL where the answer
 * is known. */
struct resolve_source {
    const struct src_ops *ops;
    void *source;
    const char *uri; /* copied */
};

struct resolve_result {
    struct resolve_judgement judgement;
    struct src_answer answer;        /* of the source that made the outcome; all unknown when there were no sources */
    char source[SRC_URI_MAX];        /* its URI */
    char lower_source[SRC_URI_MAX];  /* of judgement.lower */
    char lower_text[SL_ERROR_TEXT_MAX]; /* what that one said */
    struct resolve_trace trace;
};

/* How to ask: each source for at most `timeout_ms`, none beyond `deadline`. */
struct resolve_terms {
    int64_t timeout_ms;
    struct sl_deadline deadline;
    bool sequential;          /* a source is asked when all before it have left it open: the behaviour of the original */
    struct src_answer *every; /* NULL, or room for `count` answers: every source is heard, and what each said is put here */
    /* What is not trusted so far is refused; management points are asked for their proof in the time of the source that named
     * them. NULL: everything is taken as it comes. Copied. */
    const struct resolve_trust *trust;
    /* NULL, or what is known already of each of the sources, NULL where nothing is: such a source is not asked, and its place in
     * the list of sources has none. Their objects pass to resolve_ask. */
    const struct src_answer *const *known;
    /* NULL, or is told once what each source that was asked, and has spoken before the end, has said: as it said it. */
    void (*heard)(void *ctx, size_t source, const struct src_answer *answer);
    /* NULL, or is told each answer once, before it is judged: sets its id and whether it is suspect, or takes another
     * of the same answer that is not. In the calling thread. */
    void (*weigh)(void *ctx, size_t source, struct src_answer *answer);
    void *ctx; /* of both */
};

/*
 * Asks `count` (at most RESOLVE_SOURCES_MAX) sources. Always gives a result (resolve_result_fini); `asked` is the question in
 * words, for the trace. Answers in terms->every pass to the caller (src_answer_fini).
 */
void resolve_ask(const struct resolve_source *sources, size_t count, const struct src_question *question, const char *asked,
                 const struct resolve_terms *terms, struct resolve_result *ret_result);
/* Frees the answer and the trace. */
void resolve_result_fini(struct resolve_result *result);

#endif
