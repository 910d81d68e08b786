#include "site/store/pool.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdlib.h>

#define POOL_MAGIC 0x51735703u

struct sst_pool {
    uint32_t magic;
    char *path;
    pthread_mutex_t mutex;
    pthread_cond_t returned;
    struct sst *idle[SST_POOL_MAX];
    size_t idle_count;
    size_t borrowed;
};

struct sst_pool *sst_pool_new(const char *path)
{
    struct sst_pool *pool = sl_new(sizeof *pool);
    pool->magic = POOL_MAGIC;
    pool->path = sl_strdup(path);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->returned, NULL);
    return pool;
}

void sst_pool_free(struct sst_pool *pool)
{
    if (pool == NULL)
        return;
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    sl_assert(pool->borrowed == 0);
    for (size_t i = 0; i < pool->idle_count; i++)
        sst_close(pool->idle[i]);
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->path);
    pool->magic = 0;
    free(pool);
}

/* Waits for its turn and takes an idle connection, or NULL when one must be opened. */
static struct sst *take(struct sst_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->borrowed == SST_POOL_MAX)
        pthread_cond_wait(&pool->returned, &pool->mutex);
    pool->borrowed++;
    struct sst *store = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
    pthread_mutex_unlock(&pool->mutex);
    return store;
}

static void put(struct sst_pool *pool, struct sst *store)
{
    pthread_mutex_lock(&pool->mutex);
    sl_assert(pool->borrowed > 0 && pool->idle_count < SST_POOL_MAX);
    pool->borrowed--;
    if (store != NULL)
        pool->idle[pool->idle_count++] = store;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->mutex);
}

enum sl_status sst_borrow(struct sst_pool *pool, struct sst **ret_store, struct sl_error *e)
{
    SL_CHECK_MAGIC(pool, POOL_MAGIC);
    struct sst *store = take(pool);
    enum sl_status status = SL_OK;
    if (store != NULL && !sst_is_current(store)) {
        sst_close(store);
        store = NULL;
    }
    if (store == NULL)
        status = sst_open(pool->path, SST_READ_ONLY, &store, e);
    if (status != SL_OK) {
        put(pool, NULL);
        return status;
    }
    *ret_store = store;
    return SL_OK;
}

void sst_give_back(struct sst_pool *pool, struct sst *store, enum sl_status status)
{
    if (store == NULL)
        return;
    if (status != SL_OK)
        sst_close(store);
    put(pool, status == SL_OK ? store : NULL);
}
