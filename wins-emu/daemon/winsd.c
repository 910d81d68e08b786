#include "wins-emu/daemon/winsd.h"

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/host/page.h"
#include "common/host/service.h"
#include "common/host/user.h"
#include "wins-emu/ctl/ctl.h"
#include "wins-emu/daemon/hook.h"
#include "wins-emu/daemon/policy.h"
#include "wins-emu/daemon/reload.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { PAGE_OCTETS_MAX = 64 << 10, STATUS_TEXT_MAX = 64 };

/* Everything that lives as long as the daemon, in the order in which it is made. Once the writer runs, the store is its own. */
struct winsd {
    const struct winsd_values *values;
    struct host_loop *loop;
    struct tbl *table;
    struct wnet *net;
    struct wst *store;
    struct eng_config config;
    struct winsd_settings settings; /* as they are now */
    struct winsd_policy policy;
    struct sl_log_limit commit_log;
    const struct cli_call *call;
    struct eng *eng;
    struct winsd_hook *hook;
    struct eng_writer *writer;
    struct wctl *ctl;
    struct wctl_hub *hub;
    struct host_page *page;       /* NULL without metrics */
    struct host_timer *watchdog;  /* NULL unless the service manager wants signs of life */
    int64_t watchdog_ms;
    struct wnet_look look; /* for `top`, when tables is set */
    unsigned looks_left;
    wctl_tables_fn *tables;
    void *tables_ctx;
    size_t loaded_names; /* from the database, and its version counter */
    uint64_t loaded_version;
};

static void on_stop(void *ctx)
{
    struct winsd *d = ctx;
    host_loop_stop(d->loop);
}

/* ---- reload ---- */

static void apply_times(struct eng_config *config, const struct winsd_settings *s, const struct winsd_values *v)
{
    config->scavenge_period_s = s->scavenge_period_s;
    config->rules.ttl_min_s = s->ttl_min_s;
    config->rules.ttl_max_s = s->ttl_max_s;
    config->rules.extinction_interval_s = s->extinction_interval_s;
    config->rules.extinction_timeout_s = s->extinction_timeout_s;
    config->rules.tombstone_hold_s = s->tombstone_hold_s;
    config->rules.names_max = (size_t)v->names_max;
    config->journal_max = (uint64_t)v->journal_max;
    config->tells_changes = v->hook != NULL;
}

/* On the writer's thread. */
static void reload_engine(void *ctx, struct eng *eng, struct eng_now now)
{
    struct eng_config *config = ctx;
    eng_reload(eng, now, config);
    free(config);
}

static enum sl_status apply(void *ctx, const struct winsd_settings *s, struct sl_error *e)
{
    struct winsd *d = ctx;
    struct wins_policy *policy;
    enum sl_status status = wins_policy_new(&d->values->policy, &policy, e);
    if (status != SL_OK)
        return status;
    struct eng_config *config = sl_new(sizeof *config);
    *config = d->config;
    apply_times(config, s, d->values);
    status = eng_writer_call(d->writer, reload_engine, config, e);
    if (status != SL_OK) {
        free(config);
        wins_policy_free(policy);
        return status;
    }
    apply_times(&d->config, s, d->values); /* for `explain` and the like; workers read none of it */
    winsd_policy_replace(&d->policy, policy);
    winsd_hook_set(d->hook, d->values->hook);
    if (!d->values->common.verbose)
        sl_log_set_level((enum sl_log_level)d->values->log_level);
    return SL_OK;
}

static void tell_status(const struct winsd *d)
{
    char status[STATUS_TEXT_MAX];
    snprintf(status, sizeof status, "serving %zu names", tbl_count(d->table));
    host_service_ready(status);
}

static void on_hangup(void *ctx)
{
    struct winsd *d = ctx;
    host_service_reloading();
    winsd_reload(d->call, &d->settings, apply, d);
    tell_status(d);
}

/* ---- what the parts ask for ---- */

/* Queries are what must go on: a disk that hangs is no reason to be ended. */
static void on_watchdog(void *ctx)
{
    struct winsd *d = ctx;
    if (wnet_alive(d->net))
        host_service_alive();
    host_timer_start(d->watchdog, d->watchdog_ms / 3);
}

