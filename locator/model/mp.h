/*
 * mp.h - a management point as a client sees it, and the choice of the default one.
 *
 * A value without pointers: copy it freely. "" and 0 stand for "not said". Pure, any thread.
 */
#ifndef SL_LOCATOR_MODEL_MP_H
#define SL_LOCATOR_MODEL_MP_H

#include "locator/model/code.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_NAME_MAX = 256,
    LM_ADDRESS_MAX = 46,
    LM_VERSION_MAX = 32,
    LM_CAPABILITIES_MAX = 64 << 10, /* octets of an mSSMSCapabilities value */
    LM_HTTP_PORT = 80,
    LM_HTTPS_PORT = 443,
    LM_FSPS_MAX = 4, /* fallback status points that are kept */
};

struct lm_mp {
    char site[LM_CODE_SIZE];
    char name[LM_NAME_MAX];       /* what it is called: host name, else mSSMSMPName, else its address */
    char address[LM_ADDRESS_MAX]; /* numeric; of mSSMSMPAddress a hint only (Q2) */
    bool is_default;
    uint16_t srv_port;            /* of a DNS SRV record */
    int64_t build;                /* mSSMSVersion: 6487 */
    char forest[LM_NAME_MAX];     /* mSSMSSourceForest, else Forest/@Value of mSSMSCapabilities */
    /* of mSSMSCapabilities: */
    char version[LM_VERSION_MAX]; /* "4.00.6487.2000" */
    uint16_t http_port, https_port;
    int64_t ssl_state;            /* 0 = HTTP, 1 and 3 = HTTPS, -1 = not said */
    int64_t security_mask;        /* SecurityModeMaskEx, -1 = not said; bit 0 = HTTPS */
    char root_site[LM_CODE_SIZE];
    char command_site[LM_CODE_SIZE]; /* SMSSITECODE= of CCM/CommandLine: the assignment site */
    size_t fsp_count;
    char fsps[LM_FSPS_MAX][LM_NAME_MAX]; /* fallback status points */
};

/* A management point of which nothing is said. */
struct lm_mp lm_mp_unknown(void);
/*
 * Reads a ClientOperationalSettings document (sms.md 2.5) into `mp`: elements by local name wherever they stand, bare ampersands
 * tolerated (Q1). On failure (SL_MALFORMED, SL_LIMIT) `mp` is unchanged: the object is of use without its capabilities.
 */
enum sl_status lm_mp_capabilities(const char *xml, size_t len, struct lm_mp *mp, struct sl_error *e) SL_MUST;
/*
 * True when it is asked over HTTPS: it says so (SSLState 1 or 3; without that bit 0 of SecurityModeMaskEx and no HTTPPort), or
 * says nothing and its port, `forced` or of the SRV record, is 443, that of the native mode (sms.md 4).
 */
bool lm_mp_is_https(const struct lm_mp *mp, uint16_t forced);
/* The port to ask: `forced` when not 0, else HTTPPort or HTTPSPort of the capabilities, else of the SRV record, 80 or 443. */
uint16_t lm_mp_port(const struct lm_mp *mp, uint16_t forced);

/*
 * True when a site of version `site` is not valid for a client of version `client`: of the first three parts ("4.00.6221") those
 * of the client are greater (KB 2002059). False when either is unknown ("").
 */
bool lm_version_is_older(const char *site, const char *client);

enum lm_choice_kind {
    LM_CHOICE_NOTHING,    /* no management point at all */
    LM_CHOICE_NO_DEFAULT, /* some, none of them the default (S1.26) */
    LM_CHOICE_ONE,        /* exactly one default (S1.08) */
    LM_CHOICE_SEVERAL,    /* several say they are the default: the first by name is taken, to be warned of (Q12) */
    LM_CHOICE_BY_NAME,    /* profile cb without a default: the first by name (Q12) */
};

struct lm_choice {
    enum lm_choice_kind kind;
    size_t index;    /* of the chosen one; valid from LM_CHOICE_ONE on */
    size_t defaults; /* how many said they are the default */
};

/* Chooses the default management point of one site: S1.21, S1.26, Q12. The order of `mps` does not matter. */
struct lm_choice lm_choose_mp(const struct lm_mp *mps, size_t count, enum lm_profile profile);

#endif
