/*
 * store.h - the site database: the one door to it.
 *
 * One database, a SQLite file or a PostgreSQL database that several hosts share, holds one or more sites. The constraints
 * live in the schema: a site code is unique, a site has exactly one site server and one site database (S2.02, S2.04), at
 * most one default management point (S1.08, a partial unique index), a package only lies on distribution points of its own
 * site. Every writing function is one transaction; it is on disk when it returns SL_OK, and it moves the generation
 * counter, by which every process on the same file sees that something changed.
 *
 * A struct sst is one connection and serves one thread at a time. Text from outside only ever becomes a bound parameter.
 *
 * The adding functions are idempotent: adding what is there already in the same form is SL_OK with *ret_added false; the same
 * key with other contents is SL_CONFLICT and names what is stored. `site` is a site code; an unknown one is SL_USAGE with
 * "no site XYZ in FILE (it holds LAB)".
 */
#ifndef SL_SITE_STORE_STORE_H
#define SL_SITE_STORE_STORE_H

#include "common/base/option.h"
#include "site/model/site.h"

struct sst;
struct sst_lock;

/* False for "postgresql://...". */
bool sst_is_file(const char *path);
/*
 * Where the files are that belong to a database but are not in it (keys, content): a name to put more behind. "DIR/site" when a
 * folder is given, else the database file itself, else, with PostgreSQL, SST_STATE_DIR "/site". False when it does not fit.
 */
#define SST_STATE_DIR "/var/lib/sitelocator"
bool sst_state(const char *path, const char *folder, char *out, size_t size);

enum sst_mode { SST_CREATE, SST_READ_WRITE, SST_READ_ONLY };

enum {
    SST_SITES_MAX = 256,        /* sites in one database */
    SST_ROWS_MAX = 1 << 20,     /* rows of one kind in one snapshot */
    SST_LOCATIONS_MAX = 1024,   /* distribution points in one answer */
};

/*
 * Opens the database at `path`: a file, which SST_CREATE makes, or "postgresql://...", a database that is there and whose
 * tables are made. Errors name it. A reading connection never waits for a writing one. SST_READ_WRITE opens a file that may not
 * be written all the same: what would write is SL_DENIED.
 */
enum sl_status sst_open(const char *path, enum sst_mode mode, struct sst **ret_store, struct sl_error *e) SL_MUST;
void sst_close(struct sst *store); /* NULL is accepted */
/*
 * False once the file was moved away or replaced, may be written after all, or the connection is lost: close, and open again.
 */
bool sst_is_current(const struct sst *store);
/*
 * Takes the right to be the site server of this database (S2.02), which ends with the process; SL_CONFLICT: another has it. In
 * PostgreSQL that is waited for a moment (2 s): the session of one that has ended goes on until its server has noticed.
 */
enum sl_status sst_lock_server(const char *path, struct sst_lock **ret_lock, struct sl_error *e) SL_MUST;
/* Makes sure that it is still ours; one that went with a lost connection is taken anew. SL_CONFLICT, SL_UNREACHABLE. */
enum sl_status sst_relock_server(struct sst_lock *lock, struct sl_error *e) SL_MUST;
void sst_unlock_server(struct sst_lock *lock); /* NULL is accepted */
/* SL_FOREIGN when another program has brought the database to a version that this one does not know, since it was opened. */
enum sl_status sst_recheck(struct sst *store, struct sl_error *e) SL_MUST;
/* The counter that every committed change moves. Cheap enough to ask several times a second. */
enum sl_status sst_generation(struct sst *store, int64_t *ret_generation, struct sl_error *e) SL_MUST;
/* The counter of what does not move that one: what was fetched and where packages are; as of the last sst_generation. */
int64_t sst_fetched(const struct sst *store);

/*
 * Copies everything in `from` into `to`, which holds no site yet (else SL_CONFLICT), whatever their engines: one consistent
 * state, in one transaction, read back and compared before it is committed. *ret_rows is the number of rows.
 */
enum sl_status sst_copy(struct sst *from, struct sst *to, uint64_t *ret_rows, struct sl_error *e) SL_MUST;
/*
 * Looks for damage: of the file (SQLite), and of the constraints that the schema states. What was found is in *ret_findings, a
 * line each; none is a database in order.
 */
enum sl_status sst_check(struct sst *store, struct sl_strings *ret_findings, struct sl_error *e) SL_MUST;

