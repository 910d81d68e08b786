/*
 * snapshot.h - the mirrors of a cache in memory, for many questions: their entries, and an index of the address ranges in them.
 *
 * A snapshot is made when it is first asked for and made anew when the mirrors have changed, which is looked for CACHE_LOOK_MS
 * apart at least: so long a change of another process may go unseen. It never changes and is counted: any thread.
 */
#ifndef SL_LOCATOR_CACHE_SNAPSHOT_H
#define SL_LOCATOR_CACHE_SNAPSHOT_H

#include "locator/cache/cache.h"
#include "locator/model/range.h"
#include "locator/net/ldapc.h"

enum { CACHE_LOOK_MS = 100, CACHE_MIRRORS_MAX = 64 };

struct cache_snapshot;

/* One mirror of a snapshot; valid as long as that. */
struct cache_view {
    char *source, *container, *server, *trust;
    size_t first, count;      /* its entries in those of the snapshot; ranges come last */
    size_t range_count;
    struct lm_ranges *ranges; /* the value is the index of the entry in the snapshot */
};

/* The mirrors as they are; *ret_snapshot is released by cache_snapshot_release. */
enum sl_status cache_snapshot_get(struct cache *c, struct cache_snapshot **ret_snapshot, struct sl_error *e) SL_MUST;
/* Releases a snapshot. */
void cache_snapshot_release(struct cache *c, struct cache_snapshot *snapshot);
/* Number of mirrors, and one of them. */
size_t cache_snapshot_count(const struct cache_snapshot *snapshot);
const struct cache_view *cache_snapshot_view(const struct cache_snapshot *snapshot, size_t index); /* as above */
/* An entry of the snapshot. */
const struct ldapc_entry *cache_snapshot_entry(const struct cache_snapshot *snapshot, size_t index);

#endif
