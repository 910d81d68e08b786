/*
 * source.h - the sources of answers: one family per URI scheme behind one interface.
 *
 * A source is opened from a URI without input or output (so a bad URI is told at once), then asked one question with a deadline.
 * It says what it found, in the words of SRC_RESULT_TABLE, and leaves a note of each question that it sent. It never chooses
 * between sources: that is resolve's business.
 *
 * Ownership and threads: an opened source belongs to one asker and is used by one thread; everything it needs is copied when it
 * is opened. `cancel` alone may be called from another thread while `ask` runs. Questions are values without pointers; answers
 * too, but for their objects.
 */
#ifndef SL_LOCATOR_SOURCE_SOURCE_H
#define SL_LOCATOR_SOURCE_SOURCE_H

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/wire/name.h"
#include "locator/model/boundary.h"
#include "locator/model/mp.h"
#include "locator/model/object.h"
#include "locator/model/trust.h"
#include "locator/net/ldapc.h"

struct cache;

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SRC_URI_MAX = 1024,
    SRC_TEXT_MAX = 256,
    SRC_SERVER_MAX = SRC_URI_MAX + 16,
    SRC_NOTES_MAX = 40,
    SRC_WARNINGS_MAX = 4,
    SRC_REASON_MAX = 32,
    SRC_ADDRESSES_MAX = 86,
    SRC_AGE_UNKNOWN = -1,
    SRC_MP_NAMES = 2,   /* of src_mp_name */
    SRC_PLACES_MAX = 8, /* of slp: and mplist: */
    SRC_OTHERS_MAX = 3, /* management points that may be meant, too */
    SRC_ID_SIZE = 17,
};

enum src_what {
    SRC_SITE = 1,    /* the site of a client, or that a site is published */
    SRC_MP = 2,      /* the default management point of a site */
    SRC_NAME = 4,    /* the addresses of a registered name */
    SRC_OBJECTS = 8, /* every published object of a kind, decoded */
    SRC_CAP = 16,    /* the client access points of a site, for legacy clients (S1.09) */
};

struct src_question {
    enum src_what what;
    char site[LM_CODE_SIZE];  /* SRC_MP, SRC_CAP; SRC_SITE: "" asks by the client's place; SRC_OBJECTS: "" is every site */
    struct nb_name name;      /* SRC_NAME */
    enum lm_object_kind kind; /* SRC_OBJECTS */
    struct lm_client client;  /* SRC_SITE, SRC_CAP */
    bool elsewhere;           /* the client is not this host, so what is learned of this host is not its */
    enum lm_profile profile;
    int64_t now_s;            /* for ages */
    char client_version[LM_VERSION_MAX]; /* SRC_SITE: "" = any site is valid; see lm_version_is_older */
    char forest[LM_NAME_MAX]; /* of the client; "" = not said. Directories serve clients of their own forest only (F1) */
    bool no_schema;           /* what if no directory had the schema (X08): directories say so without being asked */
};

/*
 * result, word (of JSON and steps), outcome when nothing better comes from any other source, meaning. NO_DEFAULT is a decision of
 * the site and ends the search; the other negative words leave it to the next source.
 */
#define SRC_RESULT_TABLE(X)                                                                                            \
    X(ANSWER, "answer", OK, "found")                                                                                   \
    X(NO_SCHEMA, "schema-not-extended", NEGATIVE, "the directory does not know the classes")                           \
    X(NOTHING, "nothing-published", NEGATIVE, "the container is absent or empty")                                      \
    X(NO_DEFAULT, "no-default-mp", NEGATIVE, "the site is published and has no default management point")              \
    X(NOT_FOUND, "not-found", NEGATIVE, "asked properly, the answer is no")                                            \
    X(UNABLE, "not-asked", USAGE, "this kind of source knows nothing of the kind")                                     \
    X(FAILED, "could-not-ask", UNREACHABLE, "time-out, refused connection, broken answer")                             \
    X(CUT, "incomplete", UNREACHABLE, "a limit of the server cut the answer, and what came says nothing")              \
    X(UNREADABLE, "container-unreadable", DENIED, "the directory does not let this account read the container")        \
    X(REFUSED, "access-refused", DENIED, "the server refused the bind or the question")                                \
    X(UNTRUSTED, "certificate-refused", UNTRUSTED, "the server's certificate failed verification")                     \
    X(REFUTED, "refuted", UNTRUSTED, "the management point was asked to prove itself and did not")                     \
    X(TRUST_TOO_LOW, "trust-too-low", UNTRUSTED, "the answer is trusted less than what is demanded")                   \
    X(UNPROVED, "proof-not-obtained", UNREACHABLE, "the management point could not be asked for its proof")            \
    X(MISUSED, "bad-option", USAGE, "what was said about the source cannot be used, such as a password file that is not there") \
    X(BAD_FILE, "bad-file", USAGE, "a dump that is not of its format; the text begins with FILE:LINE")                 \
    X(AMBIGUOUS, "ambiguous", USAGE, "the directory has several naming contexts and no base DN was given")

