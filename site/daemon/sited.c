#include "site/daemon/sited.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/conf/reload.h"
#include "common/host/page.h"
#include "common/host/service.h"
#include "site/daemon/metrics.h"
#include "site/daemon/rights.h"
#include "site/daemon/settings.h"
#include "site/dp/dp.h"
#include "site/dp/fetch.h"
#include "site/dp/share.h"
#include "site/dp/verify.h"
#include "site/http/tls.h"
#include "site/mp/claim.h"
#include "site/mp/mp.h"
#include "site/report/uplink.h"
#include "site/server/intake.h"
#include "site/server/keys.h"
#include "site/server/server.h"
#include "site/slp/slp.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_NAME_SIZE = 256 };

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
    struct dp_fetch *fetch; /* NULL unless this host fetches what lies on its distribution point */
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
};

/* ---- what a reload may change -------------------------------------------------------------------------------------------- */

static struct srv_times server_times(const struct sited_values *v)
{
    return (struct srv_times){.publish_interval_ms = v->publish_interval_ms,
                              .selftest_interval_ms = v->selftest_interval_ms,
                              .certificate_days = v->certificate_days};
}

static struct web_times web_times(const struct sited_values *v)
{
    return (struct web_times){.idle_ms = v->web_idle_ms, .headers_ms = v->web_headers_ms, .body_ms = v->web_body_ms};
}

static struct dp_verify_times verify_times(const struct sited_values *v)
{
    return (struct dp_verify_times){.interval_ms = v->verify_interval_ms, .octets_per_s = v->verify_rate_mib << 20};
}

static struct obx_limits outbox_limits(const struct sited_values *v)
{
    return (struct obx_limits){.reports = v->outbox_reports, .octets = v->outbox_mib << 20};
}

/* ---- start ------------------------------------------------------------------------------------------------------------ */

static enum sl_status place_files(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    bool fits = sst_state(v->db, v->state, d->state, sizeof d->state);
    size_t len = (size_t)snprintf(d->content, sizeof d->content, "%s%s", v->content != NULL ? v->content : d->state,
                                  v->content != NULL ? "" : ".content");
    return fits && len < sizeof d->content ? SL_OK : sl_fail(e, SL_USAGE, "--state, --content: the name is too long");
}

/* S1.05: where the management points of this host read. */
static void choose_data(struct sited *d, const struct sm_snapshot *const *sites, size_t count)
{
    bool is_missing = false;
    d->reads_site = false;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sites[i]->mp_count; k++) {
            const struct sm_mp *mp = &sites[i]->mps[k];
            if (mp->data == SM_DATA_ANY || !sited_is_our_address(mp->address, (void *)(uintptr_t)d->settings))
                continue;
            d->reads_site = d->reads_site || mp->data == SM_DATA_SITE;
            is_missing = is_missing || (mp->data == SM_DATA_REPLICA && d->replica == d->pool);
        }
    if (is_missing)
        sl_log(SL_LOG_WARNING, "no-replica", "text=\"a management point of this host is to read a replica: give --replica\"");
    if (d->mp != NULL)
        mp_read_at(d->mp, d->reads_site ? d->pool : d->replica);
}

static void on_sites(const struct sm_snapshot *const *sites, size_t count, void *ctx)
{
    struct sited *d = ctx;
    choose_data(d, sites, count);
    mp_identity_set(d->identity, sites, count);
    if (d->claims != NULL)
        mp_claims_look(d->claims, sites, count);
    if (d->fetch != NULL)
        dp_fetch_wake(d->fetch);
    if (d->uplink != NULL)
        upl_set_sites(d->uplink, sites, count);
}

/* Without a key the management point serves as before, and proves nothing. */
static enum sl_status start_identity(struct sited *d, struct sl_error *e)
{
    char kept[PATH_MAX + sizeof "-mp.certificates"];
    struct proof_key *key = NULL;
    struct sl_error why = {0};
    if (d->settings->roles[SITED_MP] && srv_keys_mp(d->state, &key, &why) != SL_OK)
        sl_log(SL_LOG_ERROR, "no-key", "text=%s", SL_LOG_TEXT(sl_error_text(&why)));
    snprintf(kept, sizeof kept, "%s-mp.certificates", d->state);
    d->identity = mp_identity_new(key, kept);
    const struct mp_claims_options options = {.pool = d->pool,
                                              .identity = d->identity,
                                              .is_our_address = sited_is_our_address,
                                              .ctx = (void *)(uintptr_t)d->settings};
    return d->settings->roles[SITED_MP] ? mp_claims_new(&options, &d->claims, e) : SL_OK;
}

