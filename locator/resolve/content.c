#include "config.h"

#include "locator/resolve/content.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/model/choose.h"
#include "locator/net/ccm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HTTP_OK = 200, HTTP_UNAUTHORIZED = 401, HTTP_FORBIDDEN = 403 };

void resolve_content_fini(struct resolve_content_result *result)
{
    sl_strings_fini(&result->candidates);
    sl_strings_fini(&result->warnings);
    free(result->reply);
}

static void say(struct resolve_content_result *r, enum src_result result, const char *text)
{
    r->result = result;
    (void)sl_text_copy(r->text, sizeof r->text, text);
}

/* ---- the exchange --------------------------------------------------------------------------------------------------- */

static void fill_client(struct loc_content_request *request, const struct lm_client *client)
{
    (void)sl_text_copy(request->ad_site, sizeof request->ad_site, client->ad_site);
    for (size_t i = 0; i < client->address_count && i < LOC_ADDRESSES_PER_CLIENT; i++) {
        struct loc_client_address *a = &request->addresses[request->address_count++];
        lm_address_text(&client->addresses[i], a->address);
        lm_address_subnet(&client->addresses[i], a->subnet);
    }
}

static enum sl_status make_envelope(const struct resolve_content_question *q, char id[CCM_ID_MAX], struct sl_text *out,
                                    char content_type[CCM_CONTENT_TYPE_MAX], struct sl_error *e)
{
    struct loc_content_request request = {.version = q->version};
    struct ccm_message m = {.timeout_ms = 60000};
    struct sl_text xml = sl_text_new(LOC_XML_MAX);
    if (!sl_text_copy(request.package, sizeof request.package, q->package))
        return sl_fail(e, SL_USAGE, "package id: longer than %d characters", LOC_PACKAGE_MAX - 1);
    (void)sl_text_copy(request.site, sizeof request.site, q->site);
    fill_client(&request, q->client);
    loc_content_request_write(&request, &xml);
    ccm_new_id(m.id);
    memcpy(id, m.id, CCM_ID_MAX);
    (void)sl_text_copy(m.reply_to, sizeof m.reply_to, "direct:locator:SccmMessaging");
    (void)sl_text_copy(m.source_host, sizeof m.source_host, "locator");
    (void)sl_text_copy(m.target_endpoint, sizeof m.target_endpoint, CCM_ENDPOINT_LOCATION);
    (void)sl_text_copy(m.target_address, sizeof m.target_address, "mp:" CCM_ENDPOINT_LOCATION);
    (void)sl_text_copy(m.target_host, sizeof m.target_host, q->mp->name);
    m.body_len = xml.len;
    m.body = sl_text_take(&xml);
    enum sl_status s = m.body ? ccm_write(&m, out, content_type, e) : sl_fail(e, SL_LIMIT, "ContentLocationRequest: too large");
    ccm_fini(&m);
    return s;
}

static enum sl_status read_reply(const struct httpc_reply *http, const char *id, struct resolve_content_result *r,
                                 struct loc_content_reply *ret_reply, struct sl_error *e)
{
    struct ccm_message m;
    enum sl_status s = ccm_read(http->content_type, sl_text_str(&http->body), http->body.len, NULL, &m, e);
    if (s != SL_OK)
        return s;
    if (m.correlation_id[0] && strcasecmp(m.correlation_id, id) != 0)
        s = sl_fail(e, SL_MALFORMED, "the reply answers message %s, not %s", m.correlation_id, id);
    else
        s = loc_content_reply_read(m.body, m.body_len, ret_reply, e);
    if (s == SL_OK) {
        r->reply = m.body;
        r->reply_len = m.body_len;
        m.body = NULL;
    }
    ccm_fini(&m);
    return s;
}

