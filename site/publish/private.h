/*
 * private.h - what the parts of publishing share: one run over one site, its report, and the two kinds of target.
 */
#ifndef SL_SITE_PUBLISH_PRIVATE_H
#define SL_SITE_PUBLISH_PRIVATE_H

#include "locator/net/ldapc.h"
#include "site/publish/plan.h"
#include "site/publish/publish.h"

enum {
    PUB_TARGET_MS = 12000,    /* longest for one target */
    PUB_OBJECT_MS = 10,       /* and this for each of the site's objects */
    PUB_NAME_POLL_MS = 250,   /* between two looks at a registry that does not yet show what is wanted */
    PUB_LINES_MAX = 100000,
    PUB_WARNINGS_MAX = 100,
};

/* action, word of pub_line */
#define PUB_ACTION_TABLE(X) \
    X(SAME, "same") X(ADD, "add") X(CHANGE, "change") X(REMOVE, "remove") X(WAIT, "wait") X(FAILED, "failed")

enum pub_action {
#define PUB_ACTION_ENUM(name, word) PUB_##name##_LINE,
    PUB_ACTION_TABLE(PUB_ACTION_ENUM)
#undef PUB_ACTION_ENUM
};

/* One run; `result` is that of the target under way. */
struct pub_run {
    const struct sm_snapshot *site;
    const struct sm_target *target;
    enum pub_mode mode;
    const struct pub_env *env;
    struct sl_deadline deadline;
    bool has_registry; /* among the targets: a directory without schema is then no hindrance (S1.19) */
    struct pub_report *report;
    struct pub_result *result;
};

static inline bool pub_is_diff(const struct pub_run *run)
{
    return run->mode == PUB_DIFF || run->mode == PUB_UNPUBLISH_DIFF;
}

static inline bool pub_is_removal(const struct pub_run *run)
{
    return run->mode == PUB_UNPUBLISH || run->mode == PUB_UNPUBLISH_DIFF;
}

static inline bool pub_is_stopping(const struct pub_run *run)
{
    return run->env && run->env->is_stopping && run->env->is_stopping(run->env->ctx);
}

/* Adds a line about an object of the target under way. */
void pub_line_add(struct pub_run *run, enum pub_action action, const char *object, const char *fmt, ...) SL_PRINTF(4, 5);
/* Changes the action of a line, known by its place, to `failed` with this reason. */
void pub_line_fail(struct pub_run *run, size_t line, const char *why);
/* Adds a warning to the report, with the place in its text. */
void pub_warn(struct pub_run *run, const char *fmt, ...) SL_PRINTF(2, 3);
/* Says how the target went. */
void pub_result_set(struct pub_run *run, enum sl_outcome outcome, const char *reason, const char *fmt, ...) SL_PRINTF(4, 5);
/* A handle for a directory target, not yet connected; freed by ldapc_free. SL_USAGE for what no connection could be made of. */
enum sl_status pub_directory_open(const struct sm_target *target, struct ldapc_health *health, struct ldapc **ret_dir,
                                  struct sl_error *e) SL_MUST;
/* Publishes to a directory target. */
void pub_directory(struct pub_run *run);
/* Looks at a registry target, and waits for the management point's own host to register. */
void pub_registry(struct pub_run *run);

#endif
