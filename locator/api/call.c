#include "locator/api/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/thread.h"
#include "locator/resolve/ask.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CALL_MAGIC 0x10ca7004u

/* A call that runs in a thread of its own. The thread and the program hold it; who leaves last frees it. */
struct locator_call {
    uint32_t magic;
    atomic_int refs;
    struct api_run run;
    api_finder *find;
    struct api_args args; /* owns its strings */
    int done_fd;          /* eventfd, readable once done */
    atomic_bool done;
    struct locator_result *result; /* of the program once done, till it takes it */
};

/* ---- what runs in a context ----------------------------------------------------------------------------------------- */

enum sl_status api_run_begin(struct locator *l, struct api_run *run, struct sl_error *e)
{
    SL_CHECK_MAGIC(l, LOCATOR_MAGIC);
    enum sl_status s = sl_cancel_init(&run->cancel, e);
    if (s != SL_OK)
        return s;
    (void)pthread_mutex_lock(&l->lock);
    run->l = l;
    run->deadline = sl_deadline_in(l->total_timeout_ms);
    run->deadline.cancel = &run->cancel;
    run->before = NULL;
    run->next = l->runs;
    if (run->next)
        run->next->before = run;
    l->runs = run;
    l->refs++;
    (void)pthread_mutex_unlock(&l->lock);
    return SL_OK;
}

void api_run_end(struct api_run *run)
{
    struct locator *l = run->l;
    (void)pthread_mutex_lock(&l->lock);
    *(run->before ? &run->before->next : &l->runs) = run->next;
    if (run->next)
        run->next->before = run->before;
    (void)pthread_mutex_unlock(&l->lock);
    api_leave(l);
}

void locator_cancel(struct locator *l)
{
    SL_CHECK_MAGIC(l, LOCATOR_MAGIC);
    (void)pthread_mutex_lock(&l->lock);
    for (struct api_run *run = l->runs; run; run = run->next)
        sl_cancel_tell(&run->cancel);
    (void)pthread_mutex_unlock(&l->lock);
}

/* Asks, and names the wish to cancel as the reason when nothing was found because of it. */
static void carry_out(struct api_run *run, api_finder *find, const struct api_args *args, struct locator_result *r)
{
    find(run->l, args, run->deadline, r);
    if (r->outcome == LOCATOR_UNREACHABLE && sl_cancel_is_told(&run->cancel))
        api_conclude(r, sl_status_outcome(SL_CANCELED), "canceled", "the call was canceled");
}

struct locator_result *api_find(struct locator *l, api_finder *find, const struct api_args *args)
{
    struct locator_result *r = api_result_new();
    struct api_run run;
    struct sl_error e = {.status = SL_OK};
    if (!r)
        return NULL;
    if (api_run_begin(l, &run, &e) != SL_OK) {
        api_conclude(r, sl_status_outcome(e.status), src_result_word(SRC_FAILED), sl_error_text(&e));
        return r;
    }
    carry_out(&run, find, args, r);
    api_run_end(&run);
    sl_cancel_fini(&run.cancel);
    return r;
}

/* ---- calls that do not wait ------------------------------------------------------------------------------------------ */

static void call_leave(struct locator_call *c)
{
    if (atomic_fetch_sub(&c->refs, 1) > 1)
        return;
    sl_cancel_fini(&c->run.cancel);
    locator_result_free(c->result);
    (void)close(c->done_fd);
    for (size_t i = 0; i < SL_COUNT(c->args.texts); i++)
        free((char *)(uintptr_t)c->args.texts[i]);
    c->magic = 0;
    free(c);
}

static void *call_main(void *arg)
{
    struct locator_call *c = arg;
    carry_out(&c->run, c->find, &c->args, c->result);
    api_run_end(&c->run);
    atomic_store(&c->done, true);
    (void)!write(c->done_fd, &(uint64_t){1}, sizeof(uint64_t));
    call_leave(c);
    return NULL;
}

/* A call that has begun in the context and has no thread yet; NULL without memory or file descriptors. */
static struct locator_call *call_new(struct locator *l, api_finder *find, const struct api_args *args)
{
    struct locator_call *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->result = api_result_new();
    c->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!c->result || c->done_fd < 0 || api_run_begin(l, &c->run, NULL) != SL_OK) {
        locator_result_free(c->result);
        if (c->done_fd >= 0)
            (void)close(c->done_fd);
        free(c);
        return NULL;
    }
    c->magic = CALL_MAGIC;
    atomic_init(&c->refs, 1);
    atomic_init(&c->done, false);
    c->find = find;
    c->args.number = args->number;
    for (size_t i = 0; i < SL_COUNT(c->args.texts); i++)
        c->args.texts[i] = sl_strdup(args->texts[i]);
    return c;
}

struct locator_call *api_start(struct locator *l, api_finder *find, const struct api_args *args)
{
    struct locator_call *c = call_new(l, find, args);
    if (!c)
        return NULL;
    atomic_fetch_add(&c->refs, 1); /* the thread's */
    if (sl_thread_start(call_main, c))
        return c;
    api_run_end(&c->run);
    call_leave(c);
    call_leave(c);
    return NULL;
}

int locator_call_fd(const struct locator_call *c)
{
    SL_CHECK_MAGIC(c, CALL_MAGIC);
    return c->done_fd;
}

int locator_call_timeout_ms(const struct locator_call *c)
{
    SL_CHECK_MAGIC(c, CALL_MAGIC);
    struct sl_deadline end = {.at_ms = c->run.deadline.at_ms + RESOLVE_GRACE_MS};
    return atomic_load(&c->done) ? 0 : sl_deadline_left_ms(end);
}

int locator_call_process(struct locator_call *c)
{
    SL_CHECK_MAGIC(c, CALL_MAGIC);
    return atomic_load(&c->done);
}

struct locator_result *locator_call_result(struct locator_call *c)
{
    SL_CHECK_MAGIC(c, CALL_MAGIC);
    if (!atomic_load(&c->done))
        return NULL;
    struct locator_result *r = c->result;
    c->result = NULL;
    return r;
}

void locator_call_cancel(struct locator_call *c)
{
    SL_CHECK_MAGIC(c, CALL_MAGIC);
    sl_cancel_tell(&c->run.cancel);
}

void locator_call_free(struct locator_call *c)
{
    if (!c)
        return;
    locator_call_cancel(c);
    call_leave(c);
}
