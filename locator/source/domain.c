/*
 * ldap:DOMAIN - a directory found by the DNS: the domain controllers of an Active Directory, closest first, else the LDAP servers
 * that the domain publishes (RFC 2782). Bound with the Kerberos credentials that are there, unless told otherwise.
 */
#include "common/base/cancel.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/model/srv.h"
#include "locator/net/cldap.h"
#include "locator/net/dnsc.h"
#include "locator/source/domain.h"
#include "locator/source/ldap.h"
#include "locator/source/srv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANDIDATES_MAX = 8, PING_MS = 800 };

struct domain {
    char name[DNSC_NAME_MAX];
    struct src_config config;     /* a copy */
    bool sasl_told;               /* the account of the bind was chosen by the caller */
    struct sl_cancel cancel;
    pthread_mutex_t lock; /* of dir */
    struct ldapc *dir;    /* the one that is being asked */
};

struct candidate {
    char host[DNSC_NAME_MAX];
    char address[DNSC_ADDRESS_MAX];
    uint16_t port;
};

struct candidates {
    size_t count;
    struct candidate items[CANDIDATES_MAX];
};

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static void domain_free(void *source)
{
    struct domain *d = source;
    ldapc_free(d->dir);
    sl_cancel_fini(&d->cancel);
    (void)pthread_mutex_destroy(&d->lock);
    src_config_fini(&d->config);
    free(d);
}

static enum sl_status domain_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    const char *name = strchr(uri, ':') + 1;
    struct sl_cancel cancel;
    char domain[DNSC_NAME_MAX - SRC_TEXT_MAX / 2];
    size_t len = strlen(name);
    if (len && name[len - 1] == '.')
        len--;
    int written = snprintf(domain, sizeof domain, "%.*s", (int)len, name);
    if (written < 0 || (size_t)written >= sizeof domain || !sl_is_host_name(domain, NULL))
        return sl_fail(e, SL_USAGE, "source \"%.100s\": ldap://HOST or ldap:DOMAIN is wanted", uri);
    enum sl_status s = sl_cancel_init(&cancel, e);
    if (s != SL_OK)
        return s;
    struct domain *d = sl_new(sizeof *d);
    d->cancel = cancel;
    (void)pthread_mutex_init(&d->lock, NULL);
    (void)sl_text_copy(d->name, sizeof d->name, domain);
    d->config = src_config_copy(config);
    d->sasl_told = config->sasl_told || config->ldap.bind_dn;
    *ret_source = d;
    return SL_OK;
}

static void domain_cancel(void *source)
{
    struct domain *d = source;
    sl_cancel_tell(&d->cancel);
    (void)pthread_mutex_lock(&d->lock);
    if (d->dir)
        ldapc_cancel(d->dir);
    (void)pthread_mutex_unlock(&d->lock);
}

/* Makes another handle the one that is asked; the one before is freed. */
static void set_dir(struct domain *d, struct ldapc *dir)
{
    (void)pthread_mutex_lock(&d->lock);
    struct ldapc *before = d->dir;
    d->dir = dir;
    if (dir && sl_cancel_is_told(&d->cancel))
        ldapc_cancel(dir);
    (void)pthread_mutex_unlock(&d->lock);
    ldapc_free(before);
}

/* ---- which servers there are ------------------------------------------------------------------------------------------ */

static bool is_listed(const struct candidates *c, const struct dnsc_srv *srv)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->items[i].port == srv->port && sl_text_iequal(c->items[i].host, srv->target))
            return true;
    return false;
}

/* Appends those of the list that are not yet there and name a host, in the order of RFC 2782. */
static void add_servers(const struct domain *d, const struct dnsc_srv_list *list, struct candidates *c, struct src_answer *a)
{
    struct lm_srv *records = sl_new_array(list->count + 1, sizeof *records);
    size_t *order = sl_new_array(list->count + 1, sizeof *order);
    for (size_t i = 0; i < list->count; i++)
        records[i] = (struct lm_srv){list->items[i].priority, list->items[i].weight};
    lm_srv_order(records, list->count, d->config.seed, order);
    for (size_t i = 0; i < list->count && c->count < CANDIDATES_MAX; i++) {
        const struct dnsc_srv *srv = &list->items[order[i]];
        if (is_listed(c, srv) || !src_srv_check_target(srv->target, d->name, a))
            continue;
        struct candidate *one = &c->items[c->count++];
        *one = (struct candidate){.port = srv->port};
        (void)sl_text_copy(one->host, sizeof one->host, srv->target);
    }
    free(order);
    free(records);
}