enum src_result {
#define SRC_RESULT_ENUM(name, word, outcome, text) SRC_##name,
    SRC_RESULT_TABLE(SRC_RESULT_ENUM)
#undef SRC_RESULT_ENUM
        SRC_RESULT_COUNT
};

/* The word, and the outcome, of a result. */
const char *src_result_word(enum src_result result);
enum sl_outcome src_result_outcome(enum src_result result); /* as above */

/* One question that a source sent, for the trace. */
struct src_note {
    char asked[SRC_TEXT_MAX];
    char result[SRC_TEXT_MAX];
    int64_t ms;
};

struct src_answer {
    enum src_result result;
    char text[SL_ERROR_TEXT_MAX]; /* what it is, or why there is none, for people */
    char rule[16];                /* of the choice made inside the source: "Q12"; "" for none */
    /* provenance */
    char server[SRC_SERVER_MAX];  /* of a dump: FILE:LINE */
    char owner[LM_NAME_MAX];      /* forest that published it, or "" */
    int64_t age_s, ttl_s;         /* SRC_AGE_UNKNOWN */
    char replicated_from[LM_ORIGIN_MAX]; /* the server that took the last write of the entry, or "" */
    enum lm_trust trust;          /* of the source: LM_TRUST_DIRECTORY or LM_TRUST_UNPROVEN; resolve/prove.h decides */
    int64_t stale_since_s;        /* 0: it is what the source says now */
    /* of an answer; both are the business of who asks */
    char id[SRC_ID_SIZE];         /* by which it is reported, or "" */
    int64_t suspect_until_s;      /* 0: it is not suspect */
    bool several_writers;         /* the directory is written to at several servers, which merge what they were told */
    char reason[SRC_REASON_MAX];  /* word that is more exact than that of the result, or "" */
    size_t note_count;
    struct src_note notes[SRC_NOTES_MAX];
    size_t warning_count;
    char warnings[SRC_WARNINGS_MAX][SRC_TEXT_MAX];
    /* SRC_MP; SRC_SITE: of the site found, its name "" when it has none */
    struct lm_mp mp;
    size_t other_count; /* SRC_MP: who comes next by name, when the first does not prove itself (Q12) or is suspect (J8) */
    struct lm_mp others[SRC_OTHERS_MAX];
    /* SRC_SITE */
    char site[LM_CODE_SIZE];     /* where its clients are assigned */
    char resident[LM_CODE_SIZE]; /* in whose boundaries the client is; "" when asked by code */
    char assigned_by[16]; /* "site-code", "ad-site", "subnet", "range" */
    /* SRC_NAME */
    bool group;
    char node[4]; /* "B", "P", "M", "H" */
    size_t address_count;
    uint32_t addresses[SRC_ADDRESSES_MAX];
    /* SRC_OBJECTS, SRC_CAP */
    struct lm_objects objects;
};

/* A host that is not to be looked up: HOST:ADDR of --resolve. */
struct src_override {
    char *host;
    char *address; /* numeric */
};

/* What sources are opened with, and management points are asked with; borrowed during `open` only. */
struct src_config {
    struct ldapc_options ldap; /* its files of certificates serve https: too */
    bool sasl_told;             /* how to bind was chosen by the caller; else a directory found by its domain tries Kerberos */
    uint64_t seed;              /* of the choice among servers of equal priority */
    const struct src_override *overrides;
    size_t override_count;
    uint16_t mp_port;    /* of management points, instead of theirs; 0: none */
    struct cache *cache; /* NULL: none */
};

/* A copy that owns everything, but has no cache; released by src_config_fini. */
struct src_config src_config_copy(const struct src_config *config);
void src_config_fini(struct src_config *config); /* frees what a copy owns */

/* What sort of place a source is, live or as a dump; profiles order sources by it (features.md 4.2). */
enum src_kind { SRC_MP_LIST, SRC_DIRECTORY, SRC_DNS, SRC_SLP, SRC_REGISTRY };

struct src_ops {
    const char *scheme; /* "ldap" */
    bool opaque;        /* of SCHEME:REST only; a family of the same scheme behind it has SCHEME://REST */
    unsigned answers;     /* enum src_what, or-ed: questions of other kinds are not put to it */
    /* Parses the URI and copies what it needs; SL_USAGE names what is wrong. */
    enum sl_status (*open)(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e);
    /* Fills *a, which comes from src_answer_init; never beyond the deadline by more than a moment. */
    void (*ask)(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a);
    /* Makes a running `ask` end soon, beside the wish to cancel that its deadline carries; NULL when that wish will do. */
    void (*cancel)(void *source);
    void (*free)(void *source);
};

