#include "config.h"

#include "wins-emu/daemon/hook.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/host/run.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOOK_MAGIC 0x400c0001u

enum { TYPE_TEXT_MAX = 3, TTL_TEXT_MAX = 24, ARGS_BEFORE = 5 };

struct change {
    enum eng_event event;
    struct wins_record record;
};

struct winsd_hook {
    uint32_t magic;
    struct sl_log_limit limit;
    struct eng_counters counters;
    struct change running; /* the thread's own, as is the program that it runs */
    char *running_program;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, and who counts */
    pthread_cond_t more;
    bool stop;
    char *program; /* NULL: nobody is told */
    size_t first, count;
    struct change waiting[WINSD_HOOK_QUEUE_MAX];
};

enum sl_status winsd_hook_check(const char *program, struct sl_error *e)
{
    struct stat st;
    if (program[0] != '/' || stat(program, &st) != 0 || !S_ISREG(st.st_mode) || access(program, X_OK) != 0)
        return sl_fail(e, SL_USAGE, "\"%s\" is not the absolute path of a program", program);
    return SL_OK;
}

static void count(struct winsd_hook *h, enum eng_counter counter)
{
    pthread_mutex_lock(&h->lock);
    eng_count(&h->counters.counts[counter], 1);
    pthread_mutex_unlock(&h->lock);
}

/* ---- one run ---- */

/* The name without its padding; false when it must not be passed. */
static bool plain_name(const struct nb_name *name, char ret_text[NB_NAME_LEN])
{
    size_t len = NB_NAME_LEN - 1;
    while (len > 0 && name->octets[len - 1] == ' ')
        len--;
    memcpy(ret_text, name->octets, len);
    ret_text[len] = '\0';
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return len > 0 && strspn(ret_text, plain) == len && ret_text[0] != '-' && !name->scope_len;
}

static void run_one(struct winsd_hook *h, const struct change *c, char *name)
{
    static const char *const ops[] = {[ENG_EVENT_ADD] = "add", [ENG_EVENT_REFRESH] = "refresh", [ENG_EVENT_DELETE] = "delete"};
    const struct wins_record *r = &c->record;
    char op[sizeof "refresh"], type[TYPE_TEXT_MAX], ttl[TTL_TEXT_MAX];
    struct sl_ip4_text addresses[WINS_MEMBERS_MAX];
    int64_t left_s = r->expires_s && c->event != ENG_EVENT_DELETE ? r->expires_s - sl_clock_real_s() : 0;
    snprintf(op, sizeof op, "%s", ops[c->event]);
    snprintf(type, sizeof type, "%02x", nb_name_suffix(&r->name));
    snprintf(ttl, sizeof ttl, "%" PRId64, left_s > 0 ? left_s : 0);
    const char *argv[ARGS_BEFORE + WINS_MEMBERS_MAX + 1] = {h->running_program, op, name, type, ttl};
    for (size_t i = 0; i < r->member_count; i++) {
        addresses[i] = sl_ip4_text(r->members[i].address);
        argv[ARGS_BEFORE + i] = addresses[i].text;
    }
    struct sl_text said = sl_text_new(WINSD_HOOK_SAID_MAX);
    struct sl_error e;
    int code = 0;
    enum sl_status status = host_run(argv, "", sl_deadline_in(WINSD_HOOK_TIME_MS), &said, &code, &e);
    const char *line = sl_text_str(&said);
    if (status == SL_OK && code != 0)
        status = sl_fail(&e, SL_IO, "exit code %d: %.*s", code, (int)strcspn(line, "\n"), line);
    sl_text_fini(&said);
    count(h, status == SL_OK ? ENG_COUNT_hook_run : ENG_COUNT_hook_failed);
    uint64_t left_out;
    if (status != SL_OK && sl_log_allowed(&h->limit, &left_out))
        sl_log(SL_LOG_WARNING, "hook-failed", "op=%s name=%s type=%s text=%s left-out=%" PRIu64, op, name, type,
               SL_LOG_TEXT(sl_error_text(&e)), left_out);
}

