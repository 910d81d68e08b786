#include "site/server/flow.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "site/content/content.h"
#include "site/server/keys.h"
#include "site/server/page.h"
#include "site/server/teller.h"
#include "site/store/systems.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Signs a text with the root key of a site of ours. */
static enum sl_status sign(const struct srv_exchange_options *options, const char *site, const struct sl_text *text,
                           char signature[PROOF_TEXT_MAX], struct sl_error *e)
{
    struct proof_key *key = NULL;
    if (sl_text_failed(text))
        return sl_fail(e, SL_LIMIT, "site %s has too many distribution points to tell its packages", site);
    enum sl_status status = srv_keys_root(options->state, site, &key, e);
    if (status == SL_OK)
        status = proof_sign(key, text->data, text->len, signature, e);
    proof_key_free(key);
    return status;
}

/* ---- answering ---------------------------------------------------------------------------------------------------------- */

/* Packages flow down only. */
static enum sl_status check_below(struct sst *store, const struct srv_wanted *wanted, struct sl_error *e)
{
    bool is_below = false;
    enum sl_status status = sst_lies_below(store, wanted->site, wanted->of, &is_below, e);
    if (status == SL_OK && !is_below)
        status = sl_fail(e, SL_DENIED, "site %s does not lie below %s", wanted->site, wanted->of);
    return status;
}

static enum sl_status check_time(const struct srv_wanted *wanted, struct sl_error *e)
{
    int64_t off_s = wanted->made_s - sl_clock_real_s();
    if (off_s <= SRV_ASKED_WITHIN_S && off_s >= -SRV_ASKED_WITHIN_S)
        return SL_OK;
    return sl_fail(e, SL_CONFLICT, "site %s asks as of %" PRId64 " s off the clock here", wanted->site, off_s);
}

static enum sl_status read_page(const struct srv_exchange_options *options, struct sst *store, const struct web_request *request,
                                struct srv_wanted *wanted, struct sst_page *page, struct sl_error *e)
{
    char code[WEB_ITEM_MAX] = "", *chosen = NULL;
    const char *header = web_header(request, UPL_SIGNATURE), *signature = header != NULL ? header : "";
    (void)web_query_item(request->query, 0, code, sizeof code);
    enum sl_status status = srv_check_teller(store, NULL, request->body, request->body_len, signature, e);
    if (status == SL_OK)
        status = srv_wanted_read(request->body, request->body_len, wanted, e);
    if (status == SL_OK)
        status = srv_check_teller(store, wanted->site, request->body, request->body_len, signature, e);
    if (status == SL_OK)
        status = check_time(wanted, e);
    if (status == SL_OK && (strcmp(code, wanted->of) != 0 || (options->site != NULL && strcmp(options->site, code) != 0)))
        status = sl_fail(e, SL_USAGE, "site %s is not served here", code);
    if (status == SL_OK)
        status = sst_choose_site(store, code, &chosen, e);
    free(chosen);
    if (status == SL_OK)
        status = check_below(store, wanted, e);
    return status == SL_OK ? sst_read_page(store, wanted->of, wanted->since, wanted->after, page, e) : status;
}

enum sl_status srv_flow_answer(const struct srv_exchange_options *options, const struct web_request *request,
                               struct web_response *response, struct sl_error *e)
{
    struct sst *store = NULL;
    struct srv_wanted wanted = {.since = 0};
    struct sst_page page = {0};
    struct sl_text text = sl_text_new(SRV_PAGE_MAX);
    enum sl_status status = sst_borrow(options->pool, &store, e);
    if (status == SL_OK)
        status = read_page(options, store, request, &wanted, &page, e);
    sst_give_back(options->pool, store, srv_refusal_of(status) == 500 ? status : SL_OK);
    if (status == SL_OK) {
        srv_page_write(&wanted, &page, &text);
        status = sign(options, wanted.of, &text, response->header_value, e);
    }
    if (status == SL_OK)
        sl_text_add(&response->body, text.data, text.len);
    sl_text_fini(&text);
    sst_page_fini(&page);
    return status;
}

