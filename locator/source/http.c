/* http: https: - the list of management points that one of them gives; slp+http: slp+https: - a server locator point. */
#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/dnsc.h"
#include "locator/net/httpc.h"
#include "locator/net/locmsg.h"
#include "locator/net/slpmsg.h"
#include "locator/source/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MPLIST_PATH "/SMS_MP/.sms_aut"

enum {
    SSL_STATE_HTTPS = 1,
    HTTP_OK = 200,
    HTTP_BAD_REQUEST = 400,
    HTTP_UNAUTHORIZED = 401,
    HTTP_FORBIDDEN = 403,
    HTTP_NOT_FOUND = 404,
    HTTP_NO_METHOD = 405,
    HTTP_ERROR = 500,
    HTTP_NOT_IMPLEMENTED = 501,
    PORT_HTTP = 80,
    PORT_HTTPS = 443,
};

struct web {
    const char *scheme; /* "http" or "https" */
    char host[LM_NAME_MAX], path[SRC_TEXT_MAX];
    uint16_t port;
    char address[DNSC_ADDRESS_MAX]; /* of an override, or "" */
    char *cert_file, *key_file, *ca_file;
};

static bool is_tls(const struct web *w)
{
    return !strcmp(w->scheme, "https");
}

static void web_free(void *source)
{
    struct web *w = source;
    free(w->cert_file);
    free(w->key_file);
    free(w->ca_file);
    free(w);
}

/* HOST[:PORT] of `len` octets, an IPv6 address in brackets. */
static bool parse_host(const char *text, size_t len, struct web *w)
{
    const char *end = text + len, *host = text, *host_end, *colon;
    char digits[8] = "";
    uint64_t port;
    if (len && text[0] == '[') {
        host++;
        host_end = memchr(text, ']', len);
        colon = host_end ? host_end + 1 : NULL;
    } else {
        host_end = memchr(text, ':', len);
        host_end = host_end ? host_end : end;
        colon = host_end;
    }
    if (!colon || host_end == host || (size_t)(host_end - host) >= sizeof w->host || (colon != end && *colon != ':'))
        return false;
    memcpy(w->host, host, (size_t)(host_end - host));
    if (colon == end)
        return true;
    if ((size_t)(end - colon) > sizeof digits)
        return false;
    memcpy(digits, colon + 1, (size_t)(end - colon) - 1);
    if (!sl_parse_u64(digits, UINT16_MAX, &port) || !port)
        return false;
    w->port = (uint16_t)port;
    return true;
}

/* [slp+]http[s]://HOST[:PORT][/PATH]; `path` is asked when the URI has none, and only a server locator point may have one. */
static enum sl_status parse(const char *uri, const char *path, struct web *w, struct sl_error *e)
{
    static const char unsafe[] = "?#%\"<> \\^`{|}";
    const char *rest = strstr(uri, "://");
    bool slp = !strcmp(path, LOC_SLP_PATH), tls = rest && rest > uri && (rest[-1] | 0x20) == 's';
    char url[HTTPC_URL_MAX];
    w->scheme = tls ? "https" : "http";
    w->port = tls ? PORT_HTTPS : PORT_HTTP;
    size_t len = rest ? strcspn(rest + 3, "/") : 0;
    if (!rest || !parse_host(rest + 3, len, w))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": HOST[:PORT] is wanted behind \"://\"", uri);
    const char *given = rest[3 + len] ? rest + 3 + len : "/";
    bool bare = !strcmp(given, "/");
    if ((!bare && !slp) || given[strcspn(given, unsafe)] || !sl_text_copy(w->path, sizeof w->path, bare ? path : given))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": %s", uri, slp ? "the path cannot be used" : "no path is wanted");
    if (!httpc_url(url, sizeof url, w->scheme, w->host, w->port, w->path))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": \"%.60s\" is no host name", uri, w->host);
    return SL_OK;
}

static enum sl_status open_web(const char *uri, const struct src_config *config, const char *path, void **ret_source,
                               struct sl_error *e)
{
    struct web w = {.port = 0};
    enum sl_status s = parse(uri, path, &w, e);
    const char *address = s == SL_OK ? src_override_find(config, w.host) : NULL;
    if (s == SL_OK && address && !sl_text_copy(w.address, sizeof w.address, address))
        s = sl_fail(e, SL_USAGE, "address \"%.60s\" for %s: too long", address, w.host);
    if (s == SL_OK && config->ldap.key_file && !config->ldap.cert_file)
        s = sl_fail(e, SL_USAGE, "source \"%.100s\": a key without a certificate", uri);
    if (s != SL_OK)
        return s;
    httpc_prepare();
    struct web *source = sl_new(sizeof *source);
    *source = w;
    source->cert_file = sl_strdup(config->ldap.cert_file);
    source->key_file = sl_strdup(config->ldap.key_file);
    source->ca_file = sl_strdup(config->ldap.ca_file);
    *ret_source = source;
    return SL_OK;
}

