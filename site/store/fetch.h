/*
 * fetch.h - the packages that a distribution point on a host of its own has to fetch, and how far it has come.
 *
 * A distribution point that fetches says so once (sst_fetch_begin). From then on sst_locate names it for a package with content
 * only when it has written down that it holds the package, every file compared with its hash. What is written here does not
 * move the generation: it is read where it is needed, and is no reason to publish. A package that is removed takes its row along.
 *
 * The others share the content library of the site server, which stands for all of them under the name SST_SHARED. What was
 * copied into it is there; it has to fetch what came down from another site (flow.h), and what it has lost.
 */
#ifndef SL_SITE_STORE_FETCH_H
#define SL_SITE_STORE_FETCH_H

#include "site/store/store.h"

#define SST_SHARED "" /* in the place of the host name of a distribution point */

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
/*
 * Where else these very files are: the URLs of distribution points here, then those of the site that the package comes from: its
 * site server, its distribution points. At most `max`.
 */
enum sl_status sst_fetch_sources(struct sst *store, const char *dp, const struct sst_task *task, size_t max,
                                    struct sl_strings *ret_urls, struct sl_error *e) SL_MUST;
/* How far it has come; borrowed for the call. */
struct sst_note {
    enum sst_fetch_state state;
    const char *message;   /* "", or why it failed, or what was lost */
    uint64_t octets, size; /* that are here, of how many, each file once */
    int64_t now_s;
};
/*
 * Writes it down. A package that was removed, or has other content by now, is left alone: there is no such task any more.
 * One that becomes available for the first time counts as verified now, since each of its files was compared when it came.
 */
enum sl_status sst_fetch_note(struct sst *store, const char *dp, const struct sst_task *task, const struct sst_note *note,
                              struct sl_error *e) SL_MUST;
/* Writes down how many octets are here by now, of a package that is being fetched; nobody forgets anything because of that. */
enum sl_status sst_fetch_progress(struct sst *store, const char *dp, const struct sst_task *task, uint64_t octets,
                                  struct sl_error *e) SL_MUST;

/* ---- verifying: the site server asks, the distribution point answers --------------------------------------------------- */

/* What was lost of a package that had been fetched. */
struct sst_finding {
    size_t damaged, missing; /* files */
    const char *text;        /* names them, or some; "" when none is */
};

/* Asks those that fetch to compare a package, NULL: all packages of the site that they hold. Asked twice is asked once. */
enum sl_status sst_ask(struct sst *store, const char *site, const char *package, struct sl_error *e) SL_MUST;
/* True in *ret_asked when this one is asked for anything. Cheap enough for every second. */
enum sl_status sst_is_asked(struct sst *store, const char *dp, bool *ret_asked, struct sl_error *e) SL_MUST;
/* What it is asked for. Released by sst_tasks_fini. */
enum sl_status sst_asked_tasks(struct sst *store, const char *dp, struct sst_tasks *ret_tasks, struct sl_error *e) SL_MUST;
/* Those whose package has a file of this hash. Released by sst_tasks_fini. */
enum sl_status sst_sharing_tasks(struct sst *store, const char *dp, const char *sha256, struct sst_tasks *ret_tasks,
                                 struct sl_error *e) SL_MUST;
/* Shows that it is at it. */
enum sl_status sst_give_sign(struct sst *store, const char *dp, struct sl_error *e) SL_MUST;
/*
 * Writes down that all files of a package were compared and what was found, NULL: they were not, since it is not all here. Either
 * way nobody asks any more.
 */
enum sl_status sst_verified(struct sst *store, const char *dp, const struct sst_task *task, const struct sst_finding *finding,
                            int64_t now_s, struct sl_error *e) SL_MUST;

/* One that has not answered yet. */
struct sst_waiting {
    char *dp;
    int64_t signs; /* moves while it is at it */
};
/* Those that have not answered about a package, NULL: about all of the site, by name; malloc'd, each released with free(dp). */
enum sl_status sst_waiting(struct sst *store, const char *site, const char *package, struct sst_waiting **ret_list,
                           size_t *ret_count, struct sl_error *e) SL_MUST;

/* ---- how it is ---------------------------------------------------------------------------------------------------------- */

/* How a package is on one distribution point. */
struct sst_holding {
    char *package, *dp;
    uint32_t version;
    const char *state; /* a literal: the word of a state, "waiting" before the first, "shared" where all is there, unfetched */
    bool is_shared;    /* it has what the content library of the site server has */
    char *message;
    int64_t changed_s;  /* 0: never */
    uint64_t octets, size; /* that are there, of how many; 0 of 0 before it was looked at, and where nobody fetches */
    int64_t verified_s; /* when all of it was last compared; 0: never */
    size_t damaged, missing; /* files that were lost then, which have been fetched again since when it is available */
    char *finding;           /* their names */
    bool is_asked;           /* it has been asked to compare it, and has not answered */
};

/* Which packages are told of. */
enum sst_which {
    SST_ONE,         /* of this id */
    SST_NOT_THERE,   /* those that are not everywhere they should be */
    SST_ALL_CONTENT, /* those with content */
};
/*
 * By package and host, at most `max` (no more than SST_ROWS_MAX), malloc'd: each is released by sst_holding_fini. `package` is
 * for SST_ONE, else NULL.
 */
enum sl_status sst_holdings(struct sst *store, const char *site, enum sst_which which, const char *package, size_t max,
                            struct sst_holding **ret_list, size_t *ret_count, struct sl_error *e) SL_MUST;
/* True when the distribution point does not have what it should. */
bool sst_is_wanting(const struct sst_holding *holding);
/* Frees what it owns. */
void sst_holding_fini(struct sst_holding *holding);

#endif
