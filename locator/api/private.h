/*
 * private.h - the objects behind the public header.
 */
#ifndef SL_LOCATOR_API_PRIVATE_H
#define SL_LOCATOR_API_PRIVATE_H

#include "common/base/cancel.h"
#include "common/base/option.h"
#include "locator/cache/cache.h"
#include "locator/resolve/ask.h"
#include "locator/resolve/content.h"
#include "locator/resolve/prove.h"
#include "locator/resolve/trace.h"
#include "locator/source/source.h"

#include <locator/locator.h>

#include <pthread.h>
#include <stdbool.h>

#define LOCATOR_MAGIC 0x10ca7002u
#define LOCATOR_RESULT_MAGIC 0x10ca7003u

enum {
    LOCATOR_FIELDS = LOCATOR_SAID + 1,
    LOCATOR_DRAWS_MAX = 1000000,
    LOCATOR_WARNINGS_MAX = 64,
    LOCATOR_PINS_MAX = 256,
    LOCATOR_TIMEOUT_DEFAULT_MS = 2000,
    LOCATOR_TOTAL_TIMEOUT_DEFAULT_MS = 10000,
    LOCATOR_TIMEOUT_MAX_MS = 3600000,
};

/* A trusted root key, of one site or, with the code "", of any. */
struct api_pin {
    char site[LM_CODE_SIZE];
    struct proof_public key;
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
    struct sl_strings notes;   /* what this host's configuration has that could not be used: warnings of every result */
    struct sl_strings origins; /* of each source: where its URI was found, "" when the program named it */
    struct src_config config; /* owns its strings */
    struct src_override *overrides;
    struct lm_client client;
    enum lm_profile profile;
    char client_forest[LM_NAME_MAX], client_version[LM_VERSION_MAX];
    int64_t timeout_ms, total_timeout_ms, mp_port, now_s, seed, strict, starttls, sequential, no_schema, roaming;
    bool has_seed, legacy;
    struct api_pin *pins;
    size_t pin_count;
    struct cache *cache; /* NULL: nothing is kept */
    int64_t max_age_ms;  /* 0: sources are asked, whatever is kept */
    int trust_least; /* enum lm_trust; -1: by what is pinned */
};

/* A field of a row; which of the three is filled depends on the field. */
struct api_cell {
    enum locator_field field;
    char *text;
    int64_t number;
    struct sl_strings list;
};

struct api_row {
    struct api_cell *cells;
    size_t count;
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
    struct api_row *rows;
    size_t row_count;
};

/* An answer that was weighed. */
struct api_suspect {
    char id[SRC_ID_SIZE];
    int64_t until_s; /* 0: it is not suspect */
};

/* What the cache has to do with a question. */
struct api_kept {
    char *question;    /* NULL: nothing is kept */
    const char *asked; /* in words */
    struct src_answer *known[RESOLVE_SOURCES_MAX]; /* fresh enough, by source, else NULL */
    int64_t passed_s[RESOLVE_SOURCES_MAX];         /* since each was kept */
    struct api_suspect suspects[RESOLVE_SOURCES_MAX]; /* by source */
    bool passed;       /* the objects of what is known are those of the answers now */
};

/* The questions of one finding call. */
struct api_inquiry {
    const struct locator *l;
    struct locator_result *r;
    struct sl_deadline deadline;
    const char *sources[RESOLVE_SOURCES_MAX]; /* to ask, best first */
    char learned[SRC_URI_MAX];                /* one of them, of a kind that the profile has once */
    size_t source_count;
    struct src_question q;
    struct resolve_result found; /* of the last question; its trace has passed into `r` */
    struct lm_mp assigned;       /* the default management point of the assigned site */
    struct api_kept kept;        /* of the question that is being asked */
    uint64_t seed;               /* of the choice of a distribution point */
};

