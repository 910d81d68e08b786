#include "locator/resolve/ask.h"

#include "common/base/assert.h"
#include "common/base/cancel.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/base/thread.h"
#include "locator/net/httpc.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define BOARD_MAGIC 0x10ca7e01u

enum { NICE_STEP = 3, NICE_MAX = 12 };

struct board;

/* One source being asked. The answer is written by its thread, once, under the lock of the board. */
struct job {
    struct board *board;
    const struct src_ops *ops;
    void *source;
    char uri[SRC_URI_MAX];
    struct sl_deadline deadline;
    int64_t started_ms;
    int64_t ms;
    bool started; /* the answers of jobs that were not are never looked at */
    bool known;   /* its answer stood from the start */
    bool done;    /* its answer stands */
    bool told;    /* terms->heard has been told it, as the source said it */
    bool weighed; /* terms->weigh has seen it */
    bool running; /* its thread is still at work; after a give-up both are true */
    struct src_answer answer;
};

/* Shared by the asker and the threads; the last one to leave frees it, with the sources. */
struct board {
    uint32_t magic;
    pthread_mutex_t lock;
    int spoken_fd; /* eventfd: a job is done */
    struct sl_cancel stop; /* told to the jobs that are not waited for */
    bool is_usable;        /* both are there */
    size_t refs;
    struct src_question question;
    struct resolve_trust trust;
    size_t count;
    struct job jobs[];
};

static struct board *board_new(const struct resolve_source *sources, size_t count, const struct src_question *question,
                               const struct resolve_trust *trust)
{
    struct board *b = sl_new(sizeof *b + count * sizeof b->jobs[0]);
    b->magic = BOARD_MAGIC;
    (void)pthread_mutex_init(&b->lock, NULL);
    b->spoken_fd = -1;
    b->refs = 1;
    b->question = *question;
    b->trust = trust ? *trust : (struct resolve_trust){.least = LM_TRUST_REFUTED};
    b->trust.config = src_config_copy(&b->trust.config);
    b->count = count;
    for (size_t i = 0; i < count; i++) {
        b->jobs[i].board = b;
        b->jobs[i].ops = sources[i].ops;
        b->jobs[i].source = sources[i].source;
        (void)sl_text_copy(b->jobs[i].uri, sizeof b->jobs[i].uri, sources[i].uri);
        src_answer_init(&b->jobs[i].answer);
    }
    return b;
}

static void board_leave(struct board *b)
{
    SL_CHECK_MAGIC(b, BOARD_MAGIC);
    (void)pthread_mutex_lock(&b->lock);
    bool last = --b->refs == 0;
    (void)pthread_mutex_unlock(&b->lock);
    if (!last)
        return;
    for (size_t i = 0; i < b->count; i++) {
        if (b->jobs[i].source)
            b->jobs[i].ops->free(b->jobs[i].source);
        src_answer_fini(&b->jobs[i].answer);
    }
    if (b->is_usable)
        sl_cancel_fini(&b->stop);
    src_config_fini(&b->trust.config);
    if (b->spoken_fd >= 0)
        (void)close(b->spoken_fd);
    (void)pthread_mutex_destroy(&b->lock);
    b->magic = 0;
    free(b);
}

/* A source leaves the processor to those that outrank it: they alone decide how long the caller waits. */
static void give_way(size_t rank)
{
    int nice = rank < NICE_MAX / NICE_STEP ? (int)rank * NICE_STEP : NICE_MAX;
    if (nice)
        (void)setpriority(PRIO_PROCESS, (id_t)gettid(), nice); /* of this thread alone, on Linux */
}

/* True when the judge can go on now that this one is done; until those that outrank it have spoken it is not to be woken. */
static bool is_news(const struct job *job)
{
    const struct board *b = job->board;
    size_t i = 0;
    while (&b->jobs[i] < job && b->jobs[i].done)
        i++;
    return &b->jobs[i] == job;
}

static void *job_main(void *arg)
{
    struct job *job = arg;
    struct board *b = job->board;
    struct src_answer *a = sl_new(sizeof *a);
    src_answer_init(a);
    give_way((size_t)(job - b->jobs));
    job->ops->ask(job->source, &b->question, job->deadline, a);
    resolve_prove(&b->trust, &b->question, job->deadline, a);
    (void)pthread_mutex_lock(&b->lock);
    if (!job->done) { /* else the asker has given up on us */
        job->answer = *a;
        job->ms = sl_clock_mono_ms() - job->started_ms;
        job->done = true;
    } else {
        src_answer_fini(a);
    }
    job->running = false;
    if (is_news(job))
        (void)!write(b->spoken_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)pthread_mutex_unlock(&b->lock);
    free(a);
    board_leave(b);
    return NULL;
}