/* ---- the thread ---- */

/* False when the end has come. */
static bool take(struct winsd_hook *h)
{
    pthread_mutex_lock(&h->lock);
    while (!h->stop && h->count == 0)
        pthread_cond_wait(&h->more, &h->lock);
    bool over = h->stop;
    if (!over) {
        h->running = h->waiting[h->first];
        free(h->running_program);
        h->running_program = h->program ? sl_strdup(h->program) : NULL;
        h->first = (h->first + 1) % WINSD_HOOK_QUEUE_MAX;
        h->count--;
    }
    pthread_mutex_unlock(&h->lock);
    return !over;
}

static void *run(void *ctx)
{
    struct winsd_hook *h = ctx;
    char name[NB_NAME_LEN];
    while (take(h)) {
        if (!h->running_program)
            continue; /* it was taken away meanwhile */
        if (plain_name(&h->running.record.name, name))
            run_one(h, &h->running, name);
        else
            count(h, ENG_COUNT_hook_left_out);
    }
    return NULL;
}

void winsd_hook_changed(struct winsd_hook *h, enum eng_event event, const struct wins_record *record)
{
    SL_CHECK_MAGIC(h, HOOK_MAGIC);
    pthread_mutex_lock(&h->lock);
    if (!h->program) {
        pthread_mutex_unlock(&h->lock);
        return;
    }
    if (h->count == WINSD_HOOK_QUEUE_MAX) {
        eng_count(&h->counters.counts[ENG_COUNT_hook_queue_full], 1);
    } else {
        struct change *c = &h->waiting[(h->first + h->count++) % WINSD_HOOK_QUEUE_MAX];
        *c = (struct change){.event = event, .record = *record};
        pthread_cond_signal(&h->more);
    }
    pthread_mutex_unlock(&h->lock);
}

/* ---- life ---- */

static void hook_free(struct winsd_hook *h)
{
    pthread_cond_destroy(&h->more);
    pthread_mutex_destroy(&h->lock);
    free(h->program);
    free(h->running_program);
    h->magic = 0;
    free(h);
}

/* Signals are the main thread's. */
static int start_thread(struct winsd_hook *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&h->thread, NULL, run, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum sl_status winsd_hook_start(const char *program, struct winsd_hook **ret_hook, struct sl_error *e)
{
    struct winsd_hook *h = aligned_alloc(_Alignof(struct winsd_hook), sizeof *h);
    sl_assert(h);
    memset(h, 0, sizeof *h);
    h->magic = HOOK_MAGIC;
    h->program = program ? sl_strdup(program) : NULL;
    h->limit.lines_per_s = 1;
    pthread_mutex_init(&h->lock, NULL);
    pthread_cond_init(&h->more, NULL);
    int error = start_thread(h);
    if (error) {
        hook_free(h);
        return sl_fail(e, SL_IO, "cannot start the thread of the hook: %s", strerror(error));
    }
    *ret_hook = h;
    return SL_OK;
}

void winsd_hook_set(struct winsd_hook *h, const char *program)
{
    SL_CHECK_MAGIC(h, HOOK_MAGIC);
    char *next = program ? sl_strdup(program) : NULL;
    pthread_mutex_lock(&h->lock);
    char *old = h->program;
    h->program = next;
    pthread_mutex_unlock(&h->lock);
    free(old);
}

void winsd_hook_stop(struct winsd_hook *h)
{
    if (!h)
        return;
    SL_CHECK_MAGIC(h, HOOK_MAGIC);
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->more);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    if (h->count)
        sl_log(SL_LOG_WARNING, "hook-forgotten", "changes=%zu", h->count);
    hook_free(h);
}

const struct eng_counters *winsd_hook_counters(const struct winsd_hook *h)
{
    return &h->counters;
}
