/*
 * ctl.h - the daemon's end of the control socket: the verbs of winsctl (verbs.def).
 *
 * Handlers run on the main loop's thread, which is a reader of the table (tbl_reader_enter). What changes a name goes through the
 * writer's queue like any registration and is answered when it is on disk. Unknown names end as `negative` with reason
 * `not-found`.
 */
#ifndef SL_WINS_CTL_CTL_H
#define SL_WINS_CTL_CTL_H

#include "common/base/text.h"
#include "common/host/control.h"
#include "wins-emu/ctl/watch.h"
#include "wins-emu/engine/counters.h"
#include "wins-emu/engine/top.h"
#include "wins-emu/engine/writer.h"

struct wctl;

/* Takes what one worker knows of those who ask; on its thread. Source addresses are host byte order, names 32 encoded octets. */
typedef void wctl_tables_fn(void *ctx, const struct eng_top *sources, const struct eng_top *names);

struct wctl_env {
    struct host_loop *loop;
    const struct tbl *table;
    struct eng_writer *writer;
    const struct wins_config *rules;
    const char *db;                  /* file of the database */
    const struct tbl_shared *policy; /* a struct wins_policy, or empty */
    /* The sum of what all threads counted. */
    void (*counters)(const void *ctx, struct eng_counters *ret_sum);
    /* Has each worker call `fn` once, soon; false while another such call is under way. */
    bool (*top)(void *ctx, wctl_tables_fn *fn, void *fn_ctx);
    void *ctx;
    struct wctl_hub *hub;
    unsigned workers;
};

/* Opens the socket and serves the verbs. Copies `env`; what it points to outlives the wctl. */
enum sl_status wctl_open(const char *path, const struct wctl_env *env, struct wctl **ret_wctl, struct sl_error *e) SL_MUST;
/* The counters as a page for Prometheus; main thread. */
void wctl_metrics(const struct wctl *w, struct sl_text *out);
/*
 * Closes the socket; changes that are still under way are finished by the writer and answered to nobody, backups and checks are
 * waited for, and the row of the journal that is being read: before the writer stops. NULL is accepted.
 */
void wctl_close(struct wctl *w);
/* Frees it, once the writer has stopped and the loop has run what was posted; NULL is accepted. */
void wctl_free(struct wctl *w);

#endif
