#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/proof.h"
#include "site/server/check.h"
#include "site/server/private.h"
#include "site/store/fetch.h"
#include "site/store/neighbour.h"
#include "site/store/systems.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT_TEXT = 24, UNDO_MAX = SM_HOST_MAX + 64, NOTE_MAX = 4096, HOLDINGS_MAX = 1000 };

static enum sl_status read_site(const struct srv_call *call, struct sm_snapshot **ret_site, struct sl_error *e)
{
    enum sl_status status = sst_snapshot(call->store, call->site, ret_site, e);
    if (status == SL_OK && *ret_site == NULL)
        return sl_fail(e, SL_CONFLICT, "site %s has just been removed", call->site);
    return status;
}

/* ---- the default management point --------------------------------------------------------------------------------------- */

/* What a designation is about. */
struct designation {
    const char *host; /* NULL: none */
    const char *previous;
    char clients[COUNT_TEXT]; /* how many it touches */
    char undo[UNDO_MAX];      /* the command that takes it back */
};

/* The host of the command line, or the cluster that --vip means (S1.22). It belongs to the snapshot or the request. */
static enum sl_status choose_host(const struct srv_call *call, const struct sm_snapshot *site, const char **ret_host,
                                  struct sl_error *e)
{
    bool none = srv_option(call, "none") != NULL, vip = srv_option(call, "vip") != NULL;
    const char *named = call->request->arg_count == 1 ? call->request->args[0] : NULL;
    const struct sm_mp *cluster = NULL;
    if ((none && (named != NULL || vip)) || (!none && !vip && named == NULL))
        return sl_fail(e, SL_USAGE, "mp designate takes HOST, --vip [HOST], or --none");
    enum sl_status status = vip ? sm_choose_cluster(site, named, &cluster, e) : SL_OK;
    if (status == SL_OK)
        *ret_host = vip ? cluster->host : named;
    return status;
}

static enum sl_status describe(struct srv_call *call, const struct sm_snapshot *site, struct designation *d, struct sl_error *e)
{
    uint64_t clients = 0;
    const struct sm_mp *old = sm_default_mp(site);
    const char *only = srv_option(call, "site");
    enum sl_status status = choose_host(call, site, &d->host, e);
    if (status == SL_OK)
        status = sst_count_clients(call->store, call->site, &clients, e);
    d->previous = old != NULL ? old->host : NULL;
    snprintf(d->clients, sizeof d->clients, "%" PRIu64, clients);
    snprintf(d->undo, sizeof d->undo, "sitectl mp designate %s%s%s", old != NULL ? old->host : "--none",
             only != NULL ? " --site " : "", only != NULL ? only : "");
    return status;
}

/* What would change at each target, if it were so; nothing is. */
static enum sl_status show(struct srv_call *call, struct sm_snapshot *site, const struct designation *d, struct sl_error *e)
{
    enum sl_status status = sm_designate(site, d->host, e);
    if (status != SL_OK)
        return status;
    struct sl_text note = sl_text_new(NOTE_MAX);
    sl_text_printf(&note, "the default management point would be %s instead of %s, for %s clients; to undo: %s",
                   d->host != NULL ? d->host : "none", d->previous != NULL ? d->previous : "none", d->clients, d->undo);
    struct pub_order what = {
        .mode = PUB_DIFF, .is_trial = true, .trial_mp = sl_strdup(d->host), .note = sl_text_take(&note)};
    status = srv_order(call, &what, e);
    pub_order_fini(&what);
    return status;
}

static enum sl_status designate(struct srv_call *call, const struct designation *d, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "mp:text", "previous:text", "clients:number", "undo:text"};
    char *previous = NULL;
    enum sl_status status = sst_designate_mp(call->store, call->site, d->host, &previous, e);
    if (status != SL_OK)
        return status;
    call->changed = true;
    if (srv_option(call, "wait") == NULL) {
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        host_reply_row(call->reply, (const char *const[]){call->site, d->host, previous, d->clients, d->undo}, SL_COUNT(columns));
    } else {
        struct sl_text note = sl_text_new(NOTE_MAX);
        sl_text_printf(&note, "for %s clients; to undo: %s", d->clients, d->undo);
        struct pub_order what = {.mode = PUB_APPLY, .is_timed = true, .note = sl_text_take(&note)};
        status = srv_order(call, &what, e);
        pub_order_fini(&what);
    }
    free(previous);
    return status;
}

