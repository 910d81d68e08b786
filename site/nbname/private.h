/*
 * private.h - what the parts of the NetBIOS side share: claims (nbname.c), the answers to others (answer.c), and the addresses of
 * registries that are given by name (lookup.c).
 */
#ifndef SL_SITE_NBNAME_PRIVATE_H
#define SL_SITE_NBNAME_PRIVATE_H

#include "common/host/loop.h"
#include "locator/net/nbc.h"
#include "site/nbname/nbname.h"

#include <pthread.h>
#include <stdatomic.h>

#define NBN_SLP_NAME "SMS_SLP"

/* One of our addresses. */
struct nbn_socket {
    struct nbn *names;
    struct sl_endpoint endpoint;
    int fd;
    struct host_watch *watch;
};

/* phase, word of nbn_state */
#define NBN_PHASE_TABLE(X)                                                                                             \
    X(REGISTERING, "registering") /* first registration, or a new one after the release of another claim */            \
    X(REGISTERED, "registered")                                                                                        \
    X(REFUSED, "refused")       /* the registry said no; asked again with back-off */                                  \
    X(UNANSWERED, "unanswered") /* likewise for one that does not answer; a lease may run on meanwhile */              \
    X(YIELDING, "yielding")     /* another host takes it over: asked by the registry, we say that it is not ours (S1.20) */ \
    X(ELSEWHERE, "elsewhere")   /* the address is not on this host now: that of a cluster, with another member */      \
    X(RELEASING, "releasing")

enum nbn_phase {
#define NBN_PHASE_ENUM(name, word) NBN_##name,
    NBN_PHASE_TABLE(NBN_PHASE_ENUM)
#undef NBN_PHASE_ENUM
};

enum { NBN_DETAIL_MAX = 160, NBN_LOOKUP_MS = 2000 };

/* A host name on its way to an address, in a thread of its own: the loop must not wait for the DNS. */
struct nbn_lookup {
    struct nbn_lookup *next;
    struct nbn *names;
    struct nbn_claim *claim; /* NULL when it has gone meanwhile; the loop's thread only */
    char host[NBC_HOST_MAX];
    uint16_t port;
    pthread_t thread;
    /* What follows is written by the thread before is_done. */
    enum sl_status status;
    struct sl_error e;
    struct sl_endpoint server;
    atomic_bool is_done;
};

/* One name at one registry, from one address. */
struct nbn_claim {
    struct nbn_claim *next;
    struct nbn *names;
    const struct nbn_socket *from;
    char *registry;    /* URI */
    bool has_server;   /* question.server is known */
    struct nbn_lookup *lookup; /* under way */
    struct nbc_question question;
    bool is_wanted;
    bool is_passed_on; /* wanted for another address than ours */
    enum nbn_phase phase;
    struct host_timer *timer; /* of the exchange under way, or until the next one */
    bool in_flight;
    bool is_waiting; /* after a WACK */
    uint16_t id;
    int tries;
    int failures; /* in a row */
    int64_t ttl_s;
    int64_t expires_ms; /* monotonic; of the lease */
    char detail[NBN_DETAIL_MAX];
};

/* A name that is to be registered at a registry for an address. */
struct nbn_wish {
    char *registry; /* URI */
    struct nb_name name;
    uint32_t address;
};

struct nbn_wishes {
    struct nbn_wish *items;
    size_t count;
};

struct nbn {
    uint32_t magic;
    struct host_loop *loop;
    pthread_mutex_t mutex; /* guards all below that other threads look at: held by whatever the loop calls */
    struct nbn_wishes wishes; /* that the loop has not yet taken, while has_wishes */
    bool has_wishes;
    struct nbn_socket sockets[NBN_ADDRESSES_MAX];
    size_t socket_count;
    struct nbn_claim *claims;
    struct nbn_lookup *lookups;
    int wake_fd; /* an eventfd: readable when there are wishes, `is_poked`, or a lookup has something to say */
    struct host_watch *wake_watch;
    atomic_bool is_poked;
    bool is_ending;
    struct host_timer *end_timer;
    host_fn *done;
    void *done_ctx;
};

/* True when we say that the name is ours at this address. */
bool nbn_holds(const struct nbn_socket *s, const struct nb_name *name);
/* Answers a request that came to our port: queries (challenges too) and node status; everything else is passed over. */
void nbn_answer(const struct nbn_socket *s, const uint8_t *octets, size_t len, const struct sl_endpoint *from);

/*
 * Finds question.server of a claim: at once when the registry is given by address (has_server then), else by a lookup whose
 * result nbn_lookups_collect brings. SL_USAGE for a bad URI.
 */
enum sl_status nbn_find_server(struct nbn_claim *c, struct sl_error *e) SL_MUST;
/* Takes the results of finished lookups and calls `fn` for each claim that still waits for one. */
void nbn_lookups_collect(struct nbn *names, void (*fn)(struct nbn_claim *c, const struct nbn_lookup *lookup));
/* Waits for the lookups under way, at most NBN_LOOKUP_MS, and forgets them. */
void nbn_lookups_end(struct nbn *names);
/* Makes the loop look at what happened; any thread. */
void nbn_wake(struct nbn *names);

#endif
