/*
 * rules.h - the decision tables of the name registry: registration, challenge, release, query and scavenging, one id a row.
 *
 * The ids are those of the project's fact page (wins.md 2.2 to 2.7) and never change their meaning. Each family of rows is a
 * table in rules.c that is read from top to bottom; the first row that applies decides. The functions are pure: (record or
 * none, request, configuration, now) -> decision. They neither read a clock nor send nor store; who calls them does what the
 * decision says.
 *
 * Times are seconds since the epoch, addresses IPv4 in host byte order.
 */
#ifndef SL_WINS_CORE_RULES_H
#define SL_WINS_CORE_RULES_H

#include "common/wire/message.h"
#include "wins-emu/core/record.h"

#include <stddef.h>

/*
 * id, what the row says. The order is that of the page; queries are judged in the order Q15 Q14 Q09 Q10 Q13 Q12 Q01 Q02 Q08,
 * then by record. R20 stands before the rows that look at a record. The rows of the policy (policy.h) are judged before all
 * others but R01, R07 and Q15.
 */
#define WINS_RULE_TABLE(X)                                                                                                     \
    X(R01, "malformed request: dropped and counted")                                                                           \
    X(R02, "registration of a unique 1D name: positive, never stored")                                                         \
    X(R03, "registration of a 1B name as a group: refused (RFS)")                                                              \
    X(R04, "registration of a 1C name as unique: refused (RFS)")                                                               \
    X(R05, "registration of a 1E name as unique: refused (RFS)")                                                               \
    X(R06, "registration with a scope of more than 237 octets: server failure (SRV)")                                          \
    X(R07, "the same request already waits behind a WACK: no answer")                                                          \
    X(R08, "no such record: added as active, ours, with a new version")                                                        \
    X(R09, "the record is a static group: positive, unchanged")                                                                \
    X(R10, "the record is static and unique or multi-homed: refused (ACT), unchanged")                                         \
    X(R11, "the record is a group in any state and the request is none: refused (ACT)")                                        \
    X(R12, "the record is an active group and so is the request: lease extended; a replica becomes ours")                      \
    X(R13, "the record is released or a tombstone: replaced by the request")                                                   \
    X(R14, "the record is unique and active, the request a group: WACK, the holder is challenged")                             \
    X(R15, "the record is unique and active and has this address: lease extended; a replica becomes ours")                     \
    X(R16, "the record is unique and active under another address: WACK, the holder is challenged")                            \
    X(R17, "the record is an active special group and the request is none: refused (ACT)")                                     \
    X(R18, "the record is an active special group and the address a member: lease extended; a replica becomes ours")           \
    X(R19, "the record is an active special group and the address is new: added, new version, ours")                           \
    X(R20, "a unique name of this server itself: defended (ACT)")                                                              \
    X(C01, "the challenged holder is silent or denies: its record is replaced by the request")                                 \
    X(C02, "the challenged holder answers and the request is a group: refused (ACT)")                                          \
    X(C03, "the challenged holder answers without the new address: refused (ACT)")                                             \
    X(C04, "the challenged holder answers with the new address: the same machine, addresses merged")                           \
    X(C05, "the record changed during the challenge: refused (ACT)")                                                           \
    X(L01, "release of a 1D name: positive, nothing done")                                                                     \
    X(L02, "release with a scope of more than 237 octets: positive, nothing done")                                             \
    X(L03, "release of an unknown name: positive, nothing done")                                                               \
    X(L04, "release of a name that is not active: positive, nothing done")                                                     \
    X(L05, "release of a static unique or multi-homed name: positive, nothing done")                                           \
    X(L06, "release of a static group: refused (ACT)")                                                                         \
    X(L07, "the packet's source is not an address of the record: positive, nothing done")                                      \
    X(L08, "a unique name or a group is released")                                                                             \
    X(L09, "the source's address is taken out of a special group or multi-homed name; the last one releases it")               \
    X(L10, "released, and the record is ours: kept for the extinction interval, no new version")                               \
    X(L11, "released, and the record was a replica: a tombstone of ours with a new version")                                   \
    X(Q01, "query without recursion desired for a name that is not this server's: negative")                                   \
    X(Q02, "query for a 1D name: negative")                                                                                    \
    X(Q03, "a group in any state: 255.255.255.255")                                                                            \
    X(Q04, "a unique or multi-homed name that is not active: negative")                                                        \
    X(Q05, "an active unique or multi-homed name: all its addresses")                                                          \
    X(Q06, "an active special group: up to 25 addresses, that of the 1B name first")                                           \
    X(Q07, "a special group that is missing or not active: negative")                                                          \
    X(Q08, "\"*\" with type 1B: nothing special, negative")                                                                    \
    X(Q09, "node status of an own name or \"*\": the name table")                                                              \
    X(Q10, "node status of another's name: no answer")                                                                         \
    X(Q11, "unknown name: negative")                                                                                           \
    X(Q12, "a name of this server itself, or \"*\": its own address")                                                          \
    X(Q13, "broadcast query for another's name: no answer")                                                                    \
    X(Q14, "question type neither NB nor NBSTAT: no answer")                                                                   \
    X(Q15, "an answer nobody asked for, or a packet from our own socket: dropped")                                             \
    X(Q16, "time to live of every positive answer: 0")                                                                         \
    X(M01, "the 26th address of a name: the oldest replica's address goes, else the oldest own one")                           \
    X(P01, "policy: a query from a network that may not ask: refused (RFS)")                                                   \
    X(P02, "policy: a registration from a network that may not register: refused (RFS)")                                       \
    X(P03, "policy: the address is no host's, or loopback from another machine: refused (RFS)")                                \
    X(P04, "policy: the name is pinned to networks and the address lies in none: refused (RFS)")                               \
    X(P05, "policy: the name is pinned to networks and the sender lies in none: refused (RFS)")                                \
    X(P06, "policy: the name stays with its first owner until release or expiry: refused (RFS)")                               \
    X(P07, "policy: more requests of one source than it may send a second: dropped")                                           \
    X(P08, "policy: more queries of one source than it may send a second: dropped")                                            \
    X(P09, "policy: as many names as may be are in the registry, and this would be one more: refused (RFS)")                  \
    X(B01, "more requests wait than the threshold of the burst rule: granted for a short time, neither checked nor stored")    \
    X(B02, "as many requests wait as can: server failure (SRV)")                                                               \
    X(V01, "ours, active and expired: released, kept for the extinction interval, no new version")                             \
    X(V02, "ours, released and expired: a tombstone with a new version, kept for the extinction timeout")                      \
    X(V03, "ours, a tombstone and expired, in service for long enough: deleted")                                               \
    X(V05, "a replica, a tombstone or released, and expired: deleted")                                                         \
    X(V06, "ours, active, and the lease of one of several addresses is over: it is taken out, no new version")

