/*
 * private.h - the objects behind the public header.
 */
#ifndef SL_LOCATOR_API_PRIVATE_H
#define SL_LOCATOR_API_PRIVATE_H

#include "common/base/cancel.h"
#include "common/base/option.h"
#include "locator/resolve/content.h"
#include "locator/resolve/trace.h"
#include "locator/source/source.h"

#include <locator/locator.h>

#include <pthread.h>
#include <stdbool.h>

#define LOCATOR_MAGIC 0x10ca7002u
#define LOCATOR_RESULT_MAGIC 0x10ca7003u

enum {
    LOCATOR_FIELDS = LOCATOR_NODE + 1,
    LOCATOR_WARNINGS_MAX = 64,
    LOCATOR_TIMEOUT_DEFAULT_MS = 2000,
    LOCATOR_TOTAL_TIMEOUT_DEFAULT_MS = 10000,
    LOCATOR_TIMEOUT_MAX_MS = 3600000,
};

/* One call under way in a context. */
struct api_run {
    struct locator *l;
    struct api_run *before, *next;
    struct sl_cancel cancel; /* released by who began the run, after its end */
    struct sl_deadline deadline; /* of the whole call; carries `cancel` */
};

/* Settings change under the lock and only while nothing runs, so a run reads them without it. */
struct locator {
    uint32_t magic;
    pthread_mutex_t lock; /* of refs, runs and changes */
    size_t refs;          /* the program and every run */
    struct api_run *runs;
    struct sl_error error; /* of the last setting that failed */
    struct sl_strings sources;
    struct src_config config; /* owns its strings */
    struct src_override *overrides;
    struct lm_client client;
    enum lm_profile profile;
    int64_t timeout_ms, total_timeout_ms, mp_port, now_s, seed, strict, starttls;
    bool has_seed;
};

struct locator_result {
    uint32_t magic;
    enum locator_outcome outcome;
    char reason[RESOLVE_WORD_MAX];
    char message[SL_ERROR_TEXT_MAX];
    char *texts[LOCATOR_FIELDS];
    int64_t numbers[LOCATOR_FIELDS];
    struct sl_strings lists[LOCATOR_FIELDS];
    struct sl_strings warnings;
    struct resolve_trace trace;
};

/* What is asked for; which members count, the finder knows. Texts may be NULL. */
enum api_text { API_SITE, API_PACKAGE, API_NAME, API_TEXTS };
struct api_args {
    const char *texts[API_TEXTS];
    uint32_t number; /* version of a package */
};

/* Finds one kind of thing: reads the context, fills the result, returns by the deadline. */
typedef void api_finder(const struct locator *l, const struct api_args *args, struct sl_deadline deadline,
                        struct locator_result *r);

/* Runs a finder in the calling thread; NULL without memory. */
struct locator_result *api_find(struct locator *l, api_finder *find, const struct api_args *args);
/* Runs it in a thread of its own, with copies of the texts; NULL without memory, thread or file descriptor. */
struct locator_call *api_start(struct locator *l, api_finder *find, const struct api_args *args);
/* Enters a run into its context, which stays as it is until the end of the run. */
enum sl_status api_run_begin(struct locator *l, struct api_run *run, struct sl_error *e) SL_MUST;
/* Takes it out again; the context goes with the last who holds it. */
void api_run_end(struct api_run *run);
/* Lets go of a context; the last one frees it. */
void api_leave(struct locator *l);

/* An empty result, every number -1; NULL without memory. */
struct locator_result *api_result_new(void);
/* Sets outcome, reason and message. */
void api_conclude(struct locator_result *r, enum sl_outcome outcome, const char *reason, const char *message);
/* Sets a text field to a copy; "" and NULL leave it unfilled. */
void api_put_text(struct locator_result *r, enum locator_field field, const char *text);
/* Adds a warning; those beyond LOCATOR_WARNINGS_MAX are dropped. */
void api_warn(struct locator_result *r, const char *text);

#endif
