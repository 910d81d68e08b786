/*
 * What clients send up (S1.17): it is read, the sender is checked, and it is in the outbox, on disk, before the client gets its
 * answer. How it goes on from there is the uplink's business.
 */
#include "site/mp/private.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/xml/xml.h"
#include "site/report/message.h"
#include "site/store/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Who has sent it, as far as we know. */
struct sender {
    char *site;
    bool has_default_mp, is_known, is_waiting;
    char *key; /* it must have been signed with; NULL: none is known */
};

static void sender_fini(struct sender *s)
{
    free(s->site);
    free(s->key);
}

/* ---- the sender --------------------------------------------------------------------------------------------------------- */

static enum sl_status read_client(struct sst *store, const char *smsid, struct sender *s, struct sl_error *e)
{
    struct sst_client *client = NULL;
    enum sl_status status = sst_client(store, s->site, smsid, &client, e);
    if (status != SL_OK || client == NULL)
        return status;
    s->is_known = true;
    s->key = client->key;
    client->key = NULL;
    sst_client_free(client);
    return SL_OK;
}

/*
 * A client whose registration waits in the outbox is as good as known: what it sends arrives behind it. Between the two looks it
 * may have gone from there into the database, hence the third.
 */
static enum sl_status find_sender(struct mp *mp, const char *smsid, struct sender *s, struct sl_error *e)
{
    struct sst *store = NULL;
    struct sst_pool *pool = mp_pool(mp);
    enum sl_status status = sst_borrow(pool, &store, e);
    if (status == SL_OK)
        status = mp_client_site(mp, store, NULL, &s->site, e);
    if (status == SL_OK)
        status = sst_has_default_mp(store, s->site, &s->has_default_mp, e);
    if (status == SL_OK)
        status = read_client(store, smsid, s, e);
    if (status == SL_OK && !s->is_known)
        status = obx_find_registration(mp->upward.outbox, s->site, smsid, &s->is_waiting, &s->key, e);
    if (status == SL_OK && !s->is_known && !s->is_waiting)
        status = read_client(store, smsid, s, e);
    sst_give_back(pool, store, status == SL_USAGE ? SL_OK : status);
    return status;
}

/* Whether a report of this sender is taken; the refusal is the client's answer. */
static enum sl_status admit(struct mp_exchange *x, const struct sm_report *r, const struct sender *s, struct sl_error *e)
{
    if (!s->has_default_mp) /* S1.26 */
        return mp_refuse(x, 503, e, "site %s has no default management point: nothing is taken now, keep it", s->site);
    if (r->kind != SM_REPORT_REGISTRATION && !s->is_known && !s->is_waiting)
        return mp_refuse(x, 403, e, "%s is not registered with site %s", r->client, s->site);
    if (s->key != NULL && (r->key == NULL || strcmp(s->key, r->key) != 0))
        return mp_refuse(x, 403, e, "%s is registered with another key", r->client);
    return SL_OK;
}

/* ---- the report --------------------------------------------------------------------------------------------------------- */

static enum sl_status keep(struct mp_exchange *x, const struct sm_report *r, const char *site, struct sl_error *e)
{
    struct sl_error why = {0};
    enum sl_status status = obx_put(x->mp->upward.outbox, site, r, &why);
    if (status == SL_OK) {
        upl_wake(x->mp->upward.uplink);
        return SL_OK;
    }
    if (status != SL_LIMIT)
        sl_log(SL_LOG_ERROR, "outbox-failed", "text=%s", SL_LOG_TEXT(sl_error_text(&why)));
    return mp_refuse(x, 503, e, "%s", status == SL_LIMIT ? why.text : "nothing can be kept now");
}