enum sl_status srv_mp_designate(struct srv_call *call, struct sl_error *e)
{
    struct sm_snapshot *site = NULL;
    struct designation d = {.host = NULL};
    enum sl_status status = read_site(call, &site, e);
    if (status == SL_OK)
        status = describe(call, site, &d, e);
    if (status == SL_OK)
        status = srv_option(call, "diff") != NULL ? show(call, site, &d, e) : designate(call, &d, e);
    sm_snapshot_free(site);
    return status;
}

/* ---- one server or a cluster, and what it reads (S1.05, S1.06) ------------------------------------------------------------ */

/* The hosts of "HOST,HOST"; "" names none. They live in `list`, which the call takes apart. */
static enum sl_status split_members(char *list, const char **members, size_t *ret_count, struct sl_error *e)
{
    *ret_count = 0;
    for (char *rest = list[0] != '\0' ? list : NULL, *one; (one = strsep(&rest, ",")) != NULL;) {
        if (one[0] == '\0' || *ret_count == SRV_ARGS_MAX)
            return sl_fail(e, SL_USAGE, "--members: must be up to %d hosts with a comma between them", SRV_ARGS_MAX);
        members[(*ret_count)++] = one;
    }
    return SL_OK;
}

static enum sl_status read_setting(const struct srv_call *call, char *list, const char **members,
                                   struct sst_mp_setting *ret_setting, struct sl_error *e)
{
    const char *kind = srv_option(call, "kind"), *data = srv_option(call, "data");
    struct sst_mp_setting s = {.kind = kind != NULL ? sm_mp_kind_parse(kind) : SM_MP_KIND_COUNT,
                               .data = data != NULL ? sm_data_parse(data) : SM_DATA_COUNT,
                               .members = list != NULL ? members : NULL};
    if (kind == NULL && data == NULL && list == NULL)
        return sl_fail(e, SL_USAGE, "mp set takes --kind single|nlb, --members HOST,... and --data site|replica");
    if (kind != NULL && s.kind == SM_MP_KIND_COUNT)
        return sl_fail(e, SL_USAGE, "--kind \"%s\": must be single or nlb", kind);
    if (data != NULL && (data[0] == '\0' || s.data == SM_DATA_COUNT))
        return sl_fail(e, SL_USAGE, "--data \"%s\": must be site or replica", data);
    if (list != NULL && s.kind == SM_MP_SINGLE)
        return sl_fail(e, SL_USAGE, "--members are those of a cluster: --kind nlb");
    enum sl_status status = list != NULL ? split_members(list, members, &s.member_count, e) : SL_OK;
    if (status == SL_OK)
        *ret_setting = s;
    return status;
}

/* What the management point is, as the command that makes it so again. */
static void tell_undo(const struct srv_call *call, const struct sm_mp *mp, struct sl_text *out)
{
    const char *only = srv_option(call, "site");
    sl_text_printf(out, "sitectl mp set %s --kind %s", mp->host, sm_mp_kind_word(mp));
    for (size_t i = 0; i < mp->member_count; i++)
        sl_text_printf(out, "%s%s", i > 0 ? "," : " --members ", mp->members[i]);
    if (mp->is_nlb && mp->member_count == 0)
        sl_text_puts(out, " --members ''");
    if (only != NULL)
        sl_text_printf(out, " --site %s", only);
}

/* Clients are touched when it is the one they use, and the way back is told of what they notice. */
static enum sl_status change_mp(struct srv_call *call, const struct sm_snapshot *site, const struct sst_mp_setting *setting,
                                struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "kind:text", "name:text", "change:text", "clients:number", "undo:text"};
    const char *host = call->request->args[0];
    const struct sm_mp *old = sm_find_mp(site, host);
    uint64_t clients = 0;
    char number[COUNT_TEXT];
    struct sl_text undo = sl_text_new(SL_FRAME_MAX);
    enum sl_status status = sst_set_mp(call->store, call->site, host, setting, &call->changed, e);
    if (status == SL_OK && old != NULL && sm_mp_is_used(site, old))
        status = sst_count_clients(call->store, call->site, &clients, e);
    if (status == SL_OK) {
        bool is_undone = call->changed && old != NULL && (setting->kind != SM_MP_KIND_COUNT || setting->members != NULL);
        if (is_undone)
            tell_undo(call, old, &undo);
        snprintf(number, sizeof number, "%" PRIu64, clients);
        host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
        host_reply_row(call->reply, (const char *const[]){call->site, "mp", host, call->changed ? "changed" : "unchanged", number,
                                                          is_undone ? sl_text_str(&undo) : NULL}, SL_COUNT(columns));
    }
    sl_text_fini(&undo);
    return status;
}

