/*
 * nbc.h - asking a NetBIOS name server (NBNS, "WINS"): query, node status, registration, refresh, release. RFC 1002 4.2; the
 * timers are those of Microsoft's clients (wins.md 1.6).
 *
 * Two layers. The lower one is pure: nbc_build makes the packet of a question, nbc_judge tells what a datagram means for it;
 * who has an event loop of his own (site/nbname) uses these. The upper one, nbc_ask, does a whole exchange and blocks until an
 * answer, a refusal by ICMP or the deadline: 3 packets 1.5 s apart under one random transaction id; once a WACK came no packet is
 * repeated and its time is waited for.
 *
 * An answer counts only when it comes from the address and port asked, carries the id asked, is a response of the right kind
 * and speaks of the same name. Everything else is passed over as if it had not come. Addresses are IPv4: the protocol knows no
 * other.
 *
 * No state is shared: any thread may call at any time.
 */
#ifndef SL_LOCATOR_NET_NBC_H
#define SL_LOCATOR_NET_NBC_H

#include "common/base/addr.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/wire/message.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NBC_PORT = NB_PORT,
    NBC_TRIES = 3,
    NBC_RETRY_MS = 1500,
    NBC_WACK_MIN_S = 9,   /* a WACK's time outside these bounds is taken as the upper one */
    NBC_WACK_MAX_S = 105,
    NBC_ADDRESSES_MAX = NB_ADDRESSES_MAX,
    NBC_HOST_MAX = 256,
};

enum nbc_kind { NBC_QUERY, NBC_REGISTER, NBC_REFRESH, NBC_RELEASE };

/* What is asked, of whom. */
struct nbc_question {
    enum nbc_kind kind;
    struct nb_name name;
    struct sl_endpoint server;
    /* NBC_REGISTER, NBC_REFRESH, NBC_RELEASE: */
    uint32_t address;  /* host byte order */
    uint16_t nb_flags; /* NB_GROUP and node type (message.h) */
    uint32_t ttl_s;    /* wished for; the registry grants its own */
};

/* An answer. `rcode` 0 is a positive one; else it is the refusal: 3 no such name, 5 refused, 6 owned by another ... */
struct nbc_reply {
    uint8_t rcode;
    uint16_t nb_flags; /* of the first address */
    bool group;
    bool is_registry;  /* it offers recursion: the answer of a name registry, not of a node about itself */
    uint32_t ttl_s;    /* granted (registration, refresh), or of the answer; seconds to wait for NBC_WAIT */
    size_t address_count;
    uint32_t addresses[NBC_ADDRESSES_MAX]; /* host byte order */
};

enum nbc_verdict {
    NBC_FOREIGN, /* not an answer to this question: pass over */
    NBC_WAIT,    /* WACK: reply->ttl_s seconds, already within the bounds */
    NBC_ANSWER,
};

/* A random transaction id. */
uint16_t nbc_id(void);
/* Writes the request into `out` (of NB_DATAGRAM_MAX octets or more) and returns its length; 0 when it does not fit. */
size_t nbc_build(const struct nbc_question *question, uint16_t id, uint8_t *out, size_t size);
/* Judges a datagram. `from` is its source. *ret_reply is written for NBC_WAIT and NBC_ANSWER. */
enum nbc_verdict nbc_judge(const struct nbc_question *question, uint16_t id, const struct sl_endpoint *from,
                           const uint8_t *packet, size_t len, struct nbc_reply *ret_reply);
/* "no such name", "owned by another" ... for an rcode. */
const char *nbc_rcode_text(uint8_t rcode);

/*
 * One whole exchange through `fd`, a socket of nbc_open that nobody else reads meanwhile, or through a socket of its own when fd
 * is -1 (connected: a refusal is seen at once). SL_OK for every answer, negative ones too;
 * SL_TIMEOUT: no answer, or only a WACK, in time; SL_UNREACHABLE: ICMP says that nothing listens or no way leads there.
 */
enum sl_status nbc_ask(const struct nbc_question *question, int fd, struct sl_deadline deadline, struct nbc_reply *ret_reply,
                       struct sl_error *e) SL_MUST;
/* nbc_ask with a question made from its parts. */
enum sl_status nbc_query(const struct sl_endpoint *server, const struct nb_name *name, struct sl_deadline deadline,
                         struct nbc_reply *ret_reply, struct sl_error *e) SL_MUST;
/*
 * A non-blocking UDP socket bound to `local` (never a wildcard), for registrations from port 137 or --nbt-port. ICMP errors
 * are reported on it. SL_CONFLICT: the port is held by another program; SL_DENIED: a port below 1024 without the right to it.
 */
enum sl_status nbc_open(const struct sl_endpoint *local, int *ret_fd, struct sl_error *e) SL_MUST;
/*
 * Takes the next ICMP error off a socket of nbc_open: its errno (ECONNREFUSED: nothing listens) and whom the packet had been sent
 * to; 0 when there is none. An event loop must take them all, else the socket stays ready.
 */
int nbc_next_error(int fd, struct sl_endpoint *ret_to);
/*
 * Splits "wins://HOST[:PORT]" or "HOST[:PORT]" into host (a name or a dotted quad) and port (NBC_PORT when absent). Resolving a
 * name is the caller's business (dnsc). SL_USAGE names what is wrong.
 */
enum sl_status nbc_split(const char *target, char *ret_host, size_t host_size, uint16_t *ret_port, struct sl_error *e) SL_MUST;

#endif
