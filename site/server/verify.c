#include "site/server/private.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/fetch.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 200, TELL_MS = 1000, ROWS_AT_ONCE = 64 };

/* A package in the library of the site server. */
struct kept {
    char *package;
    uint32_t version;
    struct cnt_finding finding;
    uint64_t size;
    int64_t at_s;
};

/* A distribution point that has not answered yet. */
struct silence {
    char *dp;
    int64_t signs, since_ms; /* of the last sign */
};

/* How what is shown is; the worst is what the verb ends with. */
enum grade { GOOD, SILENT, WANTING, MISSING, DAMAGED, GRADES };

struct verification {
    struct host_job job; /* first */
    struct srv *srv;
    struct host_worker *worker;
    struct sst *store;
    char site[SM_CODE_LEN + 1];
    char *package; /* NULL: all */
    struct host_reply *reply;
    struct kept *kept; /* by package, as `list` */
    size_t kept_count;
    struct sst_holding *list;
    size_t count;
    int64_t told_ms;          /* when progress was last told */
    _Atomic uint64_t octets;  /* compared here */
    _Atomic uint64_t waiting; /* distribution points */
    atomic_bool is_posted;
    size_t next_kept, next;   /* to be shown */
    bool is_shown;            /* the library's row of the package at next_kept */
    size_t grades[GRADES], asked;
    enum sl_status status;
    struct sl_error e;
};

static void drop_list(struct verification *v)
{
    for (size_t i = 0; i < v->count; i++)
        sst_holding_fini(&v->list[i]);
    free(v->list);
    v->list = NULL;
    v->count = 0;
}

static void free_verification(void *ctx)
{
    struct verification *v = ctx;
    for (size_t i = 0; i < v->kept_count; i++) {
        free(v->kept[i].package);
        cnt_finding_fini(&v->kept[i].finding);
    }
    drop_list(v);
    free(v->kept);
    free(v->package);
    free(v);
}

/* ---- progress --------------------------------------------------------------------------------------------------------- */

static void show_progress(void *ctx)
{
    struct verification *v = ctx;
    char what[96];
    snprintf(what, sizeof what, "MiB compared here; distribution points that have not answered: %llu",
             (unsigned long long)atomic_load(&v->waiting));
    host_reply_progress(v->reply, atomic_load(&v->octets) >> 20, 0, what);
    atomic_store(&v->is_posted, false);
}

/* The verification outlives what it posts: posted calls run in their order, and its end is the last of them. */
static void tell_progress(struct verification *v)
{
    int64_t now_ms = sl_clock_mono_ms();
    if (now_ms - v->told_ms < TELL_MS || atomic_exchange(&v->is_posted, true))
        return;
    v->told_ms = now_ms;
    host_loop_post(host_worker_loop(v->worker), show_progress, v);
}

static bool is_stopping(void *ctx)
{
    const struct verification *v = ctx;
    return host_worker_is_stopping(v->worker);
}

static void on_octets(void *ctx, uint64_t octets)
{
    struct verification *v = ctx;
    (void)octets;
    tell_progress(v);
}

/* ---- the library of the site server -------------------------------------------------------------------------------------- */

static enum sl_status compare(struct verification *v, const struct sm_file *file, struct cnt_finding *finding, struct sl_error *e)
{
    const struct cnt_env env = {.is_stopping = is_stopping, .on_progress = on_octets, .ctx = v};
    int fd = -1;
    uint64_t size = 0;
    bool is_good = false;
    enum sl_status status = cnt_file(v->srv->library, file->sha256, &fd, &size, e);
    if (fd >= 0) {
        close(fd);
        status = cnt_verify(v->srv->library, file->sha256, &env, &is_good, e);
    }
    if (status == SL_OK && !is_good)
        cnt_finding_add(finding, fd >= 0, file->path);
    atomic_fetch_add(&v->octets, size);
    return status;
}

