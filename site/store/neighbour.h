/*
 * neighbour.h - sites of the hierarchy that have a database of their own, as their site servers have told us (site/server/
 * exchange.h). In this database a neighbour is a site like any other as far as locating goes: its place, management points,
 * boundaries and distribution points; and its packages, when it lies above (flow.h). It is not administered, published, or served
 * policy here; sst_sites leaves it out.
 *
 * Each writing function is one transaction, on disk when it returns. One connection serves one thread at a time.
 */
#ifndef SL_SITE_STORE_NEIGHBOUR_H
#define SL_SITE_STORE_NEIGHBOUR_H

#include "site/store/store.h"

/* A neighbour; owns its strings. */
struct sst_neighbour {
    char code[SM_CODE_LEN + 1];
    char *url;      /* of its site server: "http://HOST[:PORT]" */
    char *root_key; /* the public key that signs what it tells, hexadecimal; pinned by an administrator */
    int64_t told_s; /* when the last description was made, by its clock; 0: none has come */
    int64_t packages_told;  /* the number of the last change of its packages, as it says (flow.h); 0: it never had any */
    int64_t packages_known; /* up to which of them it is known what packages it has */
};

struct sst_neighbours {
    struct sst_neighbour *items; /* by code */
    size_t count;
};

/* All of them. Released by sst_neighbours_fini. */
enum sl_status sst_neighbours(struct sst *store, struct sst_neighbours *ret_list, struct sl_error *e) SL_MUST;
void sst_neighbours_fini(struct sst_neighbours *list); /* clears it */
/* The one of this code, or NULL. */
const struct sst_neighbour *sst_find_neighbour(const struct sst_neighbours *list, const char *code);
/* Makes a neighbour known, by code; SL_CONFLICT when the code is a site of this database, or known with other particulars. */
enum sl_status sst_add_neighbour(struct sst *store, const struct sst_neighbour *neighbour, bool *ret_added,
                                 struct sl_error *e) SL_MUST;
/* Forgets one; SL_CONFLICT while another site lies below it, and when the code is a site of this database. */
enum sl_status sst_remove_neighbour(struct sst *store, const char *code, bool *ret_removed, struct sl_error *e) SL_MUST;
/*
 * Puts what a neighbour has told (its site, management points, boundaries and distribution points; made at `made_s`) in the place
 * of what was known. A package no longer lies on a distribution point that is gone.
 * SL_CONFLICT: something newer is known; its place in the hierarchy is impossible here, or its parent not known.
 */
enum sl_status sst_learn(struct sst *store, const struct sm_snapshot *told, int64_t made_s, struct sl_error *e) SL_MUST;
/* Notes that the same was told once more, but for the number of the last change of its packages. */
enum sl_status sst_learn_same(struct sst *store, const struct sm_snapshot *told, int64_t made_s, struct sl_error *e) SL_MUST;

#endif
