/*
 * private.h - what the files of site/store share; nobody else includes it.
 */
#ifndef SL_SITE_STORE_PRIVATE_H
#define SL_SITE_STORE_PRIVATE_H

#include "common/db/postgres.h"
#include "locator/model/range.h"
#include "site/store/client.h"
#include "site/store/fetch.h"
#include "site/store/memo.h"

#include <stdatomic.h>

#define SST_MAGIC 0x51735701u

struct sst {
    uint32_t magic;
    struct db *db;
    char *path;
    bool is_file;           /* else PostgreSQL */
    bool is_protected;      /* was to be written and may not be, so that it is only read */
    uint64_t device, inode; /* of the file when it was opened */
    uint64_t era;           /* of its pool, when it was opened */
    int64_t fetched;        /* counts what distribution points have written down (fetch.h), as of the last sst_generation */
};

/* The numbered migrations of the site database. */
extern const struct db_schema sst_schema;

/* sst_open, and sst_lock_server, on a connection that waits so; the lock opens it anew with the same. */
enum sl_status sst_open_patient(const char *path, enum sst_mode mode, const struct db_patience *patience, struct sst **ret_store,
                                struct sl_error *e) SL_MUST;
enum sl_status sst_lock_patient(const char *path, const struct db_patience *patience, struct sst_lock **ret_lock,
                                struct sl_error *e) SL_MUST;

/* The row id of a site; SL_USAGE names the sites there are. */
enum sl_status sst_site_id(struct sst *store, const char *code, int64_t *ret_id, struct sl_error *e) SL_MUST;

/* True when a text is one of `count` others, without case. */
bool sst_is_among(const char *const *texts, size_t count, const char *text);

/* The number that this transaction gives to what it changes (flow.h): that of the whole database once it is committed. */
#define SST_NUMBER "(SELECT generation + fetched + 1 FROM change)"

/*
 * True of a package `p` on a distribution point `d` that can be had there: it has no content that we know of, or all of that is
 * known to be there; of a package of our own on one that shares the content library, also while nothing else is known.
 */
#define SST_STATE_OF "SELECT 1 FROM dp_content c WHERE c.package_id = p.id AND c.dp_id = d.id"
#define SST_IS_THERE                                                                                                   \
    "(p.sha256 IS NULL OR EXISTS (" SST_STATE_OF " AND c.state = 'available') OR (d.is_fetching = 0 AND p.source IS NULL " \
    "AND NOT EXISTS (" SST_STATE_OF "))) "

/* Starts a change of a site: takes the write lock and finds the site. On failure nothing is held. */
enum sl_status sst_change_begin(struct sst *store, const char *site, int64_t *ret_site_id, struct sl_error *e) SL_MUST;
/* Ends it: commits what changed and moves the generation, or takes everything back; `ret_changed` may be NULL. */
enum sl_status sst_change_end(struct sst *store, enum sl_status status, bool changed, bool *ret_changed,
                              struct sl_error *e) SL_MUST;
/* Reads the tasks in the rows of `s` (fetch.h): site, server, package, version, sha256, state; ends the statement. */
enum sl_status sst_read_tasks(struct db_stmt *s, struct sst_tasks *ret_tasks, struct sl_error *e) SL_MUST;
/* SL_CONFLICT when a neighbour has this package with content over which there is another hash. */
enum sl_status sst_check_arrival(struct sst *store, const char *package, const char *sha256, struct sl_error *e) SL_MUST;
/* Runs an INSERT ... ON CONFLICT DO NOTHING, an UPDATE or a DELETE and tells whether a row changed. */
enum sl_status sst_run(struct sst *store, struct db_stmt *s, bool *ret_changed, struct sl_error *e) SL_MUST;

/* Adds a management point, not as the default one, within the caller's transaction. */
enum sl_status sst_insert_mp(struct sst *store, int64_t site_id, const struct sm_mp *mp, bool *ret_added,
                             struct sl_error *e) SL_MUST;
/* Likewise a boundary. */
enum sl_status sst_insert_boundary(struct sst *store, int64_t site_id, const struct sm_boundary *boundary, bool *ret_added,
                                   struct sl_error *e) SL_MUST;
/* sst_set_site within the caller's transaction, of the site in this row. */
enum sl_status sst_place_site(struct sst *store, int64_t site_id, const char *site, enum sm_site_kind kind, const char *parent,
                              bool *ret_changed, struct sl_error *e) SL_MUST;

/*
 * The site with a database of its own that has this package, and its version there, within the caller's transaction; "" when
 * there is none.
 */