static void write_page(struct sl_text *out, void *ctx)
{
    const struct winsd *d = ctx;
    wctl_metrics(d->ctl, out);
}

static void on_commit_failed(void *ctx, const struct sl_error *e)
{
    struct winsd *d = ctx;
    uint64_t left_out;
    if (sl_log_allowed(&d->commit_log, &left_out))
        sl_log(SL_LOG_ERROR, "commit-failed", "text=%s left-out=%" PRIu64, SL_LOG_TEXT(sl_error_text(e)), left_out);
}

static void on_flush(void *ctx)
{
    struct winsd *d = ctx;
    wnet_flush(d->net);
}

static void on_send(void *ctx, unsigned socket, struct wins_peer to, const void *octets, size_t len)
{
    struct winsd *d = ctx;
    wnet_send(d->net, socket, to, octets, len);
}

static void on_refused(void *ctx, enum wins_rule rule, const struct wins_request *request)
{
    struct winsd *d = ctx;
    winsd_policy_refused(&d->policy, rule, request);
}

static void on_changed(void *ctx, enum eng_event event, const struct wins_record *record)
{
    struct winsd *d = ctx;
    winsd_hook_changed(d->hook, event, record);
}

static void on_noted(void *ctx, const struct wst_note *note)
{
    struct winsd *d = ctx;
    wctl_hub_note(d->hub, note);
}

/* On a worker's thread. */
static void on_look(void *ctx, const struct wnet_asked *asked)
{
    struct winsd *d = ctx;
    wctl_tables_fn *tables = d->tables;
    void *tables_ctx = d->tables_ctx;
    __atomic_sub_fetch(&d->looks_left, 1, __ATOMIC_RELEASE); /* who gets the answer may ask again at once */
    tables(tables_ctx, &asked->sources, &asked->names);
}

static bool on_top(void *ctx, wctl_tables_fn *fn, void *fn_ctx)
{
    struct winsd *d = ctx;
    if (__atomic_load_n(&d->looks_left, __ATOMIC_ACQUIRE))
        return false;
    d->tables = fn;
    d->tables_ctx = fn_ctx;
    d->look = (struct wnet_look){on_look, d};
    d->looks_left = d->settings.workers;
    wnet_look_at(d->net, &d->look);
    return true;
}

static void on_refused_unread(void *ctx, enum wins_rule rule, struct wins_peer from)
{
    struct winsd *d = ctx;
    winsd_policy_refused_unread(&d->policy, rule, from);
}

static void on_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    sl_random_os(out, len);
}

static void on_counters(const void *ctx, struct eng_counters *ret_sum)
{
    const struct winsd *d = ctx;
    wnet_counters(d->net, ret_sum);
    eng_counters_add(ret_sum, winsd_hook_counters(d->hook));
}

static void on_record(const struct wins_record *record, void *ctx)
{
    tbl_put(ctx, record);
}

/* ---- start ---- */

static struct eng_config config_of(const struct winsd *d)
{
    const struct winsd_settings *s = &d->settings;
    struct eng_config config = {.rules = wins_config_default(wnet_own_socket(d->net, 0).address), .nbt_port = s->nbt_port,
                                .policy = &d->policy.current};
    apply_times(&config, s, d->values);
    config.rules.own_socket_count = s->listen_count;
    for (size_t i = 0; i < s->listen_count; i++)
        config.rules.own_sockets[i] = wnet_own_socket(d->net, i);
    config.rules.own_name_count = s->own_name_count;
    for (size_t i = 0; i < s->own_name_count; i++)
        config.rules.own_names[i] = s->own_names[i];
    return config;
}

static enum sl_status open_store(struct winsd *d, struct sl_error *e)
{
    enum sl_status status = d->values->accept_missing_log ? wst_accept_missing_log(d->values->db, e) : SL_OK;
    if (status == SL_OK)
        status = wst_open(d->values->db, wnet_own_socket(d->net, 0).address, &d->store, e);
    if (status != SL_OK)
        return status;
    size_t count;
    status = wst_count(d->store, &count, e);
    if (status == SL_OK) {
        tbl_reserve(d->table, count);
        status = wst_load(d->store, on_record, d->table, e);
    }
    bool raised = false;
    if (status == SL_OK)
        status = wst_raise_version(d->store, &raised, e);
    d->loaded_names = tbl_count(d->table);
    d->loaded_version = wst_version(d->store);
    if (raised && status == SL_OK)
        sl_log(SL_LOG_WARNING, "version-raised", "version=%" PRIu64 " text=%s", d->loaded_version,
               SL_LOG_TEXT("the version counter was below the version of a record"));
    return status == SL_OK ? SL_OK : sl_fail_in(e, status, "%s", d->values->db);
}