/* What threads need; where all is known there is none. */
static void make_usable(struct board *b)
{
    if (b->spoken_fd >= 0)
        return;
    b->spoken_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    b->is_usable = b->spoken_fd >= 0 && sl_cancel_init(&b->stop, NULL) == SL_OK;
}

/* Called with the lock held. */
static void start(struct board *b, struct job *job, const struct resolve_terms *terms)
{
    make_usable(b);
    job->deadline = sl_deadline_min(terms->deadline, sl_deadline_in(terms->timeout_ms));
    job->deadline.cancel = &b->stop; /* not the caller's, which a job that is left behind outlives */
    job->started_ms = sl_clock_mono_ms();
    job->started = true;
    job->done = !(job->ops->answers & b->question.what);
    if (job->done) {
        src_say(&job->answer, SRC_UNABLE, "a source of the kind %s: knows nothing of this kind", job->ops->scheme);
        return;
    }
    job->running = true;
    b->refs++;
    if (!b->is_usable || !sl_thread_start(job_main, job)) {
        b->refs--;
        job->running = false;
        job->done = true;
        src_say(&job->answer, SRC_FAILED, "no thread, or no file descriptor, for it");
    }
}

/* Starts what may be under way now: all, or, one after another, the first that has not spoken. Called with the lock held. */
static void start_due(struct board *b, const struct resolve_terms *terms)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!b->jobs[i].started)
            start(b, &b->jobs[i], terms);
        if (terms->sequential && !b->jobs[i].done)
            return;
    }
}

/* What is known counts as said; its objects pass to the board, as those of a source do. */
static void put_known(struct board *b, const struct resolve_terms *terms)
{
    for (size_t i = 0; terms->known && i < b->count; i++) {
        if (!terms->known[i])
            continue;
        b->jobs[i].answer = *terms->known[i];
        b->jobs[i].started = b->jobs[i].done = b->jobs[i].known = true;
    }
}

static void tell(struct board *b, size_t source, const struct resolve_terms *terms)
{
    struct job *job = &b->jobs[source];
    if (!terms->heard || job->told || !job->done || !job->started || job->known)
        return;
    terms->heard(terms->ctx, source, &job->answer);
    job->told = true;
}

/* Gives up on jobs beyond deadline and grace, on all when canceled; returns the time when the next one is due. Called with the
 * lock held. */
static int64_t give_up_late(struct board *b, bool canceled)
{
    int64_t now_ms = sl_clock_mono_ms(), next_ms = INT64_MAX;
    for (size_t i = 0; i < b->count; i++) {
        struct job *job = &b->jobs[i];
        int64_t due_ms = job->deadline.at_ms + RESOLVE_GRACE_MS;
        if (job->done || !job->started)
            continue;
        if (canceled || due_ms <= now_ms) {
            src_say(&job->answer, SRC_FAILED, canceled ? "canceled" : "no answer in time");
            job->ms = now_ms - job->started_ms;
            job->done = true;
        } else if (due_ms < next_ms) {
            next_ms = due_ms;
        }
    }
    return next_ms;
}

/* Waits for a job to be done or a wish to cancel, at most until `until_ms`. Called with the lock held; it is open meanwhile. */
static void wait_for_news(struct board *b, struct sl_deadline deadline, int64_t until_ms)
{
    struct pollfd fds[] = {{.fd = b->spoken_fd, .events = POLLIN}, {.fd = sl_deadline_fd(deadline), .events = POLLIN}};
    uint64_t spoken;
    (void)pthread_mutex_unlock(&b->lock);
    (void)poll(fds, SL_COUNT(fds), sl_deadline_left_ms((struct sl_deadline){.at_ms = until_ms}));
    (void)!read(b->spoken_fd, &spoken, sizeof spoken);
    (void)pthread_mutex_lock(&b->lock);
}

static bool all_done(const struct board *b)
{
    size_t i = 0;
    while (i < b->count && b->jobs[i].done)
        i++;
    return i == b->count;
}

