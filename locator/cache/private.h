/*
 * private.h - what the files of locator/cache share.
 */
#ifndef SL_LOCATOR_CACHE_PRIVATE_H
#define SL_LOCATOR_CACHE_PRIVATE_H

#include "common/base/text.h"
#include "common/db/db.h"
#include "locator/cache/cache.h"
#include "locator/net/ldapc.h"

struct cache_snapshot;

/* Work on the open database, under the lock; is done again, from its start, in a new file when the old one proves damaged. */
typedef enum sl_status cache_work(struct db *db, void *ctx, struct sl_error *e);

/* Opens the cache if need be, and does the work. */
enum sl_status cache_do(struct cache *c, cache_work *work, void *ctx, struct sl_error *e) SL_MUST;
/* The same in one transaction that writes. */
enum sl_status cache_change(struct cache *c, cache_work *work, void *ctx, struct sl_error *e) SL_MUST;

/* The snapshot that was last made of a cache, and when it was looked at; for snapshot.c, under the lock. */
struct cache_shot {
    struct cache_snapshot *last; /* NULL: none */
    int64_t looked_ms;
};
struct cache_shot *cache_shot_lock(struct cache *c);
void cache_shot_unlock(struct cache *c); /* as above */
/* One reference less; NULL is accepted. Called with that lock, or when nobody else has the cache. */
void cache_shot_drop(struct cache_snapshot *snapshot);

/* Appends an entry as octets; `out` has failed when it does not fit. */
void cache_entry_pack(const struct ldapc_entry *entry, struct sl_text *out);
/* Appends the entry that octets stand for to a result; SL_CORRUPT when they are none. */
enum sl_status cache_entry_unpack(const void *octets, size_t len, struct ldapc_entries *entries, struct sl_error *e) SL_MUST;

#endif
