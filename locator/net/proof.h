/*
 * proof.h - how a management point proves itself (X13): keys, certificates, signatures. No input or output but random numbers of
 * the system. locator/net/cert is the only folder that includes GnuTLS.
 *
 * The site server holds the site's trusted root key. It signs a certificate for each management point; clients know the public
 * half of the root key beforehand (pinned). A client asks the management point for its certificate (MPCERT) and sends a fresh
 * nonce along; the management point signs the nonce together with its host name and site code. No public source gives the
 * product's own envelope (facts sms.md Q6): all of this is ours.
 *
 *   trusted root key  a key pair; its public half as PEM in a file, as hexadecimal SubjectPublicKeyInfo in the directory (2.4)
 *   certificate       X.509, in hexadecimal: subject CN the host name, O "SMS:<site code>", its name and address as alternative
 *                     names; issuer CN "Site Server", O likewise (5.1)
 *   nonce             request header Sitelocator-Nonce: 64 hexadecimal digits, a blank and the code of the site that is meant
 *   proof             header Sitelocator-Proof of the answer: "1 " and a signature in hexadecimal, with SHA-256, over the text
 *                     "sitelocator proof 1\n" NONCE "\n" HOST "\n" SITE "\n", the nonce in capitals, host and site as in the
 *                     certificate
 *
 * Our own keys are of the curve P-256; certificates and root keys may also be RSA. Any thread; a struct proof_key may be used by
 * several at a time.
 */
#ifndef SL_LOCATOR_NET_PROOF_H
#define SL_LOCATOR_NET_PROOF_H

#include "common/base/error.h"
#include "common/base/text.h"
#include "locator/model/code.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROOF_NONCE_HEADER "Sitelocator-Nonce"
#define PROOF_HEADER "Sitelocator-Proof"

enum {
    PROOF_NONCE_LEN = 32,
    PROOF_NONCE_TEXT = 2 * PROOF_NONCE_LEN + 1,
    PROOF_KEY_MAX = 1100,      /* octets of a SubjectPublicKeyInfo: RSA of 8192 bits */
    PROOF_CERTIFICATE_MAX = 4096, /* octets of a certificate */
    PROOF_SIGNATURE_MAX = 1024,   /* octets of a signature */
    PROOF_TEXT_MAX = 2 * PROOF_SIGNATURE_MAX + 3,
    PROOF_PEM_MAX = 16 << 10,
    PROOF_HOST_MAX = 256,
    PROOF_PRINT_MAX = 65,      /* SHA-256 in hexadecimal */
};

/* ---- keys ----------------------------------------------------------------------------------------------------------- */

struct proof_key; /* a key pair */

/* A public key as DER SubjectPublicKeyInfo; the same key has the same octets. A value. */
struct proof_public {
    size_t len;
    uint8_t der[PROOF_KEY_MAX];
};

/* Makes a new key pair, freed by proof_key_free. */
enum sl_status proof_key_new(struct proof_key **ret_key, struct sl_error *e) SL_MUST;
/* Reads a private key in PEM; SL_MALFORMED. Freed by proof_key_free. */
enum sl_status proof_key_read(const char *pem, size_t len, struct proof_key **ret_key, struct sl_error *e) SL_MUST;
/* Appends the private key in PEM (PKCS 8, not encrypted): wipe and free it after use. */
enum sl_status proof_key_write(const struct proof_key *key, struct sl_text *pem, struct sl_error *e) SL_MUST;
void proof_key_free(struct proof_key *key); /* NULL is accepted */
/* The public half. */
const struct proof_public *proof_key_public(const struct proof_key *key);
/* Reads a public key: PEM, a certificate in PEM, or hexadecimal as in the directory, blanks around it. SL_MALFORMED. */
enum sl_status proof_public_read(const char *text, size_t len, struct proof_public *ret_key, struct sl_error *e) SL_MUST;
/* Appends a public key in PEM. */
void proof_public_pem(const struct proof_public *key, struct sl_text *out);
/* The SHA-256 of octets as hexadecimal capitals. */
void proof_print(const void *octets, size_t len, char out[PROOF_PRINT_MAX]);
/* The fingerprint of a public key: its SHA-256 in hexadecimal. */
void proof_public_print(const struct proof_public *key, char out[PROOF_PRINT_MAX]);
/* True for the same key. */
bool proof_public_equal(const struct proof_public *a, const struct proof_public *b);
/* Appends octets as hexadecimal capitals. */
void proof_hex(struct sl_text *out, const void *octets, size_t len);

/* ---- certificates --------------------------------------------------------------------------------------------------- */

/* Whom a certificate is for. */
struct proof_subject {
    const char *site;    /* code */
    const char *host;    /* host name; of the site server for its own certificate */
    const char *address; /* numeric, or NULL */
    int64_t from_s, until_s;
};

/* Signs the certificate of `holder` with the root key and appends it in hexadecimal. */
enum sl_status proof_issue(const struct proof_key *root, const struct proof_public *holder, const struct proof_subject *subject,
                           struct sl_text *ret_hex, struct sl_error *e) SL_MUST;
