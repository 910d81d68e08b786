/*
 * private.h - what the files of site/mp share; nobody else includes it.
 */
#ifndef SL_SITE_MP_PRIVATE_H
#define SL_SITE_MP_PRIVATE_H

#include "locator/net/ccm.h"
#include "site/mp/mp.h"

#include <pthread.h>

#define MP_MAGIC 0x3b000001u

enum { MP_RETRY_S = 60 }; /* after which to ask again, in an answer 503 */

/* First and last address of a network. */
struct mp_network {
    uint8_t low[SM_ADDRESS_KEY_LEN], high[SM_ADDRESS_KEY_LEN];
};

struct mp {
    uint32_t magic;
    _Atomic(struct sst_pool *) reads_at; /* changes while requests run: a request asks once (mp_pool) */
    char *site;
    char *host;
    struct mp_identity *identity;
    struct mp_upward upward;
    struct mp_cache *cache; /* of policies; NULL: none */
    pthread_mutex_t lock; /* of what follows */
    struct mp_network *networks; /* that may have MPLIST; none: all may */
    size_t network_count;
};

/* Where this request reads; what is borrowed there goes back there. */
static inline struct sst_pool *mp_pool(const struct mp *mp)
{
    return mp->reads_at;
}

/* Answers 500 and logs why: a client learns nothing of what is wrong inside. */
void mp_fail(struct web_response *response, const struct sl_error *e);

/*
 * The site whose clients a request is about: `wanted`, NULL for our own. No client is assigned to a secondary site: there it is
 * the site above, whose proxy we are. SL_USAGE: there is none. free() it.
 */
enum sl_status mp_client_site(const struct mp *mp, struct sst *store, const char *wanted, char **ret_code,
                              struct sl_error *e) SL_MUST;

/* ---- access.c ---- */

/* True when this client may have the list of management points. */
bool mp_may_list(struct mp *mp, const char *peer);

/* ---- message.c: CCM messages, and who answers them ---- */

/* A message on its way through an endpoint. */
struct mp_exchange {
    struct mp *mp;
    const struct ccm_message *question;
    bool is_tls;           /* it came over TLS */
    struct sl_text answer; /* the XML of the answer, LOC_XML_MAX at most; empty: an answer without a body */
    unsigned refusal;      /* an HTTP status to be answered instead, by mp_refuse; 0 for none */
};

/*
 * An endpoint: the XML of the question becomes the XML of the answer. A failure that is no refusal is answered 500, and only the
 * log tells why. Called on several threads at once.
 */
typedef enum sl_status mp_endpoint_fn(struct mp_exchange *x, struct sl_error *e);

/* name as in TargetEndpoint, function */
#define MP_ENDPOINT_TABLE(X)                                                                                           \
    X(CCM_ENDPOINT_LOCATION, mp_on_location)                                                                           \
    X("MP_ClientRegistration", mp_on_registration)                                                                     \
    X("MP_PolicyManager", mp_on_policy)                                                                                \
    X("MP_DdrEndpoint", mp_on_discovery)                                                                               \
    X("MP_HinvEndpoint", mp_on_inventory)                                                                              \
    X("MP_RelayEndpoint", mp_on_metering)                                                                              \
    X("MP_StatusManager", mp_on_status)

/* Each function is its endpoint. */
#define MP_ENDPOINT_PROTOTYPE(name, fn) mp_endpoint_fn fn;
MP_ENDPOINT_TABLE(MP_ENDPOINT_PROTOTYPE)
#undef MP_ENDPOINT_PROTOTYPE

/* Refuses with an HTTP status of the 400s or 503 and a text for the client; returns what the endpoint is to return. */
enum sl_status mp_refuse(struct mp_exchange *x, unsigned http_status, struct sl_error *e, const char *fmt, ...)
    SL_MUST SL_PRINTF(4, 5);
/* A ccm_inflate_fn; inflate.c, which includes zlib. */
enum sl_status mp_inflate(const void *octets, size_t len, struct sl_text *out, struct sl_error *e) SL_MUST;
/* The handler of CCM_POST. */
void mp_on_message(const struct web_request *request, struct web_response *response, void *ctx);

/* ---- policy.c ---- */

#define MP_POLICY_PATH "/SMS_MP/.sms_pol"
/* The handler of GET MP_POLICY_PATH. */
void mp_on_policy_body(const struct web_request *request, struct web_response *response, void *ctx);

#endif
