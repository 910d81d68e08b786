#include "site/server/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/neighbour.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_AT_ONCE = 64, COLUMNS_MAX = 20, STATUS_TEXT_MAX = 1 << 18 };

/* ---- lists: a snapshot, written row by row as the client keeps up ------------------------------------------------------ */

struct listing {
    const struct kind *kind;
    const struct srv *srv;
    struct sm_snapshot *site; /* whose rows are written */
    size_t next;
    struct sm_snapshot **others; /* whose rows follow */
    size_t other_count;
    struct sst_neighbours neighbours; /* of packages: who may have told them */
};

struct kind {
    const char *verb;
    const char *columns[COLUMNS_MAX];
    size_t (*size)(const struct sm_snapshot *site);
    void (*row)(const struct listing *list, struct host_reply *reply);
};

static const char *yes_no(bool value)
{
    return value ? "true" : "false";
}

const char *srv_number_text(char out[SRV_NUMBER_TEXT], int64_t value)
{
    snprintf(out, SRV_NUMBER_TEXT, "%" PRId64, value);
    return out;
}

const char *srv_time_text(char out[SRV_TIME_TEXT], int64_t at_s)
{
    time_t when = (time_t)at_s;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, SRV_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        out[0] = '\0';
    return out;
}

static void add_item(struct sl_text *list, const char *item)
{
    sl_text_printf(list, "%s%s", list->len > 0 ? "\n" : "", item);
}

static void mp_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_mp *mp = &list->site->mps[list->next];
    char port[SRV_NUMBER_TEXT];
    struct sl_text members = sl_text_new(SL_FRAME_MAX);
    for (size_t i = 0; i < mp->member_count; i++)
        add_item(&members, mp->members[i]);
    srv_number_text(port, mp->port);
    const char *const cells[] = {mp->host, mp->address, port, yes_no(mp->is_default), sm_mp_kind_word(mp), sl_text_str(&members),
                                 sm_data_word(mp->data), yes_no(mp->is_https)};
    host_reply_row(reply, cells, SL_COUNT(cells));
    sl_text_fini(&members);
}

static void dp_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_dp *dp = &list->site->dps[list->next];
    struct sl_text inside = sl_text_new(SL_FRAME_MAX);
    for (size_t i = 0; i < dp->boundary_count; i++)
        sl_text_printf(&inside, "%s%s %s", i > 0 ? "\n" : "", sm_boundary_word(dp->boundaries[i]->kind),
                       dp->boundaries[i]->value);
    const char *const cells[] = {dp->host, dp->url, yes_no(dp->boundary_count > 0), sl_text_str(&inside)};
    host_reply_row(reply, cells, SL_COUNT(cells));
    sl_text_fini(&inside);
}

static size_t cap_size(const struct sm_snapshot *site)
{
    return site->caps.count;
}

static void cap_row(const struct listing *list, struct host_reply *reply)
{
    host_reply_row(reply, (const char *const[]){list->site->caps.items[list->next]}, 1);
}

static size_t slp_size(const struct sm_snapshot *site)
{
    return site->slp != NULL;
}

static void slp_row(const struct listing *list, struct host_reply *reply)
{
    host_reply_row(reply, (const char *const[]){list->site->slp}, 1);
}

static void boundary_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_boundary *b = &list->site->boundaries[list->next];
    const char *const cells[] = {sm_boundary_word(b->kind), b->value, yes_no(b->is_slow)};
    host_reply_row(reply, cells, SL_COUNT(cells));
}

static void package_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_package *package = &list->site->packages[list->next];
    const char *site = list->site->site.code;
    const struct sst_neighbour *n = sst_find_neighbour(&list->neighbours, site);
    char version[SRV_NUMBER_TEXT], told[SRV_TIME_TEXT];
    struct sl_text dps = sl_text_new(SL_FRAME_MAX);
    for (size_t i = 0; i < package->dp_count; i++)
        sl_text_printf(&dps, "%s%s", i > 0 ? "\n" : "", package->dps[i]->host);
    const char *const cells[] = {package->id, srv_number_text(version, package->version), sl_text_str(&dps),
                                 package->source[0] != '\0' ? package->source : site,
                                 n != NULL ? srv_time_text(told, n->told_s) : NULL};
    host_reply_row(reply, cells, SL_COUNT(cells));
    sl_text_fini(&dps);
}

static void advertisement_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_advertisement *ad = &list->site->advertisements[list->next];
    struct sl_text clients = sl_text_new(SL_FRAME_MAX);
    for (size_t i = 0; i < ad->client_count; i++)
        add_item(&clients, ad->clients[i]);
    const char *const cells[] = {ad->id, ad->package, ad->program, yes_no(ad->client_count == 0), sl_text_str(&clients)};
    host_reply_row(reply, cells, SL_COUNT(cells));
    sl_text_fini(&clients);
}

