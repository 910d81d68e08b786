#include "site/store/pool.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "site/store/private.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define POOL_MAGIC 0x51735703u

struct sst_pool {
    uint32_t magic;
    char *path;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    struct sst *idle[SST_POOL_MAX];
    size_t idle_count;
    size_t borrowed;
    uint64_t era;           /* counts the databases that have been here, by the connections lost */
    struct sst_map *map;    /* of this era; NULL: none yet */
    bool is_ended;
    struct sl_error refusal; /* of who asks while the database is silent; status SL_OK: it is not */
    struct sl_cancel cut;    /* told while there is a refusal */
    struct db_patience patience; /* of all connections but the next */
    struct sst *probe;           /* of the thread that probes */
    pthread_mutex_t making; /* of a map; taken before `mutex` */
};

struct sst_pool *sst_pool_new(const char *path)
{
    struct sst_pool *pool = sl_new(sizeof *pool);
    pool->magic = POOL_MAGIC;
    pool->path = sl_strdup(path);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_mutex_init(&pool->making, NULL);
    pthread_cond_init(&pool->returned, NULL);
    enum sl_status status = sl_cancel_init(&pool->cut, NULL);
    sl_assert(status == SL_OK);
    pool->patience = (struct db_patience){.cancel = &pool->cut};
    return pool;
}

static void end_probe(struct sst_pool *pool)
{
    sst_close(pool->probe);
    pool->probe = NULL;
}

void sst_pool_free(struct sst_pool *pool)
{
    if (pool == NULL)
        return;
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    sl_assert(pool->borrowed == 0);
    for (size_t i = 0; i < pool->idle_count; i++)
        sst_close(pool->idle[i]);
    end_probe(pool);
    sl_cancel_fini(&pool->cut);
    sst_map_release(pool->map);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->making);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->path);
    pool->magic = 0;
    free(pool);
}

/* ---- silence ------------------------------------------------------------------------------------------------------------ */

/* With the mutex held. */
static void refuse(struct sst_pool *pool, enum sl_status status, const char *why)
{
    (void)!sl_fail(&pool->refusal, status, "%s", why);
    sl_cancel_tell(&pool->cut);
}

enum sl_status sst_pool_admit(struct sst_pool *pool, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    pthread_mutex_lock(&pool->mutex);
    struct sl_error refusal = pool->refusal;
    pthread_mutex_unlock(&pool->mutex);
    return refusal.status == SL_OK ? SL_OK : sl_fail(e, refusal.status, "%s", refusal.text);
}

void sst_pool_end(struct sst_pool *pool)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    pthread_mutex_lock(&pool->mutex);
    pool->is_ended = true;
    refuse(pool, SL_CANCELED, "this program is stopping");
    pthread_mutex_unlock(&pool->mutex);
}

/* What was seen is what all are told. Only silence is: whatever else is wrong everybody finds out at once. */
static void tell(struct sst_pool *pool, enum sl_status status, const struct sl_error *e)
{
    pthread_mutex_lock(&pool->mutex);
    if (!pool->is_ended && status == SL_TIMEOUT) {
        refuse(pool, status, e->text);
    } else if (!pool->is_ended && pool->refusal.status != SL_OK) {
        pool->refusal = (struct sl_error){.status = SL_OK};
        sl_cancel_renew(&pool->cut);
    }
    pthread_mutex_unlock(&pool->mutex);
}

enum sl_status sst_pool_probe(struct sst_pool *pool, const struct sl_cancel *stop, struct sst_counters *ret_counters,
                              struct sl_error *e)
{
    const struct db_patience patience = {.answer_ms = SST_SILENCE_MS, .cancel = stop};
    enum sl_status status = SL_OK;
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    if (pool->probe != NULL && !sst_is_current(pool->probe))
        end_probe(pool);
    if (pool->probe != NULL)
        db_heed(pool->probe->db, stop);
    else
        status = sst_open_patient(pool->path, SST_READ_ONLY, &patience, &pool->probe, e);
    if (status == SL_OK)
        status = sst_recheck(pool->probe, e);
    if (status == SL_OK)
        status = sst_generation(pool->probe, &ret_counters->generation, e);
    if (status == SL_OK) {
        ret_counters->fetched = sst_fetched(pool->probe);
        db_heed(pool->probe->db, NULL); /* which need not live as long */
    } else {
        end_probe(pool);
    }
    tell(pool, status, e);
    if (status == SL_FOREIGN) /* others may have it open still, from before it was so */
        sst_pool_renew(pool);
    return status;
}

/* ---- connections -------------------------------------------------------------------------------------------------------- */

enum sl_status sst_pool_open(struct sst_pool *pool, enum sst_mode mode, struct sst **ret_store, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    enum sl_status status = sst_pool_admit(pool, e);
    return status == SL_OK ? sst_open_patient(pool->path, mode, &pool->patience, ret_store, e) : status;
}