/* What clients report is kept in a file of its own and handed to the site server. */
static enum sl_status start_upward(struct sited *d, struct sl_error *e)
{
    char path[PATH_MAX + 16];
    const struct sited_values *v = d->values;
    const struct obx_limits limits = outbox_limits(v);
    if (d->settings->roles[SITED_SERVER])
        d->intake = srv_intake_new(d->pool, v->site, v->report_days);
    if (!d->settings->roles[SITED_MP])
        return SL_OK;
    (void)snprintf(path, sizeof path, "%s-outbox", d->state);
    enum sl_status status = obx_open(path, &limits, &d->outbox, e);
    if (status != SL_OK)
        return status;
    bool is_here = v->intake == NULL && sited_own_url(d->settings, d->intake_url, sizeof d->intake_url);
    const struct upl_options options = {
        .outbox = d->outbox, .key = mp_identity_key(d->identity), .url = is_here ? d->intake_url : v->intake};
    return upl_new(&options, &d->uplink, e);
}

static enum sl_status start_exchange(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    const struct srv_exchange_options options = {
        .state = d->state, .site = v->site, .pool = d->pool, .interval_ms = v->exchange_interval_ms};
    return d->settings->roles[SITED_SERVER] ? srv_exchange_new(d->desk, &options, &d->exchange, e) : SL_OK;
}

static enum sl_status start_server(struct sited *d, struct sl_error *e)
{
    const struct srv_options options = {
        .path = d->values->db,
        .state = d->state,
        .site = d->values->site,
        .is_server = d->settings->roles[SITED_SERVER],
        .times = server_times(d->values),
        .mp_trust = {.ca = d->values->mp_ca, .client = d->values->mp_cert},
        .content = d->content,
        .pool = d->pool,
        .replica = d->replica,
        .names = d->names,
        .outbox = d->outbox,
        .intake = d->intake,
        .exchange = d->exchange,
        .on_sites = on_sites,
        .on_sites_ctx = d,
        .roles = d->roles,
        .http = d->http,
        .nbt = d->nbt,
    };
    return srv_open(d->desk, &options, &d->srv, e);
}

static enum sl_status start_mp(struct sited *d, const char *host, struct sl_error *e)
{
    char folder[PATH_MAX + sizeof ".policy"];
    snprintf(folder, sizeof folder, "%s.policy", d->state);
    enum sl_status status = mp_cache_open(folder, &d->policies, e);
    if (status != SL_OK)
        return status;
    d->mp = mp_new(d->reads_site ? d->pool : d->replica, d->values->site, host, d->identity,
                   (struct mp_upward){d->outbox, d->uplink},
                   d->policies);
    web_add_routes(d->web, "mp", mp_routes, mp_route_count, d->mp);
    return mp_allow_lists(d->mp, &d->values->mplist_allow, e);
}

static void on_lost(void *ctx)
{
    dp_fetch_look(ctx);
}

/* Brings what lies on this distribution point, and looks after it. */
static enum sl_status start_fetching(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    const struct dp_verify_times times = verify_times(v);
    const struct dp_fetch_options options = {.pool = d->pool, .dp = v->dp_name, .server = v->intake, .library = d->library};
    enum sl_status status = dp_fetch_new(&options, &d->fetch, e);
    if (status != SL_OK)
        return status;
    const struct dp_verify_options verify = {
        .pool = d->pool, .dp = v->dp_name, .library = d->library, .on_lost = on_lost, .ctx = d->fetch};
    return dp_verify_new(&verify, &times, &d->verify, e);
}

/* Where the files of packages are: fetched by this host, or those of the site server on it. */
static enum sl_status start_content(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    if (!d->settings->roles[SITED_DP] && !d->settings->roles[SITED_SERVER])
        return SL_OK;
    enum sl_status status = cnt_open(d->content, v->dp_name != NULL, &d->library, e);
    return status == SL_OK && v->dp_name != NULL ? start_fetching(d, e) : status;
}

static void add_server_routes(struct sited *d)
{
    web_add_routes(d->web, "server", srv_intake_routes, srv_intake_route_count, d->intake);
    web_add_routes(d->web, "server", srv_exchange_routes, srv_exchange_route_count, d->exchange);
}

