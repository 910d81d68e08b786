/*
 * private.h - the objects behind the public header.
 */
#ifndef SL_LOCATOR_API_PRIVATE_H
#define SL_LOCATOR_API_PRIVATE_H

#include "common/base/option.h"
#include "locator/resolve/content.h"
#include "locator/resolve/trace.h"
#include "locator/source/source.h"

#include <locator/locator.h>

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

struct locator {
    uint32_t magic;
    struct sl_error error; /* of the last call that failed */
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

/* An empty result, every number -1; NULL without memory. */
struct locator_result *api_result_new(void);
/* Sets outcome, reason and message. */
void api_conclude(struct locator_result *r, enum sl_outcome outcome, const char *reason, const char *message);
/* Sets a text field to a copy; "" and NULL leave it unfilled. */
void api_put_text(struct locator_result *r, enum locator_field field, const char *text);
/* Adds a warning; those beyond LOCATOR_WARNINGS_MAX are dropped. */
void api_warn(struct locator_result *r, const char *text);

#endif