/* The family of a URI's scheme; SL_USAGE lists the schemes that are known. */
enum sl_status src_find(const char *uri, const struct src_ops **ret_ops, struct sl_error *e) SL_MUST;
/* The kind of a family. */
enum src_kind src_kind_of(const struct src_ops *ops);
/* The numeric address that an override gives for a host, ASCII case ignored, or NULL. */
const char *src_override_find(const struct src_config *config, const char *host);

/* An answer of which nothing is known yet. */
void src_answer_init(struct src_answer *a);
/* Frees the objects of an answer. */
void src_answer_fini(struct src_answer *a);
/* Sets the result and its text. */
void src_say(struct src_answer *a, enum src_result result, const char *fmt, ...) SL_PRINTF(3, 4);
/* The result of a failure. */
enum src_result src_result_of(enum sl_status status);
/* Sets a failed result from a status; `e` tells the text. */
void src_say_failed(struct src_answer *a, enum sl_status status, const struct sl_error *e);
/* Takes the management point that was chosen among `mps`, and those that come next by name. Changes their order. */
void src_take_choice(struct src_answer *a, struct lm_mp *mps, size_t count, struct lm_choice chosen, enum lm_profile profile);
/*
 * Makes one of the others the answer, and those behind it who come next. What is known of the entry of the first only, its age
 * and the server that wrote it, is unknown of the other.
 */
void src_take_other(struct src_answer *a, size_t index);
/* Adds a warning; those beyond SRC_WARNINGS_MAX are dropped. */
void src_warn(struct src_answer *a, const char *fmt, ...) SL_PRINTF(2, 3);
/* Begins a note of a question sent now; src_note_end tells what came back. Beyond SRC_NOTES_MAX the last note is overwritten. */
void src_note(struct src_answer *a, const char *fmt, ...) SL_PRINTF(2, 3);
void src_note_end(struct src_answer *a, const char *fmt, ...) SL_PRINTF(2, 3); /* as above */

/* The names under which a site's default management point is registered, in the order they are asked (Q7): i < SRC_MP_NAMES. */
struct nb_name src_mp_name(size_t i, const char *site);
/* The management point that an answer about such a name means: known by its first address only. One that is no host's is
 * SRC_NOT_FOUND. */
void src_mp_of_name(const char *site, struct src_answer *a);

/*
 * The families: the suffix of their src_ops, kind, form of their URIs, what it is. The one list of them: parser, messages and
 * manual are made from it, and a test holds docs/locator.md and the public header against it.
 */
#define SRC_FAMILY_TABLE(X)                                                                                            \
    X(domain, DIRECTORY, "ldap:DOMAIN", "a directory that the DNS names, the closest server first")                    \
    X(ldap, DIRECTORY, "ldap://HOST[:PORT][,HOST...][/BASE]", "a directory, its servers by preference")               \
    X(ldaps, DIRECTORY, "ldaps://HOST[:PORT][/BASE]", "a directory, over TLS")                                         \
    X(ldapi, DIRECTORY, "ldapi://%2FPATH[/BASE]", "a directory on this host, by its socket")                           \
    X(ldif, DIRECTORY, "ldif:FILE", "a dump of a directory")                                                           \
    X(dns, DNS, "dns:[//ADDR[:PORT][,...]/]DOMAIN", "the DNS")                                                         \
    X(zone, DNS, "zone:FILE", "a master file of the DNS")                                                              \
    X(http, MP_LIST, "http://HOST[:PORT]", "the list that a management point gives")                                   \
    X(https, MP_LIST, "https://HOST[:PORT]", "the same over TLS")                                                      \
    X(slp_http, SLP, "slp+http://HOST[:PORT][/PATH]", "a server locator point")                                        \
    X(slp_https, SLP, "slp+https://HOST[:PORT][/PATH]", "a server locator point, over TLS")                            \
    X(slp, SLP, "slp:SOURCE[;SOURCE...]", "the server locator point that a directory, or a registry, names")            \
    X(mplist, MP_LIST, "mplist:SOURCE[;SOURCE...]", "the list of the management point that a directory, or the DNS, names") \
    X(wins, REGISTRY, "wins://HOST[:PORT]", "a name registry")                                                         \
    X(winsdat, REGISTRY, "winsdat:FILE", "the wins.dat of a name registry")                                            \
    X(lmhosts, REGISTRY, "lmhosts:FILE", "an LMHOSTS file")                                                            \
    X(netsh, REGISTRY, "netsh:FILE", "a script of netsh that adds names")                                              \
    X(cache, DIRECTORY, "cache:", "the directories that locator watch keeps in the cache")

/* Between the sources of slp: and mplist:; of a URI it is written %3B. */
#define SRC_PLACES_SEPARATOR ";"

#define SRC_FAMILY_EXTERN(name, kind, form, text) extern const struct src_ops src_##name;
SRC_FAMILY_TABLE(SRC_FAMILY_EXTERN)
#undef SRC_FAMILY_EXTERN

#endif