static enum sl_status start_http(struct sited *d, struct sl_error *e)
{
    const struct sited_settings *s = d->settings;
    char host[HOST_NAME_SIZE] = "";
    if (gethostname(host, sizeof host - 1) != 0)
        return sl_fail(e, SL_IO, "the name of this host cannot be read");
    if (s->roles[SITED_SERVER])
        add_server_routes(d);
    enum sl_status status = s->roles[SITED_MP] ? start_mp(d, host, e) : SL_OK;
    if (s->roles[SITED_DP]) {
        d->dp = dp_new(d->replica, d->library, d->fetch);
        web_add_routes(d->web, "dp", dp_routes, dp_route_count, d->dp);
    }
    if (d->library != NULL)
        web_add_routes(d->web, "content", dp_share_routes, dp_share_route_count, d->library);
    if (s->roles[SITED_SLP]) {
        d->slp = slp_new(d->replica, d->values->slp_path);
        web_add_routes(d->web, "slp", slp_route(d->slp), 1, d->slp);
    }
    return status == SL_OK ? web_start(d->web, e) : status;
}

/* What needs rights, and then none any more: ports, the key of the certificate, and whose the files are. */
static enum sl_status take_ports(struct sited *d, struct sl_error *e)
{
    const struct sited_settings *s = d->settings;
    const struct sited_values *v = d->values;
    enum sl_status status = SL_OK;
    d->web = web_new(&(struct web_limits){.connections = (unsigned)v->http_connections,
                                          .per_client = (unsigned)v->http_client_connections,
                                          .times = web_times(v)});
    if (s->nbt_count > 0)
        status = nbn_open(d->loop, s->nbt, s->nbt_count, &d->names, e);
    if (status == SL_OK && s->https_count > 0)
        status = web_tls_load(v->tls_cert, v->tls_key, v->client_ca, &d->tls, e);
    for (size_t i = 0; i < s->http_count && status == SL_OK; i++)
        status = web_listen(d->web, &s->http[i], NULL, e);
    for (size_t i = 0; i < s->https_count && status == SL_OK; i++)
        status = web_listen(d->web, &s->https[i], d->tls, e);
    return status == SL_OK ? sited_give_up_rights(v->user, v->control_group, v->db, d->state, e) : status;
}

static void write_page(struct sl_text *out, void *ctx)
{
    const struct sited *d = ctx;
    sited_metrics(d->srv, d->web, d->names, out);
    if (d->fetch != NULL)
        sited_content_metrics(d->fetch, d->verify, out);
}

static enum sl_status open_control(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    enum sl_status status = host_control_open(d->desk, v->control, srv_verbs, srv_verb_count, d->srv, &d->control, e);
    if (status == SL_OK && v->control_group != NULL)
        status = host_control_group(d->control, v->control_group, e);
    return status;
}

static enum sl_status open_page(struct sited *d, struct sl_error *e)
{
    const struct host_page_row page = {.path = "/metrics", .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .most = SITED_PAGE_MAX, .write = write_page, .ctx = d};
    return d->settings->has_metrics ? host_page_open(d->loop, &d->settings->metrics, &page, &d->page, e) : SL_OK;
}

static enum sl_status start(struct sited *d, struct sl_error *e)
{
    enum sl_status status = start_identity(d, e);
    if (status == SL_OK)
        status = start_upward(d, e);
    if (status == SL_OK)
        status = start_content(d, e);
    if (status == SL_OK)
        status = start_exchange(d, e);
    if (status == SL_OK)
        status = start_server(d, e);
    if (status == SL_OK)
        status = start_http(d, e);
    return status == SL_OK ? open_control(d, e) : status;
}

static void tell_status(const struct sited *d)
{
    char status[SL_ERROR_TEXT_MAX];
    snprintf(status, sizeof status, "roles %s on %s", d->values->role, d->values->db);
    host_service_ready(status);
}

static void on_watchdog(void *ctx)
{
    struct sited *d = ctx;
    host_service_alive();
    host_timer_start(d->watchdog, d->watchdog_ms / 3);
}

static void tell_ready(struct sited *d)
{
    for (size_t i = 0; i < d->http.count; i++)
        sl_log(SL_LOG_INFO, "listening", "http=%s", d->http.items[i]);
    for (size_t i = 0; i < d->nbt.count; i++)
        sl_log(SL_LOG_INFO, "listening", "nbt=%s", d->nbt.items[i]);
    if (d->http.count == 0 && sited_is_http(d->settings))
        sl_log(SL_LOG_WARNING, "no-http", "text=\"the roles mp, dp and slp answer nobody without --http\"");
    sl_log(SL_LOG_INFO, "ready", "db=%s roles=%s", SL_LOG_TEXT(d->values->db), SL_LOG_TEXT(d->values->role));
    tell_status(d);
    d->watchdog_ms = host_service_watchdog_ms();
    if (d->watchdog_ms > 0) {
        d->watchdog = host_timer_new(d->loop, on_watchdog, d);
        on_watchdog(d);
    }
}