static enum sl_status mplist_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    return open_web(uri, config, MPLIST_PATH, ret_source, e);
}

static enum sl_status slp_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    return open_web(uri, config, LOC_SLP_PATH, ret_source, e);
}

/* ---- the exchange --------------------------------------------------------------------------------------------------- */

/* Tries the addresses of the host one after another, each with its share of the time. */
static enum sl_status exchange(const struct web *w, const char *url, struct sl_deadline deadline, struct httpc_reply *ret_reply,
                               struct sl_error *e)
{
    struct httpc_request request = {.url = url, .ca_file = w->ca_file, .cert_file = w->cert_file, .key_file = w->key_file};
    struct dnsc_addresses list;
    enum sl_status s = dnsc_host(NULL, w->address[0] ? w->address : w->host, deadline, &list, e);
    if (s == SL_OK && !list.count)
        s = sl_fail(e, SL_UNREACHABLE, "%s: the name has no address", w->host);
    if (s != SL_OK)
        return s;
    for (size_t i = 0; i < list.count; i++) {
        int share_ms = sl_deadline_left_ms(deadline) / (int)(list.count - i);
        request.connect_to = list.items[i].text;
        s = httpc_exchange(&request, sl_deadline_min(deadline, sl_deadline_in(share_ms)), ret_reply, e);
        if (s != SL_UNREACHABLE && s != SL_TIMEOUT)
            break;
    }
    return s;
}

/*
 * Gets PATH and query, noted in `a`; true with a reply of any status but those that mean that nothing can be had from there,
 * which have been said in `a`. The caller frees it.
 */
static bool get(const struct web *w, const char *query, struct sl_deadline deadline, struct src_answer *a,
                struct httpc_reply *ret_reply)
{
    char target[2 * HTTPC_URL_MAX], url[HTTPC_URL_MAX];
    struct sl_error e = {.status = SL_OK};
    (void)snprintf(target, sizeof target, "%s%s", w->path, query);
    src_note(a, "GET %s", target);
    enum sl_status s = SL_OK;
    if (!httpc_url(url, sizeof url, w->scheme, w->host, w->port, target))
        s = sl_fail(&e, SL_LIMIT, "%s: the question is too long for a URL", w->host);
    if (s == SL_OK)
        s = exchange(w, url, deadline, ret_reply, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_say_failed(a, s, &e);
        return false;
    }
    src_note_end(a, "HTTP status %d", ret_reply->status);
    if (ret_reply->status == HTTP_UNAUTHORIZED || ret_reply->status == HTTP_FORBIDDEN)
        src_say(a, SRC_REFUSED, "%s: HTTP status %d", url, ret_reply->status);
    else if (ret_reply->status >= HTTP_ERROR && ret_reply->status != HTTP_NOT_IMPLEMENTED)
        src_say(a, SRC_FAILED, "%s: HTTP status %d", url, ret_reply->status);
    else
        return true;
    httpc_reply_fini(ret_reply);
    return false;
}

static void name_server(const struct web *w, struct src_answer *a)
{
    (void)snprintf(a->server, sizeof a->server, "%s://%s:%u", w->scheme, w->host, w->port);
}

/* ---- the list of management points ------------------------------------------------------------------------------------ */

static struct lm_mp mp_of(const struct loc_mp *item, const struct web *w, const char *site)
{
    struct lm_mp mp = lm_mp_unknown();
    int64_t build;
    (void)sl_text_copy(mp.site, sizeof mp.site, site[0] ? site : item->site);
    (void)sl_text_copy(mp.name, sizeof mp.name, item->fqdn[0] ? item->fqdn : item->name);
    if (sl_parse_i64(item->version, 0, INT32_MAX, &build))
        mp.build = build;
    mp.ssl_state = item->ssl_state;
    if (!sl_text_iequal(mp.name, w->host) && !sl_text_iequal(item->name, w->host))
        return mp;
    if (is_tls(w))
        mp.ssl_state = SSL_STATE_HTTPS; /* whatever it says: so it has answered */
    if (lm_mp_is_https(&mp, 0) == is_tls(w))
        mp.srv_port = w->port;
    return mp;
}

/* True when each name that an item has is that of a host, and it has one; warns of what is not. */
static bool check_names(const struct loc_mp *item, struct src_answer *a)
{
    bool is_bare = !item->fqdn[0];
    if (!is_bare && !sl_is_host(item->fqdn)) {
        src_warn(a, "the list of %.100s: MP/@FQDN \"%.60s\" is no host: it does not count", a->server, item->fqdn);
        return false;
    }
    if (!sl_is_host(item->name) && (is_bare || item->name[0])) {
        src_warn(a, "the list of %.100s: MP/@Name \"%.60s\" is no host: it does not count", a->server, item->name);
        return false;
    }
    return true;
}

