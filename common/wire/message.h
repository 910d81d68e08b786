/*
 * message.h - messages of the NetBIOS name service (NBNS). RFC 1002 4.2; wins.md 1.1 to 1.7 has the words that are really sent.
 *
 * A message is a header, at most one question and at most one resource record: that is all that name servers and their clients
 * exchange. Requests have a question and, but for queries, a record in the additional section; answers have a record in the
 * answer section and no question. struct nb_message is a value without pointers into the packet; it is filled by
 * nb_message_parse or by the nb_make_* functions and written by nb_message_build. An answer is made in place from the request,
 * which keeps id and name:
 *
 *     if (nb_message_parse(octets, len, &m, NULL) == SL_OK) {
 *         nb_make_negative(&m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
 *         size = nb_message_build(&m, buffer, sizeof buffer);
 *     }
 *
 * No allocation, no system call, no global: any thread. Addresses are IPv4 in host byte order.
 */
#ifndef SL_COMMON_WIRE_MESSAGE_H
#define SL_COMMON_WIRE_MESSAGE_H

#include "common/wire/name.h"

enum {
    NB_PORT = 137,
    NB_HEADER_LEN = 12,
    NB_DATAGRAM_MAX = 576,     /* MAX_DATAGRAM_LENGTH: no answer is longer */
    NB_RECEIVE_MAX = 1500,     /* longer datagrams need not be received whole: they are malformed */
    NB_ADDRESSES_MAX = 86,     /* in one record: what fits NB_DATAGRAM_MAX with an unscoped name */
    NB_STATUS_NAMES_MAX = 76,  /* in one node status answer that is read */
    NB_STATUS_STATISTICS = 46, /* octets of statistics behind the names, written as zero */
};

/* The flags word. */
enum nb_flag {
    NB_RESPONSE = 0x8000,
    NB_OPCODE_MASK = 0x7800,
    NB_AUTHORITATIVE = 0x0400,
    NB_TRUNCATED = 0x0200,
    NB_RECURSION_DESIRED = 0x0100, /* on a query: "look it up in the name server", else only the node's own names (Q01) */
    NB_RECURSION_AVAILABLE = 0x0080,
    NB_BROADCAST = 0x0010,
    NB_RCODE_MASK = 0x000f,
};

enum nb_opcode {
    NB_OP_QUERY = 0,
    NB_OP_REGISTER = 5,
    NB_OP_RELEASE = 6,
    NB_OP_WACK = 7,
    NB_OP_REFRESH = 8,
    NB_OP_REFRESH_ALT = 9, /* RFC 1002 contradicts itself: 8 and 9 mean the same */
    NB_OP_MULTIHOMED = 15,
};

enum nb_rcode {
    NB_OK = 0,
    NB_FMT_ERR = 1,
    NB_SRV_ERR = 2,
    NB_NAM_ERR = 3,
    NB_IMP_ERR = 4,
    NB_RFS_ERR = 5,
    NB_ACT_ERR = 6,
    NB_CFT_ERR = 7,
};

/* Flags words of requests to a name server, and of answers (wins.md 1.1, 1.2); a code is or'ed to the latter. */
enum nb_words {
    NB_ASK_QUERY = 0x0100,
    NB_ASK_STATUS = 0x0000,
    NB_ASK_REGISTER = 0x2900,
    NB_ASK_RELEASE = 0x3000,
    NB_ASK_REFRESH = 0x4000,
    NB_ASK_MULTIHOMED = 0x7900,
    NB_REPLY_REGISTER = 0xad80, /* to registration, refresh and multi-homed registration alike */
    NB_REPLY_RELEASE = 0xb400,
    NB_REPLY_WACK = 0xbc00,
    NB_REPLY_QUERY = 0x8580,
    NB_REPLY_NEGATIVE = 0x8400, /* to a query */
    NB_REPLY_STATUS = 0x8400,
};

enum nb_rr_type { NB_RR_A = 0x0001, NB_RR_NS = 0x0002, NB_RR_NULL = 0x000a, NB_RR_NB = 0x0020, NB_RR_NBSTAT = 0x0021 };
enum { NB_CLASS_IN = 1 };

