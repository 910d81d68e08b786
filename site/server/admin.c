#include "site/server/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *option(const struct srv_call *call, const char *name)
{
    return host_request_option(call->request, name, 0);
}

static enum sl_status number(const struct srv_call *call, const char *name, uint64_t max, uint64_t fallback, uint64_t *ret_value,
                             struct sl_error *e)
{
    const char *text = option(call, name);
    *ret_value = fallback;
    if (text != NULL && !sl_parse_u64(text, max, ret_value))
        return sl_fail(e, SL_USAGE, "--%s \"%s\": must be a number up to %" PRIu64, name, text, max);
    return SL_OK;
}

/* The one row that every changing verb answers with. */
static void tell_change(struct srv_call *call, const char *kind, const char *name, const char *change, bool changed)
{
    static const char *const columns[] = {"site:text", "kind:text", "name:text", "change:text"};
    const char *const cells[] = {call->site, kind, name, change};
    call->changed = changed;
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
}

static void tell_added(struct srv_call *call, const char *kind, const char *name, bool added)
{
    tell_change(call, kind, name, added ? "added" : "unchanged", added);
}

static enum sl_status remove_row(struct srv_call *call, enum sst_kind kind, const char *word, const char *key, struct sl_error *e)
{
    bool removed;
    enum sl_status status = sst_remove(call->store, call->site, kind, key, &removed, e);
    if (status == SL_OK)
        tell_change(call, word, key, removed ? "removed" : "unchanged", removed);
    return status;
}

/* Hands the reply to the publisher. */
static enum sl_status order(struct srv_call *call, const struct pub_order *what, struct sl_error *e)
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
    const char *address = option(call, "address");
    if (address == NULL)
        return sl_fail(e, SL_USAGE, "mp add needs --address IP");
    enum sl_status status = number(call, "port", UINT16_MAX, SM_HTTP_PORT, &port, e);
    if (status == SL_OK)
        status = sm_mp_make(call->request->args[0], address, (int64_t)port, &mp, e);
    if (status != SL_OK)
        return status;
    mp.is_nlb = option(call, "nlb") != NULL;
    status = sst_add_mp(call->store, call->site, &mp, &added, e);
    if (status == SL_OK)
        tell_added(call, "mp", mp.host, added);
    sm_mp_fini(&mp);
    return status;
}

enum sl_status srv_mp_designate(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "mp:text", "previous:text"};
    bool none = option(call, "none") != NULL;
    if (none == (call->request->arg_count == 1))
        return sl_fail(e, SL_USAGE, "mp designate takes HOST, or --none");
    const char *host = none ? NULL : call->request->args[0];
    char *previous = NULL;
    enum sl_status status = sst_designate_mp(call->store, call->site, host, &previous, e);
    if (status != SL_OK)
        return status;
    call->changed = true;
    if (option(call, "wait") == NULL) {
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        host_reply_row(call->reply, (const char *const[]){call->site, host, previous}, SL_COUNT(columns));
    } else {
        status = order(call, &(struct pub_order){.mode = PUB_APPLY, .is_timed = true}, e);
    }
    free(previous);
    return status;
}

enum sl_status srv_mp_remove(struct srv_call *call, struct sl_error *e)
{
    return remove_row(call, SST_MP, "mp", call->request->args[0], e);
}

/* ---- distribution points, boundaries, packages ------------------------------------------------------------------------ */

enum sl_status srv_dp_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_dp dp;
    bool added;
    enum sl_status status = sm_dp_make(call->request->args[0], option(call, "url"), &dp, e);
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
    return remove_row(call, SST_DP, "dp", call->request->args[0], e);
}

/* "cap add" and "slp-role add": the same but for the word. */
static enum sst_kind role_of(const struct srv_call *call)
{
    return strncmp(call->request->verb, "cap ", 4) == 0 ? SST_CAP : SST_SLP;
}

static const char *role_word(const struct srv_call *call)
{
    return role_of(call) == SST_CAP ? "cap" : "slp-role";
}

enum sl_status srv_role_add(struct srv_call *call, struct sl_error *e)
{
    const char *host = call->request->args[0];
    bool added;
    enum sl_status status = sm_check_host(role_word(call), host, e);
    if (status == SL_OK)
        status = sst_add_role(call->store, call->site, role_of(call), host, &added, e);
    if (status == SL_OK)
        tell_added(call, role_word(call), host, added);
    return status;
}