enum sl_status sst_package_owner(struct sst *store, const char *package, char ret_owner[SM_CODE_LEN + 1], int64_t *ret_version,
                                 struct sl_error *e) SL_MUST;
/* Remembers that a package of the site is gone, within the caller's transaction. */
enum sl_status sst_package_is_gone(struct sst *store, int64_t site_id, const char *package, struct sl_error *e) SL_MUST;
/* The number of the last change of the packages of a site; 0 when it never had any. */
enum sl_status sst_last_change(struct sst *store, int64_t site_id, int64_t *ret_number, struct sl_error *e) SL_MUST;
/* Commits what is no reason to publish, but one to ask anew where packages are; or takes it back. */
enum sl_status sst_end_note(struct sst *store, enum sl_status status, struct sl_error *e) SL_MUST;

/* Makes the policies of a site anew out of what they follow from now, within the caller's transaction. */
enum sl_status sst_make_policies(struct sst *store, int64_t site_id, struct sl_error *e) SL_MUST;
/* Of these, those of the advertisements that have none yet. */
enum sl_status sst_make_advertised(struct sst *store, int64_t site_id, struct sl_error *e) SL_MUST;

/*
 * Gives a package its files, within the caller's transaction. *ret_changed is false when it has just these already; other ones
 * are SL_CONFLICT.
 */
enum sl_status sst_set_content(struct sst *store, int64_t site_id, const char *id, const struct sm_manifest *manifest,
                               bool *ret_changed, struct sl_error *e) SL_MUST;

/*
 * Room for one more element of `size` octets, all zero, in a list that grows by doubling; NULL when it has SST_ROWS_MAX.
 * `items_at` points to the pointer to the list.
 */
void *sst_grow(void *items_at, size_t *count, size_t size);
/* Ends the statement whose rows do not fit: its own failure, else SL_LIMIT. */
enum sl_status sst_too_many(struct db_stmt *s, struct sl_error *e, const char *what) SL_MUST;

/* The columns of a client, for sst_client_row; the conditions follow. */
#define SST_CLIENT_SELECT                                                                                              \
    "SELECT c.smsid, c.name, c.key, c.registered_s, c.seen_s, c.discovered_s, c.inventoried_s FROM client c "          \
    "JOIN site s ON s.id = c.site_id "

/* The client in the row of such a statement. */
struct sst_client *sst_client_row(struct db_stmt *s);

/* What a client says when it registers; borrowed for the call. */
struct sst_registration {
    const char *smsid, *name;
    const char *key; /* NULL: it signs nothing */
    int64_t at_s;
};

/*
 * Registers a client, or registers it again under the name it has now, within the caller's transaction. SL_CONFLICT: it is
 * registered with a key, and this is another or none. A client without a key takes the first that it brings.
 */
enum sl_status sst_register(struct sst *store, int64_t site_id, const struct sst_registration *registration,
                            struct sl_error *e) SL_MUST;

/* ---- map.c: what locate.c answers from ---- */

#define SST_MAP_MAGIC 0x51735704u

/* What tells a client's site, the surest first. */
enum sst_by { SST_BY_AD_SITE, SST_BY_SUBNET, SST_BY_RANGE };

struct map_site {
    int64_t id;
    char code[SM_CODE_LEN + 1], assignment[SM_CODE_LEN + 1];
};

struct map_boundary {
    int64_t id;
    uint32_t site; /* its number */
    uint8_t rank;  /* an enum sst_by */
    bool is_slow;
    uint32_t first_protected, protected_count; /* in the list of the map */
};

struct map_dp {
    int64_t id;
    char *host, *url;
    bool is_protected;
};

/* Lists are by id; a row is known by its place in them. */
struct sst_map {
    uint32_t magic;
    atomic_size_t holders;
    int64_t generation;
    struct map_site *sites;
    size_t site_count;
    struct map_boundary *boundaries;
    size_t boundary_count;
    struct map_dp *dps;
    size_t dp_count;
    uint32_t *protected; /* distribution points */
    size_t protected_count;
    struct lm_ranges *ranges;  /* of all boundaries of addresses; the value is the number of the boundary */
    struct lm_ranges *subnets; /* the same of the first address of each subnet */
    struct sst_memo *memo;     /* packages by the number of their site, as fetched; AD sites by SST_MEMO_AD_SITES */
};

#define SST_MEMO_AD_SITES UINT32_MAX

/* The number of a boundary by its id; map->boundary_count when there is none, because it came after the map was read. */
size_t sst_map_boundary(const struct sst_map *map, int64_t id);
/* The number of a distribution point, as above. */
size_t sst_map_dp(const struct sst_map *map, int64_t id);

#endif
