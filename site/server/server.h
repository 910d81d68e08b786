/*
 * server.h - the site server role, and the administration of a sited over its control socket.
 *
 * A struct srv belongs to the loop it was opened with, whose thread waits for the database: up to SST_SILENCE_MS for one that
 * falls silent (pool.h). With `is_server` it administers: changes the database, publishes each site on start, on every change and
 * at an interval, in a thread of its own so that the loop never waits for a directory. Without, it only looks: `status` and the
 * listing verbs work, every other verb is outcome `conflict` (S2.13).
 *
 * The site server holds each site's trusted root key and issues the certificates of the management points (keys.h), anew when two
 * thirds of their time have passed.
 *
 * Either way it looks at the database's generation every SRV_POLL_MS and tells the NetBIOS side what the sites look like
 * now; so a change made through another process on the same file is noticed at once.
 *
 * A database that is not there, locked, of a newer version or otherwise of no use, at the start or later, is opened when it is
 * good again; until then verbs fail with its error.
 */
#ifndef SL_SITE_SERVER_SERVER_H
#define SL_SITE_SERVER_SERVER_H

#include "common/base/option.h"
#include "common/base/text.h"
#include "common/host/control.h"
#include "common/host/loop.h"
#include "site/nbname/nbname.h"
#include "site/report/outbox.h"
#include "site/server/check.h"
#include "site/server/exchange.h"
#include "site/server/intake.h"
#include "site/store/pool.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SRV_POLL_MS = 100,      /* half of it, on the average, passes before the host of a management point sees a designation */
    SRV_LOST_MS = 500,      /* likewise while the database cannot be had */
    SRV_PUBLISH_MS = 18000, /* deadline of one publication, beside the time of one target (pub_time_ms) */
    SRV_RETRY_MIN_MS = 2000, /* before what failed is tried again; doubled each time */
    SRV_RETRY_MAX_MS = 600000,
    SRV_JOBS_MAX = 64,      /* publications waiting */
    SRV_INTERVAL_MS = 3600 * 1000,
};

#define SRV_DATABASE_UP "sited_database_up" /* a metric: 0 or 1 */

struct srv;

/* What may change while it serves. */
struct srv_times {
    int64_t publish_interval_ms;  /* between publications when nothing has changed */
    int64_t selftest_interval_ms; /* between asking the management points */
    int64_t certificate_days;     /* how long the certificates of management points are valid */
};

/* Borrowed by the srv, all of it, for its whole life. */
struct srv_options {
    const char *path; /* of the database, to be told */
    const char *state; /* sst_state: where the keys are */
    const char *site; /* the one site to serve, NULL for all in the database */
    bool is_server;
    struct srv_times times;
    struct srv_chk_trust mp_trust; /* for management points over HTTPS */
    const char *content; /* folder of the content library */
    struct sst_pool *pool;
    struct sst_pool *replica; /* the same without one */
    struct nbn *names;                  /* the NetBIOS side, NULL without one */
    struct obx *outbox;                 /* of the management point, for status; NULL without one */
    struct srv_intake *intake;          /* likewise of the site server */
    struct srv_exchange *exchange;      /* with other site servers; NULL without */
    /* Told what the sites look like, on opening and after each change; NULL when nobody wants to know. */
    void (*on_sites)(const struct sm_snapshot *const *sites, size_t count, void *ctx);
    void *on_sites_ctx;
    struct sl_strings roles, http, nbt; /* for status, as given */
};

/* The verbs of the control socket; their ctx is a struct srv. */
extern const struct host_verb srv_verbs[];
extern const size_t srv_verb_count;

/*
 * Opens the database, takes the site server's lock if it is to be one (SL_CONFLICT when another process has it), starts
 * publishing and looking for changes. A database that cannot be used is no failure: it is looked for like one that was lost
 * later. SL_USAGE: its URI is wrong, or it does not hold the site that is to be served.
 */
enum sl_status srv_open(struct host_loop *loop, const struct srv_options *options, struct srv **ret_srv,
                        struct sl_error *e) SL_MUST;
/* Other times, from now on. */
void srv_set_times(struct srv *srv, const struct srv_times *times);
/*
 * Appends what the site server and the database are like, in the text format of Prometheus. Any thread; waits for nothing but the
 * outbox, a file of this host.
 */
void srv_metrics(struct srv *srv, struct sl_text *out);
/* Stops publishing (a running publication is waited for), and frees; after host_control_close. NULL is accepted. */
void srv_close(struct srv *srv);

#endif
