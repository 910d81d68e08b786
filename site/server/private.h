/*
 * private.h - what the files of site/server share; nobody else includes it.
 */
#ifndef SL_SITE_SERVER_PRIVATE_H
#define SL_SITE_SERVER_PRIVATE_H

#include "common/base/random.h"
#include "common/host/worker.h"
#include "site/content/content.h"
#include "site/publish/publish.h"
#include "site/server/selftest.h"
#include "site/server/server.h"

#include <pthread.h>
#include <stdatomic.h>

#define SRV_MAGIC 0x52700001u

enum {
    SRV_RESULTS_MAX = 256,
    SRV_COPIES_MAX = 64, /* copies of content waiting */
    SRV_VERIFIES_MAX = 16, /* verifications waiting */
    SRV_SILENT_MS = 5000,  /* after which a distribution point that gives no sign is unreachable; it gives one a second */
    SRV_ARGS_MAX = 2048, /* positional arguments of one verb */
    SRV_NUMBER_TEXT = 24,
    SRV_TIME_TEXT = 32,
};

/* How a target of a site went when it was last published to. */
struct srv_result {
    char site[SM_CODE_LEN + 1];
    char *target;
    enum sl_outcome outcome;
    char *message;
    int64_t at_s;       /* real time */
    int64_t generation; /* of the database that was published */
    int64_t drift;      /* objects that were not as planned when it was last read; -1: it never was */
    uint64_t mended;    /* such objects that were written, since the start */
};

/* A site whose publication failed somewhere. */
struct srv_retry {
    char site[SM_CODE_LEN + 1];
    unsigned attempts; /* that failed in a row */
    int64_t due_ms;    /* monotonic; 0: none waits */
};

struct srv_publisher;
struct srv_watch;

struct srv {
    uint32_t magic;
    struct host_loop *loop;
    struct srv_options options;
    struct sst *store; /* NULL while the database is away */
    struct sst_lock *lock; /* NULL for who is no site server, and until it could be taken */
    atomic_bool is_locked; /* there is one; this and the next two are read by other threads too */
    struct srv_watch *watch;
    struct host_timer *interval;
    _Atomic int64_t generation; /* last seen */
    atomic_bool lost;           /* that the database is away has been logged */
    int64_t fetched;            /* sst_fetched, last seen */
    int64_t next_publish_s;  /* real time */
    struct srv_publisher *publisher;
    struct cnt *library;        /* NULL without --content, and without the role */
    struct host_worker *copier, *verifier; /* of content; NULL likewise */
    struct host_timer *certify;  /* after certificates could not be issued */
    unsigned certify_attempts;   /* that failed in a row */
    bool certify_waits;
    struct srv_selftest *selftest; /* NULL without the role */
    pthread_mutex_t telling;       /* guards the results, which other threads read too */
    struct srv_result *results;
    size_t result_count;
    struct srv_retry *retries; /* by site, no more than there are */
    size_t retry_count;
    struct host_timer *retry;
    struct sl_random random;
};

/* ---- server.c ---- */

/* The connection for the loop's thread: read-write for the site server, opened anew when the file was replaced. */
enum sl_status srv_store(struct srv *srv, struct sst **ret_store, struct sl_error *e) SL_MUST;
/*
 * Makes sure that we are the site server of the database: the lock is wanting when the database was away at the start, and lost
 * with it later. SL_OK at once for who is none. SL_CONFLICT: another one is.
 */
enum sl_status srv_have_lock(struct srv *srv, struct sl_error *e) SL_MUST;
/* Looks at the database now: tells the NetBIOS side, and publishes when something changed. */
void srv_look(struct srv *srv);
/* The codes of the sites that this srv serves; freed by sl_strings_fini. */
enum sl_status srv_sites(struct srv *srv, struct sl_strings *ret_codes, struct sl_error *e) SL_MUST;
/* Remembers what a publication said of each target, and logs what is new or failed. */
void srv_remember(struct srv *srv, const char *site, const struct pub_report *report);
/* What was last heard of a target, or NULL; on the loop's thread. */
const struct srv_result *srv_result_of(const struct srv *srv, const char *site, const char *target);
/* True when that was a failure; any thread. */
bool srv_has_failed(struct srv *srv, const char *site, const char *target);

/* The database cannot be used, `why`: told once, until it can be again. What was open is closed. */
void srv_lose(struct srv *srv, const struct sl_error *why);

/* ---- watch.c: whether the database is there and was changed, seen from a thread of its own ---- */

/*
 * Starts looking every SRV_POLL_MS and calls srv_look and srv_lose on the loop's thread; whoever waits for a database that falls
 * silent meanwhile is freed (sst_pool_probe). A replica is looked at every SRV_LOST_MS for that. SL_IO.
 */