static void on_started(void *ctx)
{
    struct sited *d = ctx;
    if (d->grace != NULL)
        return; /* the end has begun */
    if (d->status == SL_OK)
        d->status = open_page(d, &d->e);
    if (d->status == SL_OK)
        tell_ready(d);
    else
        host_loop_stop(d->loop);
}

/* ---- reload ----------------------------------------------------------------------------------------------------------- */

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static enum sl_status apply(void *ctx, struct sl_error *e)
{
    struct sited *d = ctx;
    enum sl_status status = d->mp != NULL ? mp_allow_lists(d->mp, &d->values->mplist_allow, e) : SL_OK;
    if (status != SL_OK)
        return status;
    const struct web_times times = web_times(d->values);
    const struct srv_times server = server_times(d->values);
    const struct obx_limits limits = outbox_limits(d->values);
    const struct dp_verify_times verify = verify_times(d->values);
    srv_set_times(d->srv, &server);
    web_set_times(d->web, &times);
    if (d->verify != NULL)
        dp_verify_set_times(d->verify, &verify);
    if (d->outbox != NULL)
        obx_set_limits(d->outbox, &limits);
    if (d->intake != NULL)
        srv_intake_set_days(d->intake, d->values->report_days);
    if (d->exchange != NULL)
        srv_exchange_set_interval(d->exchange, d->values->exchange_interval_ms);
    if (!d->values->common.verbose)
        sl_log_set_level((enum sl_log_level)d->values->log_level);
    return SL_OK;
}

static void reload(void *ctx)
{
    struct sited *d = ctx;
    const struct conf_program program = {.rows = sited_options, .count = SITED_OPTION_COUNT, .values = d->call->values,
                                         .values_size = sizeof *d->values, .is_given = is_given,
                                         .given_ctx = (void *)(uintptr_t)d->call};
    host_service_reloading();
    conf_reload(d->values->config, &program, apply, d);
    tell_status(d);
}

/* The settings are the desk's. */
static void on_hangup(void *ctx)
{
    struct sited *d = ctx;
    host_loop_post(d->desk, reload, d);
}

/* ---- end -------------------------------------------------------------------------------------------------------------- */

static void end_if_over(struct sited *d)
{
    if (!d->has_names && !d->is_staffed)
        host_loop_stop(d->loop);
}

static void on_released(void *ctx)
{
    struct sited *d = ctx;
    d->has_names = false;
    end_if_over(d);
}

static void on_left(void *ctx)
{
    struct sited *d = ctx;
    d->is_staffed = false;
    end_if_over(d);
}

/* Nobody waits for the database any more. */
static void end_pools(void *ctx)
{
    struct sited *d = ctx;
    sst_pool_end(d->pool);
    sst_pool_end(d->replica);
}

static void on_stop(void *ctx)
{
    struct sited *d = ctx;
    host_service_stopping();
    if (d->grace != NULL) {
        host_loop_stop(d->loop);
        return;
    }
    d->grace = host_timer_new(d->loop, end_pools, d);
    host_timer_start(d->grace, SITED_GRACE_MS);
    host_loop_stop(d->desk);
    if (d->has_names)
        nbn_release_all(d->names, on_released, d);
}

/* In the order in which one needs the other: nobody asks any more, nobody publishes any more, then what they stood on. */
static void stop(struct sited *d)
{
    host_timer_free(d->watchdog);
    host_timer_free(d->grace);
    host_page_close(d->page);
    host_control_close(d->control);
    web_free(d->web);
    web_tls_free(d->tls);
    mp_free(d->mp);
    upl_free(d->uplink);
    mp_cache_close(d->policies);
    dp_free(d->dp);
    dp_verify_free(d->verify);
    dp_fetch_free(d->fetch);
    slp_free(d->slp);
    cnt_close(d->library);
    srv_close(d->srv);
    srv_exchange_free(d->exchange);
    srv_intake_free(d->intake);
    obx_close(d->outbox);
    mp_claims_free(d->claims);
    mp_identity_free(d->identity);
    nbn_close(d->names);
    if (d->replica != d->pool)
        sst_pool_free(d->replica);
    sst_pool_free(d->pool);
    host_loop_free(d->desk);
    host_loop_free(d->loop);
    sl_strings_fini(&d->roles);
    sl_strings_fini(&d->http);
    sl_strings_fini(&d->nbt);
}