/* What is asked for; which members count, the finder knows. Texts may be NULL. */
enum api_text { API_SITE, API_PACKAGE, API_NAME, API_TEXTS };
struct api_args {
    const char *texts[API_TEXTS];
    uint32_t number; /* version of a package, enum locator_kind */
    uint32_t draws;
};

/* Finds one kind of thing: reads the context, fills the result, returns by the deadline. */
typedef void api_finder(const struct locator *l, const struct api_args *args, struct sl_deadline deadline,
                        struct locator_result *r);

/* Finders with a file of their own: locator_list and locator_compare. */
void api_list(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r);
/* As above. */
void api_compare(const struct locator *l, const struct api_args *args, struct sl_deadline deadline, struct locator_result *r);

/* Runs a finder in the calling thread; NULL without memory. */
struct locator_result *api_find(struct locator *l, api_finder *find, const struct api_args *args);
/* Runs it in a thread of its own, with copies of the texts; NULL without memory, thread or file descriptor. */
struct locator_call *api_start(struct locator *l, api_finder *find, const struct api_args *args);
/* Enters a run into its context, which stays as it is until the end of the run. */
enum sl_status api_run_begin(struct locator *l, struct api_run *run, struct sl_error *e) SL_MUST;
/* Takes it out again; the context goes with the last who holds it. */
void api_run_end(struct api_run *run);
/*
 * The sources to ask, best first: those that the program named in their order, then those that were found, in the order of the
 * profile, which leaves kinds out; among these a server locator point, or an MP list, that the others name, its URI in `learned`.
 * Returns their number; each that was found has a step that says where.
 */
size_t api_order(const struct locator *l, const char *ret_sources[RESOLVE_SOURCES_MAX], char learned[SRC_URI_MAX],
                 struct resolve_trace *trace);
/* Takes over what every result is to warn of from now on, and empties the list; dropped while a call runs. */
void api_set_notes(struct locator *l, struct sl_strings *notes);
/* Warns of these. */
void api_warn_notes(const struct locator *l, struct locator_result *r);
/* Warns of the sources of an inquiry that the clients of its profile would not ask. */
void api_warn_steps(const struct api_inquiry *c);
/* Lets go of a context; the last one frees it. */
void api_leave(struct locator *l);

/* Reads a public key from a file; SL_USAGE names the file. */
enum sl_status api_pin_read(const char *file, struct proof_public *ret_key, struct sl_error *e) SL_MUST;
/* What sources and management points of the context are asked with. It borrows from the context. */
struct src_config api_config(const struct locator *l);
/* What the context demands of the answers to a question. It borrows from the context. */
struct resolve_trust api_trust(const struct locator *l, const struct src_question *q);
/* An empty result, every number -1; NULL without memory. */
struct locator_result *api_result_new(void);
/* Sets outcome, reason and message. */
void api_conclude(struct locator_result *r, enum sl_outcome outcome, const char *reason, const char *message);
/* Sets a text field to a copy; "" and NULL leave it unfilled. */
void api_put_text(struct locator_result *r, enum locator_field field, const char *text);
/* Begins an inquiry with a question of this kind. Ended by api_end. */
void api_begin(struct api_inquiry *c, const struct locator *l, struct sl_deadline deadline, struct locator_result *r,
               enum src_what what);
/* Concludes it, before anything was asked, as a mistake of the caller. */
void api_mistake(struct api_inquiry *c, const struct sl_error *e);
/*
 * Opens the sources and asks them c->q, which is `asked` in words. True when there is an answer in c->found; the outcome,
 * warnings, steps and provenance are in the result in any case. `every` as in resolve_ask, or NULL.
 */
bool api_ask(struct api_inquiry *c, const char *asked, struct src_answer *every);
/*
 * The cache and a question: recalls what is fresh enough, where `may_answer`, into c->kept; hears what a source has said, to keep
 * it (`inquiry` is the struct api_inquiry); falls back to an old answer when nobody could be asked, which is true when there is
 * one, in c->found with a warning; ends. Without a cache they do nothing.
 */