/* Appends the servers of a service; false when the DNS could not be asked. */
static bool add_service(const struct domain *d, const char *service, struct sl_deadline deadline, struct candidates *c,
                        struct src_answer *a)
{
    char name[DNSC_NAME_MAX * 2];
    struct dnsc_srv_list list;
    struct sl_error e = {.status = SL_OK};
    (void)snprintf(name, sizeof name, "%s.%s", service, d->name);
    src_note(a, "SRV %s", name);
    enum sl_status s = dnsc_srv(NULL, name, deadline, &list, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        src_say_failed(a, s, &e);
        return false;
    }
    src_note_end(a, "%zu server%s", list.count, list.count == 1 ? "" : "s");
    add_servers(d, &list, c, a);
    dnsc_srv_list_fini(&list);
    return true;
}

/* The host, or the address that it is pinned to. */
static const char *place_of(const struct domain *d, const char *host)
{
    const char *pinned = src_override_find(&d->config, host);
    return pinned ? pinned : host;
}

/* Looks up the addresses of the candidates; those without one are left out. */
static void add_addresses(const struct domain *d, struct candidates *c, struct sl_deadline deadline)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct dnsc_addresses found;
        if (dnsc_host(NULL, place_of(d, c->items[i].host), deadline, &found, NULL) != SL_OK || !found.count)
            continue;
        c->items[kept] = c->items[i];
        (void)sl_text_copy(c->items[kept].address, sizeof c->items[kept].address, found.items[0].text);
        kept++;
    }
    c->count = kept;
}

static void put_first(struct candidates *c, size_t index)
{
    struct candidate first = c->items[index];
    memmove(&c->items[1], &c->items[0], index * sizeof c->items[0]);
    c->items[0] = first;
}

/* ---- which is closest ------------------------------------------------------------------------------------------------- */

/* Pings all of them; true with the answer of the first, which is then the first candidate. */
static bool ping(const struct domain *d, struct candidates *c, struct sl_deadline deadline, struct cldap_answer *ret_answer,
                 struct src_answer *a)
{
    struct sl_endpoint servers[CANDIDATES_MAX];
    struct sl_error e = {.status = SL_OK};
    size_t count = 0, index;
    for (size_t i = 0; i < c->count; i++) {
        char text[SL_ENDPOINT_TEXT_MAX];
        bool v6 = strchr(c->items[i].address, ':') != NULL;
        (void)snprintf(text, sizeof text, "%s%s%s", v6 ? "[" : "", c->items[i].address, v6 ? "]" : "");
        if (sl_endpoint_parse(text, c->items[i].port, &servers[count], NULL) != SL_OK)
            return false; /* addresses are numeric: not to be met */
        count++;
    }
    src_note(a, "LDAP ping of %zu", count);
    struct sl_deadline until = sl_deadline_min(deadline, sl_deadline_in(PING_MS));
    enum sl_status s = cldap_ping(servers, count, d->name, until, &index, ret_answer, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        return false;
    }
    if (!sl_is_host(ret_answer->host)) {
        src_note_end(a, "the answer names no host");
        src_warn(a, "LDAP ping: DnsHostName \"%.60s\" is no host: the answer does not count", ret_answer->host);
        return false;
    }
    src_note_end(a, "%s in site %s; ours is %s", ret_answer->host, ret_answer->site,
                 ret_answer->client_site[0] ? ret_answer->client_site : "unknown");
    put_first(c, index);
    return true;
}

/* Puts the servers of the client's own site in front, unless the one that answered is there already. */
static void prefer_own_site(const struct domain *d, const struct cldap_answer *pinged, struct sl_deadline deadline,
                            struct candidates *c, struct src_answer *a)
{
    struct candidates own = {.count = 0};
    char service[DNSC_NAME_MAX];
    if (!pinged->client_site[0] || pinged->flags & CLDAP_FLAG_CLOSEST || sl_text_iequal(pinged->site, pinged->client_site) ||
        !sl_is_host_name(pinged->client_site, NULL))
        return;
    (void)snprintf(service, sizeof service, "_ldap._tcp.%.100s._sites.dc._msdcs", pinged->client_site);
    if (!add_service(d, service, deadline, &own, a))
        return;
    add_addresses(d, &own, deadline);
    for (size_t i = 0; i < c->count && own.count < CANDIDATES_MAX; i++) {
        struct dnsc_srv srv = {.port = c->items[i].port};
        (void)sl_text_copy(srv.target, sizeof srv.target, c->items[i].host);
        if (!is_listed(&own, &srv))
            own.items[own.count++] = c->items[i];
    }
    *c = own;
}

/* The servers to try, best first; *ret_site is the client's AD site as its controllers see it. False: said in `a` why not. */
static bool discover(const struct domain *d, struct sl_deadline deadline, struct candidates *c, char *ret_site, size_t site_size,
                     struct src_answer *a)
{
    struct cldap_answer pinged;
    if (!add_service(d, "_ldap._tcp.dc._msdcs", deadline, c, a))
        return false;
    bool ad = c->count > 0;
    if (!ad && !add_service(d, "_ldap._tcp", deadline, c, a))
        return false;
    if (!c->count) {
        src_say(a, SRC_NOT_FOUND, "the DNS names no directory of the domain %s", d->name);
        return false;
    }
    add_addresses(d, c, deadline);
    if (!c->count) {
        src_say(a, SRC_FAILED, "no address is known of the directories of the domain %s", d->name);
        return false;
    }
    if (ad && ping(d, c, deadline, &pinged, a)) {
        (void)sl_text_copy(ret_site, site_size, pinged.client_site);
        prefer_own_site(d, &pinged, deadline, c, a);
    }
    return true;
}