/* Whose message it is and which: of a client that registers the envelope may leave it to the body, and both to us. */
static enum sl_status read_ids(struct mp_exchange *x, struct sm_report *r, struct sl_error *e)
{
    const struct ccm_message *q = x->question;
    struct sl_error why = {0};
    char inside[SM_SMSID_SIZE] = "";
    if (!sm_message_parse(q->id, r->message))
        return mp_refuse(x, 400, e, "Msg/ID: \"%s\" is not {xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}", q->id);
    if (sm_smsid_parse(q->source_id, r->client))
        return SL_OK;
    if (r->kind != SM_REPORT_REGISTRATION)
        return mp_refuse(x, 400, e, "Msg/SourceID: \"%s\" is not GUID:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", q->source_id);
    if (rep_registration_id(q->body, q->body_len, inside, &why) != SL_OK)
        return mp_refuse(x, 400, e, "%s", why.text);
    if (inside[0] == '\0') {
        char made[CCM_ID_MAX];
        ccm_new_id(made);
        snprintf(inside, sizeof inside, "GUID:%.36s", made + 1);
        sl_text_upper(inside);
    }
    return sl_text_copy(r->client, sizeof r->client, inside) ? SL_OK : sl_fail(e, SL_INTERNAL, "a new SMSID");
}

static enum sl_status take(struct mp_exchange *x, struct sm_report *r, struct sl_error *e)
{
    struct sm_content content = {0};
    struct sender sender = {0};
    struct sl_error why = {0};
    if (x->mp->upward.outbox == NULL)
        return mp_refuse(x, 503, e, "this management point takes no reports");
    enum sl_status status = read_ids(x, r, e);
    if (status != SL_OK)
        return status;
    if (rep_read(r->kind, r->client, r->body, r->body_len, &content, &why) != SL_OK)
        return mp_refuse(x, why.status == SL_LIMIT ? 413 : 400, e, "%s", why.text);
    sm_content_fini(&content);
    status = find_sender(x->mp, r->client, &sender, e);
    if (status == SL_USAGE)
        status = mp_refuse(x, 404, e, "this management point serves several sites, and no report says which is meant");
    else if (status == SL_OK)
        status = admit(x, r, &sender, e);
    if (status == SL_OK)
        status = keep(x, r, sender.site, e);
    sender_fini(&sender);
    return status;
}

static struct sm_report report_of(const struct mp_exchange *x, enum sm_report_kind kind)
{
    const struct ccm_message *q = x->question;
    return (struct sm_report){
        .kind = kind, .received_s = sl_clock_real_s(), .key = q->key, .body = q->body, .body_len = q->body_len};
}

/* ---- the endpoints ------------------------------------------------------------------------------------------------------ */

#define REPORT_ENDPOINT(name, kind)                                                                                    \
    enum sl_status name(struct mp_exchange *x, struct sl_error *e)                                                     \
    {                                                                                                                  \
        struct sm_report r = report_of(x, kind);                                                                       \
        return take(x, &r, e);                                                                                         \
    }
REPORT_ENDPOINT(mp_on_discovery, SM_REPORT_DISCOVERY)
REPORT_ENDPOINT(mp_on_inventory, SM_REPORT_INVENTORY)
REPORT_ENDPOINT(mp_on_metering, SM_REPORT_METERING)
REPORT_ENDPOINT(mp_on_status, SM_REPORT_STATUS)
#undef REPORT_ENDPOINT

/* The key that the registration itself is signed with, in `*ret_key`, is the client's as well as that of the envelope. */
static enum sl_status read_key(struct mp_exchange *x, struct sm_report *r, char **ret_key, struct sl_error *e)
{
    struct sl_error why = {0};
    enum sl_status status = rep_registration_key(r->body, r->body_len, ret_key, &why);
    if (status != SL_OK)
        return mp_refuse(x, status == SL_UNTRUSTED ? 403 : 400, e, "%s", why.text);
    if (*ret_key != NULL && r->key != NULL && strcmp(*ret_key, r->key) != 0)
        return mp_refuse(x, 403, e, "the registration and the message are signed with different keys");
    if (*ret_key != NULL)
        r->key = *ret_key;
    return SL_OK;
}

/* No source gives the reply to a registration: this one is ours. */
enum sl_status mp_on_registration(struct mp_exchange *x, struct sl_error *e)
{
    struct sm_report r = report_of(x, SM_REPORT_REGISTRATION);
    char *key = NULL;
    enum sl_status status = read_key(x, &r, &key, e);
    if (status == SL_OK)
        status = take(x, &r, e);
    free(key);
    if (status != SL_OK)
        return status;
    struct sx_writer w = sx_write_to(&x->answer);
    sx_open(&w, "ClientRegistrationResponse");
    sx_put_attr(&w, "ResponseType", "Registration");
    sx_put_attr(&w, "SMSID", r.client);
    sx_close(&w);
    return SL_OK;
}