enum sl_status srv_flow_files(const struct srv_exchange_options *options, const struct web_request *request,
                              struct web_response *response, struct sl_error *e)
{
    char first[WEB_ITEM_MAX] = "";
    uint64_t number = 0;
    struct sst *store = NULL;
    struct sm_manifest files = {0};
    const char *sha256 = request->path + strlen(SRV_FILES_PATH);
    (void)web_query_item(request->query, 0, first, sizeof first);
    if (!cnt_is_hash(sha256) || !sl_parse_u64(first, CNT_FILES_MAX, &number))
        return sl_fail(e, SL_MALFORMED, "ask for HASH?NUMBER");
    enum sl_status status = sst_borrow(options->pool, &store, e);
    if (status == SL_OK)
        status = sst_manifest_of(store, sha256, &files, e);
    sst_give_back(options->pool, store, status);
    if (status == SL_OK && files.count == 0)
        status = sl_fail(e, SL_USAGE, "there are no such files here");
    else if (status == SL_OK)
        srv_files_write(&files, number, &response->body);
    sm_manifest_fini(&files);
    return status;
}

/* ---- asking ------------------------------------------------------------------------------------------------------------- */

/* What a neighbour asks of another one. */
struct pull {
    const struct srv_exchange_options *options;
    const struct sst_neighbour *neighbour;
    struct sl_cancel *stop;
    struct sst *store;
    struct srv_wanted wanted;
    int64_t upto;          /* the `now` of the first page */
    size_t packages, gone; /* that were told */
};

/* The form of the product's ids is the code of the site that made the package and five hexadecimal digits. */
static enum sl_status check_ids(struct sst *store, const struct srv_wanted *wanted, const struct sst_page *page,
                                struct sl_error *e)
{
    struct sl_strings codes = {0};
    enum sl_status status = sst_known_sites(store, &codes, e);
    for (size_t i = 0; i < page->package_count && status == SL_OK; i++) {
        const char *id = page->packages[i].id;
        if (strlen(id) != SM_CODE_LEN + 5 || strspn(id + SM_CODE_LEN, "0123456789ABCDEFabcdef") != 5)
            continue;
        for (size_t k = 0; k < codes.count && status == SL_OK; k++)
            if (strncmp(id, codes.items[k], SM_CODE_LEN) == 0 && strcmp(codes.items[k], wanted->of) != 0)
                status = sl_fail(e, SL_DENIED, "package %s bears the code of site %s, not of %s", id, codes.items[k], wanted->of);
    }
    sl_strings_fini(&codes);
    return status;
}

static enum sl_status ask(struct pull *p, struct sst_page *ret_page, struct sl_error *e)
{
    char signature[PROOF_TEXT_MAX];
    struct sl_text text = sl_text_new(SRV_PAGE_MAX);
    struct httpc_reply reply;
    (void)snprintf(p->wanted.nonce, sizeof p->wanted.nonce, "%016" PRIx64, sl_random_os_seed());
    p->wanted.made_s = sl_clock_real_s();
    srv_wanted_write(&p->wanted, &text);
    enum sl_status status = sign(p->options, p->wanted.site, &text, signature, e);
    if (status == SL_OK)
        status = srv_ask_neighbour(p->neighbour, SRV_FLOW_PATH, &text, signature, p->stop, &reply, e);
    sl_text_fini(&text);
    if (status != SL_OK)
        return status;
    status = srv_check_teller(p->store, p->wanted.of, sl_text_str(&reply.body), reply.body.len, reply.header, e);
    if (status == SL_OK)
        status = srv_page_read(&p->wanted, sl_text_str(&reply.body), reply.body.len, ret_page, e);
    httpc_reply_fini(&reply);
    return status;
}