enum sl_status srv_role_remove(struct srv_call *call, struct sl_error *e)
{
    return remove_row(call, role_of(call), role_word(call), call->request->args[0], e);
}

static enum sl_status make_boundary(const struct srv_call *call, struct sm_boundary *ret_boundary, struct sl_error *e)
{
    const char *word = call->request->args[0];
    enum sm_boundary_kind kind = sm_boundary_kind_parse(word);
    if (kind == SM_BOUNDARY_COUNT)
        return sl_fail(e, SL_USAGE, "\"%s\" is no kind of boundary: subnet, range, ad-site or ipv6-prefix", word);
    return sm_boundary_make(kind, call->request->args[1], ret_boundary, e);
}

enum sl_status srv_boundary_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_boundary boundary;
    bool added;
    enum sl_status status = make_boundary(call, &boundary, e);
    if (status != SL_OK)
        return status;
    status = sst_add_boundary(call->store, call->site, &boundary, &added, e);
    if (status == SL_OK)
        tell_added(call, sm_boundary_word(boundary.kind), boundary.value, added);
    sm_boundary_fini(&boundary);
    return status;
}

enum sl_status srv_boundary_remove(struct srv_call *call, struct sl_error *e)
{
    struct sm_boundary boundary;
    enum sl_status status = make_boundary(call, &boundary, e);
    if (status != SL_OK)
        return status;
    struct sl_text key = sl_text_new(SM_HOST_MAX);
    sl_text_printf(&key, "%s %s", sm_boundary_word(boundary.kind), boundary.value);
    status = remove_row(call, SST_BOUNDARY, "boundary", sl_text_str(&key), e);
    sl_text_fini(&key);
    sm_boundary_fini(&boundary);
    return status;
}

/* The n-th distribution point of "package add ID --on DP... [DP...]", or NULL. */
static const char *holder(const struct srv_call *call, size_t n)
{
    size_t named = 0;
    while (named <= n && host_request_option(call->request, "on", named) != NULL)
        named++;
    if (n < named)
        return host_request_option(call->request, "on", n);
    size_t arg = 1 + n - named;
    return arg < call->request->arg_count ? call->request->args[arg] : NULL;
}