/* All roles of all hosts (S2.09): the two that a site has exactly once, those with tables of their own, the open list. */
static void role_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_snapshot *site = list->site;
    size_t i = list->next;
    const char *host, *role;
    if (i == 0) {
        host = site->site.server;
        role = "server";
    } else if (i == 1) {
        host = site->site.database;
        role = "database";
    } else if ((i -= 2) < site->mp_count) {
        host = site->mps[i].host;
        role = "mp";
    } else if ((i -= site->mp_count) < site->dp_count) {
        host = site->dps[i].host;
        role = "dp";
    } else {
        host = site->roles[i - site->dp_count].host;
        role = site->roles[i - site->dp_count].role;
    }
    const char *const cells[] = {host, role, sm_role_title(role)};
    host_reply_row(reply, cells, SL_COUNT(cells));
}

static void target_row(const struct listing *list, struct host_reply *reply)
{
    const struct sm_target *t = &list->site->targets[list->next];
    const struct srv_result *r = srv_result_of(list->srv, list->site->site.code, t->uri);
    char timeout[SRV_NUMBER_TEXT], at[SRV_TIME_TEXT];
    const char *const cells[] = {
        t->uri,
        t->base,
        t->container,
        t->bind_dn,
        t->password_file,
        t->sasl,
        yes_no(t->starttls),
        t->ca,
        t->cert,
        t->key,
        t->tsig_key,
        t->slp,
        yes_no(t->transactions),
        t->timeout_ms > 0 ? srv_number_text(timeout, t->timeout_ms) : NULL,
        r != NULL ? sl_outcome_word(r->outcome) : NULL,
        r != NULL ? srv_time_text(at, r->at_s) : NULL,
        r != NULL ? r->message : NULL,
    };
    host_reply_row(reply, cells, SL_COUNT(cells));
}

/* The number of rows of one part of a snapshot. */
#define SIZE_OF(part)                                                                                                  \
    static size_t part##_size(const struct sm_snapshot *site)                                                         \
    {                                                                                                                  \
        return site->part##_count;                                                                                     \
    }
SIZE_OF(mp)
SIZE_OF(dp)
SIZE_OF(boundary)
SIZE_OF(package)
SIZE_OF(target)
SIZE_OF(advertisement)
#undef SIZE_OF

static size_t roles_size(const struct sm_snapshot *site)
{
    return 2 + site->mp_count + site->dp_count + site->role_count;
}

static const struct kind kinds[] = {
    {"mp list",
     {"mp:text", "address:text", "port:number", "default:bool", "kind:text", "members:list", "data:text", "https:bool"},
     mp_size, mp_row},
    {"dp list", {"dp:text", "url:text", "protected:bool", "boundaries:list"}, dp_size, dp_row},
    {"cap list", {"cap:text"}, cap_size, cap_row},
    {"slp-role list", {"slp_role:text"}, slp_size, slp_row},
    {"boundary list", {"kind:text", "value:text", "slow:bool"}, boundary_size, boundary_row},
    {"package list", {"package:text", "version:number", "dps:list", "source:text", "told:text"}, package_size, package_row},
    {"role list", {"host:text", "role:text", "title:text"}, roles_size, role_row},
    {"advertise list",
     {"advertisement:text", "package:text", "program:text", "all:bool", "clients:list"},
     advertisement_size,
     advertisement_row},
    {"target list",
     {"target:text", "base:text", "container:text", "bind_dn:text", "password_file:text", "sasl:text", "starttls:bool", "ca:text",
      "cert:text", "key:text", "tsig_key:text", "slp:text", "transactions:bool", "timeout_ms:number", "outcome:text", "at:text",
      "message:text"},
     target_size,
     target_row},
};

static void listing_free(void *state)
{
    struct listing *list = state;
    sm_snapshot_free(list->site);
    for (size_t i = 0; i < list->other_count; i++)
        sm_snapshot_free(list->others[i]);
    free(list->others);
    sst_neighbours_fini(&list->neighbours);
    free(list);
}

static bool more(struct host_reply *reply, void *state)
{
    struct listing *list = state;
    size_t size = list->kind->size(list->site);
    for (size_t i = 0; i < ROWS_AT_ONCE && list->next < size; i++, list->next++)
        list->kind->row(list, reply);
    if (list->next < size)
        return true;
    if (list->other_count > 0) {
        sm_snapshot_free(list->site);
        list->site = list->others[--list->other_count];
        list->next = 0;
        return true;
    }
    listing_free(list);
    host_reply_end(reply, SL_OUTCOME_OK, "", "%s", "");
    return false;
}