enum wins_rule {
    WINS_RULE_NONE,
#define WINS_RULE_ENUM(id, text) WINS_##id,
    WINS_RULE_TABLE(WINS_RULE_ENUM)
#undef WINS_RULE_ENUM
        WINS_RULE_COUNT
};

/* "R08"; "-" for none. */
const char *wins_rule_id(enum wins_rule rule);
/* What the row says, one line; "" for none. */
const char *wins_rule_text(enum wins_rule rule);
/* The rule of an id as text, WINS_RULE_NONE when there is none. */
enum wins_rule wins_rule_parse(const char *id);

/* A name of this server itself, defended (R20) and answered (Q09, Q12). */
struct wins_own_name {
    struct nb_name name;
    bool group;
};

/* Address and port of a peer or of an own socket. */
struct wins_peer {
    uint32_t address;
    uint16_t port;
};

enum { WINS_OWN_NAMES_MAX = 16, WINS_OWN_SOCKETS_MAX = 64 };

/* What the rules are told. Set up once, then only read, by any thread; but for what wins_config_reload changes. */
struct wins_config {
    uint32_t self;                   /* owner of what is registered here, 0 is not allowed */
    uint32_t ttl_min_s;              /* leases are clamped to these two (OQ2: the clamped one is answered) */
    uint32_t ttl_max_s;
    uint32_t extinction_interval_s;  /* from released to tombstone */
    uint32_t extinction_timeout_s;   /* from tombstone to deletion */
    uint32_t tombstone_hold_s;       /* time in service before the first tombstone is deleted (V03) */
    size_t names_max;                /* beyond which P09 refuses new names; 0: no bound */
    size_t own_name_count;
    struct wins_own_name own_names[WINS_OWN_NAMES_MAX];
    size_t own_socket_count;         /* every address and port that this process sends from: Q15 */
    struct wins_peer own_sockets[WINS_OWN_SOCKETS_MAX];
};

/* The defaults of wins.md 2.7: 6 hours to 6 days, 6 days, 1 day, 3 days; no bound, no own names, no sockets. */
struct wins_config wins_config_default(uint32_t self);
/* Copies what may change while the rules are in use, the times and names_max; by their one thread, others read the rest. */
void wins_config_reload(struct wins_config *config, const struct wins_config *from);
/* The own name that equals `name`, or NULL. */
const struct wins_own_name *wins_own_name_find(const struct wins_config *config, const struct nb_name *name);
/* True for a unique name of this server itself: its registration by anybody is refused, broadcast or not (R20). */
bool wins_defends(const struct wins_config *config, const struct nb_name *name);
/* True when a packet comes from one of our own sockets: address and port, not the address alone (Q15). */
bool wins_is_own_socket(const struct wins_config *config, struct wins_peer from);