/* What a source has said is weighed, which may change it, when all that outrank it have spoken. Called with the lock held. */
static void weigh(struct board *b, const struct resolve_terms *terms)
{
    for (size_t i = 0; terms->weigh && i < b->count && b->jobs[i].done; i++) {
        if (b->jobs[i].weighed)
            continue;
        tell(b, i, terms);
        terms->weigh(terms->ctx, i, &b->jobs[i].answer);
        b->jobs[i].weighed = true;
    }
}

/* Waits until the judge can decide, or until all have spoken. Called with the lock held. */
static struct resolve_judgement wait_for_judgement(struct board *b, const struct resolve_terms *terms)
{
    const struct src_answer *answers[RESOLVE_SOURCES_MAX];
    for (;;) {
        int64_t next_ms = give_up_late(b, sl_deadline_canceled(terms->deadline));
        weigh(b, terms);
        for (size_t i = 0; i < b->count; i++)
            answers[i] = b->jobs[i].done ? &b->jobs[i].answer : NULL;
        struct resolve_judgement j = resolve_judge(answers, b->count);
        if (j.decided && (!terms->every || all_done(b)))
            return j;
        size_t refs = b->refs;
        start_due(b, terms);
        if (b->refs != refs || next_ms == INT64_MAX)
            continue; /* something was started, or is known without being asked: look again before sleeping */
        wait_for_news(b, terms->deadline, next_ms);
    }
}

/* Called with the lock held. */
static void cancel_rest(struct board *b)
{
    if (b->is_usable)
        sl_cancel_tell(&b->stop);
    for (size_t i = 0; i < b->count; i++)
        if (b->jobs[i].running && b->jobs[i].ops->cancel)
            b->jobs[i].ops->cancel(b->jobs[i].source);
}

/* The answers that the caller wanted to see; called with the lock held. */
static void hand_over(struct board *b, struct src_answer *every)
{
    for (size_t i = 0; i < b->count; i++) {
        every[i] = b->jobs[i].answer;
        b->jobs[i].answer.objects = (struct lm_objects){NULL, 0};
    }
}

/* Called with the lock held. */
static void report(struct board *b, const char *asked, const struct resolve_terms *terms, struct resolve_result *r)
{
    const struct resolve_judgement *j = &r->judgement;
    src_answer_init(&r->answer);
    if (j->outranking_failed) {
        (void)sl_text_copy(r->lower_source, sizeof r->lower_source, b->jobs[j->lower].uri);
        (void)sl_text_copy(r->lower_text, sizeof r->lower_text, b->jobs[j->lower].answer.text);
    }
    for (size_t i = 0; i < b->count; i++) {
        struct job *job = &b->jobs[i];
        const struct src_answer *a = job->done ? &job->answer : NULL;
        int64_t ms = job->done || !job->started ? job->ms : sl_clock_mono_ms() - job->started_ms;
        resolve_trace_add(&r->trace, job->uri, asked, a, resolve_rule_of(j, a, i), ms);
    }
    if (!b->count)
        return;
    (void)sl_text_copy(r->source, sizeof r->source, b->jobs[j->by].uri);
    r->answer = b->jobs[j->by].answer;
    struct src_answer *keeper = terms->every ? &r->answer : &b->jobs[j->by].answer;
    keeper->objects = (struct lm_objects){NULL, 0}; /* one of the two owns them */
    if (terms->every)
        hand_over(b, terms->every);
}

void resolve_ask(const struct resolve_source *sources, size_t count, const struct src_question *question, const char *asked,
                 const struct resolve_terms *terms, struct resolve_result *ret_result)
{
    sl_assert(count <= RESOLVE_SOURCES_MAX);
    struct board *b = board_new(sources, count, question, terms->trust);
    memset(ret_result, 0, sizeof *ret_result);
    if (b->trust.root_count)
        httpc_prepare();
    (void)pthread_mutex_lock(&b->lock);
    put_known(b, terms);
    ret_result->judgement = wait_for_judgement(b, terms);
    cancel_rest(b);
    for (size_t i = 0; i < count; i++)
        tell(b, i, terms);
    report(b, asked, terms, ret_result);
    (void)pthread_mutex_unlock(&b->lock);
    board_leave(b);
}

void resolve_result_fini(struct resolve_result *result)
{
    src_answer_fini(&result->answer);
    resolve_trace_fini(&result->trace);
}
