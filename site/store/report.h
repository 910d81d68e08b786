/*
 * report.h - what clients have reported, in the site database.
 *
 * A report is stored once: the id of the client's message tells one that comes again. Discovery and inventory are taken apart
 * into instances, the newest state of each, so that a full report replaces what was there and a delta changes it; metering and
 * status are kept as they came. Reports of a client that is not registered, or that are not signed with its key, are left out.
 */
#ifndef SL_SITE_STORE_REPORT_H
#define SL_SITE_STORE_REPORT_H

#include "site/model/report.h"
#include "site/store/client.h"

/* What became of a report, word. */
#define SST_TAKEN_TABLE(X)                                                                                             \
    X(STORED, "stored")                                                                                                \
    X(DUPLICATE, "duplicate") /* it is there already */                                                                \
    X(REFUSED, "refused")     /* of an unknown client, or another key */

enum sst_taken {
#define SST_TAKEN_ENUM(name, word) SST_##name,
    SST_TAKEN_TABLE(SST_TAKEN_ENUM)
#undef SST_TAKEN_ENUM
        SST_TAKEN_COUNT
};

/* Begins a transaction for reports of a site; *ret_site_id is for sst_take. */
enum sl_status sst_take_begin(struct sst *store, const char *site, int64_t *ret_site_id, struct sl_error *e) SL_MUST;
/* Stores one report that was read as `content`, `now_s` real time. */
enum sl_status sst_take(struct sst *store, int64_t site_id, const struct sm_report *report, const struct sm_content *content,
                        int64_t now_s, enum sst_taken *ret_taken, struct sl_error *e) SL_MUST;
/* Ends it: on disk when `status` is SL_OK and it returns SL_OK; else everything is as before, and the failure is returned. */
enum sl_status sst_take_end(struct sst *store, enum sl_status status, struct sl_error *e) SL_MUST;

/*
 * Drops the reports that management points took before `before_s`, the oldest first, at most `limit`; the instances stay. One of
 * them that comes again would be new.
 */
enum sl_status sst_drop_reports(struct sst *store, int64_t before_s, size_t limit, struct sl_error *e) SL_MUST;

/* The certificates of the management points of a site, hexadecimal; those that have none are left out. */
enum sl_status sst_mp_certificates(struct sst *store, const char *site, struct sl_strings *ret_list, struct sl_error *e) SL_MUST;
/* True in *ret_has when the site has a default management point (S1.26). */
enum sl_status sst_has_default_mp(struct sst *store, const char *site, bool *ret_has, struct sl_error *e) SL_MUST;

/* ---- lists, a page at a time -------------------------------------------------------------------------------------------- */

/*
 * Clients by SMSID, those behind `after` ("" for the first), at most `limit`; each freed by sst_client_free, the array by free.
 */
enum sl_status sst_clients(struct sst *store, const char *site, const char *after, size_t limit, struct sst_client ***ret_list,
                           size_t *ret_count, struct sl_error *e) SL_MUST;

/* A report as stored; owns its strings. */
struct sst_report {
    int64_t id, received_s, stored_s, size;
    char *client, *name, *message, *kind, *type;
    char *content, *dated; /* struct sm_report_facts */
};

/* Which reports; NULL and 0 leave a filter out. */
struct sst_report_filter {
    const char *client, *kind, *content;
    int64_t since_s;  /* received then or later */
    int64_t below_id; /* older than this one */
};

/* Reports, the newest first, at most `limit`; released by sst_reports_fini. */
enum sl_status sst_reports(struct sst *store, const char *site, const struct sst_report_filter *filter, size_t limit,
                           struct sst_report **ret_list, size_t *ret_count, struct sl_error *e) SL_MUST;
void sst_reports_fini(struct sst_report *list, size_t count); /* NULL is accepted */

/* How many reports of a kind say that they hold the same; owns its strings. */
struct sst_sum {
    int64_t reports, clients, octets;
    char *kind, *content;
};

/* Sums of those that a filter leaves, by kind and content, at most `limit`; released by sst_sums_fini. */
enum sl_status sst_sum_reports(struct sst *store, const char *site, const struct sst_report_filter *filter, size_t limit,
                               struct sst_sum **ret_list, size_t *ret_count, struct sl_error *e) SL_MUST;
void sst_sums_fini(struct sst_sum *list, size_t count); /* NULL is accepted */

/* How many reports of each kind and instances a client has. */
struct sst_report_counts {
    int64_t reports[SM_REPORT_COUNT];
    int64_t instances;
};
/* Counts what a client has reported; all 0 when it is not known. */
enum sl_status sst_count_reports(struct sst *store, const char *site, const char *smsid, struct sst_report_counts *ret_counts,
                                 struct sl_error *e) SL_MUST;

#endif
