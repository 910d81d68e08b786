#include "site/nbname/nbname.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/nbname/private.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define NBN_MAGIC 0x4eb40001u

/* wins.md 1.6 */
enum {
    TTL_S = 518400,         /* asked for: 6 days */
    REFRESH_MIN_S = 300,    /* never more often, as long as the lease lasts longer */
    REFRESH_MAX_S = 259200, /* also of an infinite lease: a registry may have lost it */
    BACKOFF_MS = 1000,
    BACKOFF_OWNED_FIRST_MS = 200, /* another holds the name: soon again, it may be about to give it up */
    BACKOFF_OWNED_MS = 60000,
    BACKOFF_DEAD_MS = 600000,   /* no answer, or refused by policy */
    RELEASE_RETRY_MS = 900,     /* NBC_TRIES of them fit NBN_RELEASE_MS */
    YIELD_MS = 2000,            /* how long another host has to take a name over before it is released all the same */
    ELSEWHERE_MS = 1000,        /* until a look whether the address of a cluster has come */
};

static const char *const phase_words[] = {
#define NBN_PHASE_WORD(name, word) word,
    NBN_PHASE_TABLE(NBN_PHASE_WORD)
#undef NBN_PHASE_WORD
};

static void step(void *ctx);

/* ---- claims --------------------------------------------------------------------------------------------------------- */

static void claim_free(struct nbn_claim *c)
{
    if (c->lookup)
        c->lookup->claim = NULL;
    host_timer_free(c->timer);
    free(c->registry);
    free(c);
}

static bool is_same_record(const struct nbn_claim *a, const struct nbn_claim *b)
{
    return nb_name_equal(&a->question.name, &b->question.name) && strcmp(a->registry, b->registry) == 0;
}

/* Another address of ours that must first have released this name. */
static bool is_blocked(const struct nbn_claim *c)
{
    for (const struct nbn_claim *o = c->names->claims; o; o = o->next)
        if (o != c && o->phase == NBN_RELEASING && is_same_record(o, c))
            return true;
    return false;
}

/* Through the timer: `done` runs on its own, never below a function of ours. */
static void end_if_empty(struct nbn *names)
{
    if (names->is_ending && names->claims == NULL)
        host_timer_start(names->end_timer, 0);
}

/* A release came to its end, answered or not: the claim goes, or starts anew when it is wanted again. */
static void release_done(struct nbn_claim *c)
{
    struct nbn *names = c->names;
    c->in_flight = false;
    c->ttl_s = 0;
    c->phase = NBN_REGISTERING;
    for (struct nbn_claim *o = names->claims; o; o = o->next)
        if (o != c && o->is_wanted && !o->in_flight && is_same_record(o, c))
            host_timer_start(o->timer, 0);
    if (c->is_wanted) {
        host_timer_start(c->timer, 0);
        return;
    }
    struct nbn_claim **at = &names->claims;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    claim_free(c);
    end_if_empty(names);
}

static bool has_lease(const struct nbn_claim *c)
{
    return c->ttl_s > 0 && c->expires_ms > sl_clock_mono_ms();
}

/* After `ms`, doubled with each failure in a row up to `max_ms`. */
static void retry_later(struct nbn_claim *c, int64_t ms, int64_t max_ms)
{
    for (int i = 0; i < c->failures && ms < max_ms; i++)
        ms *= 2;
    c->failures++;
    host_timer_start(c->timer, ms < max_ms ? ms : max_ms);
}

static void unanswered(struct nbn_claim *c, const char *why)
{
    c->in_flight = false;
    c->has_server = false; /* looked up again next time: it may have moved */
    if (c->phase == NBN_RELEASING) {
        release_done(c);
        return;
    }
    if (!has_lease(c))
        c->ttl_s = 0;
    c->phase = NBN_UNANSWERED;
    snprintf(c->detail, sizeof c->detail, "%s%s", why, c->ttl_s ? "; the lease runs on" : "");
    retry_later(c, BACKOFF_MS, BACKOFF_DEAD_MS);
}

static void registered(struct nbn_claim *c, uint32_t ttl_s)
{
    bool is_endless = ttl_s == 0 || ttl_s / 2 > REFRESH_MAX_S;
    int64_t refresh_s = is_endless ? REFRESH_MAX_S : ttl_s / 2;
    if (refresh_s < REFRESH_MIN_S && ttl_s > REFRESH_MIN_S)
        refresh_s = REFRESH_MIN_S;
    c->phase = NBN_REGISTERED;
    c->failures = 0;
    c->ttl_s = ttl_s ? ttl_s : TTL_S;
    c->expires_ms = sl_clock_mono_ms() + c->ttl_s * 1000;
    c->detail[0] = '\0';
    host_timer_start(c->timer, (refresh_s > 0 ? refresh_s : 1) * 1000);
}