/* Keeps a page and says what to ask for next; *ret_more is false after the last one. */
static enum sl_status keep(struct pull *p, const struct sst_page *page, bool *ret_more, struct sl_error *e)
{
    bool is_complete = true;
    if (page->after == 0)
        p->upto = page->now;
    enum sl_status status = check_ids(p->store, &p->wanted, page, e);
    if (status == SL_OK)
        status = sst_learn_page(p->store, p->wanted.of, page, p->upto, &is_complete, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "packages");
    for (size_t i = 0; i < page->package_count; i++)
        *(page->packages[i].is_gone ? &p->gone : &p->packages) += 1;
    p->wanted.since = is_complete ? page->since : 0;
    p->wanted.after = is_complete ? page->next : 0;
    *ret_more = !is_complete || page->next != 0;
    return SL_OK;
}

static enum sl_status ask_all(struct pull *p, struct sl_error *e)
{
    bool more = true;
    for (size_t pages = 0; more; pages++) {
        struct sst_page page = {0};
        if (pages == SRV_PAGES_MAX)
            return sl_fail(e, SL_LIMIT, "packages: more than %d pages", SRV_PAGES_MAX);
        enum sl_status status = ask(p, &page, e);
        if (status == SL_OK)
            status = keep(p, &page, &more, e);
        sst_page_fini(&page);
        if (status != SL_OK)
            return status;
    }
    sl_log(SL_LOG_INFO, "packages-learned", "site=%s packages=%zu gone=%zu", p->wanted.of, p->packages, p->gone);
    return SL_OK;
}

/* The first site of ours below the neighbour; NULL when there is none. */
static enum sl_status find_asker(struct sst_pool *pool, const struct sl_strings *ours, const char *above, const char **ret_code,
                                 struct sl_error *e)
{
    bool is_below = false;
    struct sst *store = NULL;
    enum sl_status status = sst_borrow(pool, &store, e);
    for (size_t i = 0; i < ours->count && status == SL_OK && !is_below; i++) {
        status = sst_lies_below(store, ours->items[i], above, &is_below, e);
        *ret_code = is_below ? ours->items[i] : NULL;
    }
    sst_give_back(pool, store, status);
    return status;
}

enum sl_status srv_flow_forget(const struct srv_exchange_options *options, const struct sst_neighbour *neighbour,
                               const struct sl_strings *ours, struct sl_error *e)
{
    struct sst *store = NULL;
    const char *asker = NULL;
    if (neighbour->packages_known == 0)
        return SL_OK;
    enum sl_status status = find_asker(options->pool, ours, neighbour->code, &asker, e);
    if (status != SL_OK || asker != NULL)
        return status;
    status = sst_pool_open(options->pool, SST_READ_WRITE, &store, e);
    if (status == SL_OK)
        status = sst_forget_packages(store, neighbour->code, e);
    sst_close(store);
    return status;
}

static enum sl_status pull(const struct srv_exchange_options *options, const struct sst_neighbour *neighbour,
                           const struct sl_strings *ours, struct sl_cancel *stop, struct sl_error *e)
{
    struct pull p = {.options = options, .neighbour = neighbour, .stop = stop, .wanted = {.since = neighbour->packages_known}};
    const char *asker = NULL;
    if (neighbour->packages_told == neighbour->packages_known)
        return SL_OK;
    enum sl_status status = find_asker(options->pool, ours, neighbour->code, &asker, e);
    if (status != SL_OK || asker == NULL)
        return status;
    (void)sl_text_copy(p.wanted.site, sizeof p.wanted.site, asker);
    (void)sl_text_copy(p.wanted.of, sizeof p.wanted.of, neighbour->code);
    status = sst_pool_open(options->pool, SST_READ_WRITE, &p.store, e);
    if (status == SL_OK)
        status = ask_all(&p, e);
    sst_close(p.store);
    return status;
}

enum sl_status srv_flow_pull(const struct srv_exchange_options *options, const char *neighbour, const struct sl_strings *ours,
                             struct sl_cancel *stop, struct sl_error *e)
{
    struct sst *store = NULL;
    struct sst_neighbours list = {0};
    enum sl_status status = sst_borrow(options->pool, &store, e);
    if (status == SL_OK)
        status = sst_neighbours(store, &list, e);
    sst_give_back(options->pool, store, status);
    const struct sst_neighbour *n = sst_find_neighbour(&list, neighbour);
    if (status == SL_OK && n != NULL)
        status = pull(options, n, ours, stop, e);
    sst_neighbours_fini(&list);
    return status;
}

