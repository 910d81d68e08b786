#include "site/server/private.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/report.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = 64, REPORTS_MAX = 1000000, REPORTS_DEFAULT = 1000 };

static const char *option(const struct srv_call *call, const char *name)
{
    return host_request_option(call->request, name, 0);
}

/* A time that may not have come yet, as a cell. */
static const char *time_cell(char out[SRV_TIME_TEXT], int64_t at_s)
{
    return at_s > 0 ? srv_time_text(out, at_s) : NULL;
}

/* ---- lists, a page at a time as the reader keeps up ---------------------------------------------------------------------- */

struct paging {
    struct srv *srv;
    char *site;
    char *after; /* SMSID of the last client */
    char *client, *kind, *content;
    struct sst_report_filter filter; /* its strings are those above */
    size_t left;
    enum sl_status (*page)(struct paging *p, struct sst *store, struct host_reply *reply, size_t *ret_count, struct sl_error *e);
};

static void paging_free(void *state)
{
    struct paging *p = state;
    free(p->site);
    free(p->after);
    free(p->client);
    free(p->kind);
    free(p->content);
    free(p);
}

static bool more(struct host_reply *reply, void *state)
{
    struct paging *p = state;
    struct sl_error e = {0};
    struct sst *store;
    size_t count = 0, wanted = p->left < PAGE ? p->left : PAGE;
    enum sl_status status = srv_store(p->srv, &store, &e);
    if (status == SL_OK)
        status = p->page(p, store, reply, &count, &e);
    p->left -= count;
    if (status == SL_OK && count == wanted && p->left > 0)
        return true;
    paging_free(p);
    if (status == SL_OK)
        host_reply_end(reply, SL_OUTCOME_OK, "", "%s", "");
    else
        host_reply_fail(reply, status, &e);
    return false;
}

static struct paging *start(struct srv_call *call, const char *const *columns, size_t count)
{
    struct paging *p = sl_new(sizeof *p);
    *p = (struct paging){.srv = call->srv, .site = sl_strdup(call->site), .after = sl_strdup(""), .left = SIZE_MAX};
    host_reply_columns(call->reply, columns, count, false);
    call->kept = true;
    return p;
}

static enum sl_status page_of_clients(struct paging *p, struct sst *store, struct host_reply *reply, size_t *ret_count,
                                      struct sl_error *e)
{
    struct sst_client **list;
    enum sl_status status = sst_clients(store, p->site, p->after, PAGE, &list, ret_count, e);
    if (status != SL_OK)
        return status;
    for (size_t i = 0; i < *ret_count; i++) {
        const struct sst_client *c = list[i];
        char times[4][SRV_TIME_TEXT];
        const char *const cells[] = {
            c->smsid,
            c->name,
            c->key != NULL ? "true" : "false",
            time_cell(times[0], c->registered_s),
            time_cell(times[1], c->seen_s),
            time_cell(times[2], c->discovered_s),
            time_cell(times[3], c->inventoried_s),
        };
        host_reply_row(reply, cells, SL_COUNT(cells));
        if (i + 1 == *ret_count) {
            free(p->after);
            p->after = sl_strdup(c->smsid);
        }
        sst_client_free(list[i]);
    }
    free(list);
    return SL_OK;
}

enum sl_status srv_client_list(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"client:text", "name:text",       "signs:bool",      "registered:text",
                                          "seen:text",   "discovered:text", "inventoried:text"};
    struct paging *p = start(call, columns, SL_COUNT(columns));
    (void)e;
    p->page = page_of_clients;
    host_reply_pull(call->reply, more, paging_free, p);
    return SL_OK;
}

static enum sl_status page_of_reports(struct paging *p, struct sst *store, struct host_reply *reply, size_t *ret_count,
                                      struct sl_error *e)
{
    struct sst_report *list;
    enum sl_status status = sst_reports(store, p->site, &p->filter, p->left < PAGE ? p->left : PAGE, &list, ret_count, e);
    if (status != SL_OK)
        return status;
    for (size_t i = 0; i < *ret_count; i++) {
        const struct sst_report *r = &list[i];
        char received[SRV_TIME_TEXT], stored[SRV_TIME_TEXT], size[SRV_NUMBER_TEXT];
        const char *const cells[] = {r->client, r->name, r->kind, r->type, srv_time_text(received, r->received_s),
                                     srv_time_text(stored, r->stored_s), srv_number_text(size, r->size), r->message,
                                     r->content, r->dated};
        host_reply_row(reply, cells, SL_COUNT(cells));
        p->filter.below_id = r->id;
    }
    sst_reports_fini(list, *ret_count);
    return SL_OK;
}

/* The filters as the words of the request say. */
static enum sl_status read_filter(const struct srv_call *call, struct sst_report_filter *f, uint64_t *ret_limit,
                                  struct sl_error *e)
{
    const char *since = option(call, "since"), *limit = option(call, "limit"), *kind = option(call, "kind");
    const char *client = option(call, "client");
    char smsid[SM_SMSID_SIZE];
    int64_t since_ms = 0;
    *ret_limit = REPORTS_DEFAULT;
    if (kind != NULL && (sm_report_parse(kind) == SM_REPORT_COUNT || sm_report_parse(kind) == SM_REPORT_REGISTRATION))
        return sl_fail(e, SL_USAGE, "--kind \"%s\": is none of discovery, inventory, metering, status", kind);
    if (client != NULL && !sm_smsid_parse(client, smsid))
        return sl_fail(e, SL_USAGE, "--client \"%s\": is not GUID:...", client);
    if (since != NULL && !sl_parse_duration_ms(since, &since_ms))
        return sl_fail(e, SL_USAGE, "--since \"%s\": is no time", since);
    if (limit != NULL && (!sl_parse_u64(limit, REPORTS_MAX, ret_limit) || *ret_limit == 0))
        return sl_fail(e, SL_USAGE, "--limit \"%s\": must be a number from 1 to %d", limit, REPORTS_MAX);
    f->since_s = since != NULL ? sl_clock_real_s() - since_ms / 1000 : 0;
    return SL_OK;
}