/* The whole exchange; true with a reply, else `r` says why not. */
static bool ask(const struct resolve_content_question *q, struct sl_deadline deadline, struct resolve_content_result *r,
                struct loc_content_reply *ret_reply)
{
    char id[CCM_ID_MAX], content_type[CCM_CONTENT_TYPE_MAX], why[SRC_URI_MAX + SL_ERROR_TEXT_MAX + 2];
    struct sl_text envelope = sl_text_new(CCM_ENVELOPE_MAX);
    struct httpc_reply http = {.status = 0};
    struct sl_error e = {.status = SL_OK};
    bool got = false;
    enum sl_status s = make_envelope(q, id, &envelope, content_type, &e);
    if (s == SL_OK) {
        struct httpc_request request = {.method = CCM_METHOD, .url = r->source, .user_agent = CCM_USER_AGENT,
                                        .content_type = content_type, .body = envelope.data, .body_len = envelope.len};
        s = resolve_reach(q->config, q->mp, &request, deadline, &http, &e);
    }
    sl_text_fini(&envelope);
    if (s != SL_OK) {
        say(r, src_result_of(s), sl_error_text(&e));
        return false;
    }
    if (http.status != HTTP_OK) {
        bool refused = http.status == HTTP_UNAUTHORIZED || http.status == HTTP_FORBIDDEN;
        (void)snprintf(why, sizeof why, "%s: HTTP status %d", r->source, http.status);
        say(r, refused ? SRC_REFUSED : SRC_FAILED, why);
    } else if (read_reply(&http, id, r, ret_reply, &e) != SL_OK) {
        (void)snprintf(why, sizeof why, "%s: %s", r->source, sl_error_text(&e));
        say(r, SRC_FAILED, why);
    } else {
        got = true;
    }
    httpc_reply_fini(&http);
    return got;
}

/* A reply that was kept; true when it can be read. */
static bool take_kept(const struct resolve_content_question *q, struct resolve_content_result *r,
                      struct loc_content_reply *ret_reply)
{
    struct sl_error e = {.status = SL_OK};
    if (loc_content_reply_read(q->kept, q->kept_len, ret_reply, &e) == SL_OK)
        return true;
    say(r, SRC_FAILED, sl_error_text(&e));
    return false;
}

/* ---- the choice ----------------------------------------------------------------------------------------------------- */

static size_t count_records(const struct loc_content_reply *reply)
{
    size_t count = 0;
    for (size_t i = 0; i < reply->site_count; i++)
        count += reply->sites[i].record_count;
    return count;
}

/* A record of no URL is reached by its SMB path. */
static const char *place_of(const struct loc_record *record)
{
    return record->url ? record->url : record->smb_path;
}

/* The host of "http://HOST[:PORT]/..." or "\\HOST\...". */
static void host_of(const char *url, char out[LM_NAME_MAX])
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url + strspn(url, "\\");
    const char *end = *at == '[' ? strchr(at, ']') : NULL;
    bool is_v6 = end && memchr(at, ':', (size_t)(end - at)) && strchr(":/\\", end[1]);
    size_t len = is_v6 ? (size_t)(end - ++at) : strcspn(at, ":/\\");
    if (len >= LM_NAME_MAX)
        len = LM_NAME_MAX - 1;
    memcpy(out, at, len);
    out[len] = '\0';
}

static void warn(struct resolve_content_result *r, const char *attr, const char *value)
{
    char raw[SRC_TEXT_MAX], text[SRC_TEXT_MAX];
    (void)snprintf(raw, sizeof raw, "%.60s: %s \"%.60s\" names no host: it does not count", r->source, attr, value);
    sl_text_escape(text, sizeof text, raw, strlen(raw));
    if (r->warnings.count < RESOLVE_CONTENT_WARNINGS)
        sl_strings_add(&r->warnings, text);
}

/* True when a record names a distribution point, by a host and a place that can be shown; warns of anything else. */
static bool check_record(const struct loc_record *record, struct resolve_content_result *r)
{
    char host[LM_NAME_MAX];
    const char *place = place_of(record);
    bool is_plain = true;
    for (const char *at = place; *at; at++)
        is_plain = is_plain && (unsigned char)*at >= ' ' && *at != 0x7f;
    host_of(place, host);
    if (!is_plain || !sl_is_host(host))
        warn(r, record->url ? "URL/@Name" : "SMBPath", place);
    else if (record->server && !sl_is_host(record->server))
        warn(r, "ServerRemoteName", record->server);
    else
        return true;
    return false;
}

static void name_server(const struct loc_content_reply *reply, struct resolve_content_result *r)
{
    host_of(r->url, r->host);
    for (size_t i = 0; i < reply->site_count; i++)
        for (size_t k = 0; k < reply->sites[i].record_count; k++) {
            const struct loc_record *record = &reply->sites[i].records[k];
            if (record->server && place_of(record) && !strcmp(place_of(record), r->url))
                (void)sl_text_copy(r->host, sizeof r->host, record->server);
        }
}