enum sl_status srv_mp_set(struct srv_call *call, struct sl_error *e)
{
    char *list = sl_strdup(srv_option(call, "members"));
    const char **members = sl_new_array(SRV_ARGS_MAX, sizeof *members);
    struct sst_mp_setting setting;
    struct sm_snapshot *site = NULL;
    enum sl_status status = read_setting(call, list, members, &setting, e);
    if (status == SL_OK)
        status = read_site(call, &site, e);
    if (status == SL_OK)
        status = change_mp(call, site, &setting, e);
    sm_snapshot_free(site);
    free(members);
    free(list);
    return status;
}

/* ---- protected distribution points -------------------------------------------------------------------------------------- */

enum sl_status srv_dp_protect(struct srv_call *call, struct sl_error *e)
{
    const struct host_request *r = call->request;
    size_t count = (r->arg_count - 1) / 2, made = 0;
    bool changed;
    if (r->arg_count % 2 == 0)
        return sl_fail(e, SL_USAGE, "dp protect takes HOST KIND VALUE [KIND VALUE]...");
    struct sm_boundary *list = sl_new_array(count, sizeof *list);
    enum sl_status status = SL_OK;
    while (made < count && status == SL_OK) {
        status = srv_make_boundary(r->args[1 + 2 * made], r->args[2 + 2 * made], &list[made], e);
        made += status == SL_OK;
    }
    if (status == SL_OK)
        status = sst_protect_dp(call->store, call->site, r->args[0], list, count, &changed, e);
    if (status == SL_OK)
        srv_tell_change(call, "dp", r->args[0], "changed", changed);
    for (size_t i = 0; i < made; i++)
        sm_boundary_fini(&list[i]);
    free(list);
    return status;
}

enum sl_status srv_dp_unprotect(struct srv_call *call, struct sl_error *e)
{
    bool changed;
    enum sl_status status = sst_protect_dp(call->store, call->site, call->request->args[0], NULL, 0, &changed, e);
    if (status == SL_OK)
        srv_tell_change(call, "dp", call->request->args[0], "changed", changed);
    return status;
}

/* ---- roles -------------------------------------------------------------------------------------------------------------- */

/* "cap add HOST" and "slp-role add HOST" are "role add HOST cap" and "role add HOST slp"; the word is that of the answer. */
static enum sl_status read_role(const struct srv_call *call, const char **ret_role, const char **ret_word, struct sl_error *e)
{
    bool is_cap = strncmp(call->request->verb, "cap ", 4) == 0, is_slp = strncmp(call->request->verb, "slp-role ", 9) == 0;
    *ret_role = is_cap ? "cap" : is_slp ? "slp" : call->request->args[1];
    *ret_word = is_slp ? "slp-role" : *ret_role;
    enum sl_status status = sm_check_host(*ret_word, call->request->args[0], e);
    return status == SL_OK ? sm_check_role(*ret_role, e) : status;
}

enum sl_status srv_role_add(struct srv_call *call, struct sl_error *e)
{
    const char *host = call->request->args[0], *role, *word;
    bool added;
    enum sl_status status = read_role(call, &role, &word, e);
    if (status == SL_OK)
        status = sst_add_role(call->store, call->site, role, host, &added, e);
    if (status == SL_OK)
        srv_tell_change(call, word, host, "added", added);
    return status;
}

enum sl_status srv_role_remove(struct srv_call *call, struct sl_error *e)
{
    const char *host = call->request->args[0], *role, *word;
    bool removed;
    enum sl_status status = read_role(call, &role, &word, e);
    if (status == SL_OK)
        status = sst_remove_role(call->store, call->site, role, host, &removed, e);
    if (status == SL_OK)
        srv_tell_change(call, word, host, "removed", removed);
    return status;
}

/* ---- advertisements ----------------------------------------------------------------------------------------------------- */

