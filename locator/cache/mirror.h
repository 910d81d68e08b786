/*
 * mirror.h - copies of directories in the cache, which who watches a directory keeps current.
 *
 * A mirror holds the published objects of one source, by the identity that the server gives them. What belongs together is
 * applied in one transaction, so that readers see only states that the directory was in. `current_s` is when it was last known
 * to be current: one that has not been confirmed for CACHE_CONFIRMED_S is stale since then, also when its watcher was killed. So
 * is one that was confirmed in the future: nobody knows how long ago that was, before the clock was set back.
 */
#ifndef SL_LOCATOR_CACHE_MIRROR_H
#define SL_LOCATOR_CACHE_MIRROR_H

#include "locator/cache/cache.h"
#include "locator/net/ldapc.h"

enum { CACHE_CONFIRM_S = 10, CACHE_CONFIRMED_S = 3 * CACHE_CONFIRM_S };

/* What is known of a mirror beside its entries. Texts are never NULL. */
struct cache_mirror {
    const char *source, *container, *server, *trust;
    int64_t current_s;     /* when it was last known to be current; 0 = never */
    int64_t stale_since_s; /* 0 = as far as its watcher knows it is current */
    const char *why;       /* it is stale, or "" */
};

/* Since when a mirror is stale, as at `now_s`, and never later than that; 0 when it is current. */
int64_t cache_stale_since(const struct cache_mirror *m, int64_t now_s);

enum cache_edit { CACHE_PUT, CACHE_DROP, CACHE_MENTION };

/* Edits to be applied together; all zero is none. Copies what it is given. */
struct cache_edits {
    struct cache_edit_row *rows;
    size_t count, octets;
};

/* Adds an edit; `entry` for CACHE_PUT only. SL_LIMIT when there is no room left. */
enum sl_status cache_edit(struct cache_edits *edits, enum cache_edit what, const uint8_t uuid[LDAPC_UUID_LEN],
                          const struct ldapc_entry *entry, struct sl_error *e) SL_MUST;
/* Frees them and empties the list. */
void cache_edits_fini(struct cache_edits *edits);

/* Told of what an edit has changed: the word "added", "changed" or "deleted", and the DN. */
typedef void cache_changed(void *ctx, const char *what, const char *dn);

struct cache_apply {
    const struct cache_mirror *mirror; /* whose state is replaced by this */
    const struct cache_edits *edits;
    bool rest_is_gone;  /* entries that no edit mentions are dropped */
    cache_changed *changed;
    void *ctx;
};

/* Applies edits in one transaction; who is told of changes is told before it has ended. */
enum sl_status cache_mirror_apply(struct cache *c, const struct cache_apply *apply, struct sl_error *e) SL_MUST;
/* Tells of one mirror; what it points to is valid during the call only. */
typedef void cache_mirror_taker(void *ctx, const struct cache_mirror *mirror);
/* Every mirror, by source. */
enum sl_status cache_mirror_list(struct cache *c, cache_mirror_taker *take, void *ctx, struct sl_error *e) SL_MUST;
/* Notes that a mirror was current at `now_s`, or that it is stale since then, and why; `why` "" is current. */
enum sl_status cache_mirror_note(struct cache *c, const char *source, int64_t now_s, const char *why, struct sl_error *e) SL_MUST;

#endif
