/*
 * private.h - what the parts of publishing share: one run over one site, its report, and the two kinds of target.
 */
#ifndef SL_SITE_PUBLISH_PRIVATE_H
#define SL_SITE_PUBLISH_PRIVATE_H

#include "common/wire/name.h"
#include "locator/net/ldapc.h"
#include "site/publish/plan.h"
#include "site/publish/publish.h"

enum {
    PUB_TARGET_MS = 12000,    /* longest for one target */
    PUB_OBJECT_MS = 10,       /* and this for each of the site's objects */
    PUB_NAME_POLL_MS = 10,    /* before a second look at a registry that does not yet show what is wanted; doubled each time */
    PUB_NAME_POLL_MAX_MS = 160,
    PUB_LINES_MAX = 100000,
    PUB_WARNINGS_MAX = 100,
};

/* action, word of pub_line */
#define PUB_ACTION_TABLE(X) \
    X(SAME, "same") X(ADD, "add") X(CHANGE, "change") X(REMOVE, "remove") X(WAIT, "wait") X(FAILED, "failed") \
    X(STALE, "stale") X(OTHER_FOREST, "other-forest") X(OTHER_SITE, "other-site")

enum pub_action {
#define PUB_ACTION_ENUM(name, word) PUB_##name##_LINE,
    PUB_ACTION_TABLE(PUB_ACTION_ENUM)
#undef PUB_ACTION_ENUM
};

/* One run; `result` is that of the target under way. */
struct pub_run {
    const struct sm_snapshot *site;
    const struct sm_target *target;
    const struct pub_order *order;
    enum pub_mode mode; /* of the order */
    const struct pub_env *env;
    struct sl_deadline deadline;
    bool has_other; /* a target that is no directory: one without schema is then no hindrance (S1.19) */
    struct pub_report *report;
    struct pub_result *result;
};

static inline bool pub_is_diff(const struct pub_run *run)
{
    return run->mode == PUB_DIFF || run->mode == PUB_UNPUBLISH_DIFF || run->mode == PUB_PRUNE_DIFF || run->mode == PUB_LIST;
}

static inline bool pub_is_prune(const struct pub_run *run)
{
    return run->mode == PUB_PRUNE || run->mode == PUB_PRUNE_DIFF;
}

static inline bool pub_is_removal(const struct pub_run *run)
{
    return run->mode == PUB_UNPUBLISH || run->mode == PUB_UNPUBLISH_DIFF;
}

static inline bool pub_is_stopping(const struct pub_run *run)
{
    return run->env && run->env->is_stopping && run->env->is_stopping(run->env->ctx);
}

/* Adds a line about an object of the target under way. A list leaves out what is not there, or with --stale what should be. */
void pub_line_add(struct pub_run *run, enum pub_action action, const char *object, const char *fmt, ...) SL_PRINTF(4, 5);
/* Counts an object of the target under way that is not as planned; nothing unless it is to be mended (PUB_APPLY). */
void pub_differs(struct pub_run *run);
/* Changes the action of a line, known by its place, to `failed` with this reason. */
void pub_line_fail(struct pub_run *run, size_t line, const char *why);
/* Adds a warning to the report, with the place in its text. */
void pub_warn(struct pub_run *run, const char *fmt, ...) SL_PRINTF(2, 3);
/* The same for a case of a rule of `sitectl check`, by its id. */
void pub_warn_of(struct pub_run *run, const char *rule, const char *fmt, ...) SL_PRINTF(3, 4);
/* Says how the target went. */
void pub_result_set(struct pub_run *run, enum sl_outcome outcome, const char *reason, const char *fmt, ...) SL_PRINTF(4, 5);
/* The same for a failure: its outcome, the reason word for it, its text. */
void pub_result_fail(struct pub_run *run, enum sl_status status, const struct sl_error *e);

/* A name that a registry should hold, or should not. */
struct pub_name {
    struct nb_name name;
    struct nb_name_text text;
    uint32_t ip4; /* 0: should not be there */
};

enum { PUB_NAMES_MAX = 3 };

/*
 * MP_<code>, NLB_<code> and, where the target has one, SMS_SLP (facts sms.md 3; Q7), in this order; returns how many. 0, with the
 * result set, for a default management point without IPv4, which no registry can hold.
 */
size_t pub_names_wanted(struct pub_run *run, struct pub_name names[PUB_NAMES_MAX]);
/* MP_<code> and NLB_<code> of any site, which should not be there; returns how many. */
size_t pub_names_of(const char *code, struct pub_name names[PUB_NAMES_MAX]);
/* True when the address is that of one of the site's management points, or of the target's server locator point. */
bool pub_is_our_address(const struct pub_run *run, uint32_t ip4);

/* What each kind of target needs: `check` reads the URI and the flags, `run` publishes. */
enum sl_status pub_directory_check(const struct sm_target *target, struct sl_error *e) SL_MUST;
enum sl_status pub_registry_check(const struct sm_target *target, struct sl_error *e) SL_MUST; /* likewise */
enum sl_status pub_dns_check(const struct sm_target *target, struct sl_error *e) SL_MUST;      /* likewise */
/* A directory: plan, diff, apply, read back. */
void pub_directory(struct pub_run *run);
/* Looks at a registry, and waits for the management point's own host to register. */
void pub_registry(struct pub_run *run);
/* Static names in a winsd, through its control socket. */
void pub_static(struct pub_run *run);
/* The SRV record of the default management point, by nsupdate. */
void pub_dns(struct pub_run *run);
/* A file of the target's form: read as far as it is there, and replaced as a whole. */
void pub_file(struct pub_run *run);

/* The SRV record of the site below `domain` (facts sms.md 4). */
enum { PUB_SRV_TTL_S = 14400, PUB_SRV_NAME_MAX = 300 };
/* "_mssms_mp_<code>._tcp.<domain>", the code in lower case. */
void pub_srv_name(char out[PUB_SRV_NAME_MAX], const char *code, const char *domain);
/* The management point that the DNS should name, NULL for none: the default one, but no cluster, which a warning tells. */
const struct sm_mp *pub_srv_target(struct pub_run *run);

#endif