/* Moves what is suspect to the end; returns how many there are to choose from. */
static size_t pass_over(const struct resolve_content_question *q, struct lm_dp *dps, size_t count, enum resolve_rule *ret_rule)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        struct lm_dp one = dps[i];
        if (q->is_suspect(q->ctx, one.url))
            continue;
        dps[i] = dps[left];
        dps[left++] = one;
    }
    *ret_rule = left == count ? RESOLVE_NONE : left ? RESOLVE_SUSPECT : RESOLVE_NO_OTHER;
    return left ? left : count;
}

static void choose(const struct loc_content_reply *reply, const struct resolve_content_question *q,
                   struct resolve_content_result *r)
{
    struct lm_dp *dps = sl_new_array(count_records(reply) + 1, sizeof *dps);
    size_t count = 0;
    char text[SL_ERROR_TEXT_MAX];
    for (size_t i = 0; i < reply->site_count; i++)
        for (size_t k = 0; k < reply->sites[i].record_count; k++) {
            const struct loc_record *record = &reply->sites[i].records[k];
            if (place_of(record) && check_record(record, r))
                dps[count++] = (struct lm_dp){place_of(record), (int)record->locality};
        }
    count = pass_over(q, dps, count, &r->suspicion);
    struct lm_dp_choice choice = lm_choose_dp(dps, count, q->seed);
    if (choice.candidates) {
        r->locality = (enum loc_locality)dps[choice.index].locality;
        (void)sl_text_copy(r->url, sizeof r->url, dps[choice.index].url);
        for (size_t i = 0; i < choice.candidates; i++)
            sl_strings_add(&r->candidates, dps[i].url);
        name_server(reply, r);
        (void)snprintf(text, sizeof text, "%s, one of %zu", r->host, choice.candidates);
        say(r, SRC_ANSWER, text);
    } else {
        (void)snprintf(text, sizeof text, "%s names no distribution point for package %s", q->mp->name, q->package);
        say(r, SRC_NOT_FOUND, text);
    }
    free(dps);
}

static enum resolve_rule rule_of(enum src_result result)
{
    if (result == SRC_ANSWER)
        return RESOLVE_ANSWER;
    return result == SRC_NOT_FOUND ? RESOLVE_DECISION : RESOLVE_FAILED;
}

static void add_step(const struct resolve_content_question *q, const struct resolve_content_result *r, int64_t ms,
                     struct resolve_trace *trace)
{
    char asked[SRC_TEXT_MAX];
    struct src_answer *a = sl_new(sizeof *a);
    src_answer_init(a);
    (void)snprintf(asked, sizeof asked, "ContentLocationRequest %s", q->package);
    src_note(a, "%s", q->kept ? "cache" : asked);
    if (q->kept)
        src_note_end(a, "kept %" PRId64 " s ago", q->kept_s);
    else
        src_note_end(a, "%s", r->text);
    a->notes[0].ms = ms;
    a->result = r->result;
    if (r->result == SRC_ANSWER)
        (void)snprintf(a->rule, sizeof a->rule, "S1.16%s%s", r->suspicion ? " " : "", resolve_rule_id(r->suspicion));
    (void)snprintf(asked, sizeof asked, "find dp %s", q->package);
    resolve_trace_add(trace, r->source, asked, a, rule_of(r->result), ms);
    free(a);
}

void resolve_content(const struct resolve_content_question *q, struct sl_deadline deadline, struct resolve_trace *trace,
                     struct resolve_content_result *ret_result)
{
    struct resolve_content_result r = {.result = SRC_FAILED};
    struct loc_content_reply reply = {NULL, 0};
    int64_t started_ms = sl_clock_mono_ms();
    if (!resolve_url(q->config, q->mp, CCM_PATH, r.source, sizeof r.source))
        say(&r, SRC_FAILED, "the management point's name is no host name");
    else if (q->kept ? take_kept(q, &r, &reply) : ask(q, deadline, &r, &reply))
        choose(&reply, q, &r);
    loc_content_reply_fini(&reply);
    add_step(q, &r, sl_clock_mono_ms() - started_ms, trace);
    *ret_result = r;
}
