#include "site/mp/private.h"

#include "common/base/assert.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    mp_endpoint_fn *serve;
} endpoints[] = {
#define MP_ENDPOINT_ROW(name, fn) {name, fn},
    MP_ENDPOINT_TABLE(MP_ENDPOINT_ROW)
#undef MP_ENDPOINT_ROW
};

enum sl_status mp_refuse(struct mp_exchange *x, unsigned http_status, struct sl_error *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum sl_status status = sl_vfail(e, SL_MALFORMED, fmt, args);
    va_end(args);
    x->refusal = http_status;
    return status;
}

/* The envelope of an answer goes back to whoever asked. */
static enum sl_status write_answer(const struct mp *mp, const struct ccm_message *question, struct sl_text *body,
                                   struct web_response *response, struct sl_error *e)
{
    char type[CCM_CONTENT_TYPE_MAX];
    struct ccm_message answer = {0};
    _Static_assert(sizeof type <= sizeof response->type_text, "the type must fit");
    if (sl_text_failed(body))
        return sl_fail(e, SL_LIMIT, "the answer is too large");
    ccm_new_id(answer.id);
    (void)sl_text_copy(answer.correlation_id, sizeof answer.correlation_id, question->id);
    (void)sl_text_copy(answer.source_host, sizeof answer.source_host, mp->host);
    (void)sl_text_copy(answer.target_host, sizeof answer.target_host, question->source_host);
    (void)sl_text_copy(answer.target_address, sizeof answer.target_address, question->reply_to);
    answer.body_len = body->len;
    answer.body = sl_text_take(body);
    enum sl_status status = ccm_write(&answer, &response->body, type, e);
    ccm_fini(&answer);
    if (status == SL_OK)
        (void)sl_text_copy(response->type_text, sizeof response->type_text, type);
    return status;
}

static void serve_message(struct mp *mp, const struct ccm_message *question, bool is_tls, struct web_response *response)
{
    struct sl_error e = {0};
    size_t i = 0;
    while (i < SL_COUNT(endpoints) && !sl_text_iequal(endpoints[i].name, question->target_endpoint))
        i++;
    if (i == SL_COUNT(endpoints)) {
        web_text(response, 404, "no such endpoint");
        return;
    }
    struct mp_exchange x = {.mp = mp, .question = question, .is_tls = is_tls, .answer = sl_text_new(LOC_XML_MAX)};
    enum sl_status status = endpoints[i].serve(&x, &e);
    if (status == SL_OK)
        status = write_answer(mp, question, &x.answer, response, &e);
    sl_text_fini(&x.answer);
    if (status == SL_OK) {
        response->status = 200;
        response->type = response->type_text;
    } else if (x.refusal != 0) {
        web_text(response, x.refusal, "%s", e.text);
        if (x.refusal == 503) {
            response->header = "Retry-After";
            snprintf(response->header_value, sizeof response->header_value, "%d", MP_RETRY_S);
        }
    } else {
        mp_fail(response, &e);
    }
}

/* The HTTP status of a message that is not taken. */
static unsigned refusal_of(enum sl_status status)
{
    switch (status) {
    case SL_UNSUPPORTED:
        return 415;
    case SL_LIMIT:
        return 413;
    case SL_UNTRUSTED:
        return 403;
    default:
        return 400;
    }
}

void mp_on_message(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct mp *mp = ctx;
    struct ccm_message question = {0};
    struct sl_error e = {0};
    SL_CHECK_MAGIC(mp, MP_MAGIC);
    enum sl_status status = ccm_read(request->content_type, request->body, request->body_len, mp_inflate, &question, &e);
    if (status == SL_OK)
        serve_message(mp, &question, request->is_tls, response);
    else
        web_text(response, refusal_of(status), "%s", e.text);
    if (status == SL_OK)
        ccm_fini(&question);
}
