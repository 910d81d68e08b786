#include "site/mp/private.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/xml/xml.h"
#include "site/model/digest.h"
#include "site/store/client.h"
#include "site/store/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POLICY_TYPE "text/xml; charset=utf-8"

enum { SOURCE_SIZE = sizeof "SMS:" + SM_CODE_LEN, NAME_SIZE = 256 };

/* ---- RequestAssignments (facts sms.md 10) ------------------------------------------------------------------------------ */

/* What a client asks, copied out of the message; "" is what it did not say. */
struct request {
    char site[SM_CODE_LEN + 1];
    char client[CCM_ID_MAX];
    char name[NAME_SIZE], fqdn[NAME_SIZE];
    char resource[NAME_SIZE]; /* "Machine", "User" */
    char cookie[SM_SHA256_SIZE];
    bool is_update; /* RequestType OnUpdate */
};

static const char *text_of(struct sx_node *node, const char *child)
{
    struct sx_node *found = node != NULL ? sx_child(node, child) : NULL;
    return found != NULL ? sx_content(found) : "";
}

static const char *attr_of(struct sx_node *node, const char *child, const char *attr)
{
    return sx_attr_text(node != NULL ? sx_child(node, child) : NULL, attr);
}

static enum sl_status copy(char *out, size_t size, const char *what, const char *text, struct sl_error *e)
{
    if (!sl_text_copy(out, size, text))
        return sl_fail(e, SL_MALFORMED, "RequestAssignments: %s: longer than %zu octets", what, size - 1);
    return SL_OK;
}

/* "SMS:LAB"; without one the management point's own site is meant. */
static enum sl_status copy_site(const char *source, struct request *r, struct sl_error *e)
{
    if (source[0] == '\0')
        return SL_OK;
    if (strncmp(source, "SMS:", 4) != 0 || sm_check_code(source + 4, NULL) != SL_OK)
        return sl_fail(e, SL_MALFORMED, "RequestAssignments: PolicySource \"%.64s\": SMS: and a site code are wanted", source);
    return copy(r->site, sizeof r->site, "PolicySource", source + 4, e);
}

static enum sl_status read_fields(struct sx_node *root, struct request *r, struct sl_error *e)
{
    struct sx_node *identification = sx_child(root, "Identification");
    struct sx_node *machine = identification != NULL ? sx_child(identification, "Machine") : NULL;
    const char *type = sx_attr(root, "RequestType"), *cookie = text_of(root, "ServerCookie");
    if (strcmp(sx_name(root), "RequestAssignments") != 0)
        return sl_fail(e, SL_MALFORMED, "the message is %.64s, not RequestAssignments", sx_name(root));
    r->is_update = type != NULL && sl_text_iequal(type, "OnUpdate");
    if (!sl_text_copy(r->cookie, sizeof r->cookie, cookie)) /* one of somebody else, who knew other policies */
        r->cookie[0] = '\0';
    enum sl_status status = copy(r->client, sizeof r->client, "ClientID", text_of(machine, "ClientID"), e);
    if (status == SL_OK)
        status = copy(r->name, sizeof r->name, "NetBIOSName", text_of(machine, "NetBIOSName"), e);
    if (status == SL_OK)
        status = copy(r->fqdn, sizeof r->fqdn, "FQDN", text_of(machine, "FQDN"), e);
    if (status == SL_OK)
        status = copy(r->resource, sizeof r->resource, "ResourceType", attr_of(root, "Resource", "ResourceType"), e);
    return status == SL_OK ? copy_site(text_of(root, "PolicySource"), r, e) : status;
}

static enum sl_status read_request(const struct ccm_message *question, struct request *r, struct sl_error *e)
{
    struct sx_doc *doc;
    *r = (struct request){.site = ""};
    enum sl_status status = sx_parse(question->body, question->body_len, SX_STRICT, &doc, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "RequestAssignments");
    status = read_fields(sx_root(doc), r, e);
    sx_free(doc);
    if (status == SL_OK && r->client[0] == '\0')
        return sl_fail(e, SL_MALFORMED, "RequestAssignments: no Identification/Machine/ClientID");
    if (status == SL_OK && question->source_id[0] != '\0' && !sl_text_iequal(question->source_id, r->client))
        return sl_fail(e, SL_MALFORMED, "RequestAssignments: ClientID is not the SourceID of the message");
    return status;
}

/* ---- ReplyAssignments -------------------------------------------------------------------------------------------------- */

/* A hash over what is assigned: a client that shows it has all of this already. */
static void make_cookie(const struct sst_policies *policies, char out[SM_SHA256_SIZE])
{
    struct sm_digest *digest = sm_digest_new();
    for (size_t i = 0; i < policies->count; i++)
        sm_digest_add(digest, policies->items[i].sha256, SM_SHA256_SIZE);
    sm_digest_end(digest, out);
}

