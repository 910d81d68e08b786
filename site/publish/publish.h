/*
 * publish.h - publishing a site: plan, diff, apply, read back, for each of its targets.
 *
 * One call does one site. It blocks (directories and registries are asked) and belongs on a worker thread; it needs nothing but a
 * snapshot, so no database is held meanwhile. Targets are independent: one that fails never stops another, and is told in its
 * row. Objects of other sites are never touched, but for those that an administrator names to prune; removing removes exactly
 * ours.
 *
 * S1.19: without an extended schema in any directory and without a name registry among the targets nothing can be found by
 * anybody: refused with outcome `conflict`, reason "schema-not-extended".
 */
#ifndef SL_SITE_PUBLISH_PUBLISH_H
#define SL_SITE_PUBLISH_PUBLISH_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/option.h"
#include "site/model/site.h"

#include <stdbool.h>
#include <stddef.h>

/* word, what it does */
#define PUB_MODE_TABLE(X)                                                                                              \
    X(DIFF, "diff")                     /* shows what publishing would change; outcome negative when something would */ \
    X(APPLY, "apply")                   /* publishes and reads back */                                                 \
    X(UNPUBLISH_DIFF, "unpublish-diff") /* shows what unpublishing would remove; likewise */                           \
    X(UNPUBLISH, "unpublish")           /* removes exactly ours and reads back; at a registry waits for the release */   \
    X(LIST, "list")                     /* shows what the targets hold, of others too */                               \
    X(PRUNE_DIFF, "prune-diff")         /* shows what pruning would remove; negative when something would */           \
    X(PRUNE, "prune")                   /* removes what is ours and not planned, and what is of the sites named */

enum pub_mode {
#define PUB_MODE_ENUM(name, word) PUB_##name,
    PUB_MODE_TABLE(PUB_MODE_ENUM)
#undef PUB_MODE_ENUM
};

/* What is to be done. */
struct pub_order {
    enum pub_mode mode;
    struct sl_strings sites; /* pruning: the codes of other sites whose objects go too */
    char *forest;            /* pruning: of those only what names this forest, or NULL */
    struct sl_strings known; /* listing: the codes of all sites that are administered here */
    bool is_stale;           /* listing: only what should not be there */
    bool is_trial;           /* only with PUB_DIFF: as if `trial_mp` (NULL: none) were the default management point */
    char *trial_mp;
    bool is_check;           /* only with PUB_DIFF: also looks for what `sitectl check` tells (warnings with a rule) */
    int fail_at;             /* of a check: the least severity that fails it (site/server/check.h) */
    char *note;              /* told in the end, when there is nothing else to tell; or NULL */
    bool is_timed;           /* the asker wants to know how long each target took */
};

/* One object of one target. Strings are malloc'd, "" where there is nothing to say. */
struct pub_line {
    char *target; /* URI */
    char *object; /* DN, or "MP_LAB#1A" */
    char *action; /* "same" "add" "change" "remove", "wait" (another host must act), "failed"; of a list "stale" ... */
    char *detail; /* attribute by attribute: "mSSMSDefaultMP: FALSE -> TRUE", or the reason of a failure */
};

/* How one target went. */
struct pub_result {
    char *target;
    enum sl_outcome outcome;
    char *reason;  /* word: "schema-not-extended", "container-unreadable" ... or "" */
    char *message; /* for people, or "" */
    int64_t done_ms; /* monotonic: when it had been read back */
    size_t differing; /* PUB_APPLY: objects that were not as planned when it was read; of a list of servers, those of each */
    size_t failed;    /* PUB_APPLY: of them those that could not be written */
};

struct pub_report {
    int64_t generation; /* of the snapshot */
    enum sl_outcome outcome; /* of all: ok, negative (differences), partial, conflict, or what every target said */
    char *reason;
    char *message;
    struct pub_line *lines;
    size_t line_count;
    struct pub_result *results; /* one per target, in the order of the snapshot */
    size_t result_count;
    struct sl_strings rules;    /* of each warning the id of the rule that it is a case of, or "" */
    struct sl_strings warnings; /* what was published all the same: shortened names (Q4), a default of another forest (S1.20) */
};

struct ldapc_health;

/* What the engine needs of the process it runs in. */
struct pub_env {
    /* Asks the NetBIOS side of this process to look at its names now; NULL when it has none. Any thread. */
    void (*poke_names)(void *ctx);
    /* True once the process wants to end: nothing is waited for any more and no further target is begun. NULL: never. */
    bool (*is_stopping)(void *ctx);
    /* True when something else wants to be published: registering by another host is then not waited for. NULL: never. */
    bool (*is_hurried)(void *ctx);
    /* True when this target of a site failed the last time: what is well does not wait for it. NULL: never. */
    bool (*is_ailing)(void *ctx, const char *site, const char *target);
    void *ctx;
    /* What earlier runs learned about directory servers (ldapc.h), or NULL. */
    struct ldapc_health *health;
};

/* Reads the URI and the flags of a target as publishing will; SL_USAGE when nothing could ever be published there. */
enum sl_status pub_check_target(const struct sm_target *target, struct sl_error *e) SL_MUST;
/* The longest that one target of this site may take: more for a site of many objects. */
int64_t pub_time_ms(const struct sm_snapshot *site);
/* Does it, every target by the deadline; always gives a report (pub_report_fini). */
void pub_run(const struct sm_snapshot *site, const struct pub_order *order, const struct pub_env *env,
             struct sl_deadline deadline, struct pub_report *ret_report);
/* Frees what an order owns. */
void pub_order_fini(struct pub_order *order);
/* Frees what a report owns and clears it. */
void pub_report_fini(struct pub_report *report);

#endif