static enum sl_status start_engine(struct winsd *d, struct sl_error *e)
{
    const struct eng_ops ops = {.ctx = d, .send = on_send, .random = on_random, .refused = on_refused,
                                .changed = on_changed, .noted = on_noted};
    const struct eng_writer_ops writer_ops = {.ctx = d, .flush = on_flush, .commit_failed = on_commit_failed};
    d->eng = eng_new(&d->config, &ops, d->table, d->store);
    return eng_writer_start(d->eng, &writer_ops, &d->writer, e);
}

/* What needs rights, and then none any more: the sockets, and whose the database is. */
static enum sl_status take_port(struct winsd *d, struct sl_error *e)
{
    static const char *const files[] = {"", "-wal", "-shm"};
    const struct winsd_settings *s = &d->settings;
    const char *user = d->values->user;
    enum sl_status status = wnet_open(s->listen, s->has_passed ? s->passed : NULL, s->listen_count, s->workers, &d->net, e);
    if (status == SL_OK && user)
        status = wnet_give(d->net, user, e);
    for (size_t i = 0; i < SL_COUNT(files) && status == SL_OK && user; i++) {
        struct sl_text path = sl_text_new(PATH_MAX);
        sl_text_printf(&path, "%s%s", d->values->db, files[i]);
        status = host_user_give(user, sl_text_str(&path), e);
        sl_text_fini(&path);
    }
    return status == SL_OK ? host_user_become(user, NULL, e) : status;
}

static enum sl_status open_control(struct winsd *d, struct sl_error *e)
{
    const struct wctl_env env = {.loop = d->loop, .table = d->table, .writer = d->writer, .rules = &d->config.rules,
                                 .policy = &d->policy.current, .db = d->values->db, .counters = on_counters, .top = on_top,
                                 .ctx = d, .hub = d->hub, .workers = d->settings.workers};
    const struct host_page_row page = {.path = "/metrics", .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                       .most = PAGE_OCTETS_MAX, .write = write_page, .ctx = d};
    enum sl_status status = wctl_open(d->values->control, &env, &d->ctl, e);
    if (status == SL_OK && d->settings.has_metrics)
        status = host_page_open(d->loop, &d->settings.metrics, &page, &d->page, e);
    return status;
}

static enum sl_status start(struct winsd *d, struct sl_error *e)
{
    enum sl_status status = winsd_policy_init(&d->policy, d->values, e);
    if (status == SL_OK)
        status = take_port(d, e);
    if (status == SL_OK)
        status = open_store(d, e);
    if (status != SL_OK)
        return status;
    d->config = config_of(d);
    status = winsd_hook_start(d->values->hook, &d->hook, e);
    if (status == SL_OK)
        status = start_engine(d, e);
    if (status == SL_OK)
        status = open_control(d, e);
    const struct wnet_env workers = {.table = d->table, .rules = &d->config.rules, .policy = &d->policy.current,
                                     .writer = d->writer, .refused = on_refused_unread, .ctx = d};
    return status == SL_OK ? wnet_start(d->net, &workers, e) : status;
}

static void tell_ready(struct winsd *d)
{
    const struct winsd_settings *s = &d->settings;
    for (size_t i = 0; i < s->listen_count; i++) {
        struct wins_peer own = wnet_own_socket(d->net, i);
        struct sl_endpoint endpoint = sl_endpoint_ip4(own.address, own.port);
        sl_log(SL_LOG_INFO, "listening", "address=%s workers=%u", sl_endpoint_text(&endpoint).text, s->workers);
    }
    sl_log(SL_LOG_INFO, "ready", "db=%s names=%zu version=%" PRIu64, SL_LOG_TEXT(d->values->db), d->loaded_names,
           d->loaded_version);
    tell_status(d);
    d->watchdog_ms = host_service_watchdog_ms();
    if (d->watchdog_ms) {
        d->watchdog = host_timer_new(d->loop, on_watchdog, d);
        on_watchdog(d);
    }
}

