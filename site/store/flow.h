/*
 * flow.h - packages flow down the hierarchy to sites with databases of their own (facts sms.md 6.3): a site tells those below it
 * which packages it has, in which version, and on which of its distribution points they can be had; page by page, and only what
 * has changed (site/server/flow.h).
 *
 * Every change of a package of a site has a number, which grows with the database. What changed last and what is gone is found by
 * it; of what is gone the last SST_GONE_MAX are remembered, and who was told less is told everything anew.
 *
 * Where they are learned they are packages of a neighbour (neighbour.h), and nobody's to change: sst_add_package lays them, in
 * their version, on distribution points of a site here, and sst_remove takes only that back. What is laid so arrives: which files
 * it has (sst_arrive), then, as fetch.h has it, these. Another version takes its place by itself.
 */
#ifndef SL_SITE_STORE_FLOW_H
#define SL_SITE_STORE_FLOW_H

#include "site/store/fetch.h"

enum {
    SST_GONE_MAX = 100 * 1000,
    SST_PAGE_ROWS = 1024,         /* packages in a page, so that storing one keeps no other writer waiting for long */
    SST_PAGE_OCTETS = 600 * 1000, /* of their ids and of what they lie on; one package at least */
};

/* A package of a page, or one that is gone. */
struct sst_flowing {
    char *id;
    uint32_t version;
    char sha256[SM_SHA256_SIZE]; /* over its files; "" when it has none in the content library there */
    bool is_gone;
    size_t first, count; /* where it lies: in page->dps */
};

/* What has changed: owns everything. */
struct sst_page {
    int64_t since; /* the changes after this number; 0: everything, and what is not told is not there */
    int64_t after; /* the page behind this mark; 0: the first */
    int64_t next;  /* the mark for the page that follows; 0: this is the last */
    int64_t now;   /* the number of the last change there is */
    int64_t total; /* packages that the site has */
    struct sl_strings hosts; /* its distribution points */
    uint32_t *dps;           /* numbers of hosts */
    size_t dp_count;
    struct sst_flowing *packages;
    size_t package_count;
};

/*
 * A page of the site's own packages. `since` and `after` are 0 in it, so everything is told anew, when `since` is a number that
 * the database never had, or when too much is gone to remember. SL_USAGE: no such site.
 */
enum sl_status sst_read_page(struct sst *store, const char *site, int64_t since, int64_t after, struct sst_page *ret_page,
                             struct sl_error *e) SL_MUST;
/* Frees what a page owns and clears it. */
void sst_page_fini(struct sst_page *page);
/* One more package of a page, all zero, and one more distribution point of the last one; false (NULL) beyond SST_ROWS_MAX. */
struct sst_flowing *sst_page_add(struct sst_page *page) SL_MUST;
bool sst_page_add_dp(struct sst_page *page, uint32_t host) SL_MUST; /* likewise */
/*
 * Stores a page of the packages of a neighbour, in one transaction. With the last one they are known up to the number `upto`, the
 * `now` of the first. SL_CONFLICT: it names a distribution point that the neighbour has not told yet; SL_LIMIT: more than
 * SST_ROWS_MAX packages. *ret_complete is false when the last page of changes leaves another number of packages than the
 * neighbour has: then nothing is stored, and everything must be asked for; if that was asked for it is SL_MALFORMED.
 */
enum sl_status sst_learn_page(struct sst *store, const char *neighbour, const struct sst_page *page, int64_t upto,
                              bool *ret_complete, struct sl_error *e) SL_MUST;
/*
 * What is laid here of the packages of a neighbour, but is not as it is there: what it shall become. The server is the URL of the
 * neighbour's. Released by sst_tasks_fini.
 */
enum sl_status sst_arrivals(struct sst *store, const char *neighbour, struct sst_tasks *ret_tasks, struct sl_error *e) SL_MUST;
/*
 * One of them has these files from now on, none of which need be here yet. *ret_before, left alone where there were none, are
 * those that it had; the caller's.
 */
enum sl_status sst_arrive(struct sst *store, const struct sst_task *task, const struct sm_manifest *manifest,
                          struct sm_manifest *ret_before, struct sl_error *e) SL_MUST;
/* Forgets all packages of a neighbour. */
enum sl_status sst_forget_packages(struct sst *store, const char *neighbour, struct sl_error *e) SL_MUST;

#endif
