#include "site/daemon/private.h"

#include "common/base/log.h"
#include "site/daemon/rights.h"
#include "site/dp/dp.h"
#include "site/dp/share.h"
#include "site/http/tls.h"
#include "site/mp/claim.h"
#include "site/mp/mp.h"
#include "site/report/uplink.h"
#include "site/server/keys.h"
#include "site/slp/slp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { HOST_NAME_SIZE = 256 };

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

enum sl_status sited_place_files(struct sited *d, struct sl_error *e)
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

/* Brings what lies on this distribution point, or on those that share the library of the site server, and looks after it. */
static enum sl_status start_fetching(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    const struct dp_verify_times times = verify_times(v);
    const char *dp = v->dp_name != NULL ? v->dp_name : SST_SHARED;
    const struct dp_fetch_options options = {.pool = d->pool, .dp = dp, .server = v->intake, .library = d->library};
    enum sl_status status = dp_fetch_new(&options, &d->fetch, e);
    if (status != SL_OK)
        return status;
    const struct dp_verify_options verify = {
        .pool = d->pool, .dp = dp, .library = d->library, .on_lost = on_lost, .ctx = d->fetch};
    return dp_verify_new(&verify, &times, &d->verify, e);
}

/* Where the files of packages are: fetched by this host, or those of the site server on it. Behind its lock: one alone writes. */
static enum sl_status start_content(struct sited *d, struct sl_error *e)
{
    bool is_server = d->settings->roles[SITED_SERVER], is_writing = is_server || d->values->dp_name != NULL;
    if (!d->settings->roles[SITED_DP] && !is_server)
        return SL_OK;
    enum sl_status status = cnt_open(d->content, is_writing, &d->library, e);
    return status == SL_OK && is_writing ? start_fetching(d, e) : status;
}

static void add_server_routes(struct sited *d)
{
    web_add_routes(d->web, "server", srv_intake_routes, srv_intake_route_count, d->intake);
    web_add_routes(d->web, "exchange", srv_exchange_routes, srv_exchange_route_count, d->exchange);
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
        d->dp = dp_new(d->replica, d->library, d->values->dp_name != NULL ? d->fetch : NULL);
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
enum sl_status sited_take_ports(struct sited *d, struct sl_error *e)
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

static enum sl_status open_control(struct sited *d, struct sl_error *e)
{
    const struct sited_values *v = d->values;
    enum sl_status status = host_control_open(d->desk, v->control, srv_verbs, srv_verb_count, d->srv, &d->control, e);
    if (status == SL_OK && v->control_group != NULL)
        status = host_control_group(d->control, v->control_group, e);
    return status;
}

enum sl_status sited_start(struct sited *d, struct sl_error *e)
{
    enum sl_status status = start_identity(d, e);
    if (status == SL_OK)
        status = start_upward(d, e);
    if (status == SL_OK)
        status = start_exchange(d, e);
    if (status == SL_OK)
        status = start_server(d, e);
    if (status == SL_OK)
        status = start_content(d, e);
    if (status == SL_OK)
        status = start_http(d, e);
    return status == SL_OK ? open_control(d, e) : status;
}

/* ---- reload and end ---------------------------------------------------------------------------------------------------- */

enum sl_status sited_apply(void *ctx, struct sl_error *e)
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

/* In the order in which one needs the other: nobody asks any more, nobody publishes any more, then what they stood on. */
void sited_stop(struct sited *d)
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
