/*
 * fetch.h - the packages that a distribution point on a host of its own has to fetch, and how far it has come.
 *
 * A distribution point that fetches says so once (sst_fetch_begin). From then on sst_locate names it for a package with content
 * only when it has written down that it holds the package, every file compared with its hash. What is written here does not
 * move the generation: it is read where it is needed, and is no reason to publish. A package that is removed takes its row along.
 */
#ifndef SL_SITE_STORE_FETCH_H
#define SL_SITE_STORE_FETCH_H

#include "site/store/store.h"

/* state, its word */
#define SST_FETCH_TABLE(X)                                                                                             \
    X(FETCHING, "fetching")                                                                                            \
    X(FAILED, "failed")                                                                                                \
    X(AVAILABLE, "available")

enum sst_fetch_state {
#define SST_FETCH_ENUM(name, word) SST_##name,
    SST_FETCH_TABLE(SST_FETCH_ENUM)
#undef SST_FETCH_ENUM
};

/* A package with content that lies on the distribution point. */
struct sst_task {
    char site[SM_CODE_LEN + 1];
    char *server; /* host of its site server */
    char *package;
    uint32_t version;
    char sha256[SM_SHA256_SIZE]; /* over its files */
    bool is_available;
};

struct sst_tasks {
    struct sst_task *items; /* by sha256 */
    size_t count;
};

/* Says that the distribution point of this host name fetches; *ret_known is false when no site has such a one. */
enum sl_status sst_fetch_begin(struct sst *store, const char *dp, bool *ret_known, struct sl_error *e) SL_MUST;
/* What it is to hold, in whatever site; at most SST_ROWS_MAX. Released by sst_tasks_fini. */
enum sl_status sst_fetch_tasks(struct sst *store, const char *dp, struct sst_tasks *ret_tasks, struct sl_error *e) SL_MUST;
/* Frees what it owns and clears it. */
void sst_tasks_fini(struct sst_tasks *tasks);
/* The URLs of other distribution points that hold this very package, each ending in '/'; at most `max`. */
enum sl_status sst_fetch_neighbours(struct sst *store, const char *dp, const struct sst_task *task, size_t max,
                                    struct sl_strings *ret_urls, struct sl_error *e) SL_MUST;
/*
 * Writes down how far it has come, `message` "" or why it failed. A package that was removed, or has other content by now, is
 * left alone: there is no such task any more.
 */
enum sl_status sst_fetch_note(struct sst *store, const char *dp, const struct sst_task *task, enum sst_fetch_state state,
                              const char *message, int64_t now_s, struct sl_error *e) SL_MUST;

/* How a package is on one distribution point. */
struct sst_holding {
    char *package, *dp;
    uint32_t version;
    const char *state; /* the word of a state, "waiting" before the first, "shared" where nobody fetches; a literal */
    char *message;
    int64_t changed_s;  /* 0: never */
};

/*
 * Those of `package`, or of all packages that are not everywhere they should be when it is NULL, by package and host; at most
 * `max`, malloc'd: each is released by sst_holding_fini.
 */
enum sl_status sst_holdings(struct sst *store, const char *site, const char *package, size_t max, struct sst_holding **ret_list,
                            size_t *ret_count, struct sl_error *e) SL_MUST;
/* True when the distribution point fetches and does not have it. */
bool sst_is_wanting(const struct sst_holding *holding);
/* Frees what it owns. */
void sst_holding_fini(struct sst_holding *holding);

#endif
