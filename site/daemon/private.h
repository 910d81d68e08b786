/*
 * private.h - the one struct of the daemon, which sited.c (loops, signals) and parts.c (what is started, reloaded and ended)
 * share; nobody else includes it.
 */
#ifndef SL_SITE_DAEMON_PRIVATE_H
#define SL_SITE_DAEMON_PRIVATE_H

#include "common/host/page.h"
#include "site/daemon/settings.h"
#include "site/dp/fetch.h"
#include "site/dp/verify.h"
#include "site/server/intake.h"
#include "site/server/server.h"

#include <limits.h>
#include <pthread.h>

/* Everything that lives as long as the daemon, in the order in which it is made. */
struct sited {
    const struct cli_call *call;
    const struct sited_values *values;
    const struct sited_settings *settings;
    struct host_loop *loop;
    struct host_loop *desk; /* what waits for the database: control, and all of srv */
    pthread_t clerk;        /* runs the desk */
    enum sl_status status;  /* of the start */
    struct sl_error e;
    char state[PATH_MAX];   /* sst_state */
    char content[PATH_MAX]; /* the folder of the content library */
    struct sst_pool *pool;
    struct sst_pool *replica; /* what the roles with HTTP read; the same when there is none */
    struct nbn *names;
    struct sl_strings roles, http, nbt;
    struct srv *srv;
    struct mp_identity *identity;
    struct mp_claims *claims; /* NULL without the role mp */
    char intake_url[WEB_ITEM_MAX];
    struct obx *outbox;
    struct upl *uplink;
    struct srv_intake *intake;
    struct srv_exchange *exchange;
    struct mp_cache *policies; /* that the management point keeps */
    struct mp *mp; /* NULL until it is made */
    bool reads_site; /* a management point of this host is to read the site database itself (S1.05) */
    struct cnt *library; /* of this host */
    struct dp *dp;
    struct dp_fetch *fetch; /* NULL unless this host fetches what lies on its distribution point, or is the site server */
    struct dp_verify *verify; /* NULL likewise */
    struct slp *slp;
    struct web_tls *tls;
    struct web *web;
    struct host_page *page;      /* NULL without metrics */
    struct host_timer *watchdog; /* NULL unless the service manager wants signs of life */
    int64_t watchdog_ms;
    struct host_control *control;
    struct host_timer *grace; /* NULL until the end begins */
    bool has_names, is_staffed; /* to be released; the clerk is at work */
    bool is_started; /* all that sited_start has made is there; of the main loop */
    bool is_leaving; /* the end has begun, on a signal or as the start failed */
};

/* Says where the files are that belong to the database. */
enum sl_status sited_place_files(struct sited *d, struct sl_error *e) SL_MUST;
/* What needs rights, and then none any more: ports, the key of the certificate, and whose the files are. On the main thread. */
enum sl_status sited_take_ports(struct sited *d, struct sl_error *e) SL_MUST;
/* Starts the roles and opens the control socket; on the desk's thread, before it runs. */
enum sl_status sited_start(struct sited *d, struct sl_error *e) SL_MUST;
/* Takes over what a reload has read into the values (conf_reload); on the desk's thread, ctx is a struct sited. */
enum sl_status sited_apply(void *ctx, struct sl_error *e) SL_MUST;
/* Ends and frees all that was started, when neither loop runs any more. */
void sited_stop(struct sited *d);

#endif