/* The root key's own certificate (SITESIGNCERT): subject and issuer are "Site Server". */
enum sl_status proof_issue_root(const struct proof_key *root, const struct proof_subject *subject, struct sl_text *ret_hex,
                                struct sl_error *e) SL_MUST;

/* What a certificate says. A value. */
struct proof_certificate {
    size_t len;
    uint8_t der[PROOF_CERTIFICATE_MAX];
    char host[PROOF_HOST_MAX];
    char site[LM_CODE_SIZE];
    int64_t from_s, until_s;
    struct proof_public key; /* of its holder */
};

/* Reads a certificate in hexadecimal, blanks around it; nothing of it is verified yet. SL_MALFORMED names what it lacks. */
enum sl_status proof_certificate_read(const char *hex, size_t len, struct proof_certificate *ret_certificate,
                                      struct sl_error *e) SL_MUST;
/* True when this key signed the certificate, with SHA-256 or better. */
bool proof_certificate_is_signed(const struct proof_certificate *certificate, const struct proof_public *root);
/* True when the certificate names this host, or this numeric address. */
bool proof_certificate_names(const struct proof_certificate *certificate, const char *name);

/* ---- the proof ------------------------------------------------------------------------------------------------------ */

/* verdict, id of its rule, reason word, text. T0 is the verdict when no rule has refused. */
#define PROOF_VERDICT_TABLE(X)                                                                                         \
    X(PROVEN, "T0", "proven", "proven")                                                                                \
    X(NO_CERTIFICATE, "T1", "no-certificate", "it gives no certificate")                                               \
    X(BAD_CERTIFICATE, "T2", "certificate-unreadable", "its certificate cannot be read")                               \
    X(OTHER_KEY, "T3", "other-root-key", "its certificate is not signed by the pinned root key")                       \
    X(OTHER_SITE, "T4", "other-site", "its certificate is for another site")                                           \
    X(OTHER_HOST, "T5", "other-host", "its certificate is for another host")                                           \
    X(EXPIRED, "T6", "certificate-expired", "its certificate has expired")                                             \
    X(NOT_YET, "T6", "certificate-not-yet-valid", "its certificate is not valid yet")                                  \
    X(NO_PROOF, "T7", "no-proof", "it gives no proof")                                                                 \
    X(BAD_PROOF, "T7", "proof-unreadable", "its proof cannot be read")                                                 \
    X(WRONG_PROOF, "T8", "proof-wrong", "its proof does not belong to our nonce, its host name, site and key")

enum proof_verdict {
#define PROOF_VERDICT_ENUM(name, id, word, text) PROOF_##name,
    PROOF_VERDICT_TABLE(PROOF_VERDICT_ENUM)
#undef PROOF_VERDICT_ENUM
        PROOF_VERDICT_COUNT
};

/* The rule id, the reason word and the text of a verdict. */
const char *proof_verdict_rule(enum proof_verdict verdict);
const char *proof_verdict_word(enum proof_verdict verdict); /* as above */
const char *proof_verdict_text(enum proof_verdict verdict); /* as above */

/* Writes a nonce in hexadecimal. */
void proof_nonce_text(const uint8_t nonce[PROOF_NONCE_LEN], char out[PROOF_NONCE_TEXT]);
/* Reads the value of the nonce header; *ret_site is "" when it names none. False for anything else. */
bool proof_nonce_read(const char *text, uint8_t ret_nonce[PROOF_NONCE_LEN], char ret_site[LM_CODE_SIZE]);
/* Makes the proof of a management point: the value of its header. */
enum sl_status proof_make(const struct proof_key *key, const uint8_t nonce[PROOF_NONCE_LEN], const char *host, const char *site,
                          char ret_proof[PROOF_TEXT_MAX], struct sl_error *e) SL_MUST;

/* What a client knows when it asks. */
struct proof_question {
    const struct proof_public *root; /* pinned for the site */
    const char *site;
    const char *name; /* host name, or numeric address, that was asked */
    const uint8_t *nonce; /* PROOF_NONCE_LEN octets of sl_random_os, used once */
    int64_t now_s;
};

/* Rules T2 to T6 on an MPCERT answer; *ret_certificate is written unless it cannot be read (T2). */
enum proof_verdict proof_check_certificate(const struct proof_question *q, const char *hex, size_t len,
                                           struct proof_certificate *ret_certificate);
/* Rules T7 and T8 on the header's value ("" when absent), with a certificate that passed. */
enum proof_verdict proof_check(const struct proof_question *q, const struct proof_certificate *certificate, const char *proof);

/* ---- signed octets ---------------------------------------------------------------------------------------------------- */

/*
 * Signs octets as proofs are signed, in the same form ("1 " and hexadecimal). They must begin with a line that says what they
 * are, another than that of a proof, so that a signature over the one is none over the other.
 */
enum sl_status proof_sign(const struct proof_key *key, const void *octets, size_t len, char ret_signature[PROOF_TEXT_MAX],
                          struct sl_error *e) SL_MUST;
/* True when `signature` is over these octets by the holder of this key. */
bool proof_is_signed(const struct proof_public *holder, const void *octets, size_t len, const char *signature);

#endif