/* The body is fetched in the way in which the assignment was: a management point over TLS need have no other. */
static void write_assignment(struct sx_writer *w, const struct sm_policy *policy, bool is_tls)
{
    char version[16], name[SM_POLICY_NAME_SIZE], location[SM_POLICY_NAME_SIZE + 64], hash[SM_SHA256_SIZE + 8];
    snprintf(version, sizeof version, "%" PRIu32 ".00", policy->version);
    sm_policy_name(policy, name);
    snprintf(location, sizeof location, "%s://<mp>" MP_POLICY_PATH "?%s", is_tls ? "https" : "http", name);
    snprintf(hash, sizeof hash, "SHA256:%s", policy->sha256);
    sx_open(w, "PolicyAssignment");
    sx_put_attr(w, "PolicyAssignmentID", policy->assignment);
    sx_put_element(w, "Condition", "");
    sx_open(w, "Policy");
    sx_put_attr(w, "PolicyID", policy->id);
    sx_put_attr(w, "PolicyVersion", version);
    sx_put_attr(w, "PolicyType", "Machine");
    sx_put_attr(w, "PolicyCategory", policy->category);
    sx_open(w, "PolicyLocation");
    sx_put_attr(w, "PolicyHash", hash);
    sx_put_text(w, location);
    sx_close(w);
    sx_close(w);
    sx_close(w);
}

static void write_machine(struct sx_writer *w, const struct request *r)
{
    sx_open(w, "Identification");
    sx_open(w, "Machine");
    sx_put_element(w, "ClientID", r->client);
    sx_put_element(w, "NetBIOSName", r->name);
    sx_put_element(w, "FQDN", r->fqdn);
    sx_close(w);
    sx_close(w);
}

/* Users have no policies: all there are concern the machine. */
static void write_reply(const struct request *r, const char *site, const struct sst_policies *policies, struct mp_exchange *x)
{
    char cookie[SM_SHA256_SIZE], source[SOURCE_SIZE];
    struct sx_writer w = sx_write_to(&x->answer);
    make_cookie(policies, cookie);
    bool has_all = r->is_update && strcmp(r->cookie, cookie) == 0;
    snprintf(source, sizeof source, "SMS:%s", site);
    sx_open(&w, "ReplyAssignments");
    sx_put_attr(&w, "SchemaVersion", "1.00");
    sx_put_attr(&w, "ReplyType", has_all ? "OnUpdate" : "Full");
    write_machine(&w, r);
    sx_put_element(&w, "PolicySource", source);
    sx_open(&w, "Resource");
    sx_put_attr(&w, "ResourceType", r->resource[0] != '\0' ? r->resource : "Machine");
    sx_close(&w);
    sx_put_element(&w, "ServerCookie", cookie);
    for (size_t i = 0; i < policies->count && !has_all && !sl_text_iequal(r->resource, "User"); i++)
        write_assignment(&w, &policies->items[i], x->is_tls);
    sx_close(&w);
}

/* What is assigned can be fetched later whatever becomes of the database (S2.14). */
static enum sl_status prefetch(const struct mp *mp, struct sst *store, const struct sst_policies *policies, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    for (size_t i = 0; i < policies->count && status == SL_OK && mp->cache != NULL; i++) {
        const struct sm_policy *assigned = &policies->items[i];
        struct sm_policy policy;
        if (mp_cache_has(mp->cache, assigned))
            continue;
        status = sst_policy(store, assigned->id, &policy, e);
        if (status != SL_OK)
            break;
        if (policy.id[0] != '\0')
            (void)mp_cache_put(mp->cache, &policy);
        free(policy.body);
    }
    return status;
}

/*
 * The client, NULL for one that is not known; *ret_waiting tells whether its registration waits in our outbox. Between the two
 * looks it may have gone from there into the database, hence the third.
 */
static enum sl_status find_client(struct mp_exchange *x, struct sst *store, const char *smsid, const char *site,
                                  struct sst_client **ret_client, bool *ret_waiting, struct sl_error *e)
{
    char *key = NULL;
    enum sl_status status = sst_client(store, site, smsid, ret_client, e);
    if (status != SL_OK || *ret_client != NULL || x->mp->upward.outbox == NULL)
        return status;
    status = obx_find_registration(x->mp->upward.outbox, site, smsid, ret_waiting, &key, e);
    free(key);
    return status == SL_OK && !*ret_waiting ? sst_client(store, site, smsid, ret_client, e) : status;
}

/* Only a client that has registered gets policy (S1.10); one that did so with a key must have signed with it. */
static enum sl_status check_client(struct mp_exchange *x, struct sst *store, const struct request *r, const char *site,
                                   struct sst_client **ret_client, struct sl_error *e)
{
    struct sst_client *client = NULL;
    const char *signer = x->question->key;
    bool is_waiting = false;
    enum sl_status status = find_client(x, store, r->client, site, &client, &is_waiting, e);
    if (status == SL_OK && client == NULL && is_waiting)
        status = mp_refuse(x, 503, e, "the registration of %s waits for the site server of %s: ask again later", r->client, site);
    else if (status == SL_OK && client == NULL)
        status = mp_refuse(x, 403, e, "%s is not registered with site %s", r->client, site);
    else if (status == SL_OK && client->key != NULL && (signer == NULL || strcmp(client->key, signer) != 0))
        status = mp_refuse(x, 403, e, "%s is registered with another key", r->client);
    if (status == SL_OK)
        *ret_client = client;
    else
        sst_client_free(client);
    return status;
}

