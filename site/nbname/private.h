/*
 * private.h - what the two halves of the NetBIOS side share: claims (nbname.c) and the answers to others (answer.c).
 */
#ifndef SL_SITE_NBNAME_PRIVATE_H
#define SL_SITE_NBNAME_PRIVATE_H

#include "common/host/loop.h"
#include "locator/net/nbc.h"
#include "site/nbname/nbname.h"

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
    X(RELEASING, "releasing")

enum nbn_phase {
#define NBN_PHASE_ENUM(name, word) NBN_##name,
    NBN_PHASE_TABLE(NBN_PHASE_ENUM)
#undef NBN_PHASE_ENUM
};

enum { NBN_DETAIL_MAX = 160 };

/* One name at one registry, from one address. */
struct nbn_claim {
    struct nbn_claim *next;
    struct nbn *names;
    const struct nbn_socket *from;
    char *registry;    /* URI */
    bool has_server;   /* question.server is known */
    struct nbc_question question;
    bool is_wanted;
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

struct nbn {
    uint32_t magic;
    struct host_loop *loop;
    struct nbn_socket sockets[NBN_ADDRESSES_MAX];
    size_t socket_count;
    struct nbn_claim *claims;
    int poke_fd;
    struct host_watch *poke_watch;
    bool is_ending;
    struct host_timer *end_timer;
    host_fn *done;
    void *done_ctx;
};

/* True when we say that the name is ours at this address. */
bool nbn_holds(const struct nbn_socket *s, const struct nb_name *name);
/* Answers a request that came to our port: queries (challenges too) and node status; everything else is passed over. */
void nbn_answer(const struct nbn_socket *s, const uint8_t *octets, size_t len, const struct sl_endpoint *from);

#endif