static void answered(struct nbn_claim *c, const struct nbc_reply *reply)
{
    c->in_flight = false;
    if (c->phase == NBN_RELEASING) {
        release_done(c);
    } else if (reply->rcode == NB_OK) {
        registered(c, reply->ttl_s);
    } else {
        c->phase = NBN_REFUSED;
        c->ttl_s = 0;
        sl_text_copy(c->detail, sizeof c->detail, nbc_rcode_text(reply->rcode));
        if (reply->rcode == NB_ACT_ERR)
            retry_later(c, BACKOFF_OWNED_FIRST_MS, BACKOFF_OWNED_MS);
        else
            retry_later(c, BACKOFF_MS, BACKOFF_DEAD_MS);
    }
}

/* ---- exchanges ------------------------------------------------------------------------------------------------------ */

/* The address of a cluster is with another member now, who keeps the name: what we say of it is not ours to say. */
static void elsewhere(struct nbn_claim *c)
{
    c->in_flight = false;
    c->ttl_s = 0;
    if (c->phase == NBN_RELEASING) {
        release_done(c);
        return;
    }
    c->phase = NBN_ELSEWHERE;
    c->failures = 0;
    host_timer_start(c->timer, ELSEWHERE_MS);
}

/* True while an interface of this host has the address; all of 127.0.0.0/8 are ours. */
static bool is_here(const struct nbn_socket *s)
{
    const uint32_t wanted = sl_endpoint_ip4_of(&s->endpoint);
    struct ifaddrs *all;
    bool found = wanted >> 24 == IN_LOOPBACKNET;
    if (found || getifaddrs(&all) != 0)
        return true;
    for (const struct ifaddrs *i = all; i != NULL && !found; i = i->ifa_next) {
        struct sockaddr_in in;
        if (i->ifa_addr == NULL || i->ifa_addr->sa_family != AF_INET)
            continue;
        memcpy(&in, i->ifa_addr, sizeof in);
        found = ntohl(in.sin_addr.s_addr) == wanted;
    }
    freeifaddrs(all);
    return found;
}

static void send_request(struct nbn_claim *c)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    size_t len = nbc_build(&c->question, c->id, octets, sizeof octets);
    sl_assert(len > 0);
    c->tries++;
    /* What cannot be sent is treated as lost: it is repeated, and at the end the registry has not answered. */
    (void)sendto(c->from->fd, octets, len, MSG_DONTWAIT, &c->question.server.any, c->question.server.len);
    host_timer_start(c->timer, c->phase == NBN_RELEASING ? RELEASE_RETRY_MS : NBC_RETRY_MS);
}

/* True when the registry's address is known; else a lookup is under way, or has failed and is told. */
static bool knows_server(struct nbn_claim *c)
{
    struct sl_error e;
    if (c->has_server || c->lookup)
        return c->has_server;
    if (nbn_find_server(c, &e) == SL_OK)
        return c->has_server;
    unanswered(c, e.text); /* may free c */
    return false;
}

static void start(struct nbn_claim *c)
{
    if (c->phase != NBN_RELEASING && is_blocked(c))
        return; /* release_done starts it */
    if (!is_here(c->from)) {
        elsewhere(c); /* may free c */
        return;
    }
    if (!knows_server(c))
        return;
    c->question.kind = c->phase == NBN_RELEASING ? NBC_RELEASE : has_lease(c) ? NBC_REFRESH : NBC_REGISTER;
    c->id = nbc_id();
    c->tries = 0;
    c->in_flight = true;
    c->is_waiting = false;
    send_request(c);
}

static void looked_up(struct nbn_claim *c, const struct nbn_lookup *lookup)
{
    if (lookup->status != SL_OK) {
        unanswered(c, lookup->e.text);
        return;
    }
    c->question.server = lookup->server;
    c->has_server = true;
    host_timer_start(c->timer, 0);
}

static void release(struct nbn_claim *c)
{
    c->phase = NBN_RELEASING;
    c->in_flight = false;
    c->detail[0] = '\0';
    host_timer_stop(c->timer);
    start(c);
}