/* The codes of all sites that are administered here, sorted; freed by sl_strings_fini. */
enum sl_status sst_sites(struct sst *store, struct sl_strings *ret_codes, struct sl_error *e) SL_MUST;
/* Likewise of all that are known, neighbours too (neighbour.h). */
enum sl_status sst_known_sites(struct sst *store, struct sl_strings *ret_codes, struct sl_error *e) SL_MUST;
/* The code to use when `wanted` was asked for, or the only site when it is NULL; SL_USAGE when that does not decide it. free()
 * it. */
enum sl_status sst_choose_site(struct sst *store, const char *wanted, char **ret_code, struct sl_error *e) SL_MUST;
/* Reads a whole site in one transaction; *ret_snapshot is NULL when there is no such site. Freed by sm_snapshot_free. */
enum sl_status sst_snapshot(struct sst *store, const char *site, struct sm_snapshot **ret_snapshot, struct sl_error *e) SL_MUST;
/* The same without packages, targets, roles and advertisements: what other sites are told of it. */
enum sl_status sst_outline(struct sst *store, const char *site, struct sm_snapshot **ret_snapshot, struct sl_error *e) SL_MUST;

/* Makes a site; SL_CONFLICT when the code is taken, whatever the rest says. */
enum sl_status sst_init_site(struct sst *store, const struct sm_site *site, struct sl_error *e) SL_MUST;
/* Says whether a site is to stay off its targets; *ret_changed is false when it was so already. */
enum sl_status sst_set_unpublished(struct sst *store, const char *site, bool is_unpublished, bool *ret_changed,
                                   struct sl_error *e) SL_MUST;
/* A certificate of a management point, hexadecimal: for the key of `owner` (struct sm_mp_key), NULL: the one to be published. */
struct sst_certificate {
    const char *host;
    const char *owner;
    const char *certificate;
};

/*
 * Stores the public half of the trusted root key and its certificate (NULL: as they are), and the certificates of `count`
 * management points, in one transaction. A host that is gone meanwhile is left out.
 */
enum sl_status sst_certify(struct sst *store, const char *site, const char *root_key, const char *certificate,
                           const struct sst_certificate *mps, size_t count, struct sl_error *e) SL_MUST;
/*
 * Writes down the public key (hexadecimal) that the management point `owner` has on a host of its own, for `host`: itself, or the
 * cluster that it is a member of. It takes the place of one before. Written by the management point itself: who may write
 * the database is believed.
 */
enum sl_status sst_claim_key(struct sst *store, const char *site, const char *host, const char *owner, const char *key,
                             bool *ret_changed, struct sl_error *e) SL_MUST;
/* Adds a management point; `is_default` is ignored: only sst_designate_mp makes a default. */
enum sl_status sst_add_mp(struct sst *store, const char *site, const struct sm_mp *mp, bool *ret_added,
                          struct sl_error *e) SL_MUST;
/*
 * Makes `host` the default management point and takes the flag from the one that had it, in one transaction (S1.08, S1.25).
 * `host` NULL leaves the site without one (S1.26). *ret_previous is the host that had it, malloc'd, or NULL when there was none.
 * An unknown host is SL_USAGE.
 */
enum sl_status sst_designate_mp(struct sst *store, const char *site, const char *host, char **ret_previous,
                                struct sl_error *e) SL_MUST;
/* Adds a distribution point. */
enum sl_status sst_add_dp(struct sst *store, const char *site, const struct sm_dp *dp, bool *ret_added,
                          struct sl_error *e) SL_MUST;
/* What sst_remove takes away by its key. */
enum sst_kind { SST_MP, SST_DP, SST_BOUNDARY, SST_PACKAGE, SST_TARGET, SST_ADVERTISEMENT };
/*
 * Gives a host a role of the open list (sm_check_role): "cap", "slp" or any other. A database, which is a hierarchy, has one
 * "slp"; another is SL_CONFLICT and named.
 */
enum sl_status sst_add_role(struct sst *store, const char *site, const char *role, const char *host, bool *ret_added,
                            struct sl_error *e) SL_MUST;
/* Takes it away. */
enum sl_status sst_remove_role(struct sst *store, const char *site, const char *role, const char *host, bool *ret_removed,
                               struct sl_error *e) SL_MUST;