enum sl_status srv_report_list(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"client:text", "name:text",   "kind:text",   "type:text",
                                          "received:text", "stored:text", "size:number", "message:text", "content:text",
                                          "dated:text"};
    struct sst_report_filter filter = {0};
    uint64_t limit;
    enum sl_status status = read_filter(call, &filter, &limit, e);
    if (status != SL_OK)
        return status;
    struct paging *p = start(call, columns, SL_COUNT(columns));
    p->client = option(call, "client") != NULL ? sl_strdup(option(call, "client")) : NULL;
    p->kind = option(call, "kind") != NULL ? sl_strdup(option(call, "kind")) : NULL;
    p->content = option(call, "content") != NULL ? sl_strdup(option(call, "content")) : NULL;
    filter.client = p->client;
    filter.kind = p->kind;
    filter.content = p->content;
    p->filter = filter;
    p->left = (size_t)limit;
    p->page = page_of_reports;
    host_reply_pull(call->reply, more, paging_free, p);
    return SL_OK;
}

enum sl_status srv_report_count(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"kind:text", "content:text", "reports:number", "clients:number", "octets:number"};
    struct sst_report_filter filter = {
        .client = option(call, "client"), .kind = option(call, "kind"), .content = option(call, "content")};
    struct sst_sum *list;
    size_t count;
    uint64_t limit;
    enum sl_status status = read_filter(call, &filter, &limit, e);
    if (status == SL_OK)
        status = sst_sum_reports(call->store, call->site, &filter, (size_t)limit, &list, &count, e);
    if (status != SL_OK)
        return status;
    host_reply_columns(call->reply, columns, SL_COUNT(columns), false);
    for (size_t i = 0; i < count; i++) {
        char numbers[3][SRV_NUMBER_TEXT];
        const char *const cells[] = {list[i].kind, list[i].content, srv_number_text(numbers[0], list[i].reports),
                                     srv_number_text(numbers[1], list[i].clients),
                                     srv_number_text(numbers[2], list[i].octets)};
        host_reply_row(call->reply, cells, SL_COUNT(columns));
    }
    sst_sums_fini(list, count);
    return SL_OK;
}

/* ---- one client ---------------------------------------------------------------------------------------------------------- */

static void tell_client(struct srv_call *call, const struct sst_client *c, const struct sst_report_counts *n)
{
    static const char *const columns[] = {"client:text",     "name:text",        "key:text",         "registered:text",
                                          "seen:text",       "discovered:text",  "inventoried:text", "discovery:number",
                                          "inventory:number", "metering:number", "status:number",    "instances:number"};
    char times[4][SRV_TIME_TEXT], counts[5][SRV_NUMBER_TEXT];
    const char *const cells[] = {
        c->smsid,
        c->name,
        c->key,
        time_cell(times[0], c->registered_s),
        time_cell(times[1], c->seen_s),
        time_cell(times[2], c->discovered_s),
        time_cell(times[3], c->inventoried_s),
        srv_number_text(counts[0], n->reports[SM_REPORT_DISCOVERY]),
        srv_number_text(counts[1], n->reports[SM_REPORT_INVENTORY]),
        srv_number_text(counts[2], n->reports[SM_REPORT_METERING]),
        srv_number_text(counts[3], n->reports[SM_REPORT_STATUS]),
        srv_number_text(counts[4], n->instances),
    };
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
}

enum sl_status srv_client_show(struct srv_call *call, struct sl_error *e)
{
    const char *smsid = call->request->args[0];
    struct sst_client *client = NULL;
    struct sst_report_counts counts;
    enum sl_status status = sst_client(call->store, call->site, smsid, &client, e);
    if (status == SL_OK)
        status = sst_count_reports(call->store, call->site, smsid, &counts, e);
    if (status == SL_OK && client != NULL)
        tell_client(call, client, &counts);
    if (status == SL_OK && client == NULL) {
        call->kept = true;
        host_reply_end(call->reply, SL_OUTCOME_NEGATIVE, "not-found", "%s is not registered with site %s", smsid, call->site);
    }
    sst_client_free(client);
    return status;
}

enum sl_status srv_client_remove(struct srv_call *call, struct sl_error *e)
{
    static const char *const columns[] = {"site:text", "kind:text", "name:text", "change:text"};
    bool removed;
    enum sl_status status = sst_client_remove(call->store, call->site, call->request->args[0], &removed, e);
    if (status != SL_OK)
        return status;
    const char *const cells[] = {call->site, "client", call->request->args[0], removed ? "removed" : "unchanged"};
    host_reply_columns(call->reply, columns, SL_COUNT(columns), true);
    host_reply_row(call->reply, cells, SL_COUNT(cells));
    return SL_OK;
}