/* A package without content is left out. */
static enum sl_status compare_package(struct verification *v, const char *package, uint32_t version)
{
    struct sm_manifest manifest = {0};
    enum sl_status status = sst_manifest(v->store, v->site, package, &manifest, &v->e);
    if (status != SL_OK || manifest.count == 0)
        return status;
    struct cnt_files files = cnt_files_of(&manifest);
    struct kept *kept = &v->kept[v->kept_count++];
    *kept = (struct kept){.package = sl_strdup(package), .version = version, .size = files.size};
    cnt_finding_reset(&kept->finding);
    for (size_t i = 0; i < files.count && status == SL_OK; i++)
        status = compare(v, files.items[i], &kept->finding, &v->e);
    kept->at_s = sl_clock_real_s();
    cnt_files_fini(&files);
    sm_manifest_fini(&manifest);
    return status;
}

static enum sl_status read_list(struct verification *v)
{
    drop_list(v);
    return sst_holdings(v->store, v->site, v->package != NULL ? SST_ONE : SST_ALL_CONTENT, v->package, SST_ROWS_MAX, &v->list,
                        &v->count, &v->e);
}

static enum sl_status compare_library(struct verification *v)
{
    enum sl_status status = read_list(v);
    v->kept = sl_new_array(v->count + 1, sizeof *v->kept);
    for (size_t i = 0; i < v->count && status == SL_OK; i++)
        if (i == 0 || strcmp(v->list[i].package, v->list[i - 1].package) != 0)
            status = compare_package(v, v->list[i].package, v->list[i].version);
    return status;
}

/* ---- waiting for the distribution points --------------------------------------------------------------------------------- */

/* When the distribution point of `now` last gave a sign, by what was seen of it before. */
static int64_t since_of(const struct silence *before, size_t count, const struct sst_waiting *now, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(before[i].dp, now->dp) == 0)
            return before[i].signs == now->signs ? before[i].since_ms : now_ms;
    return now_ms;
}

static void free_silences(struct silence *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i].dp);
    free(list);
}

/* Looks who has not answered yet. False when nobody is left who may. */
static enum sl_status look(struct verification *v, struct silence **list, size_t *count, bool *ret_waits)
{
    struct sst_waiting *now = NULL;
    size_t now_count = 0;
    int64_t now_ms = sl_clock_mono_ms();
    enum sl_status status = sst_waiting(v->store, v->site, v->package, &now, &now_count, &v->e);
    if (status != SL_OK)
        return status;
    struct silence *next = sl_new_array(now_count + 1, sizeof *next);
    bool waits = false;
    for (size_t i = 0; i < now_count; i++) {
        next[i] = (struct silence){now[i].dp, now[i].signs, since_of(*list, *count, &now[i], now_ms)};
        waits = waits || now_ms - next[i].since_ms < SRV_SILENT_MS;
    }
    free(now);
    free_silences(*list, *count);
    *list = next;
    *count = now_count;
    *ret_waits = waits;
    return SL_OK;
}

static enum sl_status wait_for_all(struct verification *v)
{
    struct silence *list = NULL;
    size_t count = 0;
    bool waits = true;
    enum sl_status status = SL_OK;
    while (status == SL_OK && waits && !is_stopping(v)) {
        status = look(v, &list, &count, &waits);
        atomic_store(&v->waiting, count);
        tell_progress(v);
        if (status == SL_OK && waits)
            (void)poll(NULL, 0, LOOK_MS);
    }
    free_silences(list, count);
    return status == SL_OK && is_stopping(v) ? sl_fail(&v->e, SL_CANCELED, "sited is stopping") : status;
}

static void run_verify(struct host_job *base, struct host_worker *worker)
{
    struct verification *v = (struct verification *)base;
    v->worker = worker;
    v->told_ms = sl_clock_mono_ms();
    v->status = sst_pool_open(v->srv->options.pool, SST_READ_WRITE, &v->store, &v->e);
    if (v->status == SL_OK)
        v->status = sst_ask(v->store, v->site, v->package, &v->e);
    if (v->status == SL_OK)
        v->status = compare_library(v);
    if (v->status == SL_OK)
        v->status = wait_for_all(v);
    if (v->status == SL_OK)
        v->status = read_list(v);
    sst_close(v->store);
}

