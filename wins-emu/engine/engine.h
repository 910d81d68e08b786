/*
 * engine.h - the one writer of the registry: pure, single-threaded and driven by events, so that it replays from a text file.
 *
 * It is given packets, operations of an administrator and the time; it uses the table and the store it was made with, and sends
 * through a function pointer. It starts no thread, opens no socket and reads no clock.
 *
 * The life of a registration: eng_packet asks the rules, writes the change into the open batch and holds the answer back;
 * eng_commit puts the batch on disk (one transaction), then into the table, then sends the answers. When the disk fails nothing
 * is published and every held request is answered SRV_ERR. Later requests of a batch see what earlier ones changed. Two kinds
 * of answers do not wait: those that change nothing, and those to a refresh that only moves an expiry (wins.md 2.12) - unless
 * they rest on a change that is still held. A refresh answered so whose batch then fails leaves the lease as it was before.
 *
 * A clash with an active unique name is challenged (R14, R16): WACK at once, then up to three queries a second apart to each
 * address of the holder, one address after another, from the socket the request came in by, to the name service port of the
 * configuration; the first answer, or silence of all, decides (C01 to C05). Answers count only from the address being asked,
 * with the random id of that question and the name. Any number up to ENG_CHALLENGES_MAX run at once, ENG_CHALLENGES_SOURCE_MAX
 * of them for one requester, lest one host use up all; beyond it requests get SRV_ERR.
 *
 * The scavenger (V01 to V06) goes by real time: a pass begins when the period has passed since the last one, which is kept in the
 * database, so that restarts do not put it off. A pass walks the table in slices, ENG_SLICE_GAP_MS apart, each of which looks at
 * some thousand names and changes at most ENG_SLICE_CHANGES, as one batch; requests go on in between.
 *
 * Belongs to one thread, but for eng_wants. All calls but eng_new, eng_wants and eng_free may send.
 */
#ifndef SL_WINS_ENGINE_ENGINE_H
#define SL_WINS_ENGINE_ENGINE_H

#include "wins-emu/core/policy.h"
#include "wins-emu/store/journal.h"
#include "wins-emu/table/shared.h"
#include "wins-emu/table/table.h"

enum {
    ENG_CHALLENGES_MAX = 16384,
    ENG_CHALLENGES_SOURCE_MAX = 256, /* of them for requests from one address */
    ENG_BATCH_MAX = 512,       /* names changed in one batch, and answers held; a full batch is committed by itself */
    ENG_CHALLENGE_PACKETS = 3, /* to each address */
    ENG_CHALLENGE_WAIT_MS = 1000,
    ENG_TICK_MAX = 1024, /* challenges in one eng_tick that are repeated, moved on or decided; requests go on in between */
    ENG_SLICE_CHANGES = 256,
    ENG_SLICE_GAP_MS = 5,
    ENG_HEARTBEAT_MS = 600000, /* how often the database is told that the server is in service */
    ENG_SETTLE_S = 3600,       /* no pass of the scavenger sooner after that: what came back refreshes first */
    ENG_OUTAGE_MAX_S = 3600,   /* a longer one, or a jump of the clock, begins the time in service anew (V03) */
};

struct eng;

/* Both clocks, read by the caller once an event. */
struct eng_now {
    int64_t real_s;  /* leases */
    int64_t mono_ms; /* timers */
};

struct eng_config {
    struct wins_config rules;
    const struct tbl_shared *policy; /* a struct wins_policy; NULL or empty: no policy but P03 and P09 */
    uint16_t nbt_port; /* of the holders that are challenged: NB_PORT, another in tests */
    int64_t scavenge_period_s; /* from the begin of a pass to that of the next; 0 means only when an administrator asks */
    uint64_t journal_max; /* rows of the journal; 0: none */
    bool tells_changes;   /* ops.changed is called */
};

/* What happened to a name, as its clients see it. */
enum eng_event { ENG_EVENT_ADD, ENG_EVENT_REFRESH, ENG_EVENT_DELETE };