/* Those of the list that belong to the site; a list that was asked for one site need not repeat its code. */
static size_t of_site(const struct loc_mp_list *list, const struct web *w, const char *site, struct lm_mp *mps,
                      struct src_answer *a)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct loc_mp *item = &list->items[i];
        if (site[0] && item->site[0] && strcasecmp(item->site, site) != 0)
            continue;
        if (check_names(item, a))
            mps[count++] = mp_of(item, w, site);
    }
    return count;
}

/*
 * The list does not say which one is the default: one alone is it (S1.08), among several profile cb takes the first by name, and
 * the older ones must ask elsewhere (S1.21).
 */
static void say_mp(struct lm_mp *mps, size_t count, const struct src_question *q, struct src_answer *a)
{
    if (!count) {
        src_say(a, SRC_NOT_FOUND, "the list of %s names no management point of site %s", a->server, q->site);
        return;
    }
    mps[0].is_default = mps[0].is_default || count == 1;
    struct lm_choice choice = lm_choose_mp(mps, count, q->profile);
    if (choice.kind < LM_CHOICE_ONE) {
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.21");
        src_say(a, SRC_NOT_FOUND, "the list of %s names %zu management points, not which of them is the default", a->server,
                count);
        return;
    }
    (void)sl_text_copy(a->rule, sizeof a->rule, choice.kind == LM_CHOICE_ONE ? "S1.08" : "Q12");
    src_take_choice(a, mps, count, choice, q->profile);
    src_say(a, SRC_ANSWER, "%s is %s of the list", a->mp.name, count == 1 ? "the only one" : "the first by name");
}

static void say_site(const struct lm_mp *mps, size_t count, const struct src_question *q, struct src_answer *a)
{
    if (!count) {
        src_say(a, SRC_NOT_FOUND, "the list of %s names no management point of site %s", a->server, q->site);
        return;
    }
    if (count == 1)
        a->mp = mps[0];
    (void)sl_text_copy(a->site, sizeof a->site, q->site);
    (void)sl_text_copy(a->assigned_by, sizeof a->assigned_by, "site-code");
    src_say(a, SRC_ANSWER, "site %s by site-code", q->site);
}

/* Every one of the list; it tells neither which is the default one nor, so, which clients do not use. */
static void say_objects(const struct lm_mp *mps, size_t count, const struct src_question *q, struct src_answer *a)
{
    for (size_t i = 0; i < count; i++) {
        struct lm_object *o = lm_objects_add(&a->objects, LM_OBJECT_MP);
        if (o)
            o->mp = mps[i];
    }
    lm_objects_judge(&a->objects, LM_CB);
    if (count)
        src_say(a, SRC_ANSWER, "%zu management points of the list", count);
    else
        src_say(a, SRC_NOT_FOUND, "the list of %s names no management point%s%s", a->server, q->site[0] ? " of site " : "",
                q->site);
}

static void judge_list(const struct web *w, const struct httpc_reply *reply, const struct src_question *q, struct src_answer *a)
{
    struct loc_mp_list list = {NULL, 0};
    struct sl_error e = {.status = SL_OK};
    if (!reply->body.len) {
        src_say(a, SRC_NOT_FOUND, "%s: a blank list, as SMS 2003 gives it", a->server);
        return;
    }
    if (loc_mp_list_read(sl_text_str(&reply->body), reply->body.len, &list, &e) != SL_OK) {
        src_say(a, SRC_FAILED, "%s: %s", a->server, sl_error_text(&e));
        return;
    }
    struct lm_mp *mps = sl_new_array(list.count + 1, sizeof *mps);
    size_t count = of_site(&list, w, q->site, mps, a);
    if (q->what == SRC_OBJECTS)
        say_objects(mps, count, q, a);
    else if (q->what == SRC_SITE)
        say_site(mps, count, q, a);
    else
        say_mp(mps, count, q, a);
    free(mps);
    loc_mp_list_fini(&list);
}

/* MPLIST1 of the site; where that is not known MPLIST, which lists the site of whom is asked without saying so. */
static void mplist_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct web *w = source;
    struct httpc_reply reply;
    char query[SRC_TEXT_MAX];
    name_server(w, a);
    if ((q->what == SRC_SITE && !q->site[0]) || (q->what == SRC_OBJECTS && q->kind != LM_OBJECT_MP)) {
        src_say(a, SRC_UNABLE, "a list of management points tells nothing else");
        return;
    }
    (void)snprintf(query, sizeof query, "?MPLIST1%s%s", q->site[0] ? "&" : "", q->site);
    if (!get(w, query, deadline, a, &reply))
        return;
    if (reply.status == HTTP_BAD_REQUEST || reply.status == HTTP_NO_METHOD || reply.status == HTTP_NOT_IMPLEMENTED) {
        httpc_reply_fini(&reply);
        if (!get(w, "?MPLIST", deadline, a, &reply))
            return;
        src_warn(a, "%s: MPLIST1 is not known there, and MPLIST does not say of which site its list is", a->server);
    }
    if (reply.status == HTTP_OK)
        judge_list(w, &reply, q, a);
    else if (reply.status == HTTP_NOT_FOUND)
        src_say(a, SRC_NOT_FOUND, "%s knows no site %s", a->server, q->site);
    else
        src_say(a, SRC_FAILED, "%s: HTTP status %d", a->server, reply.status);
    httpc_reply_fini(&reply);
}