void api_recall(struct api_inquiry *c, const char *asked, const struct resolve_trust *trust, bool may_answer);
void api_keep(void *inquiry, size_t source, const struct src_answer *a); /* as above */
bool api_fall_back(struct api_inquiry *c); /* as above */
void api_recall_end(struct api_inquiry *c); /* as above */
/* Warns of an answer that its source knows to be an old one (a mirror that nobody watches); true for such. */
bool api_warn_stale(struct api_inquiry *c);
/* Keeps answers in this file from now on: "" is the usual one, NULL none. -1 with l->error set. */
int api_set_cache(struct locator *l, const char *file);
/* Begins a call about the cache itself; false, with the conclusion in the result, when there is none. */
bool api_cache_begin(const struct locator *l, struct locator_result *r, struct cache_limit *ret_limit);
/* Ends it: notices of the cache, and the conclusion of a failure. */
void api_cache_end(const struct locator *l, struct locator_result *r, enum sl_status s, const struct sl_error *e);
/* The id of an answer, the same for everyone who gets the same answer. */
void api_answer_id(const char *kind, const char *site, const char *source, const char *value, char out[SRC_ID_SIZE]);
/* Until when the cache has this answer as suspect; 0: it is not, or there is no cache. */
int64_t api_suspect_until(struct api_inquiry *c, const char *id);
/* Gives an answer its id, and finds out whether it is suspect; `inquiry` is the struct api_inquiry. */
void api_weigh(void *inquiry, size_t source, struct src_answer *a);
/* Warns of a suspect answer of `what`. */
void api_warn_suspect(struct locator_result *r, const char *what, const char *id, int64_t until_s);
/* Warns of the suspect answers that were passed over, and of one that was taken; true for the latter. */
bool api_warn_suspects(struct api_inquiry *c);
/* Frees what was found; the result stays. */
void api_end(struct api_inquiry *c);
/* Warns of what the cache could not do, or has set aside. */
void api_warn_cache(struct api_inquiry *c, enum sl_status s, const struct sl_error *e);
/* Appends where a client is, for a question of the cache. */
void api_put_client(struct sl_text *out, const struct lm_client *client);
/*
 * Asks one management point for the package of `about`, or, as the cache and its limits have it, takes what it replied earlier.
 * True when it names distribution points; outcome, fields and steps are in the result in any case.
 */
bool api_ask_content(struct api_inquiry *c, const struct lm_mp *mp, const struct resolve_content_question *about);
/* Fills the fields of a management point. */
void api_put_mp(struct api_inquiry *c, const struct lm_mp *mp);
/* Puts into the result where an answer comes from. */
void api_put_provenance(struct api_inquiry *c);
/*
 * Applies the rules of roaming (R1 to R4): c->found holds the default management point of the client's assigned site and gets the
 * one that the client asks where it is. Fills the fields that keep the three apart.
 */
void api_roam(struct api_inquiry *c);
/* Where the client is: as told, else where this host is; `peer` is the address of who is going to hear it, or NULL. */
struct lm_client api_client(const struct locator *l, const char *peer);

/* Appends an empty row; valid until the next one is added. */
struct api_row *api_row_add(struct locator_result *r);
/* Fills a field of a row: "" and NULL, negative numbers and empty lists leave it unfilled. The list passes into the row. */
void api_row_text(struct api_row *row, enum locator_field field, const char *text);
void api_row_number(struct api_row *row, enum locator_field field, int64_t number); /* as above */
void api_row_list(struct api_row *row, enum locator_field field, struct sl_strings *list); /* as above */
/* A row for each object; the objects are emptied of their lists. */
void api_put_objects(struct locator_result *r, struct lm_objects *objects);
/* Frees the rows. */
void api_rows_fini(struct locator_result *r);
/* Adds a warning; those beyond LOCATOR_WARNINGS_MAX are dropped. */
void api_warn(struct locator_result *r, const char *text);

#endif
