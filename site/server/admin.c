#include "site/server/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *srv_option(const struct srv_call *call, const char *name)
{
    return host_request_option(call->request, name, 0);
}

static enum sl_status number(const struct srv_call *call, const char *name, uint64_t max, uint64_t fallback, uint64_t *ret_value,
                             struct sl_error *e)
{
    const char *text = srv_option(call, name);
    *ret_value = fallback;
    if (text != NULL && !sl_parse_u64(text, max, ret_value))
        return sl_fail(e, SL_USAGE, "--%s \"%s\": must be a number up to %" PRIu64, name, text, max);
    return SL_OK;
}

void srv_tell_change(struct srv_call *call, const char *kind, const char *name, const char *change, bool changed)
{
    static const char *const columns[] = {"site:text", "kind:text", "name:text", "change:text"};
    const char *const cells[] = {call->site, kind, name, changed ? change : "unchanged"};
    call->changed = changed;
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
}

static void tell_added(struct srv_call *call, const char *kind, const char *name, bool added)
{
    srv_tell_change(call, kind, name, "added", added);
}

enum sl_status srv_remove_row(struct srv_call *call, enum sst_kind kind, const char *word, const char *key, struct sl_error *e)
{
    bool removed;
    enum sl_status status = sst_remove(call->store, call->site, kind, key, &removed, e);
    if (status == SL_OK)
        srv_tell_change(call, word, key, "removed", removed);
    return status;
}

enum sl_status srv_order(struct srv_call *call, const struct pub_order *what, struct sl_error *e)
{
    enum sl_status status = srv_publish(call->srv->publisher, call->site, what, call->reply, e);
    call->kept = status == SL_OK;
    return status;
}

/* ---- management points ------------------------------------------------------------------------------------------------ */

enum sl_status srv_mp_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_mp mp;
    uint64_t port;
    bool added;
    const char *address = srv_option(call, "address");
    if (address == NULL)
        return sl_fail(e, SL_USAGE, "mp add needs --address IP");
    bool is_https = srv_option(call, "https") != NULL;
    enum sl_status status = number(call, "port", UINT16_MAX, is_https ? SM_HTTPS_PORT : SM_HTTP_PORT, &port, e);
    if (status == SL_OK)
        status = sm_mp_make(call->request->args[0], address, (int64_t)port, &mp, e);
    if (status != SL_OK)
        return status;
    mp.is_https = is_https;
    status = sst_add_mp(call->store, call->site, &mp, &added, e);
    if (status == SL_OK)
        tell_added(call, "mp", mp.host, added);
    sm_mp_fini(&mp);
    return status;
}

enum sl_status srv_mp_remove(struct srv_call *call, struct sl_error *e)
{
    return srv_remove_row(call, SST_MP, "mp", call->request->args[0], e);
}

/* ---- distribution points, boundaries, packages ------------------------------------------------------------------------ */

enum sl_status srv_dp_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_dp dp;
    bool added;
    enum sl_status status = sm_dp_make(call->request->args[0], srv_option(call, "url"), &dp, e);
    if (status != SL_OK)
        return status;
    status = sst_add_dp(call->store, call->site, &dp, &added, e);
    if (status == SL_OK)
        tell_added(call, "dp", dp.host, added);
    sm_dp_fini(&dp);
    return status;
}

enum sl_status srv_dp_remove(struct srv_call *call, struct sl_error *e)
{
    return srv_remove_row(call, SST_DP, "dp", call->request->args[0], e);
}

enum sl_status srv_make_boundary(const char *word, const char *value, struct sm_boundary *ret_boundary, struct sl_error *e)
{
    enum sm_boundary_kind kind = sm_boundary_kind_parse(word);
    if (kind == SM_BOUNDARY_COUNT)
        return sl_fail(e, SL_USAGE, "\"%s\" is no kind of boundary: subnet, range, ad-site or ipv6-prefix", word);
    return sm_boundary_make(kind, value, ret_boundary, e);
}

enum sl_status srv_boundary_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_boundary boundary;
    bool added;
    enum sl_status status = srv_make_boundary(call->request->args[0], call->request->args[1], &boundary, e);
    if (status != SL_OK)
        return status;
    boundary.is_slow = srv_option(call, "slow") != NULL;
    status = sst_add_boundary(call->store, call->site, &boundary, &added, e);
    if (status == SL_OK)
        tell_added(call, sm_boundary_word(boundary.kind), boundary.value, added);
    sm_boundary_fini(&boundary);
    return status;
}