/* ---- what is told ------------------------------------------------------------------------------------------------------- */

static const char *const columns[] = {"package:text",   "version:number", "dp:text",     "content:text",  "state:text",
                                      "verified:text",  "octets:number",  "size:number", "damaged:number", "missing:number",
                                      "message:text"};

/* One row; times and numbers that are not known are negative. */
struct shown {
    const char *package, *dp, *content, *state, *message; /* dp NULL: the library of the site server */
    uint32_t version;
    int64_t verified_s, octets, size;
    size_t damaged, missing;
    enum grade grade;
};

static const char *text_or_null(char out[SRV_NUMBER_TEXT], int64_t value)
{
    return value >= 0 ? srv_number_text(out, value) : NULL;
}

static void show(struct verification *v, const struct shown *s)
{
    char version[SRV_NUMBER_TEXT], octets[SRV_NUMBER_TEXT], size[SRV_NUMBER_TEXT], damaged[SRV_NUMBER_TEXT],
        missing[SRV_NUMBER_TEXT], verified[SRV_TIME_TEXT];
    const char *const cells[] = {s->package,
                                 srv_number_text(version, s->version),
                                 s->dp,
                                 s->content,
                                 s->state,
                                 s->verified_s > 0 ? srv_time_text(verified, s->verified_s) : NULL,
                                 text_or_null(octets, s->octets),
                                 text_or_null(size, s->size),
                                 srv_number_text(damaged, (int64_t)s->damaged),
                                 srv_number_text(missing, (int64_t)s->missing),
                                 s->message[0] != '\0' ? s->message : NULL};
    host_reply_row(v->reply, cells, SL_COUNT(cells));
    v->grades[s->grade]++;
}

static enum grade grade_of(size_t damaged, size_t missing, bool is_good)
{
    return damaged > 0 ? DAMAGED : missing > 0 ? MISSING : is_good ? GOOD : WANTING;
}

/* The word of what was compared; `other` where not all is there. */
static const char *word_of(enum grade grade, const char *other)
{
    return grade == DAMAGED ? "damaged" : grade == MISSING ? "missing" : grade == GOOD ? "verified" : other;
}

/* The library of the site server, for itself or for a distribution point that shares it. */
static void show_kept(struct verification *v, const struct kept *kept, const char *dp, const char *content)
{
    enum grade grade = grade_of(kept->finding.damaged, kept->finding.missing, true);
    show(v, &(struct shown){.package = kept->package,
                            .dp = dp,
                            .content = content,
                            .state = word_of(grade, ""),
                            .message = sl_text_str(&kept->finding.text),
                            .version = kept->version,
                            .verified_s = kept->at_s,
                            .octets = -1,
                            .size = (int64_t)kept->size,
                            .damaged = kept->finding.damaged,
                            .missing = kept->finding.missing,
                            .grade = grade});
}

/* A distribution point that fetches: what it has answered, else that it has not. */
static void show_own(struct verification *v, const struct sst_holding *h)
{
    struct sl_text message = sl_text_new(SL_FRAME_MAX);
    bool is_there = !sst_is_wanting(h);
    enum grade grade = h->is_asked ? SILENT : grade_of(h->damaged, h->missing, is_there);
    if (!h->is_asked && h->finding[0] != '\0')
        sl_text_printf(&message, "%s; %s%s", h->finding, is_there ? "fetched again" : h->state, is_there ? "" : " again");
    else if (!h->is_asked)
        sl_text_puts(&message, h->message);
    else
        sl_text_printf(&message, "gives no sign; before: %s", h->state);
    show(v, &(struct shown){.package = h->package,
                            .dp = h->dp,
                            .content = "own",
                            .state = h->is_asked ? "unreachable" : word_of(grade, h->state),
                            .message = sl_text_str(&message),
                            .version = h->version,
                            .verified_s = h->verified_s,
                            .octets = h->changed_s > 0 ? (int64_t)h->octets : -1,
                            .size = h->changed_s > 0 ? (int64_t)h->size : -1,
                            .damaged = h->is_asked ? 0 : h->damaged,
                            .missing = h->is_asked ? 0 : h->missing,
                            .grade = grade});
    sl_text_fini(&message);
    v->asked++;
}