enum sl_status sst_pool_lock(struct sst_pool *pool, struct sst_lock **ret_lock, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    enum sl_status status = sst_pool_admit(pool, e);
    return status == SL_OK ? sst_lock_patient(pool->path, &pool->patience, ret_lock, e) : status;
}

/* Waits for its turn and takes an idle connection, or NULL when one must be opened; *ret_era is what that one is to have. */
static struct sst *take(struct sst_pool *pool, uint64_t *ret_era)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->borrowed == SST_POOL_MAX)
        pthread_cond_wait(&pool->returned, &pool->mutex);
    pool->borrowed++;
    struct sst *store = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
    *ret_era = pool->era;
    pthread_mutex_unlock(&pool->mutex);
    return store;
}

/* Returns the connection when it is not to be used again; NULL is nothing to close. */
static struct sst *put(struct sst_pool *pool, struct sst *store)
{
    pthread_mutex_lock(&pool->mutex);
    sl_assert(pool->borrowed > 0 && pool->idle_count < SST_POOL_MAX);
    pool->borrowed--;
    if (store != NULL && store->era == pool->era) {
        pool->idle[pool->idle_count++] = store;
        store = NULL;
    }
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->mutex);
    return store;
}

/* What connections of this era were to is gone: so are the idle ones, and the map. Returns the era that begins. */
static uint64_t begin_era(struct sst_pool *pool, uint64_t gone)
{
    struct sst *old[SST_POOL_MAX];
    size_t count = 0;
    struct sst_map *map = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (gone == pool->era) {
        count = pool->idle_count;
        memcpy(old, pool->idle, count * sizeof old[0]);
        pool->idle_count = 0;
        map = pool->map;
        pool->map = NULL;
        pool->era++;
    }
    uint64_t era = pool->era;
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < count; i++)
        sst_close(old[i]);
    sst_map_release(map);
    return era;
}

void sst_pool_renew(struct sst_pool *pool)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    pthread_mutex_lock(&pool->mutex);
    uint64_t era = pool->era;
    pthread_mutex_unlock(&pool->mutex);
    end_probe(pool);
    (void)begin_era(pool, era);
}

enum sl_status sst_borrow(struct sst_pool *pool, struct sst **ret_store, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    uint64_t era;
    enum sl_status status = sst_pool_admit(pool, e);
    if (status != SL_OK)
        return status;
    struct sst *store = take(pool, &era);
    if (store != NULL && !sst_is_current(store)) {
        era = begin_era(pool, store->era);
        sst_close(store);
        store = NULL;
    }
    if (store == NULL)
        status = sst_open_patient(pool->path, SST_READ_ONLY, &pool->patience, &store, e);
    if (status != SL_OK) {
        (void)put(pool, NULL);
        return status;
    }
    store->era = era;
    *ret_store = store;
    return SL_OK;
}

void sst_give_back(struct sst_pool *pool, struct sst *store, enum sl_status status)
{
    if (store == NULL)
        return;
    if (status != SL_OK && !sst_is_current(store))
        (void)begin_era(pool, store->era);
    if (status != SL_OK) {
        sst_close(store);
        store = NULL;
    }
    sst_close(put(pool, store));
}

/* ---- the map ------------------------------------------------------------------------------------------------------------ */

/* The map of what the connection sees, if that is the one that is kept; else NULL. */
static enum sl_status kept_map(struct sst_pool *pool, struct sst *store, struct sst_map **ret_map, struct sl_error *e)
{
    int64_t generation = 0;
    enum sl_status status = sst_generation(store, &generation, e);
    if (status != SL_OK)
        return status;
    pthread_mutex_lock(&pool->mutex);
    bool is_it = pool->map != NULL && store->era == pool->era && sst_map_generation(pool->map) == generation;
    *ret_map = is_it ? sst_map_ref(pool->map) : NULL;
    pthread_mutex_unlock(&pool->mutex);
    return SL_OK;
}

/* Keeps a map, unless it is of a database that is gone. */
static void keep_map(struct sst_pool *pool, const struct sst *store, struct sst_map *map)
{
    struct sst_map *old = NULL;
    pthread_mutex_lock(&pool->mutex);
    if (store->era == pool->era) {
        old = pool->map;
        pool->map = sst_map_ref(map);
    }
    pthread_mutex_unlock(&pool->mutex);
    sst_map_release(old);
}

enum sl_status sst_borrow_map(struct sst_pool *pool, struct sst *store, struct sst_map **ret_map, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    struct sst_map *map = NULL;
    enum sl_status status = kept_map(pool, store, &map, e);
    if (status == SL_OK && map == NULL) {
        pthread_mutex_lock(&pool->making);
        status = kept_map(pool, store, &map, e); /* another one may have made it meanwhile */
        if (status == SL_OK && map == NULL) {
            status = sst_map_read(store, &map, e);
            if (status == SL_OK)
                keep_map(pool, store, map);
        }
        pthread_mutex_unlock(&pool->making);
    }
    if (status == SL_OK)
        *ret_map = map;
    return status;
}