/* ---- which files they have ---------------------------------------------------------------------------------------------- */

static enum sl_status ask_files(const struct sst_task *task, size_t first, struct sl_cancel *stop, struct httpc_reply *ret_reply,
                                struct sl_error *e)
{
    char url[HTTPC_URL_MAX];
    struct sl_deadline deadline = sl_deadline_in(SRV_FILES_MS);
    deadline.cancel = stop;
    if ((size_t)snprintf(url, sizeof url, "%s" SRV_FILES_PATH "%s?%zu", task->server, task->sha256, first) >= sizeof url)
        return sl_fail(e, SL_LIMIT, "%s: the address is too long", task->server);
    const struct httpc_request request = {.url = url, .reply_max = WEB_ANSWER_MAX};
    enum sl_status status = httpc_exchange(&request, deadline, ret_reply, e);
    if (status != SL_OK || ret_reply->status == 200)
        return status;
    status = sl_fail(e, SL_UNREACHABLE, "%s: HTTP status %d: %.200s", url, ret_reply->status, sl_text_str(&ret_reply->body));
    httpc_reply_fini(ret_reply);
    return status;
}

/* The manifest is the caller's either way. */
static enum sl_status ask_all_files(const struct sst_task *task, struct sl_cancel *stop, struct sm_manifest *files,
                                    struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (bool more = true; more && status == SL_OK;) {
        struct httpc_reply reply;
        size_t before = files->count;
        status = ask_files(task, before, stop, &reply, e);
        if (status != SL_OK)
            break;
        status = srv_files_read(sl_text_str(&reply.body), files, e);
        more = files->count > before;
        httpc_reply_fini(&reply);
    }
    return status == SL_OK ? srv_files_check(files, task->sha256, e) : status;
}

static enum sl_status arrive(const struct srv_exchange_options *options, const struct sst_task *task, struct sl_cancel *stop,
                             struct sm_manifest *dropped, struct sl_error *e)
{
    struct sst *store = NULL;
    struct sm_manifest files = {0}, before = {0};
    enum sl_status status = ask_all_files(task, stop, &files, e);
    if (status == SL_OK)
        status = sst_pool_open(options->pool, SST_READ_WRITE, &store, e);
    if (status == SL_OK)
        status = sst_arrive(store, task, &files, &before, e);
    sst_close(store);
    if (status == SL_OK)
        sl_log(SL_LOG_INFO, "package-arrives", "package=%s version=%" PRIu32 " site=%s files=%zu", task->package, task->version,
               task->site, files.count);
    for (size_t i = 0; i < before.count; i++) {
        dropped->files = sl_grow(dropped->files, dropped->count, sizeof *dropped->files);
        dropped->files[dropped->count++] = before.files[i];
    }
    free(before.files); /* what they own has been passed on */
    sm_manifest_fini(&files);
    return status == SL_OK ? status : sl_fail_in(e, status, "package %s version %" PRIu32, task->package, task->version);
}

enum sl_status srv_flow_arrive(const struct srv_exchange_options *options, const char *neighbour, struct sl_cancel *stop,
                               struct sm_manifest *dropped, struct sl_error *e)
{
    struct sst *store = NULL;
    struct sst_tasks tasks = {0};
    enum sl_status status = sst_borrow(options->pool, &store, e);
    if (status == SL_OK)
        status = sst_arrivals(store, neighbour, &tasks, e);
    sst_give_back(options->pool, store, status);
    for (size_t i = 0; i < tasks.count && !sl_cancel_is_told(stop); i++) {
        enum sl_status one = arrive(options, &tasks.items[i], stop, dropped, e);
        status = one != SL_OK ? one : status;
    }
    sst_tasks_fini(&tasks);
    return status;
}