/* A registration (operations 5, 8, 9 and 15 alike) or a release, as the rules see it. */
struct wins_request {
    struct nb_name name;
    enum wins_type type; /* wins_request_type */
    enum wins_node node;
    uint32_t address;    /* that is registered; a release goes by `source` instead (L07) */
    uint32_t ttl_s;      /* as asked for */
    uint32_t source;     /* address the packet came from */
};

/* True for the operations 5, 6, 8, 9 and 15. */
bool wins_is_change(uint8_t opcode);
/*
 * The request that a message carries; false when it carries none (R01): not operation 5, 6, 8, 9 or 15, an answer, a question
 * that is not NB, no record with an address in the additional section. Of several addresses the first counts.
 */
bool wins_request_from(const struct nb_message *m, uint32_t source, struct wins_request *ret_request);
/* The type a registration asks for: 1C with the group bit is a special group, the group bit a group, operation 15 multi-homed. */
enum wins_type wins_request_type(uint8_t suffix, bool group, bool multihomed);

enum wins_effect {
    WINS_KEEP,      /* nothing changes */
    WINS_TOUCH,     /* decision.record replaces the record; only expiry times differ, so the answer need not wait for the disk */
    WINS_STORE,     /* decision.record is added or replaces the record; answer after it is on disk */
    WINS_REMOVE,    /* the record is deleted */
    WINS_CHALLENGE, /* WACK now; ask the addresses of the record in turn; then wins_judge */
};

struct wins_decision {
    enum wins_rule rule;
    enum wins_rule then;       /* L10 or L11 behind L08 and L09, M01 behind R19 and C04, else WINS_RULE_NONE */
    enum nb_rcode rcode;       /* of the answer; means nothing with WINS_CHALLENGE */
    enum wins_effect effect;
    bool new_version;          /* the caller puts the next version id into record.version */
    uint32_t ttl_s;            /* of the answer */
    struct wins_record record; /* with WINS_TOUCH and WINS_STORE only */
};

/* R02 to R06, R20, R08 to R19. `record` is NULL when there is none. */
void wins_register(const struct wins_record *record, const struct wins_request *request, const struct wins_config *config,
                   int64_t now_s, struct wins_decision *ret_decision);

enum wins_reply { WINS_REPLY_SILENT, WINS_REPLY_NEGATIVE, WINS_REPLY_POSITIVE };

/* What came of a challenge. */
struct wins_challenge {
    uint64_t version;         /* of the record when the challenge began, and its owner: C05 */
    uint32_t owner;
    enum wins_reply reply;    /* the first answer of any of the addresses; silent when all timed out */
    const struct nb_address *addresses; /* of a positive reply */
    size_t count;
};

/* C01 to C05, C05 first. `record` is the record of now, NULL when it is gone (C05). */
void wins_judge(const struct wins_record *record, const struct wins_request *request, const struct wins_challenge *challenge,
                const struct wins_config *config, int64_t now_s, struct wins_decision *ret_decision);

/* L01 to L11. */
void wins_release(const struct wins_record *record, const struct wins_request *request, const struct wins_config *config,
                  int64_t now_s, struct wins_decision *ret_decision);

/*
 * An administrator ends a record whose holder cannot. Release does what L10 and L11 say, whoever the addresses belong to: L04
 * when the record is not active, L05 or L06 when it is static; those are WINS_KEEP, else the rule is L08. A tombstone is ours
 * with a new version, static no more, and kept for the extinction timeout; WINS_KEEP when it is one already. It has no rule.
 */
void wins_admin_release(const struct wins_record *record, const struct wins_config *config, int64_t now_s,
                        struct wins_decision *ret_decision);
void wins_admin_tombstone(const struct wins_record *record, const struct wins_config *config, int64_t now_s,
                          struct wins_decision *ret_decision);

/*
 * V01 to V03, V05, V06: what time does to a record; rule WINS_RULE_NONE and WINS_KEEP when nothing is due. Static records never
 * expire. `serving_since_s` is since when this server has been in service, short outages aside: before tombstone_hold_s have
 * passed no tombstone goes, so that partners which could not reach it learn of the deletion first. Of the decision rule, effect,
 * new_version and record count.
 */
void wins_scavenge(const struct wins_record *record, int64_t serving_since_s, const struct wins_config *config, int64_t now_s,
                   struct wins_decision *ret_decision);

/* How long a client shall wait for the end of a challenge of that many addresses: 5 + 4 for each (wins.md 2.3). */
uint32_t wins_wack_ttl_s(size_t addresses);

#endif