/* ---- asking ----------------------------------------------------------------------------------------------------------- */

/* Connects to the first that can be had of the candidates, each with its share of the time, and binds in this way. */
static enum sl_status connect_as(struct domain *d, const struct candidates *c, enum ldapc_sasl sasl, struct sl_deadline deadline,
                                 struct src_answer *a, struct sl_error *e)
{
    struct ldapc_options options = d->config.ldap;
    struct sl_text uri = sl_text_new(SRC_URI_MAX * CANDIDATES_MAX);
    struct ldapc *dir;
    options.sasl = (int)sasl;
    for (size_t i = 0; i < c->count; i++)
        sl_text_printf(&uri, "%s%s:%u", i ? "," : "ldap://", c->items[i].host, c->items[i].port);
    enum sl_status s = ldapc_new(sl_text_str(&uri), &options, &dir, e);
    sl_text_fini(&uri);
    if (s != SL_OK)
        return s;
    for (size_t i = 0; i < c->count; i++)
        ldapc_pin(dir, c->items[i].host, c->items[i].address);
    set_dir(d, dir);
    src_note(a, "connect and bind%s", sasl == LDAPC_SASL_GSSAPI ? " with Kerberos" : "");
    s = ldapc_connect(dir, deadline, e);
    (void)snprintf(a->server, sizeof a->server, "%s", ldapc_server(dir));
    src_note_end(a, "%s%s", s == SL_OK ? "bound to " : "", s == SL_OK ? ldapc_server(dir) : sl_error_text(e));
    return s;
}

/* Kerberos where there are credentials; where there are none (libldap's own codes are negative) anonymously, with a warning. */
static bool connect_any(struct domain *d, const struct candidates *c, struct sl_deadline deadline, struct src_answer *a)
{
    struct sl_error e = {.status = SL_OK};
    enum ldapc_sasl first = d->sasl_told ? (enum ldapc_sasl)d->config.ldap.sasl : LDAPC_SASL_GSSAPI;
    enum sl_status s = connect_as(d, c, first, deadline, a, &e);
    if (s == SL_DENIED && !d->sasl_told && ldapc_code(d->dir) < 0) {
        src_warn(a, "asked anonymously, since there are no Kerberos credentials (kinit): %s", sl_error_text(&e));
        s = connect_as(d, c, LDAPC_SASL_NONE, deadline, a, &e);
    }
    if (s != SL_OK)
        src_say_failed(a, s, &e);
    return s == SL_OK;
}

static void domain_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    struct domain *d = source;
    struct candidates c = {.count = 0};
    struct src_question question = *q;
    char site[LM_AD_SITE_MAX] = "";
    deadline.cancel = &d->cancel;
    if (src_ldap_supposed(q, a))
        return;
    if (!discover(d, deadline, &c, site, sizeof site, a) || !connect_any(d, &c, deadline, a))
        return;
    if (!question.client.ad_site[0] && !question.elsewhere)
        memcpy(question.client.ad_site, site, sizeof question.client.ad_site);
    a->trust = ldapc_is_trusted(d->dir) ? LM_TRUST_DIRECTORY : LM_TRUST_UNPROVEN;
    if (ldapc_detour(d->dir)[0])
        src_warn(a, "%s", ldapc_detour(d->dir));
    src_ldap_question(d->dir, &question, deadline, a);
}

enum sl_status src_domain_connect(const char *uri, const struct src_config *config, struct sl_deadline deadline,
                                  struct ldapc **ret_dir, struct sl_error *e)
{
    struct src_answer *said = sl_new(sizeof *said);
    struct candidates c = {.count = 0};
    char site[LM_AD_SITE_MAX];
    void *source;
    enum sl_status s = domain_open(uri, config, &source, e);
    if (s == SL_OK) {
        struct domain *d = source;
        src_answer_init(said);
        if (discover(d, deadline, &c, site, sizeof site, said) && connect_any(d, &c, deadline, said)) {
            *ret_dir = d->dir;
            d->dir = NULL;
        } else {
            s = sl_fail(e, src_result_outcome(said->result) == SL_OUTCOME_DENIED ? SL_DENIED : SL_UNREACHABLE, "%s", said->text);
        }
        domain_free(d);
    }
    free(said);
    return s;
}

const struct src_ops src_domain = {
    .scheme = "ldap",
    .opaque = true,
    .answers = SRC_MP | SRC_SITE | SRC_OBJECTS,
    .open = domain_open,
    .ask = domain_ask,
    .cancel = domain_cancel,
    .free = domain_free,
};
