/*
 * suspect.h - answers that turned out to be of no use, by their ids, each suspect until a time, for every user of the cache.
 *
 * Such a mark is on disk when it was made, unlike what is kept of answers: who reports a failure counts on it.
 */
#ifndef SL_LOCATOR_CACHE_SUSPECT_H
#define SL_LOCATOR_CACHE_SUSPECT_H

#include "locator/cache/cache.h"

enum { CACHE_SUSPECTS_MAX = 1000 }; /* those that end first go first */

/* Marks an answer, in place of an earlier mark; one that ends at `now_s` or before takes it back. Marks that have ended go. */
enum sl_status cache_suspect(struct cache *c, const char *id, int64_t until_s, int64_t now_s, struct sl_error *e) SL_MUST;
/* Until when an answer is suspect, 0 when it is not. */
enum sl_status cache_suspect_until(struct cache *c, const char *id, int64_t now_s, int64_t *ret_until_s,
                                   struct sl_error *e) SL_MUST;

#endif