/* What the engine needs from outside. */
struct eng_ops {
    void *ctx;
    /* Sends a datagram from own socket number `socket`; must not call the engine. Without a result: UDP may lose it anyway. */
    void (*send)(void *ctx, unsigned socket, struct wins_peer to, const void *octets, size_t len);
    /* Fills with octets that a stranger cannot guess (sl_random_os), or seeded ones in tests. */
    void (*random)(void *ctx, void *out, size_t len);
    /* A registration that the policy refuses (P02 to P06, P09), to be told in the log; NULL: nobody wants to know. */
    void (*refused)(void *ctx, enum wins_rule rule, const struct wins_request *request);
    /* A name became active, changed or was extended, or is active no more; on disk and in the table. Must not call the engine;
     * may be NULL without tells_changes. */
    void (*changed)(void *ctx, enum eng_event event, const struct wins_record *record);
    /* What the journal has of a change that is on disk and in the table, also when no journal is kept. Must not call the engine;
     * NULL: nobody wants to know. */
    void (*noted)(void *ctx, const struct wst_note *note);
};

/* Counters since the start; by the engine's thread only. */
struct eng_stats {
    uint64_t rules[WINS_RULE_COUNT]; /* decisions of each row; R01 is the malformed ones */
    uint64_t packets;
    uint64_t ignored;         /* answers that match no challenge, broadcasts, other operations */
    uint64_t commits;         /* batches on disk */
    uint64_t commit_failures;
    uint64_t challenges;      /* started */
    uint64_t challenges_running; /* now */
    uint64_t challenges_full; /* requests refused since as many as may were running */
    uint64_t scavenges;       /* passes begun */
    int64_t scavenged_s;      /* when the last complete pass began, real time, also before this start; 0 for never */
    int64_t serving_since_s;  /* for wins_scavenge */
};

/*
 * An engine over a table that is already loaded and its store; both are the caller's and must outlive it. `config` and `ops`
 * are copied. The version counter goes on from wst_version, the scavenger from wst_times.
 */
struct eng *eng_new(const struct eng_config *config, const struct eng_ops *ops, struct tbl *table, struct wst *store);
/*
 * Takes over what may change while the engine works: times and names_max of the rules, scavenge_period_s, journal_max and
 * tells_changes; the rest of `config` counts for nothing. The next pass of the scavenger is reckoned anew.
 */
void eng_reload(struct eng *eng, struct eng_now now, const struct eng_config *config);
/* Drops the open batch without an answer. */
void eng_free(struct eng *eng);

/*
 * One datagram that is not a query: requests (operations 5, 6, 8, 9, 15) and answers to our challenges. `socket` is the number
 * of the own socket it came in by, which answers and challenges leave by. Other operations, stray answers and broadcasts are
 * counted and dropped; but a broadcast claim of a name of this server itself is refused (R20).
 */
void eng_packet(struct eng *eng, struct eng_now now, struct wins_peer from, unsigned socket, const void *octets, size_t len);

/*
 * False for an answer that no challenge waits for, or not any more: from an address that was not asked, with another id, or the
 * second one to a question. Such a datagram need not come to eng_packet, so that a flood of them takes no room from requests. Any
 * thread; says true once for each question, and for whatever is no answer.
 */
bool eng_wants(struct eng *eng, struct wins_peer from, const void *octets, size_t len);

/* How many requests wait, this one included, for the burst rule (B01); holds until the next call. */
void eng_set_backlog(struct eng *eng, size_t backlog);

/*
 * Called once after the batch of an administrator's operation was committed: SL_OK, or the failure of the batch with its text
 * in `e`. Must not call the engine.
 */
typedef void eng_done(void *ctx, enum sl_status status, const struct sl_error *e);

/*
 * Adds or replaces a static record: `name`, `type`, `node` and the members' addresses of *record are taken, the rest is set
 * here (active, static, ours, new version, never expires). SL_USAGE when it has no address, SL_CONFLICT when the rules never
 * allow such a name (R02 to R06, R20); done is not called then.
 */
enum sl_status eng_admin_add(struct eng *eng, struct eng_now now, const struct wins_record *record, eng_done *done, void *ctx,
                             struct sl_error *e) SL_MUST;
/* Deletes a record of any kind and state. False when there is none; done is not called then. */
bool eng_admin_delete(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx);

enum eng_end { ENG_END_RELEASE, ENG_END_TOMBSTONE };
/*
 * Releases a record or makes it a tombstone (wins_admin_release, wins_admin_tombstone). *ret_found is false when there is none;
 * SL_CONFLICT when a static one was to be released; done is called in neither case. A record that is not active any more, or a
 * tombstone already, stays as it is and is done.
 */