enum sl_status srv_watch_new(struct srv *srv, struct srv_watch **ret_watch, struct sl_error *e) SL_MUST;
void srv_watch_free(struct srv_watch *watch); /* NULL is accepted */

/* ---- retry.c: what failed is tried again, with a back-off ---- */

/* The wait before attempt number `attempt` (from 1): doubled each time up to a bound, of which a half is left to chance. */
int64_t srv_retry_ms(unsigned attempt, struct sl_random *random);
/* Notes how a publication of a site went; after a failure another one is begun later, and logged. */
void srv_retry_note(struct srv *srv, const char *site, bool has_failed);
/* Begins those that are due; the timer's function, ctx the struct srv. */
void srv_retry_due(void *ctx);

/* ---- publisher.c: publications, one after another beside the loop ---- */

/* Starts the thread. */
struct srv_publisher *srv_publisher_new(struct srv *srv);
/* Waits for the running publication, ends replies that wait as canceled, and frees; NULL is accepted. */
void srv_publisher_free(struct srv_publisher *publisher);
/*
 * Asks for a publication of a site; the order is copied. `reply` gets its report and is ended; NULL for one that nobody waits
 * for, which is left out when the same is waiting already. SL_LIMIT when SRV_JOBS_MAX wait.
 */
enum sl_status srv_publish(struct srv_publisher *publisher, const char *site, const struct pub_order *order,
                           struct host_reply *reply, struct sl_error *e) SL_MUST;
/* Publications waiting and running; any thread, all others of these on the loop's. */
size_t srv_publishing(const struct srv_publisher *publisher);

/* ---- look.c: cells ---- */

/* A number as a cell. */
const char *srv_number_text(char out[SRV_NUMBER_TEXT], int64_t value);
/* "2026-11-22T07:00:00Z": a point in time rather than an age, so that two looks at the same state are equal. */
const char *srv_time_text(char out[SRV_TIME_TEXT], int64_t at_s);

/* ---- content.c: copying into the content library, beside the loop ---- */

/* A package to add with the files of the folder `dir_fd`, which passes into its hands; the job ends `reply`. */
enum sl_status srv_add_content(struct srv *srv, const char *site, const struct sst_new_package *package, int dir_fd,
                               struct host_reply *reply, struct sl_error *e) SL_MUST;
/* Takes the files of a removed package out of the library, those that no other package has; the manifest passes into its
 * hands. */
void srv_drop_content(struct srv *srv, struct sm_manifest *manifest);

/* ---- verify.c: reading it again, here and at the distribution points that fetch ---- */

/*
 * Reads the files of a package (NULL: of all packages of the site) in the library again, asks the distribution points that
 * fetch to do the same, and tells how each is, once all have answered or are silent for SRV_SILENT_MS; the job ends `reply`.
 */
enum sl_status srv_verify_content(struct srv *srv, const char *site, const char *package, struct host_reply *reply,
                                  struct sl_error *e) SL_MUST;

/* ---- verbs ---- */

/* A verb on its way. */
struct srv_call {
    struct srv *srv;
    const struct host_request *request;
    struct host_reply *reply;
    struct sst *store;
    char *site;   /* the code it is about; NULL for status */
    bool changed; /* set by the verb: the database was changed */
    bool kept;    /* set by the verb: it will end the reply itself */
};

typedef enum sl_status srv_verb_fn(struct srv_call *call, struct sl_error *e);