/* With a folder of files the copier adds it, and ends the reply. */
static enum sl_status add_package(struct srv_call *call, const struct sst_new_package *package, struct sl_error *e)
{
    bool added;
    if (option(call, "dir") != NULL) {
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
    while (holder(call, count) != NULL)
        count++;
    if (status == SL_OK && count == 0)
        status = sl_fail(e, SL_USAGE, "package add needs --on DP..."); /* S2.08 */
    if (status != SL_OK)
        return status;
    const char **dps = sl_new_array(count, sizeof *dps);
    for (size_t i = 0; i < count; i++)
        dps[i] = holder(call, i);
    status = add_package(call, &(struct sst_new_package){id, (uint32_t)version, dps, count, NULL}, e);
    free(dps);
    return status;
}

enum sl_status srv_package_remove(struct srv_call *call, struct sl_error *e)
{
    struct sm_manifest files = {0};
    enum sl_status status = sst_manifest(call->store, call->site, call->request->args[0], &files, e);
    if (status == SL_OK)
        status = remove_row(call, SST_PACKAGE, "package", call->request->args[0], e);
    if (status == SL_OK)
        srv_drop_content(call->srv, &files);
    sm_manifest_fini(&files);
    return status;
}

enum sl_status srv_package_verify(struct srv_call *call, struct sl_error *e)
{
    enum sl_status status = srv_verify_content(call->srv, call->site, call->request->args[0], call->reply, e);
    call->kept = status == SL_OK;
    return status;
}

/* ---- targets ---------------------------------------------------------------------------------------------------------- */

/* The site server opens the file, so its name must not hang on where sitectl was called. */
static enum sl_status check_path(const char *name, const char *path, struct sl_error *e)
{
    return path != NULL && path[0] != '/' ? sl_fail(e, SL_USAGE, "--%s \"%s\": must be an absolute path", name, path) : SL_OK;
}

static enum sl_status make_target(const struct srv_call *call, struct sm_target *ret_target, struct sl_error *e)
{
    const char *timeout = option(call, "timeout"), *sasl = option(call, "sasl");
    const char *password_file = option(call, "password-file"), *ca = option(call, "ca");
    int64_t timeout_ms = 0;
    if (timeout != NULL && (!sl_parse_duration_ms(timeout, &timeout_ms) || timeout_ms < 1))
        return sl_fail(e, SL_USAGE, "--timeout \"%s\": must be a duration such as 2s", timeout);
    enum sl_status status = check_path("password-file", password_file, e);
    if (status == SL_OK)
        status = check_path("ca", ca, e);
    if (status == SL_OK)
        status = check_path("tsig-key", option(call, "tsig-key"), e);
    if (status != SL_OK)
        return status;
    struct sm_target target = {
        .uri = sl_strdup(call->request->args[0]),
        .base = sl_strdup(option(call, "base")),
        .container = sl_strdup(option(call, "container")),
        .bind_dn = sl_strdup(option(call, "bind-dn")),
        .password_file = sl_strdup(password_file),
        .sasl = sasl != NULL && strcmp(sasl, "none") != 0 ? sl_strdup(sasl) : NULL,
        .ca = sl_strdup(ca),
        .tsig_key = sl_strdup(option(call, "tsig-key")),
        .slp = sl_strdup(option(call, "slp")),
        .starttls = option(call, "starttls") != NULL,
        .transactions = option(call, "transactions") != NULL,
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
    return remove_row(call, SST_TARGET, "target", call->request->args[0], e);
}

/* ---- publishing ------------------------------------------------------------------------------------------------------- */

static enum sl_status publish(struct srv_call *call, enum pub_mode mode, struct sl_error *e)
{
    return order(call, &(struct pub_order){.mode = mode}, e);
}

/* What the administrator wants is stored first, so that neither a change nor a restart undoes it. */
static enum sl_status apply(struct srv_call *call, enum pub_mode mode, struct sl_error *e)
{
    enum sl_status status = sst_set_unpublished(call->store, call->site, mode == PUB_UNPUBLISH, &call->changed, e);
    return status == SL_OK ? publish(call, mode, e) : status;
}

enum sl_status srv_publish_verb(struct srv_call *call, struct sl_error *e)
{
    bool diff = option(call, "diff") != NULL, is_applied = option(call, "apply") != NULL;
    if (diff && is_applied)
        return sl_fail(e, SL_USAGE, "--diff and --apply exclude each other");
    return is_applied ? apply(call, PUB_APPLY, e) : publish(call, PUB_DIFF, e);
}

enum sl_status srv_unpublish_verb(struct srv_call *call, struct sl_error *e)
{
    return option(call, "apply") != NULL ? apply(call, PUB_UNPUBLISH, e) : publish(call, PUB_UNPUBLISH_DIFF, e);
}

enum sl_status srv_list_targets(struct srv_call *call, struct sl_error *e)
{
    struct pub_order what = {.mode = PUB_LIST, .is_stale = option(call, "stale") != NULL};
    enum sl_status status = sst_sites(call->store, &what.known, e);
    if (status == SL_OK)
        status = order(call, &what, e);
    pub_order_fini(&what);
    return status;
}

/* What is administered here is unpublished instead; only the same code in another forest may be named. */
static enum sl_status check_named(const struct srv_call *call, const char *code, const struct sl_strings *known,
                                  struct sl_error *e)
{
    const char *forest = option(call, "forest");
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
    struct pub_order what = {.mode = option(call, "apply") != NULL ? PUB_PRUNE : PUB_PRUNE_DIFF,
                             .forest = sl_strdup(option(call, "forest"))};
    const char *code;
    enum sl_status status = sst_sites(call->store, &what.known, e);
    for (size_t i = 0; status == SL_OK && (code = host_request_option(call->request, "of", i)) != NULL; i++) {
        status = check_named(call, code, &what.known, e);
        sl_strings_add(&what.sites, code);
    }
    if (status == SL_OK && what.forest && what.sites.count == 0)
        status = sl_fail(e, SL_USAGE, "--forest needs --of CODE");
    if (status == SL_OK)
        status = order(call, &what, e);
    pub_order_fini(&what);
    return status;
}
