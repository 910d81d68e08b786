/*
 * content.h - which distribution points hold a package: asked of the management point, one chosen at random (S1.15, S1.16).
 *
 * The management point is asked with CCM_POST and a ContentLocationRequest (net/ccm.h, net/locmsg.h), reached as reach.h says.
 * There is no other management point to turn to when it is silent (S1.24).
 */
#ifndef SL_LOCATOR_RESOLVE_CONTENT_H
#define SL_LOCATOR_RESOLVE_CONTENT_H

#include "locator/model/boundary.h"
#include "locator/net/locmsg.h"
#include "locator/resolve/reach.h"
#include "locator/resolve/trace.h"

struct resolve_content_question {
    const struct lm_mp *mp;
    const struct src_config *config;
    const char *site;        /* the assigned site */
    const char *package;
    uint32_t version;        /* 0: any */
    const struct lm_client *client;
    uint64_t seed;
    const char *kept; /* a reply that came earlier, as XML, and counts as given now; NULL: the management point is asked */
    size_t kept_len;
    int64_t kept_s;   /* how long ago that was */
    bool (*is_suspect)(void *ctx, const char *url); /* what is, is not chosen where there is another (J8) */
    void *ctx;
};

enum { RESOLVE_CONTENT_WARNINGS = 4 };

struct resolve_content_result {
    enum src_result result; /* SRC_ANSWER, SRC_NOT_FOUND, SRC_FAILED, SRC_REFUSED, SRC_UNTRUSTED, SRC_MISUSED */
    char text[SL_ERROR_TEXT_MAX];
    char source[SRC_URI_MAX]; /* URL that was asked */
    char host[LM_NAME_MAX];   /* of the chosen one */
    char url[LOC_URL_MAX];
    enum loc_locality locality;
    enum resolve_rule suspicion;  /* RESOLVE_SUSPECT: some were passed over; RESOLVE_NO_OTHER: all are suspect; RESOLVE_NONE */
    struct sl_strings candidates; /* URLs that had the same chance */
    struct sl_strings warnings;   /* of what the reply names beside distribution points, at most RESOLVE_CONTENT_WARNINGS */
    char *reply;                  /* what the management point has just replied, as XML; NULL: nothing of use, or it was kept */
    size_t reply_len;
};

/* Asks and chooses; adds its step to `trace`. Always gives a result (resolve_content_fini). */
void resolve_content(const struct resolve_content_question *q, struct sl_deadline deadline, struct resolve_trace *trace,
                     struct resolve_content_result *ret_result);
/* Frees the candidates, the warnings and the reply. */
void resolve_content_fini(struct resolve_content_result *result);

#endif
