/*
 * cache.h - what sources have answered, kept on disk with where it came from and since when; and copies of whole directories
 * that are kept current (mirror.h).
 *
 * One SQLite file, used by any number of processes and threads at once. A struct cache is opened by its first use, so that who
 * has one and does not use it pays nothing. What is in the file is as trustworthy as the file: one that somebody else owns or may
 * write is not used (SL_DENIED).
 *
 * A cache is an aid and never in the way: a lock is waited for CACHE_WAIT_MS at most, writes are not synced one by one (after
 * a crash of the machine the last ones may be missing), and a file that is damaged is renamed to FILE.damaged, told by
 * cache_notice, and begun anew. That is done to regular files of our own whose name ends in ".db" only, and never to a
 * database of another program, or of a newer version of this one (SL_FOREIGN).
 *
 * Threads: any; a cache has a lock of its own.
 */
#ifndef SL_LOCATOR_CACHE_CACHE_H
#define SL_LOCATOR_CACHE_CACHE_H

#include "common/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CACHE_WAIT_MS = 250,
    CACHE_ANSWERS_MAX = 20000, /* the oldest go first */
    CACHE_BODY_MAX = 4 << 20,  /* octets of an answer; larger ones are not kept */
    CACHE_PATH_MAX = 1024,
};

struct cache;

/* An answer as it is kept. Texts are never NULL. */
struct cache_answer {
    const char *question; /* everything that it depends on, but the source */
    const char *source;   /* URI */
    const char *asked;    /* the question for people: "find mp PS1" */
    const char *result;   /* word */
    const char *server, *owner, *trust;
    int64_t ttl_s, age_s; /* when it was kept; -1 = not known */
    int64_t kept_s;       /* when, seconds since 1970 */
    const void *body;     /* the answer itself, in the form of who keeps it */
    size_t body_len;
};

/* The file of who names none: sitelocator/cache.db below $XDG_CACHE_HOME, else ~/.cache; of root below /var/cache. False: no
 * home. */
bool cache_default_path(char out[CACHE_PATH_MAX]);
/* A cache in this file, which is not touched yet. */
struct cache *cache_new(const char *path);
/* One reference more; returns it. */
struct cache *cache_ref(struct cache *c);
/* One reference less; the last one closes and frees it. NULL is accepted. */
void cache_free(struct cache *c);
/* The path of its file. */
const char *cache_path(const struct cache *c);
/* Takes the notice that the file was damaged and set aside; false when there is none. */
bool cache_notice(struct cache *c, char out[SL_ERROR_TEXT_MAX]);

/* Hands an answer to the caller; what it points to is valid during the call only. */
typedef void cache_taker(void *ctx, const struct cache_answer *answer);

/* Finds the answer of a source to a question, if there is one: `take` is called once or not at all. */
enum sl_status cache_find(struct cache *c, const char *question, const char *source, cache_taker *take, void *ctx,
                          struct sl_error *e) SL_MUST;
/* Keeps answers, each in place of an older one of its source to its question; all in one transaction. */
enum sl_status cache_keep(struct cache *c, const struct cache_answer *answers, size_t count, struct sl_error *e) SL_MUST;
/* Every answer, the newest first; bodies are left out. */
enum sl_status cache_list(struct cache *c, cache_taker *take, void *ctx, struct sl_error *e) SL_MUST;

/* What to forget: at `now_s`, what has outlived its TTL or, with a `max_age_s` that is not negative, that age. */
struct cache_limit {
    int64_t now_s, max_age_s;
};
/* True when an answer is beyond the limit. */
bool cache_is_expired(const struct cache_answer *answer, const struct cache_limit *limit);
/* Forgets what is beyond the limit, or, without one, all answers and mirrors. Tells how many answers. */
enum sl_status cache_flush(struct cache *c, const struct cache_limit *limit, size_t *ret_count, struct sl_error *e) SL_MUST;

#endif