enum sl_status eng_admin_end(struct eng *eng, struct eng_now now, const struct nb_name *name, enum eng_end how, eng_done *done,
                             void *ctx, bool *ret_found, struct sl_error *e) SL_MUST;

/* What became of an imported name; import.h has the table. */
enum eng_imported {
    ENG_IMPORT_ADDED,
    ENG_IMPORT_REPLACED,
    ENG_IMPORT_UNCHANGED,
    ENG_IMPORT_CONFLICT,
    ENG_IMPORT_REFUSED,
    ENG_IMPORTED_COUNT,
};

/* "added", "replaced", "unchanged", "conflict", "refused". */
const char *eng_imported_word(enum eng_imported imported);

/* Takes one record of an import. */
typedef enum sl_status eng_import_fn(void *ctx, const struct wins_record *record, struct sl_error *e);

/* Records that come from outside. */
struct eng_import {
    void *ctx;
    bool dry_run; /* decide, change nothing */
    /*
     * Hands every record to `take`, in ascending order of the 16 octets and then the scope, each name once; called twice and must
     * give the same. Of a record count name, type, node, is_static, expires_s (0 of a dynamic one: the longest lease) and the
     * members' addresses. What `take` fails with is returned.
     */
    enum sl_status (*each)(void *ctx, eng_import_fn *take, void *take_ctx, struct sl_error *e);
    /* What becomes of each, in the same order; `rule` is that of a refusal. */
    void (*decided)(void *ctx, const struct wins_record *record, enum eng_imported imported, enum wins_rule rule);
};

/*
 * Imports all or nothing: one transaction, on disk when it returns SL_OK and published then. The open batch is committed before.
 * Nothing else is decided meanwhile: about 5 s for a million names; queries are answered.
 */
enum sl_status eng_admin_import(struct eng *eng, struct eng_now now, const struct eng_import *import, struct sl_error *e) SL_MUST;

/* What a pass of the scavenger did: decisions by row. */
struct eng_scavenged {
    uint64_t rules[WINS_RULE_COUNT];
};

/*
 * Called once when a pass is over and all it changed is on disk, or with the first failure of a batch meanwhile (the rest of the
 * pass was done all the same). Must not call the engine.
 */
typedef void eng_scavenge_done(void *ctx, enum sl_status status, const struct eng_scavenged *result, const struct sl_error *e);

/*
 * Begins a pass now, at the first name, also when one is under way. SL_CONFLICT when an administrator already waits for one; done
 * is not called then.
 */
enum sl_status eng_scavenge(struct eng *eng, struct eng_now now, eng_scavenge_done *done, void *ctx, struct sl_error *e) SL_MUST;

/* Whether the table and the database have the same of a name, or both nothing, after what was waiting is committed. */
enum sl_status eng_compare(struct eng *eng, const struct nb_name *name, bool *ret_same, struct sl_error *e) SL_MUST;

/* The next moment (monotonic) at which eng_tick has something to do; INT64_MAX when there is none. */
int64_t eng_next_timer_ms(const struct eng *eng);
/*
 * Does what is due: challenges are repeated, moved on, decided; the scavenger does a slice; of a journal that is too long some
 * notes go with the batch. All that came in until `heard_ms` (monotonic) was given to eng_packet: a question that was due later
 * is not unanswered yet, however late it is now.
 */
void eng_tick(struct eng *eng, struct eng_now now, int64_t heard_ms);

/* True when something waits for eng_commit. */
bool eng_has_batch(const struct eng *eng);
/*
 * Ends the open batch: disk, table, answers. Call it when the queue is empty or the time of a batch is over, after eng_packet,
 * eng_admin_* and eng_tick. On failure of the disk the held requests are answered SRV_ERR, *e says why and the status is the
 * store's; the engine goes on. SL_OK without work when there is no open batch. A batch that is full is committed from within
 * the other calls: its failure then shows in eng_stats only.
 */
enum sl_status eng_commit(struct eng *eng, struct sl_error *e) SL_MUST;

/* The last version id handed out. */
uint64_t eng_version(const struct eng *eng);
/* The counters; valid as long as the engine. */
const struct eng_stats *eng_stats(const struct eng *eng);

#endif
