#include "site/server/teller.h"

#include <stdio.h>
#include <string.h>

enum { QUESTION_MS = 10000 };

unsigned srv_refusal_of(enum sl_status status)
{
    switch (status) {
    case SL_OK:
        return 200;
    case SL_MALFORMED:
    case SL_LIMIT:
        return 400;
    case SL_DENIED:
        return 403;
    case SL_CONFLICT:
        return 409;
    case SL_USAGE:
        return 404;
    default:
        return 500;
    }
}

static bool is_signed_by(const struct sst_neighbour *n, const char *text, size_t len, const char *signature)
{
    struct proof_public key;
    return proof_public_read(n->root_key, strlen(n->root_key), &key, NULL) == SL_OK &&
           proof_is_signed(&key, text, len, signature);
}

enum sl_status srv_check_teller(struct sst *store, const char *code, const char *text, size_t len, const char *signature,
                                struct sl_error *e)
{
    struct sst_neighbours list;
    bool is_known = false, is_signed = false;
    enum sl_status status = sst_neighbours(store, &list, e);
    if (status != SL_OK)
        return status;
    for (size_t i = 0; i < list.count && !is_signed; i++) {
        bool is_meant = code == NULL || strcmp(list.items[i].code, code) == 0;
        is_known = is_known || is_meant;
        is_signed = is_meant && is_signed_by(&list.items[i], text, len, signature);
    }
    sst_neighbours_fini(&list);
    if (!is_known && code != NULL)
        return sl_fail(e, SL_DENIED, "site %s is not known here; make it known with: sitectl site add %s", code, code);
    return is_signed ? SL_OK : sl_fail(e, SL_DENIED, "it is not signed by the root key of a site that is known here");
}

enum sl_status srv_ask_neighbour(const struct sst_neighbour *neighbour, const char *path, const struct sl_text *text,
                                 const char *signature, struct sl_cancel *stop, struct httpc_reply *ret_reply, struct sl_error *e)
{
    char url[HTTPC_URL_MAX], header[sizeof UPL_SIGNATURE + PROOF_TEXT_MAX + 2];
    struct httpc_reply reply;
    (void)snprintf(url, sizeof url, "%.*s%s?%s", SM_URL_MAX, neighbour->url, path, neighbour->code);
    (void)snprintf(header, sizeof header, UPL_SIGNATURE ": %s", signature);
    const struct httpc_request request = {.method = "POST", .url = url, .content_type = "application/octet-stream",
                                          .body = text->data, .body_len = text->len, .header = header, .wanted = UPL_SIGNATURE};
    struct sl_deadline deadline = sl_deadline_in(QUESTION_MS);
    deadline.cancel = stop;
    enum sl_status status = httpc_exchange(&request, deadline, &reply, e);
    if (status != SL_OK)
        return status;
    if (reply.status == 200) {
        *ret_reply = reply;
        return SL_OK;
    }
    status = sl_fail(e, SL_UNREACHABLE, "%s: HTTP status %d: %.200s", url, reply.status, sl_text_str(&reply.body));
    httpc_reply_fini(&reply);
    return status;
}