/* S1.20: no moment without the name. Its new host registers it, the registry asks us, and we say that it is not ours. */
static void yield(struct nbn_claim *c)
{
    c->phase = NBN_YIELDING;
    c->in_flight = false;
    c->detail[0] = '\0';
    host_timer_start(c->timer, YIELD_MS);
}

/* The timer of a claim: starts, repeats or gives up an exchange. */
static void take_step(struct nbn_claim *c)
{
    if (c->phase == NBN_YIELDING)
        release(c); /* taken over meanwhile, and then the registry takes no notice, or nobody came */
    else if (!c->in_flight)
        start(c);
    else if (c->is_waiting)
        unanswered(c, "the registry asked to wait and then said nothing");
    else if (c->tries >= NBC_TRIES)
        unanswered(c, "no answer");
    else
        send_request(c);
}

static void step(void *ctx)
{
    struct nbn_claim *c = ctx;
    struct nbn *names = c->names;
    pthread_mutex_lock(&names->mutex);
    take_step(c); /* may free c */
    pthread_mutex_unlock(&names->mutex);
}

static void receive_answer(struct nbn_socket *s, const uint8_t *octets, size_t len, const struct sl_endpoint *from)
{
    for (struct nbn_claim *c = s->names->claims; c; c = c->next) {
        struct nbc_reply reply;
        enum nbc_verdict verdict = NBC_FOREIGN;
        if (c->from == s && c->in_flight)
            verdict = nbc_judge(&c->question, c->id, from, octets, len, &reply);
        if (verdict == NBC_FOREIGN)
            continue;
        if (verdict == NBC_ANSWER) {
            answered(c, &reply);
        } else if (!c->is_waiting) {
            c->is_waiting = true;
            host_timer_start(c->timer, (int64_t)reply.ttl_s * 1000);
        }
        return; /* the list may have changed */
    }
}

/* Nothing listens at a registry: known at once instead of after three tries. */
static void refused_by_icmp(struct nbn_socket *s, int why, const struct sl_endpoint *to)
{
    struct nbn_claim *next;
    for (struct nbn_claim *c = s->names->claims; c; c = next) {
        next = c->next; /* `unanswered` frees at most c itself */
        if (c->from == s && c->in_flight && !c->is_waiting && sl_endpoint_equal(&c->question.server, to))
            unanswered(c, why == ECONNREFUSED ? "nothing listens there" : strerror(why));
    }
}

static void receive(struct nbn_socket *s, int fd)
{
    enum { BATCH = 64 }; /* then the loop's other guests have their turn */
    struct sl_endpoint from;
    int why;
    while ((why = nbc_next_error(fd, &from)) != 0)
        refused_by_icmp(s, why, &from);
    for (int i = 0; i < BATCH; i++) {
        uint8_t octets[NB_RECEIVE_MAX];
        from.len = sizeof from.v6;
        ssize_t len = recvfrom(fd, octets, sizeof octets, MSG_DONTWAIT, &from.any, &from.len);
        if (len < 0)
            return; /* empty, or an ICMP error, which the next round takes */
        if (sl_endpoint_equal(&from, &s->endpoint))
            continue;
        receive_answer(s, octets, (size_t)len, &from);
        nbn_answer(s, octets, (size_t)len, &from);
    }
}

static void on_readable(int fd, unsigned events, void *ctx)
{
    struct nbn_socket *s = ctx;
    (void)events;
    pthread_mutex_lock(&s->names->mutex);
    receive(s, fd);
    pthread_mutex_unlock(&s->names->mutex);
}

/* ---- what is wanted ------------------------------------------------------------------------------------------------- */

static struct nbn_claim *find_claim(struct nbn *names, const struct nbn_socket *from, const struct nb_name *name,
                                    const char *registry)
{
    for (struct nbn_claim *c = names->claims; c; c = c->next)
        if (c->from == from && nb_name_equal(&c->question.name, name) && strcmp(c->registry, registry) == 0)
            return c;
    return NULL;
}

static void want(struct nbn *names, const struct nbn_socket *from, const struct nb_name *name, const char *registry)
{
    struct nbn_claim *c = find_claim(names, from, name, registry);
    if (c == NULL) {
        c = sl_new(sizeof *c);
        *c = (struct nbn_claim){.names = names, .from = from, .registry = sl_strdup(registry), .next = names->claims};
        c->question = (struct nbc_question){
            .name = *name, .address = sl_endpoint_ip4_of(&from->endpoint), .nb_flags = NB_NODE_MASK, .ttl_s = TTL_S};
        c->timer = host_timer_new(names->loop, step, c);
        names->claims = c;
        host_timer_start(c->timer, 0);
    } else if (c->phase == NBN_YIELDING) {
        c->phase = NBN_REGISTERING;
        c->ttl_s = 0; /* somebody may have taken it over: registered, not refreshed */
        host_timer_start(c->timer, 0);
    }
    c->is_wanted = true;
}