enum sl_status srv_boundary_remove(struct srv_call *call, struct sl_error *e)
{
    struct sm_boundary boundary;
    enum sl_status status = srv_make_boundary(call->request->args[0], call->request->args[1], &boundary, e);
    if (status != SL_OK)
        return status;
    struct sl_text key = sl_text_new(SM_HOST_MAX);
    sl_text_printf(&key, "%s %s", sm_boundary_word(boundary.kind), boundary.value);
    status = srv_remove_row(call, SST_BOUNDARY, "boundary", sl_text_str(&key), e);
    sl_text_fini(&key);
    sm_boundary_fini(&boundary);
    return status;
}

const char *srv_more(const struct srv_call *call, const char *name, size_t n)
{
    size_t named = 0;
    while (named <= n && host_request_option(call->request, name, named) != NULL)
        named++;
    if (n < named)
        return host_request_option(call->request, name, n);
    size_t arg = 1 + n - named;
    return arg < call->request->arg_count ? call->request->args[arg] : NULL;
}

/* With a folder of files the copier adds it, and ends the reply. */
static enum sl_status add_package(struct srv_call *call, const struct sst_new_package *package, struct sl_error *e)
{
    bool added;
    if (srv_option(call, "dir") != NULL) {
        int dir_fd = host_request_take_fd(call->reply);
        if (dir_fd < 0)
            return sl_fail(e, SL_USAGE, "--dir: no folder was sent along");
        enum sl_status status = srv_add_content(call->srv, call->site, package, dir_fd, call->reply, e);
        call->kept = status == SL_OK;
        return status;
    }
    enum sl_status status = sst_add_package(call->store, call->site, package, &added, e);
    if (status == SL_OK)
        tell_added(call, "package", package->id, added);
    return status;
}

enum sl_status srv_package_add(struct srv_call *call, struct sl_error *e)
{
    const char *id = call->request->args[0];
    uint64_t version = 0;
    size_t count = 0;
    enum sl_status status = sm_check_package_id(id, e);
    if (status == SL_OK)
        status = number(call, "version", UINT32_MAX, 0, &version, e);
    if (status == SL_OK && version == 0)
        status = sl_fail(e, SL_USAGE, "package add needs --version N, from 1");
    while (srv_more(call, "on", count) != NULL)
        count++;
    if (status == SL_OK && count == 0)
        status = sl_fail(e, SL_USAGE, "package add needs --on DP..."); /* S2.08 */
    if (status != SL_OK)
        return status;
    const char **dps = sl_new_array(count, sizeof *dps);
    for (size_t i = 0; i < count; i++)
        dps[i] = srv_more(call, "on", i);
    status = add_package(call, &(struct sst_new_package){id, (uint32_t)version, dps, count, NULL}, e);
    free(dps);
    return status;
}

enum sl_status srv_package_remove(struct srv_call *call, struct sl_error *e)
{
    struct sm_manifest files = {0};
    enum sl_status status = sst_manifest(call->store, call->site, call->request->args[0], &files, e);
    if (status == SL_OK)
        status = srv_remove_row(call, SST_PACKAGE, "package", call->request->args[0], e);
    if (status == SL_OK)
        srv_drop_content(call->srv, &files);
    sm_manifest_fini(&files);
    return status;
}

enum sl_status srv_package_verify(struct srv_call *call, struct sl_error *e)
{
    const char *package = call->request->arg_count == 1 ? call->request->args[0] : NULL;
    enum sl_status status = srv_verify_content(call->srv, call->site, package, call->reply, e);
    call->kept = status == SL_OK;
    return status;
}

/* ---- targets ---------------------------------------------------------------------------------------------------------- */

/* The site server opens the files, so their names must not hang on where sitectl was called. */
static enum sl_status check_paths(const struct srv_call *call, struct sl_error *e)
{
    static const char *const names[] = {"password-file", "ca", "cert", "key", "tsig-key"};
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        const char *path = srv_option(call, names[i]);
        if (path != NULL && path[0] != '/')
            return sl_fail(e, SL_USAGE, "--%s \"%s\": must be an absolute path", names[i], path);
    }
    return SL_OK;
}

static enum sl_status make_target(const struct srv_call *call, struct sm_target *ret_target, struct sl_error *e)
{
    const char *timeout = srv_option(call, "timeout"), *sasl = srv_option(call, "sasl");
    int64_t timeout_ms = 0;
    if (timeout != NULL && (!sl_parse_duration_ms(timeout, &timeout_ms) || timeout_ms < 1))
        return sl_fail(e, SL_USAGE, "--timeout \"%s\": must be a duration such as 2s", timeout);
    enum sl_status status = check_paths(call, e);
    if (status != SL_OK)
        return status;
    struct sm_target target = {
        .uri = sl_strdup(call->request->args[0]),
        .base = sl_strdup(srv_option(call, "base")),
        .container = sl_strdup(srv_option(call, "container")),
        .bind_dn = sl_strdup(srv_option(call, "bind-dn")),
        .password_file = sl_strdup(srv_option(call, "password-file")),
        .sasl = sasl != NULL && strcmp(sasl, "none") != 0 ? sl_strdup(sasl) : NULL,
        .ca = sl_strdup(srv_option(call, "ca")),
        .cert = sl_strdup(srv_option(call, "cert")),
        .key = sl_strdup(srv_option(call, "key")),
        .tsig_key = sl_strdup(srv_option(call, "tsig-key")),
        .slp = sl_strdup(srv_option(call, "slp")),
        .starttls = srv_option(call, "starttls") != NULL,
        .transactions = srv_option(call, "transactions") != NULL,
        .timeout_ms = timeout_ms,
    };
    status = pub_check_target(&target, e);
    if (status == SL_OK)
        *ret_target = target;
    else
        sm_target_fini(&target);
    return status;
}