/* ---- the server locator point ----------------------------------------------------------------------------------------- */

/* S1.09: what a legacy client has instead of a management point. */
static void say_caps(const struct loc_slp_reply *r, struct src_answer *a)
{
    (void)sl_text_copy(a->rule, sizeof a->rule, "S1.09");
    a->mp = lm_mp_unknown();
    for (size_t i = 0; i < r->cap_count; i++) {
        struct lm_object *cap = lm_objects_add(&a->objects, LM_OBJECT_CAP);
        if (cap)
            (void)sl_text_copy(cap->mp.name, sizeof cap->mp.name, r->caps[i]);
    }
    if (r->cap_count)
        src_say(a, SRC_ANSWER, "%zu client access points of site %s", r->cap_count, r->site);
    else
        src_say(a, SRC_NOT_FOUND, "%s names no client access point of site %s", a->server, r->site);
}

static void say_reply(const struct loc_slp_reply *r, const struct src_question *q, struct src_answer *a)
{
    (void)sl_text_copy(a->owner, sizeof a->owner, r->mp.forest);
    a->mp = r->mp;
    if (r->sites > 1)
        src_warn(a, "%s names %zu sites; %s, the first, is taken", a->server, r->sites, r->site);
    if (!r->sites) {
        src_say(a, SRC_NOT_FOUND, "%s knows no %s%s", a->server, q->site[0] ? "site " : "site of the client", q->site);
    } else if (q->site[0] && strcmp(r->site, q->site) != 0) {
        src_say(a, SRC_FAILED, "%s answers for site %s, not %s", a->server, r->site, q->site);
    } else if (q->what == SRC_SITE) {
        const char *by = r->assigned_by[0] ? r->assigned_by : q->site[0] ? "site-code" : "subnet";
        (void)sl_text_copy(a->site, sizeof a->site, q->site[0] ? r->site : r->assignment);
        (void)sl_text_copy(a->assigned_by, sizeof a->assigned_by, by);
        src_say(a, SRC_ANSWER, "site %s by %s", a->site, by);
    } else if (q->what == SRC_CAP) {
        say_caps(r, a);
    } else if (!r->has_mp) {
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.26");
        src_say(a, SRC_NO_DEFAULT, "%s: site %s has no default management point", a->server, r->site);
    } else {
        (void)sl_text_copy(a->mp.site, sizeof a->mp.site, r->site);
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.21");
        src_say(a, SRC_ANSWER, "%s is the default management point", a->mp.name);
    }
}

static void slp_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    const struct web *w = source;
    struct httpc_reply reply;
    struct loc_slp_reply r;
    struct sl_error e = {.status = SL_OK};
    struct sl_text query = sl_text_new(HTTPC_URL_MAX);
    name_server(w, a);
    loc_slp_query(q->site, &q->client, &query);
    bool got = get(w, sl_text_str(&query), deadline, a, &reply);
    sl_text_fini(&query);
    if (!got)
        return;
    if (reply.status != HTTP_OK)
        src_say(a, SRC_FAILED, "%s: HTTP status %d: no server locator point at %s", a->server, reply.status, w->path);
    else if (loc_slp_reply_read(sl_text_str(&reply.body), reply.body.len, &r, &e) != SL_OK)
        src_say(a, SRC_FAILED, "%s: %s", a->server, sl_error_text(&e));
    else
        say_reply(&r, q, a);
    httpc_reply_fini(&reply);
}

/* Two behaviours, each under two schemes. */
#define WEB_OPS(name, text, way, kinds)                                                                                \
    const struct src_ops src_##name = {                                                                                \
        .scheme = (text), .answers = (kinds), .open = way##_open, .ask = way##_ask, .free = web_free,                  \
    }

WEB_OPS(http, "http", mplist, SRC_MP | SRC_SITE | SRC_OBJECTS);
WEB_OPS(https, "https", mplist, SRC_MP | SRC_SITE | SRC_OBJECTS);
WEB_OPS(slp_http, "slp+http", slp, SRC_MP | SRC_SITE | SRC_CAP);
WEB_OPS(slp_https, "slp+https", slp, SRC_MP | SRC_SITE | SRC_CAP);