/* NB_FLAGS: of an address in a record, and of a name in a node status. */
enum nb_nb_flag {
    NB_GROUP = 0x8000,
    NB_NODE_MASK = 0x6000, /* B, P, M, H from 0 to 3 */
    NB_NODE_SHIFT = 13,
    NB_NAME_DEREGISTERING = 0x1000,
    NB_NAME_CONFLICT = 0x0800,
    NB_NAME_ACTIVE = 0x0400,
    NB_NAME_PERMANENT = 0x0200,
};

enum nb_section { NB_SECTION_NONE, NB_SECTION_ANSWER, NB_SECTION_ADDITIONAL };

/* What a record carries. */
enum nb_rdata {
    NB_RDATA_ADDRESSES, /* NB: any number of flags and address, 0 included */
    NB_RDATA_EMPTY,     /* NULL: negative answer to a query */
    NB_RDATA_WACK,      /* NB or NULL in a WACK: flags word of the request */
    NB_RDATA_STATUS,    /* NBSTAT: names of a node */
};

struct nb_address {
    uint16_t flags;
    uint32_t address;
};

struct nb_status_name {
    uint8_t octets[NB_NAME_LEN];
    uint16_t flags;
};

struct nb_message {
    uint16_t id;
    uint16_t flags;
    bool has_question;
    uint16_t question_type; /* enum nb_rr_type or anything else; only with a question */
    struct nb_name name;    /* of the question and of the record; all zero when there is neither */
    enum nb_section record; /* where the record is; what follows means nothing with NB_SECTION_NONE */
    uint16_t record_type;
    uint32_t ttl_s;
    enum nb_rdata rdata;
    uint16_t wack_flags;
    uint8_t count; /* of addresses or of names */
    union {
        struct nb_address addresses[NB_ADDRESSES_MAX];
        struct nb_status_name names[NB_STATUS_NAMES_MAX];
    };
};

static inline bool nb_is_response(uint16_t flags)
{
    return flags & NB_RESPONSE;
}

static inline uint8_t nb_opcode(uint16_t flags)
{
    return (uint8_t)((flags & NB_OPCODE_MASK) >> 11);
}

static inline uint8_t nb_rcode(uint16_t flags)
{
    return flags & NB_RCODE_MASK;
}

/* "ok", "FMT_ERR" ...; "rcode" for one without a name. */
const char *nb_rcode_word(uint8_t rcode);

/*
 * Reads a datagram. SL_MALFORMED names the field ("question name, octet 14: ..."); *m means nothing then. Malformed is: shorter
 * than its counts say, more than one question or record, a record in the authority section, another class than IN, a record
 * whose name is not the question's, a request without a question, an unknown record type, data that its type or opcode does not
 * allow, a name that nb_get_name refuses. Octets behind the last record are not looked at. The question's type is not judged
 * (Q14).
 */
enum sl_status nb_message_parse(const void *octets, size_t len, struct nb_message *m, struct sl_error *e) SL_MUST;
/*
 * Writes a message and returns its length, 0 when it does not fit or cannot be written (a name that is none). A record is
 * written with a pointer to the name of the question if there is one, else with the name in full.
 */
size_t nb_message_build(const struct nb_message *m, void *buffer, size_t size);

/* A query or, with type NB_RR_NBSTAT, a node status request; flags is the whole word, as NB_ASK_QUERY. */
void nb_make_query(struct nb_message *m, uint16_t id, uint16_t flags, const struct nb_name *name, uint16_t type);
/* Registration, refresh, multi-homed registration or release of one address. */
void nb_make_request(struct nb_message *m, uint16_t id, uint16_t flags, const struct nb_name *name, uint32_t ttl_s,
                     struct nb_address address);

/*
 * The request in *m becomes an answer with addresses: of a query, or (with the address of the request) of a registration or
 * release.
 */
void nb_make_positive(struct nb_message *m, uint16_t flags, uint32_t ttl_s, const struct nb_address *addresses, size_t count);
/* The query in *m becomes its negative answer: a NULL record without data. */
void nb_make_negative(struct nb_message *m, uint16_t flags);
/* The request in *m becomes its WACK: `ttl_s` is how long the client shall wait. */
void nb_make_wack(struct nb_message *m, uint32_t ttl_s);
/*
 * The node status request in *m becomes its answer; names beyond what fits NB_DATAGRAM_MAX are left out and NB_TRUNCATED is
 * set.
 */
void nb_make_status(struct nb_message *m, const struct nb_status_name *names, size_t count);

#endif