static void wish(struct nbn_wishes *wishes, const struct sm_target *target, const char *text, uint32_t address)
{
    struct nbn_wish w = {.registry = sl_strdup(target->uri), .address = address};
    bool fits = nb_name_make(text, NB_SMS, &w.name);
    sl_assert(fits);
    wishes->items = sl_grow(wishes->items, wishes->count, sizeof *wishes->items);
    wishes->items[wishes->count++] = w;
}

static void wishes_fini(struct nbn_wishes *wishes)
{
    for (size_t i = 0; i < wishes->count; i++)
        free(wishes->items[i].registry);
    free(wishes->items);
    *wishes = (struct nbn_wishes){0};
}

/* Q7: a cluster has both names. The server locator point is registered where an administrator said so. */
static void wish_site(struct nbn_wishes *wishes, const struct sm_snapshot *site)
{
    const struct sm_mp *mp = sm_default_mp(site);
    char text[NB_NAME_LEN];
    uint32_t slp;
    for (size_t t = 0; t < site->target_count && !site->site.is_unpublished; t++) {
        const struct sm_target *target = &site->targets[t];
        if (!sm_target_is_registry(target))
            continue;
        if (target->slp && sl_ip4_parse(target->slp, &slp))
            wish(wishes, target, NBN_SLP_NAME, slp);
        if (mp == NULL || mp->ip4 == 0)
            continue;
        snprintf(text, sizeof text, "MP_%.3s", site->site.code);
        wish(wishes, target, text, mp->ip4);
        snprintf(text, sizeof text, "NLB_%.3s", site->site.code);
        if (mp->is_nlb)
            wish(wishes, target, text, mp->ip4);
    }
}

/* From the socket of its address; what we have registered for another one is passed on. */
static void grant(struct nbn *names, const struct nbn_wish *w)
{
    for (size_t i = 0; i < names->socket_count; i++)
        if (sl_endpoint_ip4_of(&names->sockets[i].endpoint) == w->address)
            want(names, &names->sockets[i], &w->name, w->registry);
    for (struct nbn_claim *c = names->claims; c; c = c->next)
        if (c->question.address != w->address && nb_name_equal(&c->question.name, &w->name) &&
            strcmp(c->registry, w->registry) == 0)
            c->is_passed_on = true;
}

/* Gives up what is not wanted. A claim that was refused is released too: an answer may have been lost. What is passed on is never
 * released at once, not even before its registration was answered: it may have succeeded, and then nobody would have the name. */
static void give_up_unwanted(struct nbn *names)
{
    struct nbn_claim *next;
    for (struct nbn_claim *c = names->claims; c; c = next) {
        bool is_passed_on = c->is_passed_on && !names->is_ending;
        next = c->next; /* `release` frees at most c itself */
        if (c->is_wanted || c->phase == NBN_RELEASING)
            continue;
        if (!is_passed_on)
            release(c);
        else if (c->phase != NBN_YIELDING)
            yield(c);
    }
}

void nbn_set_sites(struct nbn *names, const struct sm_snapshot *const *sites, size_t count)
{
    struct nbn_wishes wishes = {0};
    SL_CHECK_MAGIC(names, NBN_MAGIC);
    for (size_t i = 0; i < count; i++)
        wish_site(&wishes, sites[i]);
    pthread_mutex_lock(&names->mutex);
    struct nbn_wishes before = names->wishes;
    names->wishes = wishes;
    names->has_wishes = true;
    pthread_mutex_unlock(&names->mutex);
    wishes_fini(&before);
    nbn_wake(names);
}