/* "--to all" or "--to CLIENT... [CLIENT...]". */
static enum sl_status make_advertisement(const struct srv_call *call, struct sm_advertisement *ret_ad, struct sl_error *e)
{
    const char *package = srv_option(call, "package"), *program = srv_option(call, "program"), *first = srv_more(call, "to", 0);
    if (package == NULL || program == NULL || first == NULL)
        return sl_fail(e, SL_USAGE, "advertise add needs --package ID, --program NAME and --to all|CLIENT...");
    size_t count = 0;
    while (srv_more(call, "to", count) != NULL)
        count++;
    const char **clients = sl_new_array(count, sizeof *clients);
    for (size_t i = 0; i < count; i++)
        clients[i] = srv_more(call, "to", i);
    bool for_all = count == 1 && strcmp(first, "all") == 0;
    enum sl_status status =
        sm_advertisement_make(call->request->args[0], package, program, clients, for_all ? 0 : count, ret_ad, e);
    free(clients);
    return status;
}

enum sl_status srv_advertise_add(struct srv_call *call, struct sl_error *e)
{
    struct sm_advertisement ad;
    bool added;
    enum sl_status status = make_advertisement(call, &ad, e);
    if (status != SL_OK)
        return status;
    status = sst_add_advertisement(call->store, call->site, &ad, &added, e);
    if (status == SL_OK)
        srv_tell_change(call, "advertisement", ad.id, "added", added);
    sm_advertisement_fini(&ad);
    return status;
}

enum sl_status srv_advertise_remove(struct srv_call *call, struct sl_error *e)
{
    return srv_remove_row(call, SST_ADVERTISEMENT, "advertisement", call->request->args[0], e);
}

/* ---- check -------------------------------------------------------------------------------------------------------------- */

enum sl_status srv_check(struct srv_call *call, struct sl_error *e)
{
    const char *word = srv_option(call, "fail-at");
    enum srv_chk_severity fail_at = word != NULL ? srv_chk_severity_parse(word) : CHK_WARNING;
    if (fail_at == CHK_SEVERITY_COUNT)
        return sl_fail(e, SL_USAGE, "--fail-at \"%s\": must be note, warning or error", word);
    return srv_order(call, &(struct pub_order){.mode = PUB_DIFF, .is_check = true, .fail_at = (int)fail_at}, e);
}

/* ---- hierarchy ---------------------------------------------------------------------------------------------------------- */

enum sl_status srv_site_set(struct srv_call *call, struct sl_error *e)
{
    const char *code = call->request->args[0], *word = srv_option(call, "kind"), *ours = call->srv->options.site;
    bool changed;
    enum sm_site_kind kind = sm_site_kind_parse(word != NULL ? word : sm_site_kind_word(SM_SITE_PRIMARY));
    if (kind == SM_SITE_KIND_COUNT)
        return sl_fail(e, SL_USAGE, "--kind \"%s\": must be primary, central or secondary", word);
    if (ours != NULL && strcmp(ours, code) != 0)
        return sl_fail(e, SL_USAGE, "this sited serves site %s, not \"%s\"", ours, code);
    char *chosen = NULL;
    enum sl_status status = sst_choose_site(call->store, code, &chosen, e); /* a neighbour says itself what it is */
    free(chosen);
    if (status == SL_OK)
        status = sst_set_site(call->store, code, kind, srv_option(call, "parent"), &changed, e);
    if (status != SL_OK)
        return status;
    call->site = sl_strdup(code);
    srv_tell_change(call, "site", code, "changed", changed);
    return SL_OK;
}

static enum sl_status read_key(struct srv_call *call, struct sl_text *ret_hex, struct sl_error *e)
{
    const char *name = srv_option(call, "root-key");
    struct sl_text text = sl_text_new(PROOF_PEM_MAX);
    struct proof_public key;
    int fd = host_request_take_fd(call->reply);
    enum sl_status status = srv_read_sent(fd, name != NULL ? name : "--root-key", &text, e);
    if (fd >= 0)
        close(fd);
    if (status == SL_OK && proof_public_read(sl_text_str(&text), text.len, &key, e) != SL_OK)
        status = sl_fail_in(e, SL_USAGE, "%s", name);
    if (status == SL_OK)
        proof_hex(ret_hex, key.der, key.len);
    sl_text_fini(&text);
    return status;
}

