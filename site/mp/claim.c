#include "site/mp/claim.h"

#include "common/base/errand.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "site/store/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RETRY_MIN_MS = 500, RETRY_MAX_MS = 60000 };

/* One key to be sent, and that was sent. */
struct claim {
    char site[SM_CODE_LEN + 1];
    char *host, *owner;
};

struct claims {
    struct claim *items;
    size_t count;
};

struct mp_claims {
    struct mp_claims_options options;
    struct sl_text key; /* ours, public, hexadecimal; "" without one */
    struct sl_errand *errand;
    pthread_mutex_t mutex; /* guards all below */
    struct claims wanting, sent;
};

/* ---- lists -------------------------------------------------------------------------------------------------------------- */

static void clear(struct claims *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].host);
        free(list->items[i].owner);
    }
    free(list->items);
    *list = (struct claims){0};
}

static void add(struct claims *list, const char *site, const char *host, const char *owner)
{
    struct claim claim = {.host = sl_strdup(host), .owner = sl_strdup(owner)};
    (void)sl_text_copy(claim.site, sizeof claim.site, site);
    list->items = sl_resize(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = claim;
}

static bool has(const struct claims *list, const char *site, const char *host)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].site, site) == 0 && sl_text_iequal(list->items[i].host, host))
            return true;
    return false;
}

/* ---- what is wanting ---------------------------------------------------------------------------------------------------- */

/* The management point whose key ours is for `mp`: itself, or that of ours which is a member of it. */
static const char *owner_of(const struct mp_claims *claims, const struct sm_snapshot *site, const struct sm_mp *mp)
{
    for (size_t i = 0; i < mp->member_count; i++) {
        const struct sm_mp *member = sm_find_mp(site, mp->members[i]);
        if (member != NULL && claims->options.is_our_address(member->address, claims->options.ctx))
            return member->host;
    }
    return claims->options.is_our_address(mp->address, claims->options.ctx) ? mp->host : NULL;
}

static const char *key_of(const struct sm_mp *mp, const char *owner)
{
    for (size_t i = 0; i < mp->key_count; i++)
        if (sl_text_iequal(mp->keys[i].owner, owner))
            return mp->keys[i].key;
    return NULL;
}

/* With the mutex held. The site server signs for the key of its own machine first, which may be ours too: it has the time. */
static void look_at(struct mp_claims *claims, const struct sm_snapshot *site, const struct sm_mp *mp)
{
    const char *owner = owner_of(claims, site, mp);
    if (owner == NULL || mp->certificate == NULL || mp_identity_certificate(claims->options.identity, mp) != NULL)
        return;
    const char *there = key_of(mp, owner);
    if (there == NULL || (strcmp(there, sl_text_str(&claims->key)) != 0 && !has(&claims->sent, site->site.code, mp->host)))
        add(&claims->wanting, site->site.code, mp->host, owner);
    else if (strcmp(there, sl_text_str(&claims->key)) != 0)
        sl_log(SL_LOG_WARNING, "key-replaced", "mp=%s text=\"another host has sent its key for it\"", mp->host);
}

void mp_claims_look(struct mp_claims *claims, const struct sm_snapshot *const *sites, size_t count)
{
    if (claims->key.len == 0)
        return;
    pthread_mutex_lock(&claims->mutex);
    clear(&claims->wanting);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sites[i]->mp_count; k++)
            look_at(claims, sites[i], &sites[i]->mps[k]);
    bool is_wanting = claims->wanting.count > 0;
    pthread_mutex_unlock(&claims->mutex);
    if (is_wanting)
        sl_errand_wake(claims->errand);
}

/* ---- sending ------------------------------------------------------------------------------------------------------------ */

static enum sl_status send_all(struct mp_claims *claims, const struct claims *list, struct sl_error *e)
{
    struct sst *store = NULL;
    enum sl_status status = sst_pool_open(claims->options.pool, SST_READ_WRITE, &store, e);
    for (size_t i = 0; i < list->count && status == SL_OK; i++) {
        const struct claim *c = &list->items[i];
        bool changed = false;
        status = sst_claim_key(store, c->site, c->host, c->owner, sl_text_str(&claims->key), &changed, e);
        if (status != SL_OK)
            break;
        if (changed)
            sl_log(SL_LOG_INFO, "key-sent", "site=%s mp=%s owner=%s", c->site, c->host, c->owner);
        pthread_mutex_lock(&claims->mutex);
        if (!has(&claims->sent, c->site, c->host))
            add(&claims->sent, c->site, c->host, c->owner);
        pthread_mutex_unlock(&claims->mutex);
    }
    sst_close(store);
    return status;
}

/* An sl_errand_work. What is still wanting when a change was made is found by the next look. */
static bool run(void *ctx, unsigned failures, const struct sl_cancel *stop)
{
    struct mp_claims *claims = ctx;
    struct sl_error e = {0};
    pthread_mutex_lock(&claims->mutex);
    struct claims list = claims->wanting;
    claims->wanting = (struct claims){0};
    pthread_mutex_unlock(&claims->mutex);
    enum sl_status status = list.count > 0 ? send_all(claims, &list, &e) : SL_OK;
    if (status != SL_OK && failures == 0 && !sl_cancel_is_told(stop))
        sl_log(SL_LOG_WARNING, "key-not-sent", "text=%s", SL_LOG_TEXT(sl_error_text(&e)));
    pthread_mutex_lock(&claims->mutex);
    if (status != SL_OK && claims->wanting.count == 0) {
        claims->wanting = list;
        list = (struct claims){0};
    }
    pthread_mutex_unlock(&claims->mutex);
    clear(&list);
    return status == SL_OK;
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

enum sl_status mp_claims_new(const struct mp_claims_options *options, struct mp_claims **ret_claims, struct sl_error *e)
{
    struct mp_claims *claims = sl_new(sizeof *claims);
    const struct proof_key *key = mp_identity_key(options->identity);
    *claims = (struct mp_claims){.options = *options, .key = sl_text_new(2 * PROOF_KEY_MAX + 1)};
    if (key != NULL)
        proof_hex(&claims->key, proof_key_public(key)->der, proof_key_public(key)->len);
    pthread_mutex_init(&claims->mutex, NULL);
    const struct sl_errand_work work = {.run = run, .ctx = claims, .retry_min_ms = RETRY_MIN_MS, .retry_max_ms = RETRY_MAX_MS};
    enum sl_status status = sl_errand_start(&work, &claims->errand, e);
    if (status == SL_OK)
        *ret_claims = claims;
    else
        mp_claims_free(claims);
    return status;
}

void mp_claims_free(struct mp_claims *claims)
{
    if (claims == NULL)
        return;
    sl_errand_end(claims->errand);
    clear(&claims->wanting);
    clear(&claims->sent);
    sl_text_fini(&claims->key);
    pthread_mutex_destroy(&claims->mutex);
    free(claims);
}