static void grant_all(struct nbn *names)
{
    if (!names->has_wishes || names->is_ending)
        return;
    for (struct nbn_claim *c = names->claims; c; c = c->next)
        c->is_wanted = c->is_passed_on = false;
    for (size_t i = 0; i < names->wishes.count; i++)
        grant(names, &names->wishes.items[i]);
    give_up_unwanted(names);
    wishes_fini(&names->wishes);
    names->has_wishes = false;
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

static void on_wake(int fd, unsigned events, void *ctx)
{
    struct nbn *names = ctx;
    uint64_t count;
    (void)events;
    (void)!read(fd, &count, sizeof count);
    pthread_mutex_lock(&names->mutex);
    grant_all(names);
    nbn_lookups_collect(names, looked_up);
    bool is_poked = atomic_exchange(&names->is_poked, false);
    for (struct nbn_claim *c = names->claims; c && is_poked; c = c->next)
        if (!c->in_flight && c->phase != NBN_YIELDING)
            host_timer_start(c->timer, 0);
    pthread_mutex_unlock(&names->mutex);
}

void nbn_wake(struct nbn *names)
{
    const uint64_t one = 1;
    (void)!write(names->wake_fd, &one, sizeof one); /* fails only when it is readable anyhow */
}

void nbn_poke(struct nbn *names)
{
    atomic_store(&names->is_poked, true);
    nbn_wake(names);
}

static enum sl_status open_socket(struct nbn *names, const struct sl_endpoint *address, struct sl_error *e)
{
    struct nbn_socket *s = &names->sockets[names->socket_count];
    enum sl_status status = nbc_open(address, &s->fd, e);
    if (status)
        return sl_fail_in(e, status, "NetBIOS name service");
    s->names = names;
    s->endpoint = *address;
    s->watch = host_watch_new(names->loop, s->fd, HOST_READ, on_readable, s);
    names->socket_count++;
    return SL_OK;
}

enum sl_status nbn_open(struct host_loop *loop, const struct sl_endpoint *addresses, size_t count, struct nbn **ret_names,
                        struct sl_error *e)
{
    if (count > NBN_ADDRESSES_MAX)
        return sl_fail(e, SL_USAGE, "at most %d NetBIOS addresses, not %zu", NBN_ADDRESSES_MAX, count);
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0)
        return sl_fail(e, SL_IO, "eventfd: %s", strerror(errno));
    struct nbn *names = sl_new(sizeof *names);
    *names = (struct nbn){.magic = NBN_MAGIC, .loop = loop, .wake_fd = wake_fd};
    pthread_mutex_init(&names->mutex, NULL);
    names->wake_watch = host_watch_new(loop, wake_fd, HOST_READ, on_wake, names);
    for (size_t i = 0; i < count; i++) {
        enum sl_status s = open_socket(names, &addresses[i], e);
        if (s) {
            nbn_close(names);
            return s;
        }
    }
    *ret_names = names;
    return SL_OK;
}

void nbn_each(struct nbn *names, void (*fn)(const struct nbn_state *state, void *ctx), void *ctx)
{
    SL_CHECK_MAGIC(names, NBN_MAGIC);
    pthread_mutex_lock(&names->mutex);
    for (const struct nbn_claim *c = names->claims; c; c = c->next) {
        const struct nb_name_text name = nb_name_text(&c->question.name);
        const struct sl_ip4_text address = sl_ip4_text(c->question.address);
        fn(&(struct nbn_state){.name = name.text, .address = address.text, .registry = c->registry, .detail = c->detail,
                               .state = phase_words[c->phase], .ttl_s = c->ttl_s},
           ctx);
    }
    pthread_mutex_unlock(&names->mutex);
}

static void end_now(void *ctx)
{
    struct nbn *names = ctx;
    names->done(names->done_ctx);
}

void nbn_release_all(struct nbn *names, host_fn *done, void *ctx)
{
    SL_CHECK_MAGIC(names, NBN_MAGIC);
    pthread_mutex_lock(&names->mutex);
    names->is_ending = true;
    names->done = done;
    names->done_ctx = ctx;
    for (struct nbn_claim *c = names->claims; c; c = c->next)
        c->is_wanted = false;
    names->end_timer = host_timer_new(names->loop, end_now, names);
    host_timer_start(names->end_timer, NBN_RELEASE_MS);
    give_up_unwanted(names);
    end_if_empty(names);
    pthread_mutex_unlock(&names->mutex);
}

void nbn_close(struct nbn *names)
{
    if (names == NULL)
        return;
    SL_CHECK_MAGIC(names, NBN_MAGIC);
    while (names->claims) {
        struct nbn_claim *c = names->claims;
        names->claims = c->next;
        claim_free(c);
    }
    nbn_lookups_end(names);
    for (size_t i = 0; i < names->socket_count; i++) {
        host_watch_free(names->sockets[i].watch);
        close(names->sockets[i].fd);
    }
    host_timer_free(names->end_timer);
    host_watch_free(names->wake_watch);
    close(names->wake_fd);
    wishes_fini(&names->wishes);
    pthread_mutex_destroy(&names->mutex);
    names->magic = 0;
    free(names);
}