/* Adds a boundary; the same kind and value are the same boundary. */
enum sl_status sst_add_boundary(struct sst *store, const char *site, const struct sm_boundary *boundary, bool *ret_added,
                                struct sl_error *e) SL_MUST;
/* A package to add; borrowed for the call. */
struct sst_new_package {
    const char *id;
    uint32_t version;
    const char *const *dps; /* host names; an unknown one is SL_USAGE */
    size_t dp_count;
    const struct sm_manifest *manifest; /* its files, which are in the content library by now; NULL when they lie elsewhere */
};
/*
 * Adds a package. One that is there already without files gets those of the manifest; *ret_added is true then too. One that a
 * site above has (flow.h) can only be added in the version that it has there, and keeps that site as its source.
 */
enum sl_status sst_add_package(struct sst *store, const char *site, const struct sst_new_package *package, bool *ret_added,
                               struct sl_error *e) SL_MUST;
/* Adds a target, known by its URI. */
enum sl_status sst_add_target(struct sst *store, const char *site, const struct sm_target *target, bool *ret_added,
                              struct sl_error *e) SL_MUST;

/*
 * Removes one row: by host name (SST_MP, SST_DP), "kind value" with one blank (SST_BOUNDARY), id, or URI. *ret_removed is false
 * when there is none. What another thing still needs is SL_CONFLICT: the default management point, a member of a cluster, a
 * distribution point that holds packages, a boundary of a protected one, a package that is advertised; and a package that only
 * another site has (flow.h).
 */
enum sl_status sst_remove(struct sst *store, const char *site, enum sst_kind kind, const char *key, bool *ret_removed,
                          struct sl_error *e) SL_MUST;

/* The site that clients of a site are assigned to: itself, or that above a secondary one; "" for an unknown one. */
enum sl_status sst_assigned_site(struct sst *store, const char *site, char ret_code[SM_CODE_LEN + 1], struct sl_error *e) SL_MUST;

/* ---- what the server locator point asks ---------------------------------------------------------------------------------- */

/* What a server locator point tells of a site. */
struct sst_entry {
    bool is_there;                   /* false: no such site, and nothing else is set */
    char code[SM_CODE_LEN + 1];
    char *forest;
    char *mp_host, *mp_address;      /* of the default management point; NULL without one */
    uint16_t mp_port;
    bool mp_is_https;
    struct sl_strings caps;          /* host names, sorted, at most as many as asked for */
};
/* Reads it without the packages and boundaries of a snapshot. Released by sst_entry_fini. */
enum sl_status sst_entry(struct sst *store, const char *site, size_t max_caps, struct sst_entry *ret_entry,
                         struct sl_error *e) SL_MUST;
/* Frees what an entry owns and clears it. */
void sst_entry_fini(struct sst_entry *entry);

/* ---- what the distribution point asks ----------------------------------------------------------------------------------- */

/*
 * True in *ret_held when the distribution point with exactly this base URL (in any site) holds this version of the package;
 * *ret_sha256 is the hash over its files then, "" when they are not in the content library.
 */
enum sl_status sst_held_at(struct sst *store, const char *url, const char *package, uint32_t version, bool *ret_held,
                           char ret_sha256[SM_SHA256_SIZE], struct sl_error *e) SL_MUST;
/* The hash of one file of a package held there; "" when there is no such file. */
enum sl_status sst_file_at(struct sst *store, const char *url, const char *package, uint32_t version, const char *path,
                           char ret_sha256[SM_SHA256_SIZE], struct sl_error *e) SL_MUST;
/* The files of a package; none when it has none, or is not there. Released by sm_manifest_fini. */
enum sl_status sst_manifest(struct sst *store, const char *site, const char *package, struct sm_manifest *ret_manifest,
                            struct sl_error *e) SL_MUST;
/* Those of any package with this hash over them; none when there is no such package. */
enum sl_status sst_manifest_of(struct sst *store, const char *sha256, struct sm_manifest *ret_manifest,
                               struct sl_error *e) SL_MUST;
/* The same of a package held at this URL. */
enum sl_status sst_manifest_at(struct sst *store, const char *url, const char *package, uint32_t version,
                               struct sm_manifest *ret_manifest, struct sl_error *e) SL_MUST;
/* True in *ret_used when any package has a file of this hash. */
enum sl_status sst_is_used(struct sst *store, const char *sha256, bool *ret_used, struct sl_error *e) SL_MUST;

#endif