/* name, least and most arguments, is administration (S2.13), needs a site, function */
#define SRV_VERB_TABLE(X)                                                                                              \
    X("mp add", 1, 1, true, true, srv_mp_add)                                                                          \
    X("mp designate", 0, 1, true, true, srv_mp_designate)                                                              \
    X("mp set", 1, 1, true, true, srv_mp_set)                                                                          \
    X("mp remove", 1, 1, true, true, srv_mp_remove)                                                                    \
    X("mp list", 0, 0, false, true, srv_list)                                                                          \
    X("dp add", 1, 1, true, true, srv_dp_add)                                                                          \
    X("dp protect", 3, SRV_ARGS_MAX, true, true, srv_dp_protect)                                                       \
    X("dp unprotect", 1, 1, true, true, srv_dp_unprotect)                                                              \
    X("dp remove", 1, 1, true, true, srv_dp_remove)                                                                    \
    X("dp list", 0, 0, false, true, srv_list)                                                                          \
    X("cap add", 1, 1, true, true, srv_role_add)                                                                       \
    X("cap remove", 1, 1, true, true, srv_role_remove)                                                                 \
    X("cap list", 0, 0, false, true, srv_list)                                                                         \
    X("slp-role add", 1, 1, true, true, srv_role_add)                                                                  \
    X("slp-role remove", 1, 1, true, true, srv_role_remove)                                                            \
    X("slp-role list", 0, 0, false, true, srv_list)                                                                    \
    X("boundary add", 2, 2, true, true, srv_boundary_add)                                                              \
    X("boundary remove", 2, 2, true, true, srv_boundary_remove)                                                        \
    X("boundary list", 0, 0, false, true, srv_list)                                                                    \
    X("package add", 1, SRV_ARGS_MAX, true, true, srv_package_add)                                                     \
    X("package remove", 1, 1, true, true, srv_package_remove)                                                          \
    X("package verify", 0, 1, true, true, srv_package_verify)                                                          \
    X("package list", 0, 0, false, true, srv_list)                                                                     \
    X("package status", 0, 1, false, true, srv_package_status)                                                         \
    X("role add", 2, 2, true, true, srv_role_add)                                                                      \
    X("role remove", 2, 2, true, true, srv_role_remove)                                                                \
    X("role list", 0, 0, false, true, srv_list)                                                                        \
    X("advertise add", 1, SRV_ARGS_MAX, true, true, srv_advertise_add)                                                 \
    X("advertise remove", 1, 1, true, true, srv_advertise_remove)                                                      \
    X("advertise list", 0, 0, false, true, srv_list)                                                                   \
    X("site set", 1, 1, true, false, srv_site_set)                                                                     \
    X("site add", 1, 1, true, false, srv_site_add)                                                                     \
    X("site remove", 1, 1, true, false, srv_site_remove)                                                               \
    X("site list", 0, 0, false, false, srv_site_list)                                                                  \
    X("target add", 1, 1, true, true, srv_target_add)                                                                  \
    X("target remove", 1, 1, true, true, srv_target_remove)                                                            \
    X("target list", 0, 0, false, true, srv_list)                                                                      \
    X("check", 0, 0, true, true, srv_check)                                                                            \
    X("publish", 0, 0, true, true, srv_publish_verb)                                                                   \
    X("list", 0, 0, true, true, srv_list_targets)                                                                      \
    X("prune", 0, 0, true, true, srv_prune)                                                                            \
    X("unpublish", 0, 0, true, true, srv_unpublish_verb)                                                               \
    X("client list", 0, 0, false, true, srv_client_list)                                                               \
    X("client show", 1, 1, false, true, srv_client_show)                                                               \
    X("client remove", 1, 1, true, true, srv_client_remove)                                                            \
    X("report list", 0, 0, false, true, srv_report_list)                                                               \
    X("report count", 0, 0, false, true, srv_report_count)                                                             \
    X("key show", 0, 0, false, true, srv_key_show)                                                                     \
    X("key export", 1, 1, false, true, srv_key_export)                                                                 \
    X("key replace", 0, 0, true, true, srv_key_replace)                                                                \
    X("policy import", 1, 1, true, true, srv_policy_import)                                                            \
    X("policy list", 0, 0, false, true, srv_policy_list)                                                               \
    X("policy show", 0, 1, false, true, srv_policy_show)                                                               \
    X("status", 0, 0, false, false, srv_status)

/* The value of an option of the request, or NULL. */
const char *srv_option(const struct srv_call *call, const char *name);
/* The one row that every changing verb answers with: "added", "removed", "changed", or "unchanged" when nothing did. */
void srv_tell_change(struct srv_call *call, const char *kind, const char *name, const char *change, bool changed);
/* Removes a row of a kind, by its key, and tells. */
enum sl_status srv_remove_row(struct srv_call *call, enum sst_kind kind, const char *word, const char *key,
                              struct sl_error *e) SL_MUST;
/* Hands the reply to the publisher. */
enum sl_status srv_order(struct srv_call *call, const struct pub_order *what, struct sl_error *e) SL_MUST;
/* Appends what a file has that was sent along under this name; a regular one, no larger than the limit of `text`. */
enum sl_status srv_read_sent(int fd, const char *name, struct sl_text *text, struct sl_error *e) SL_MUST;
/* A boundary of the two words of the command line. */
enum sl_status srv_make_boundary(const char *word, const char *value, struct sm_boundary *ret_boundary,
                                 struct sl_error *e) SL_MUST;
/* The n-th value of an option that goes on as further arguments ("--on DP... [DP...]", behind one other argument), or NULL. */
const char *srv_more(const struct srv_call *call, const char *name, size_t n);

/* Each function is its verb: it reads call->request, writes rows to call->reply, and returns how it went. */
#define SRV_VERB_PROTOTYPE(name, min, max, admin, site, fn) srv_verb_fn fn;
SRV_VERB_TABLE(SRV_VERB_PROTOTYPE)
#undef SRV_VERB_PROTOTYPE

#endif