/* Goes to those of a package; those of others that came meanwhile are passed over. */
static void find_holdings(struct verification *v, const char *package)
{
    size_t i = v->next;
    while (i < v->count && strcmp(v->list[i].package, package) != 0)
        i++;
    if (i < v->count)
        v->next = i;
}

/* The next row: of each package the library, then its distribution points. False when there is none. */
static bool show_next(struct verification *v)
{
    if (v->next_kept == v->kept_count)
        return false;
    const struct kept *kept = &v->kept[v->next_kept];
    if (!v->is_shown) {
        show_kept(v, kept, NULL, "library");
        v->is_shown = true;
        find_holdings(v, kept->package);
        return true;
    }
    if (v->next < v->count && strcmp(v->list[v->next].package, kept->package) == 0) {
        const struct sst_holding *h = &v->list[v->next++];
        if (h->is_shared)
            show_kept(v, kept, h->dp, "shared");
        else
            show_own(v, h);
    } else {
        v->next_kept++;
        v->is_shown = false;
    }
    return true;
}

static void end(struct verification *v)
{
    static const char *const reasons[GRADES] = {
        [GOOD] = "", [SILENT] = "no-answer", [WANTING] = "not-available", [MISSING] = "missing", [DAMAGED] = "damaged"};
    size_t rows = 0;
    int worst = GRADES - 1;
    for (int i = 0; i < GRADES; i++)
        rows += v->grades[i];
    while (worst > GOOD && v->grades[worst] == 0)
        worst--;
    enum sl_outcome outcome = worst == GOOD               ? SL_OUTCOME_OK
                              : worst != SILENT           ? SL_OUTCOME_NEGATIVE
                              : v->grades[SILENT] < v->asked ? SL_OUTCOME_PARTIAL
                                                          : SL_OUTCOME_UNREACHABLE;
    if (v->package != NULL && v->kept_count == 0)
        host_reply_end(v->reply, SL_OUTCOME_NEGATIVE, "not-found", "package %s has no content here", v->package);
    else
        host_reply_end(v->reply, outcome, reasons[worst], "%zu of %zu are in order", v->grades[GOOD], rows);
}

static bool more(struct host_reply *reply, void *state)
{
    struct verification *v = state;
    bool is_more = true;
    (void)reply;
    for (size_t i = 0; i < ROWS_AT_ONCE && is_more; i++)
        is_more = show_next(v);
    if (is_more)
        return true;
    end(v);
    free_verification(v);
    return false;
}

static void done_verify(struct host_job *base)
{
    struct verification *v = (struct verification *)base;
    if (base->canceled)
        v->status = sl_fail(&v->e, SL_CANCELED, "sited is stopping");
    if (v->status != SL_OK) {
        host_reply_fail(v->reply, v->status, &v->e);
        free_verification(v);
        return;
    }
    host_reply_columns(v->reply, columns, SL_COUNT(columns), false);
    host_reply_pull(v->reply, more, free_verification, v);
}

enum sl_status srv_verify_content(struct srv *srv, const char *site, const char *package, struct host_reply *reply,
                                  struct sl_error *e)
{
    struct verification *v = sl_new(sizeof *v);
    *v = (struct verification){.job = {.run = run_verify, .done = done_verify},
                               .srv = srv,
                               .package = package != NULL ? sl_strdup(package) : NULL,
                               .reply = reply};
    (void)sl_text_copy(v->site, sizeof v->site, site);
    if (host_worker_push(srv->verifier, &v->job, SRV_VERIFIES_MAX))
        return SL_OK;
    free_verification(v);
    return sl_fail(e, SL_LIMIT, "%d verifications wait already", SRV_VERIFIES_MAX);
}
