/*
 * ccm.h - the envelope of a management point's messages: what travels in `CCM_POST /ccm_system/request` and in its answer.
 *
 * An envelope is a multipart/mixed body of two parts (facts: sms.md 5.3):
 *
 *   1. text/plain; charset=UTF-16        UTF-16LE with a byte order mark: the header, an XML element <Msg SchemaVersion="1.1">
 *                                        that says who asks whom and how long the body is
 *   2. application/octet-stream          the body: an XML message in UTF-16LE, ended by a NUL character
 *
 * A header with the hook "clientauth" is signed (mssign.h): PayloadSignature over the octets of the body that Body/@Length
 * counts, ClientIDSignature over SourceID in UTF-16LE with its NUL character. Signatures that are there are checked, by the key
 * that the header itself brings: who the client is, that key alone does not tell.
 *
 * This module turns a struct ccm_message into octets and back; what the body says is locmsg.h's business. Both ends use it: the
 * locator to ask, the management point to answer. Hooks (signatures, zlib) are not written. The body of a message with the
 * hook "zlib-compress" is decompressed by a function that the caller has; without one it is SL_UNSUPPORTED and says so, since we
 * never ask for compression.
 *
 * Everything read is hostile: sizes are bounded, a part that does not end, a wrong boundary, a Body/@Length that does not fit, an
 * odd number of octets, a lone surrogate or an inner NUL are SL_MALFORMED with the place. Pure: no input or output, any thread.
 */
#ifndef SL_LOCATOR_NET_CCM_H
#define SL_LOCATOR_NET_CCM_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stddef.h>
#include <stdint.h>

enum {
    CCM_ENVELOPE_MAX = 1 << 20, /* octets of a whole envelope, both ways; an HTTP server refuses more with 413 */
    CCM_BODY_MAX = CCM_ENVELOPE_MAX / 2, /* octets of a body as UTF-8 */
    CCM_BOUNDARY_MAX = 70,      /* RFC 2046 5.1.1 */
    CCM_ID_MAX = 64,
    CCM_HOST_MAX = 256,
    CCM_NAME_MAX = 128,
    CCM_CONTENT_TYPE_MAX = 128,
};

#define CCM_METHOD "CCM_POST"
#define CCM_PATH "/ccm_system/request"
#define CCM_USER_AGENT "ConfigMgr Messaging HTTP Sender"
#define CCM_ENDPOINT_LOCATION "MP_LocationManager"

/* One message. The strings of the header are "" when absent. */
struct ccm_message {
    char id[CCM_ID_MAX];             /* "{GUID}" of this message */
    char correlation_id[CCM_ID_MAX]; /* of an answer: the id of the message it answers */
    char source_host[CCM_HOST_MAX];
    char source_id[CCM_ID_MAX];       /* "GUID:..." of the client */
    char reply_to[CCM_HOST_MAX];      /* "direct:HOST:SccmMessaging" */
    char target_endpoint[CCM_NAME_MAX]; /* "MP_LocationManager" */
    char target_host[CCM_HOST_MAX];
    char target_address[CCM_NAME_MAX]; /* "mp:MP_LocationManager" */
    int64_t timeout_ms;               /* how long the sender waits; 0 = not said */
    char *key; /* the public key that has signed a message that was read (mssign.h), in capitals; NULL when none has; malloc'd */
    char *body;                       /* UTF-8, NUL-terminated, without byte order mark and XML declaration; malloc'd */
    size_t body_len;
};

/*
 * Decompresses `octets` (RFC 1950) into `out`, which has a limit. SL_MALFORMED: they are no such stream, or end before it does;
 * SL_LIMIT: the result does not fit.
 */
typedef enum sl_status ccm_inflate_fn(const void *octets, size_t len, struct sl_text *out, struct sl_error *e);

/*
 * Checks a signature over a text in UTF-16LE, with or without a NUL character behind it, as parts of messages are signed.
 * Failures as of mssign_check.
 */
enum sl_status ccm_check_text(const char *key, const char *signature, const char *text, size_t len, struct sl_error *e) SL_MUST;
/* Frees key and body and clears the message; NULL is accepted. */
void ccm_fini(struct ccm_message *m);
/* A new random "{GUID}", as CCM writes them, from the operating system's random numbers. */
void ccm_new_id(char out[CCM_ID_MAX]);
/*
 * Writes the envelope into `out` (made by sl_text_new(CCM_ENVELOPE_MAX)) and its HTTP Content-Type, boundary included, into
 * `content_type`. The boundary is one that occurs in neither part. SL_LIMIT: it does not fit; SL_MALFORMED: the body is not
 * UTF-8.
 */
enum sl_status ccm_write(const struct ccm_message *m, struct sl_text *out, char content_type[CCM_CONTENT_TYPE_MAX],
                         struct sl_error *e) SL_MUST;
/*
 * Reads an envelope; `content_type` is the value of the HTTP header (NULL is SL_MALFORMED). On SL_OK the caller owns *ret_message
 * (ccm_fini). SL_LIMIT: larger than CCM_ENVELOPE_MAX, decompressed or not; SL_UNSUPPORTED: compressed, and
 * `inflate` is NULL, or signed in a way that no source describes; SL_UNTRUSTED: a signature in it is wrong.
 */
enum sl_status ccm_read(const char *content_type, const void *octets, size_t len, ccm_inflate_fn *inflate,
                        struct ccm_message *ret_message, struct sl_error *e) SL_MUST;

#endif