/* What neighbours above have told. */
static enum sl_status read_others(struct srv_call *call, struct listing *list, struct sl_error *e)
{
    enum sl_status status = sst_neighbours(call->store, &list->neighbours, e);
    if (status != SL_OK)
        return status;
    list->others = sl_new_array(list->neighbours.count + 1, sizeof *list->others);
    for (size_t i = list->neighbours.count; i-- > 0 && status == SL_OK;) { /* the last one is written first */
        struct sm_snapshot *other = NULL;
        if (list->neighbours.items[i].packages_known > 0)
            status = sst_snapshot(call->store, list->neighbours.items[i].code, &other, e);
        if (status == SL_OK && other != NULL)
            list->others[list->other_count++] = other;
    }
    return status;
}

enum sl_status srv_list(struct srv_call *call, struct sl_error *e)
{
    struct sm_snapshot *site = NULL;
    enum sl_status status = sst_snapshot(call->store, call->site, &site, e);
    if (status != SL_OK)
        return status;
    if (site == NULL)
        return sl_fail(e, SL_CONFLICT, "site %s has just been removed", call->site);
    struct listing *list = sl_new(sizeof *list);
    *list = (struct listing){.kind = kinds, .srv = call->srv, .site = site};
    while (strcmp(list->kind->verb, call->request->verb) != 0) {
        list->kind++;
        sl_assert(list->kind < kinds + SL_COUNT(kinds));
    }
    if (list->kind->row == package_row)
        status = read_others(call, list, e);
    if (status != SL_OK) {
        listing_free(list);
        return status;
    }
    size_t columns = 0;
    while (columns < COLUMNS_MAX && list->kind->columns[columns] != NULL)
        columns++;
    host_reply_columns(call->reply, list->kind->columns, columns, false);
    host_reply_pull(call->reply, more, listing_free, list);
    call->kept = true;
    return SL_OK;
}

/* ---- status ----------------------------------------------------------------------------------------------------------- */

static void add_items(struct sl_text *list, const struct sl_strings *items)
{
    for (size_t i = 0; i < items->count; i++)
        add_item(list, items->items[i]);
}

static void add_name(const struct nbn_state *state, void *ctx)
{
    struct sl_text *list = ctx;
    sl_text_printf(list, "%s%s %s %s %s", list->len > 0 ? "\n" : "", state->name, state->address, state->registry, state->state);
    if (state->ttl_s > 0)
        sl_text_printf(list, " ttl_s=%" PRId64, state->ttl_s);
    if (state->detail[0] != '\0')
        sl_text_printf(list, " (%s)", state->detail);
}

/* What status says of the sites. */
struct site_texts {
    struct sl_text codes, defaults, targets;
};

static void add_targets(const struct srv *srv, const struct sm_snapshot *site, struct sl_text *out)
{
    for (size_t i = 0; i < site->target_count; i++) {
        const struct srv_result *r = srv_result_of(srv, site->site.code, site->targets[i].uri);
        sl_text_printf(out, "%s%s %s %s", out->len > 0 ? "\n" : "", site->site.code, site->targets[i].uri,
                       r != NULL ? sl_outcome_word(r->outcome) : "not-yet");
        if (r != NULL)
            sl_text_printf(out, " %s", srv_time_text((char[SRV_TIME_TEXT]){0}, r->at_s));
        if (r != NULL && r->message[0] != '\0')
            sl_text_printf(out, " (%s)", r->message);
    }
}

static enum sl_status describe_sites(struct srv_call *call, struct site_texts *texts, struct sl_error *e)
{
    struct sl_strings codes;
    enum sl_status status = srv_sites(call->srv, &codes, e);
    if (status != SL_OK)
        return status;
    add_items(&texts->codes, &codes);
    for (size_t i = 0; i < codes.count && status == SL_OK; i++) {
        struct sm_snapshot *site = NULL;
        status = sst_snapshot(call->store, codes.items[i], &site, e);
        if (status != SL_OK || site == NULL)
            continue;
        const struct sm_mp *mp = sm_default_mp(site);
        sl_text_printf(&texts->defaults, "%s%s %s", texts->defaults.len > 0 ? "\n" : "", codes.items[i],
                       mp != NULL ? mp->host : "none");
        if (mp == NULL)
            host_reply_warning(call->reply, "site %s has no default management point", codes.items[i]);
        if (site->site.is_unpublished)
            host_reply_warning(call->reply, "site %s is unpublished, until: sitectl publish --apply", codes.items[i]);
        add_targets(call->srv, site, &texts->targets);
        sm_snapshot_free(site);
    }
    sl_strings_fini(&codes);
    return status;
}

