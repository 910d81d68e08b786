/*
 * systems.h - the rest of a site in its database: its place in the hierarchy, roles of hosts, clusters of management points,
 * protected distribution points, advertisements. Like store.h: each writing function is one transaction, idempotent, and on disk
 * when it returns; the constraints are those of the tables (schema.c).
 */
#ifndef SL_SITE_STORE_SYSTEMS_H
#define SL_SITE_STORE_SYSTEMS_H

#include "site/store/store.h"

/* A site as its neighbours see it. */
struct sst_site_row {
    char code[SM_CODE_LEN + 1], parent[SM_CODE_LEN + 1]; /* "" without a parent */
    enum sm_site_kind kind;
    bool is_neighbour; /* it has a database of its own (neighbour.h) */
};

/* All sites, neighbours too, by code; at most SST_SITES_MAX, malloc'd. */
enum sl_status sst_hierarchy(struct sst *store, struct sst_site_row **ret_rows, size_t *ret_count, struct sl_error *e) SL_MUST;
/* The row of a site among them, NULL when there is none. */
const struct sst_site_row *sst_find_row(const struct sst_site_row *rows, size_t count, const char *code);
/* True in *ret_below when the site `code` lies below `site`, at whatever depth. */
enum sl_status sst_lies_below(struct sst *store, const char *code, const char *site, bool *ret_below, struct sl_error *e) SL_MUST;
/*
 * Says what a site is and which is above it (NULL: none). SL_USAGE: no such parent, a secondary site without one, a central site
 * with one, a secondary one as parent; SL_CONFLICT: the parent lies below the site, or a secondary site would have sites
 * below it.
 */
enum sl_status sst_set_site(struct sst *store, const char *site, enum sm_site_kind kind, const char *parent, bool *ret_changed,
                            struct sl_error *e) SL_MUST;

/*
 * Protects a distribution point: it serves clients inside just these boundaries of the site. None ends the protection. An unknown
 * host or boundary is SL_USAGE.
 */
enum sl_status sst_protect_dp(struct sst *store, const char *site, const char *host, const struct sm_boundary *boundaries,
                              size_t count, bool *ret_changed, struct sl_error *e) SL_MUST;

/* What a management point is to be; what is left as it is, is told by the values in brackets. */
struct sst_mp_setting {
    enum sm_mp_kind kind;       /* S1.06, S1.22 [SM_MP_KIND_COUNT]; a single one has no members any more */
    enum sm_data data;          /* where it reads, S1.05 [SM_DATA_COUNT] */
    const char *const *members; /* of a cluster: just these management points [NULL] */
    size_t member_count;
};

/*
 * Changes a management point, all of it in one transaction. SL_USAGE: it is not known, or it is no cluster and shall have
 * members, or a member is no single management point of the site; SL_CONFLICT: a member, or a new cluster itself, is another's.
 */
enum sl_status sst_set_mp(struct sst *store, const char *site, const char *host, const struct sst_mp_setting *setting,
                          bool *ret_changed, struct sl_error *e) SL_MUST;

/* Advertises a program of a package of the site, with the policy that says so (S1.14); SL_USAGE for an unknown package. */
enum sl_status sst_add_advertisement(struct sst *store, const char *site, const struct sm_advertisement *ad, bool *ret_added,
                                     struct sl_error *e) SL_MUST;

/* The boundaries of a site that overlap those of others, as "subnet 10.1.0.0/16 and range ... of XYZ"; the first `max`. */
enum sl_status sst_overlaps(struct sst *store, const char *site, size_t max, struct sl_strings *ret_texts,
                            struct sl_error *e) SL_MUST;
/* How many clients have registered with the site: those that a designation touches (X17). */
enum sl_status sst_count_clients(struct sst *store, const char *site, uint64_t *ret_count, struct sl_error *e) SL_MUST;

#endif