static enum sl_status answer(struct mp_exchange *x, struct sst *store, const struct request *r, const char *site,
                             struct sl_error *e)
{
    struct sst_policies policies = {0};
    struct sst_client *client = NULL;
    enum sl_status status = check_client(x, store, r, site, &client, e);
    if (status == SL_OK)
        status = sst_policies(store, site, client, false, &policies, e);
    if (status == SL_OK && policies.count == 0) /* S1.26 */
        status = mp_refuse(x, 503, e, "site %s has no default management point, and so no policy", site);
    if (status == SL_OK)
        status = prefetch(x->mp, store, &policies, e);
    if (status == SL_OK)
        write_reply(r, site, &policies, x);
    sst_policies_fini(&policies);
    sst_client_free(client);
    return status;
}

enum sl_status mp_on_policy(struct mp_exchange *x, struct sl_error *e)
{
    struct request r;
    struct sl_error why = {0};
    struct sst *store = NULL;
    char *site = NULL;
    if (read_request(x->question, &r, &why) != SL_OK)
        return mp_refuse(x, 400, e, "%s", why.text);
    struct sst_pool *pool = mp_pool(x->mp);
    enum sl_status status = sst_borrow(pool, &store, e);
    if (status == SL_OK)
        status = mp_client_site(x->mp, store, r.site[0] != '\0' ? r.site : NULL, &site, e);
    if (status == SL_USAGE)
        status = mp_refuse(x, 404, e, "no such site");
    else if (status == SL_OK)
        status = answer(x, store, &r, site, e);
    sst_give_back(pool, store, x->refusal != 0 ? SL_OK : status);
    free(site);
    return status;
}

/* ---- GET /SMS_MP/.sms_pol?{guid}.1_00 ---------------------------------------------------------------------------------- */

/* A body of the cache; false when it is not there. */
static bool serve_cached(const struct mp *mp, const char *id, uint32_t version, const char *sha256, struct web_response *response)
{
    uint64_t size = 0;
    char etag[SM_SHA256_SIZE];
    int fd = mp->cache != NULL ? mp_cache_find(mp->cache, id, version, sha256, &size, etag) : -1;
    if (fd < 0)
        return false;
    web_file(response, fd, size, etag);
    response->type = POLICY_TYPE;
    return true;
}

/* Without a cache that takes it, the body goes out of memory. */
static void serve_body(const struct sm_policy *policy, struct web_response *response)
{
    size_t len = strlen(policy->body);
    int fd = memfd_create("policy", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, policy->body, len) == (ssize_t)len) {
        web_file(response, fd, len, policy->sha256);
        response->type = POLICY_TYPE;
        return;
    }
    if (fd >= 0)
        close(fd);
    web_text(response, 500, "the policy cannot be sent");
}

/* The database knows the newest version; an older one, assigned before, may still be in the cache. */
static void serve_current(const struct mp *mp, const struct sm_policy *policy, uint32_t version, struct web_response *response)
{
    bool is_newest = policy->id[0] != '\0' && policy->version == version;
    if (policy->id[0] == '\0' || (!is_newest && !serve_cached(mp, policy->id, version, NULL, response)))
        web_text(response, 404, "no such policy");
    if (!is_newest)
        return;
    if (mp->cache == NULL || !mp_cache_put(mp->cache, policy) ||
        !serve_cached(mp, policy->id, version, policy->sha256, response))
        serve_body(policy, response);
}

void mp_on_policy_body(const struct web_request *request, struct web_response *response, void *ctx)
{
    struct mp *mp = ctx;
    struct sl_error e = {0};
    struct sst *store = NULL;
    struct sm_policy policy = {.body = NULL};
    char query[WEB_ITEM_MAX], id[SM_GUID_SIZE];
    uint32_t version;
    SL_CHECK_MAGIC(mp, MP_MAGIC);
    if (!web_query_item(request->query, 0, query, sizeof query) || !sm_policy_name_parse(query, id, &version)) {
        web_text(response, 400, "ask for {GUID}.VERSION, as PolicyLocation has it");
        return;
    }
    struct sst_pool *pool = mp_pool(mp);
    enum sl_status status = sst_borrow(pool, &store, &e);
    if (status == SL_OK)
        status = sst_policy(store, id, &policy, &e);
    sst_give_back(pool, store, status);
    if (status == SL_OK)
        serve_current(mp, &policy, version, response);
    else if (serve_cached(mp, id, version, NULL, response)) /* S2.14 */
        sl_log(SL_LOG_WARNING, "policy-from-cache", "policy=%s text=%s", id, SL_LOG_TEXT(sl_error_text(&e)));
    else
        mp_fail(response, &e);
    free(policy.body);
}