enum sl_status srv_site_add(struct srv_call *call, struct sl_error *e)
{
    char *url = (char *)(uintptr_t)srv_option(call, "server");
    struct sst_neighbour n = {.url = url};
    struct sl_text hex = sl_text_new(2 * PROOF_KEY_MAX + 1);
    bool added = false;
    if (url == NULL)
        return sl_fail(e, SL_USAGE, "site add needs --server http://HOST[:PORT] and --root-key FILE");
    enum sl_status status = sm_check_code(call->request->args[0], e);
    if (status == SL_OK)
        status = sm_check_server_url(url, e);
    if (status == SL_OK)
        status = read_key(call, &hex, e);
    if (status == SL_OK) {
        (void)sl_text_copy(n.code, sizeof n.code, call->request->args[0]);
        n.root_key = hex.data;
        status = sst_add_neighbour(call->store, &n, &added, e);
    }
    sl_text_fini(&hex);
    if (status == SL_OK) {
        call->site = sl_strdup(n.code);
        srv_tell_change(call, "site", n.code, "added", added);
    }
    return status;
}

enum sl_status srv_site_remove(struct srv_call *call, struct sl_error *e)
{
    bool removed;
    const char *code = call->request->args[0];
    enum sl_status status = sm_check_code(code, e);
    if (status == SL_OK)
        status = sst_remove_neighbour(call->store, code, &removed, e);
    if (status != SL_OK)
        return status;
    call->site = sl_strdup(code);
    srv_tell_change(call, "site", code, "removed", removed);
    return SL_OK;
}

enum sl_status srv_site_list(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "kind:text", "parent:text", "server:text", "told:text"};
    struct sst_site_row *rows = NULL;
    struct sst_neighbours neighbours = {0};
    size_t count = 0;
    enum sl_status status = sst_hierarchy(call->store, &rows, &count, e);
    if (status == SL_OK)
        status = sst_neighbours(call->store, &neighbours, e);
    if (status == SL_OK)
        host_reply_columns(call->reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < count && status == SL_OK; i++) {
        char told[SRV_TIME_TEXT];
        const struct sst_neighbour *n = sst_find_neighbour(&neighbours, rows[i].code);
        const char *const cells[] = {rows[i].code, sm_site_kind_word(rows[i].kind),
                                     rows[i].parent[0] != '\0' ? rows[i].parent : NULL, n != NULL ? n->url : NULL,
                                     n != NULL && n->told_s > 0 ? srv_time_text(told, n->told_s) : NULL};
        host_reply_row(call->reply, cells, SL_COUNT(columns));
    }
    sst_neighbours_fini(&neighbours);
    free(rows);
    return status;
}

/* ---- packages on hosts of their own --------------------------------------------------------------------------------------- */

static void tell_holding(struct srv_call *call, const struct sst_holding *h)
{
    char version[SRV_NUMBER_TEXT], octets[SRV_NUMBER_TEXT], size[SRV_NUMBER_TEXT];
    char at[SRV_TIME_TEXT], verified[SRV_TIME_TEXT];
    const char *const cells[] = {h->package,
                                 srv_number_text(version, h->version),
                                 h->dp,
                                 h->state,
                                 h->changed_s > 0 ? srv_time_text(at, h->changed_s) : NULL,
                                 h->changed_s > 0 ? srv_number_text(octets, (int64_t)h->octets) : NULL,
                                 h->changed_s > 0 ? srv_number_text(size, (int64_t)h->size) : NULL,
                                 h->verified_s > 0 ? srv_time_text(verified, h->verified_s) : NULL,
                                 h->message[0] != '\0' ? h->message : NULL};
    host_reply_row(call->reply, cells, SL_COUNT(cells));
}

enum sl_status srv_package_status(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"package:text",  "version:number", "dp:text",       "state:text",  "at:text",
                                          "octets:number", "size:number",    "verified:text", "message:text"};
    const char *package = call->request->arg_count == 1 ? call->request->args[0] : NULL;
    struct sst_holding *list;
    size_t count, wanting = 0;
    enum sl_status status = sst_holdings(call->store, call->site, package != NULL ? SST_ONE : SST_NOT_THERE, package,
                                         HOLDINGS_MAX, &list, &count, e);
    if (status != SL_OK)
        return status;
    host_reply_columns(call->reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < count; i++) {
        wanting += sst_is_wanting(&list[i]);
        tell_holding(call, &list[i]);
        sst_holding_fini(&list[i]);
    }
    free(list);
    call->kept = true;
    if (package != NULL && count == 0)
        host_reply_end(call->reply, SL_OUTCOME_NEGATIVE, "not-found", "no package %s", package);
    else
        host_reply_end(call->reply, wanting == 0 ? SL_OUTCOME_OK : SL_OUTCOME_NEGATIVE, wanting == 0 ? "" : "not-available",
                       "%zu of %zu are not available%s", wanting, count, count == HOLDINGS_MAX ? "; there are more" : "");
    return SL_OK;
}