/* What status says of the way up: of the management point's outbox, and of the site server's intake. */
#define REPORT_COLUMNS                                                                                                 \
    "outbox_waiting:number", "outbox_octets:number", "outbox_oldest:text", "outbox_accepted:number",                   \
        "outbox_refused:number", "outbox_forwarded:number", "intake_stored:number", "intake_duplicate:number",         \
        "intake_refused:number"
#define REPORT_CELLS(t)                                                                                                \
    cell((t).outbox[0]), cell((t).outbox[1]), cell((t).oldest), cell((t).outbox[2]), cell((t).outbox[3]),              \
        cell((t).outbox[4]), cell((t).intake[0]), cell((t).intake[1]), cell((t).intake[2])

struct report_texts {
    char outbox[5][SRV_NUMBER_TEXT], oldest[SRV_TIME_TEXT], intake[SST_TAKEN_COUNT][SRV_NUMBER_TEXT];
};

static const char *cell(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static struct report_texts describe_reports(const struct srv *srv)
{
    struct report_texts t = {0};
    if (srv->options.outbox != NULL) {
        const struct obx_stats o = obx_stats(srv->options.outbox);
        const int64_t numbers[] = {o.waiting, o.octets, (int64_t)o.accepted, (int64_t)o.refused, (int64_t)o.forwarded};
        for (size_t i = 0; i < SL_COUNT(numbers); i++)
            (void)srv_number_text(t.outbox[i], numbers[i]);
        if (o.oldest_s > 0)
            (void)srv_time_text(t.oldest, o.oldest_s);
    }
    if (srv->options.intake != NULL) {
        const struct srv_intake_stats in = srv_intake_stats(srv->options.intake);
        for (size_t i = 0; i < SST_TAKEN_COUNT; i++)
            (void)srv_number_text(t.intake[i], (int64_t)in.taken[i]);
    }
    return t;
}

static void write_status(struct srv_call *call, int64_t generation, const struct site_texts *sites)
{
    static const char *const columns[] = {
        "database:text", "generation:number", "site_server:bool", "roles:list",       "http:list",         "nbt:list",
        "sites:list",    "default_mps:list",  "targets:list",     "publishing:number", "next_publish:text", "names:list",
        REPORT_COLUMNS,
    };
    const struct srv *srv = call->srv;
    struct sl_text roles = sl_text_new(STATUS_TEXT_MAX), http = roles, nbt = roles, names = roles;
    char moved[SRV_NUMBER_TEXT], busy[SRV_NUMBER_TEXT], next[SRV_TIME_TEXT];
    add_items(&roles, &srv->options.roles);
    add_items(&http, &srv->options.http);
    add_items(&nbt, &srv->options.nbt);
    struct report_texts reports = describe_reports(srv);
    if (srv->options.names != NULL)
        nbn_each(srv->options.names, add_name, &names);
    const char *const cells[] = {
        srv->options.path,
        srv_number_text(moved, generation),
        yes_no(srv->options.is_server),
        sl_text_str(&roles),
        sl_text_str(&http),
        sl_text_str(&nbt),
        sl_text_str(&sites->codes),
        sl_text_str(&sites->defaults),
        sl_text_str(&sites->targets),
        srv->publisher != NULL ? srv_number_text(busy, (int64_t)srv_publishing(srv->publisher)) : NULL,
        srv->publisher != NULL ? srv_time_text(next, srv->next_publish_s) : NULL,
        sl_text_str(&names),
        REPORT_CELLS(reports),
    };
    _Static_assert(SL_COUNT(cells) == SL_COUNT(columns), "a cell for each column");
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
    sl_text_fini(&roles);
    sl_text_fini(&http);
    sl_text_fini(&nbt);
    sl_text_fini(&names);
}

enum sl_status srv_status(struct srv_call *call, struct sl_error *e)
{
    struct site_texts texts = {sl_text_new(STATUS_TEXT_MAX), sl_text_new(STATUS_TEXT_MAX), sl_text_new(STATUS_TEXT_MAX)};
    int64_t generation;
    enum sl_status status = sst_generation(call->store, &generation, e);
    if (status == SL_OK)
        status = describe_sites(call, &texts, e);
    if (status == SL_OK)
        write_status(call, generation, &texts);
    sl_text_fini(&texts.codes);
    sl_text_fini(&texts.defaults);
    sl_text_fini(&texts.targets);
    return status;
}
