#include "site/daemon/sited.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/conf/reload.h"
#include "common/host/service.h"
#include "site/daemon/metrics.h"
#include "site/daemon/private.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- start ------------------------------------------------------------------------------------------------------------ */

static void write_page(struct sl_text *out, void *ctx)
{
    const struct sited *d = ctx;
    if (!d->is_started) {
        sl_text_puts(out, SRV_DATABASE_UP " 0\n");
        return;
    }
    sited_metrics(d->srv, d->web, d->names, out);
    if (d->fetch != NULL)
        sited_content_metrics(d->fetch, d->verify, out);
}

static enum sl_status open_page(struct sited *d, struct sl_error *e)
{
    const struct host_page_row page = {.path = "/metrics", .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .most = SITED_PAGE_MAX, .write = write_page, .ctx = d};
    return d->settings->has_metrics ? host_page_open(d->loop, &d->settings->metrics, &page, &d->page, e) : SL_OK;
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

/* The loop ends when the desk is left and the names are released. */
static void leave(struct sited *d)
{
    if (d->is_leaving)
        return;
    d->is_leaving = true;
    host_loop_stop(d->desk);
    if (d->has_names)
        nbn_release_all(d->names, on_released, d);
}

static void on_started(void *ctx)
{
    struct sited *d = ctx;
    if (d->grace != NULL)
        return; /* the end has begun */
    d->is_started = d->status == SL_OK;
    if (d->is_started)
        tell_ready(d);
    else
        leave(d);
}

/* ---- reload ----------------------------------------------------------------------------------------------------------- */

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static void reload(void *ctx)
{
    struct sited *d = ctx;
    const struct conf_program program = {.rows = sited_options, .count = SITED_OPTION_COUNT, .values = d->call->values,
                                         .values_size = sizeof *d->values, .is_given = is_given,
                                         .given_ctx = (void *)(uintptr_t)d->call};
    host_service_reloading();
    conf_reload(d->values->config, &program, sited_apply, d);
    tell_status(d);
}

/* The settings are the desk's. */
static void on_hangup(void *ctx)
{
    struct sited *d = ctx;
    host_loop_post(d->desk, reload, d);
}

/* ---- end -------------------------------------------------------------------------------------------------------------- */

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
    leave(d);
}

static void *work(void *ctx)
{
    struct sited *d = ctx;
    d->status = sited_start(d, &d->e);
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
    enum sl_status status = sited_place_files(&d, e);
    if (status == SL_OK)
        status = sited_take_ports(&d, e);
    if (status == SL_OK)
        status = open_page(&d, e); /* who waits for the database at the start says so */
    if (status == SL_OK) {
        run_loops(&d);
        status = d.grace == NULL && d.status != SL_OK ? sl_fail(e, d.status, "%s", d.e.text) : SL_OK;
    }
    sited_stop(&d);
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