/* ---- end ---- */

/* Workers first, so that nothing new comes; then the writer, which commits and answers all it has; then the rest. */
static void stop(struct winsd *d)
{
    host_timer_free(d->watchdog);
    host_page_close(d->page);
    wctl_close(d->ctl);
    if (d->net)
        wnet_stop(d->net);
    eng_writer_stop(d->writer);
    winsd_hook_stop(d->hook);
    eng_free(d->eng);
    wctl_free(d->ctl);
    wctl_hub_free(d->hub);
    wst_close(d->store);
    wnet_close(d->net);
    tbl_reader_leave();
    tbl_free(d->table);
    winsd_policy_fini(&d->policy);
    host_loop_free(d->loop);
}

static enum sl_status serve(const struct cli_call *call, const struct winsd_settings *s, struct sl_error *e)
{
    struct winsd d = {.values = call->values, .call = call, .loop = host_loop_new(), .table = tbl_new(), .settings = *s,
                      .commit_log = {.lines_per_s = 1}};
    d.hub = wctl_hub_new(d.loop);
    tbl_reader_enter();
    /* Before anything is served, though they are handled by the loop: who has been answered may send one. */
    host_signal(d.loop, SIGTERM, on_stop, &d);
    host_signal(d.loop, SIGINT, on_stop, &d);
    host_signal(d.loop, SIGHUP, on_hangup, &d);
    enum sl_status status = start(&d, e);
    if (status == SL_OK) {
        tell_ready(&d);
        host_loop_run(d.loop);
        host_service_stopping();
        sl_log(SL_LOG_INFO, "stopping", "names=%zu", tbl_count(d.table));
    }
    stop(&d);
    return status;
}

static enum sl_outcome run(struct cli_call *call)
{
    const struct winsd_values *values = call->values;
    if (values->common.verbose)
        sl_log_set_level(SL_LOG_DEBUG);
    struct winsd_settings settings;
    struct sl_error e = {0};
    enum sl_status status = winsd_settings_read(call, &settings, &e);
    if (!values->common.verbose)
        sl_log_set_level((enum sl_log_level)values->log_level);
    if (status == SL_OK && !values->check_config)
        status = serve(call, &settings, &e);
    return status == SL_OK ? SL_OUTCOME_OK : cli_fail(call, status, &e);
}

static const struct cli_verb verbs[] = {
    {.name = "", .args = "", .summary = "serve names until SIGTERM or SIGINT", .run = run},
};

static const struct cli_program program = {
    .name = "winsd",
    .section = "8",
    .summary = "NetBIOS name registry (WINS)",
    .description =
        "winsd registers NetBIOS names over UDP and answers queries for them. No registration or release is acknowledged before"
        " it is in the database; only a refresh that moves nothing but the expiry may be, so a crash can shorten"
        " such a lease to what it was before.\n\n"
        "The protocol has no authentication: whoever reaches the port may register names that nobody defends, unless the policy"
        " says otherwise: allow and deny by network, pins of names to networks, names that stay with their first owner. What it"
        " refuses is answered with code 5, counted and logged with the id of the rule.\n\n"
        "SIGTERM and SIGINT end it after the last batch is on disk. SIGHUP reads the configuration file again, without"
        " losing a packet: the policy, the times, --hook, --journal-max, --names-max and --log-level are taken over; of the"
        " others that have changed the log says that they need a restart.\n\n"
        "Under a service manager winsd tells when it serves (sd_notify), gives signs of life when asked to, and takes UDP sockets"
        " that the manager has bound instead of --listen.",
    .options = winsd_options,
    .option_count = WINSD_OPTION_COUNT,
    .values_size = sizeof(struct winsd_values),
    .verbs = verbs,
    .verb_count = SL_COUNT(verbs),
    .examples = {"winsd --listen 192.0.2.53", "serves one address with the default database",
                 "winsd --listen 127.0.0.1:10137 --nbt-port 10137 --db wins.db --control winsd.sock",
                 "a test server without root"},
    .files = "/var/lib/sitelocator/wins.db: the database.\n\n/run/sitelocator/winsd.sock: the control socket.",
    .see_also = "winsctl(8)",
};

int winsd_main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
