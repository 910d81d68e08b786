/*
 * private.h - what the files of locator/cache share.
 */
#ifndef SL_LOCATOR_CACHE_PRIVATE_H
#define SL_LOCATOR_CACHE_PRIVATE_H

#include "common/db/db.h"
#include "locator/cache/cache.h"

/* Work on the open database, under the lock; is done again, from its start, in a new file when the old one proves damaged. */
typedef enum sl_status cache_work(struct db *db, void *ctx, struct sl_error *e);

/* Opens the cache if need be, and does the work. */
enum sl_status cache_do(struct cache *c, cache_work *work, void *ctx, struct sl_error *e) SL_MUST;
/* The same in one transaction that writes. */
enum sl_status cache_change(struct cache *c, cache_work *work, void *ctx, struct sl_error *e) SL_MUST;

#endif
