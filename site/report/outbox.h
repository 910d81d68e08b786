/*
 * outbox.h - the queue in which a management point keeps what clients have sent until the site server has it (S1.18, S2.13).
 *
 * A SQLite file of its own, WAL and synchronous=FULL: obx_put returns when the report is on disk, and whatever kills the process
 * then or later, the report is there when it is opened again. Reports that come at the same time share one sync. The memory used
 * does not depend on how many wait; how many may is bounded, and what comes then is refused and counted.
 *
 * Several processes may share one file; each hands over what waits, and what goes twice the site server leaves out.
 *
 * Threads: all functions but obx_open and obx_close may be called from any.
 */
#ifndef SL_SITE_REPORT_OUTBOX_H
#define SL_SITE_REPORT_OUTBOX_H

#include "site/model/report.h"

struct obx;

struct obx_limits {
    int64_t reports, octets; /* of the bodies */
};

struct obx_stats {
    int64_t waiting, octets; /* now */
    int64_t oldest_s;        /* when the first of them came, real time; 0 when none waits */
    uint64_t accepted, refused, forwarded; /* since it was opened; refused: it was full */
};

/* Reports of one site as they are handed over. */
struct obx_batch {
    struct sl_text text; /* model/report.h; nothing was read when it is empty */
    int64_t last;        /* the place of the last of them in the queue */
    int64_t count;
};

/* Opens the file at `path`, makes it when it is not there. Errors name it. */
enum sl_status obx_open(const char *path, const struct obx_limits *limits, struct obx **ret_outbox, struct sl_error *e) SL_MUST;
void obx_close(struct obx *outbox); /* NULL is accepted */
/* How much may wait, from now on; what waits already stays. */
void obx_set_limits(struct obx *outbox, const struct obx_limits *limits);
/* Keeps a report for a site, on disk when it returns. SL_LIMIT: the queue is full. */
enum sl_status obx_put(struct obx *outbox, const char *site, const struct sm_report *report, struct sl_error *e) SL_MUST;
/*
 * True in *ret_found when a registration of this client for this site waits; *ret_key is the key it brings, malloc'd, NULL when
 * it has none. Of several the first counts, as it will at the site server.
 */
enum sl_status obx_find_registration(struct obx *outbox, const char *site, const char *client, bool *ret_found, char **ret_key,
                                     struct sl_error *e) SL_MUST;
/* The sites for which reports wait; freed by sl_strings_fini. */
enum sl_status obx_sites(struct obx *outbox, struct sl_strings *ret_codes, struct sl_error *e) SL_MUST;
/* Reads the first reports for a site, as many as a batch holds. Released by obx_batch_fini. */
enum sl_status obx_read(struct obx *outbox, const char *site, struct obx_batch *ret_batch, struct sl_error *e) SL_MUST;
/* Takes what was read out of the queue. */
enum sl_status obx_forget(struct obx *outbox, const char *site, const struct obx_batch *batch, struct sl_error *e) SL_MUST;
void obx_batch_fini(struct obx_batch *batch); /* clears it */
/* How it stands. */
struct obx_stats obx_stats(struct obx *outbox);

#endif