static void *work(void *ctx)
{
    struct sited *d = ctx;
    d->status = start(d, &d->e);
    bool is_started = d->status == SL_OK;
    host_loop_post(d->loop, on_started, d);
    if (is_started)
        host_loop_run(d->desk);
    host_loop_post(d->loop, on_left, d);
    return NULL;
}

/* Runs both loops until a signal, or until the start has failed. */
static void run_loops(struct sited *d)
{
    d->has_names = d->names != NULL;
    d->is_staffed = true;
    int rc = pthread_create(&d->clerk, NULL, work, d);
    sl_assert(rc == 0);
    host_loop_run(d->loop);
    host_loop_stop(d->desk);
    end_pools(d);
    pthread_join(d->clerk, NULL);
    if (d->grace != NULL)
        sl_log(SL_LOG_INFO, "stopping", "db=%s", SL_LOG_TEXT(d->values->db));
}

static enum sl_status serve(const struct cli_call *call, const struct sited_settings *settings, struct sl_error *e)
{
    const struct sited_values *values = call->values;
    struct sited d = {
        .call = call, .values = values, .settings = settings, .loop = host_loop_new(), .desk = host_loop_new()};
    d.pool = sst_pool_new(values->db);
    d.replica = values->replica != NULL ? sst_pool_new(values->replica) : d.pool;
    sited_settings_list(settings, &d.roles, &d.http, &d.nbt);
    /* Before anybody is served, though they are handled by the loop: who has been answered may send one. */
    host_signal(d.loop, SIGTERM, on_stop, &d);
    host_signal(d.loop, SIGINT, on_stop, &d);
    host_signal(d.loop, SIGHUP, on_hangup, &d);
    enum sl_status status = place_files(&d, e);
    if (status == SL_OK)
        status = take_ports(&d, e);
    if (status == SL_OK) {
        run_loops(&d);
        status = d.grace == NULL && d.status != SL_OK ? sl_fail(e, d.status, "%s", d.e.text) : SL_OK;
    }
    stop(&d);
    return status;
}

static enum sl_outcome run(struct cli_call *call)
{
    const struct sited_values *values = call->values;
    struct sited_settings settings;
    struct sl_error e = {0};
    if (values->common.verbose)
        sl_log_set_level(SL_LOG_DEBUG);
    enum sl_status status = sited_settings_read(call, &settings, &e);
    if (!values->common.verbose)
        sl_log_set_level((enum sl_log_level)values->log_level);
    if (status == SL_OK && !values->check_config)
        status = serve(call, &settings, &e);
    return status == SL_OK ? SL_OUTCOME_OK : cli_fail(call, status, &e);
}

static const struct cli_verb verbs[] = {
    {.name = "", .args = "", .summary = "Run the site roles of this host", .run = run},
};

const struct cli_program sited_program = {
    .name = "sited",
    .section = "8",
    .summary = "site server, management point, distribution point and server locator point",
    .description =
        "Runs the roles of a site that this host has, on the site database that sitectl init made. The site server administers "
        "over the control socket (sitectl) and publishes each site to its targets: directories with the extended schema, and "
        "name registries. The management point answers clients over HTTP: MPLIST, and where the content of a package lies.\n\n"
        "Several sited may work on one database file, one of them as the site server; the others notice every change within a "
        "second. A sited registers the name MP_CODE of the default management point when the address of that management point "
        "is one of its --nbt-address.",
    .options = sited_options,
    .option_count = SITED_OPTION_COUNT,
    .values_size = sizeof(struct sited_values),
    .verbs = verbs,
    .verb_count = SL_COUNT(verbs),
    .examples = {"sited --http 192.0.2.10 --nbt-address 192.0.2.10", "all roles of a site on one host",
                 "sited --role mp --http 192.0.2.11:8080 --nbt-address 192.0.2.11 --control /run/sitelocator/mp2.sock",
                 "a second management point on the same database", NULL},
    .files = "/var/lib/sitelocator/site.db, the site database.\n\n"
             "/var/lib/sitelocator/site.db-CODE.key, the trusted root key of site CODE.\n\n"
             "/var/lib/sitelocator/site.db-mp.key, the key of the management points on this host.\n\n"
             "/var/lib/sitelocator/site.db.policy/, the policy bodies that the management point keeps for itself.\n\n"
             "/run/sitelocator/sited.sock, the control socket.",
    .see_also = "sitectl(8), locator(1), winsd(8)",
};

int sited_main(int argc, char **argv)
{
    return cli_main(&sited_program, argc, argv);
}