enum sl_status srv_target_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_target target;
    bool added;
    enum sl_status status = make_target(call, &target, e);
    if (status != SL_OK)
        return status;
    status = sst_add_target(call->store, call->site, &target, &added, e);
    if (status == SL_OK)
        tell_added(call, "target", target.uri, added);
    sm_target_fini(&target);
    return status;
}

enum sl_status srv_target_remove(struct srv_call *call, struct sl_error *e)
{
    return srv_remove_row(call, SST_TARGET, "target", call->request->args[0], e);
}

/* ---- publishing ------------------------------------------------------------------------------------------------------- */

static enum sl_status publish(struct srv_call *call, enum pub_mode mode, struct sl_error *e)
{
    return srv_order(call, &(struct pub_order){.mode = mode}, e);
}

/* What the administrator wants is stored first, so that neither a change nor a restart undoes it. */
static enum sl_status apply(struct srv_call *call, enum pub_mode mode, struct sl_error *e)
{
    enum sl_status status = sst_set_unpublished(call->store, call->site, mode == PUB_UNPUBLISH, &call->changed, e);
    return status == SL_OK ? publish(call, mode, e) : status;
}

enum sl_status srv_publish_verb(struct srv_call *call, struct sl_error *e)
{
    bool diff = srv_option(call, "diff") != NULL, is_applied = srv_option(call, "apply") != NULL;
    if (diff && is_applied)
        return sl_fail(e, SL_USAGE, "--diff and --apply exclude each other");
    return is_applied ? apply(call, PUB_APPLY, e) : publish(call, PUB_DIFF, e);
}

enum sl_status srv_unpublish_verb(struct srv_call *call, struct sl_error *e)
{
    return srv_option(call, "apply") != NULL ? apply(call, PUB_UNPUBLISH, e) : publish(call, PUB_UNPUBLISH_DIFF, e);
}

enum sl_status srv_list_targets(struct srv_call *call, struct sl_error *e)
{
    struct pub_order what = {.mode = PUB_LIST, .is_stale = srv_option(call, "stale") != NULL};
    enum sl_status status = sst_known_sites(call->store, &what.known, e);
    if (status == SL_OK)
        status = srv_order(call, &what, e);
    pub_order_fini(&what);
    return status;
}

/* What is administered here is unpublished instead; only the same code in another forest may be named. */
static enum sl_status check_named(const struct srv_call *call, const char *code, const struct sl_strings *known,
                                  struct sl_error *e)
{
    const char *forest = srv_option(call, "forest");
    struct sm_snapshot *site = NULL;
    enum sl_status status = sm_check_code(code, e);
    for (size_t i = 0; i < known->count && status == SL_OK; i++) {
        if (strcmp(known->items[i], code) != 0)
            continue;
        status = sst_snapshot(call->store, code, &site, e);
        if (status == SL_OK && site && (forest == NULL || sl_text_iequal(forest, site->site.forest)))
            status = sl_fail(e, SL_USAGE, "site %s is in this database: unpublish it instead, or name another --forest", code);
        sm_snapshot_free(site);
        site = NULL;
    }
    return status;
}

enum sl_status srv_prune(struct srv_call *call, struct sl_error *e)
{
    struct pub_order what = {.mode = srv_option(call, "apply") != NULL ? PUB_PRUNE : PUB_PRUNE_DIFF,
                             .forest = sl_strdup(srv_option(call, "forest"))};
    const char *code;
    enum sl_status status = sst_known_sites(call->store, &what.known, e);
    for (size_t i = 0; status == SL_OK && (code = host_request_option(call->request, "of", i)) != NULL; i++) {
        status = check_named(call, code, &what.known, e);
        sl_strings_add(&what.sites, code);
    }
    if (status == SL_OK && what.forest && what.sites.count == 0)
        status = sl_fail(e, SL_USAGE, "--forest needs --of CODE");
    if (status == SL_OK)
        status = srv_order(call, &what, e);
    pub_order_fini(&what);
    return status;
}
