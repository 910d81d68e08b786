#include "locator/net/slpmsg.h"

#include "common/base/addr.h"
#include "common/xml/xml.h"

#include <string.h>

/* A value of a query: what is no unreserved character of RFC 3986 is written %XX. */
static void put_value(struct sl_text *out, const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *value; value++) {
        if (strchr(plain, *value))
            sl_text_add(out, value, 1);
        else
            sl_text_printf(out, "%%%02X", (unsigned)(unsigned char)*value);
    }
}

void loc_slp_query(const char *site, const struct lm_client *client, struct sl_text *out)
{
    sl_text_puts(out, "?site");
    if (site[0]) {
        sl_text_puts(out, "&sc=");
        put_value(out, site);
        return;
    }
    for (size_t i = 0; i < client->address_count; i++) {
        char address[LM_ADDRESS_MAX];
        lm_address_text(&client->addresses[i], address);
        sl_text_puts(out, "&ip=");
        put_value(out, address);
        if (client->addresses[i].prefix_len >= 0)
            sl_text_printf(out, "/%d", client->addresses[i].prefix_len);
    }
    if (client->ad_site[0]) {
        sl_text_puts(out, "&ad=");
        put_value(out, client->ad_site);
    }
}

/* Copies an attribute; one that is absent leaves `out` as it is. */
static enum sl_status take_text(struct sx_node *node, const char *name, char *out, size_t size, struct sl_error *e)
{
    const char *text = sx_attr(node, name);
    if (!text || sl_text_copy(out, size, text))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "%s/@%s: longer than %zu octets", sx_name(node), name, size - 1);
}

static enum sl_status take_code(struct sx_node *node, const char *name, char *out, struct sl_error *e)
{
    const char *text = sx_attr(node, name);
    enum sl_status s = text ? lm_code_parse(text, out, e) : SL_OK;
    return s == SL_OK ? SL_OK : sl_fail_in(e, SL_MALFORMED, "%s/@%s", sx_name(node), name);
}

static enum sl_status take_number(struct sx_node *node, const char *name, int64_t max, int64_t *ret_number, struct sl_error *e)
{
    const char *text = sx_attr(node, name);
    if (!text || sl_parse_i64(text, 0, max, ret_number))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "%s/@%s: \"%.20s\" is not within 0 and %lld", sx_name(node), name, text, (long long)max);
}

static enum sl_status check_host(struct sx_node *node, const char *name, struct sl_error *e)
{
    if (sl_is_host(name))
        return SL_OK;
    return name[0] ? sl_fail(e, SL_MALFORMED, "%s/@Name: \"%.60s\" is no host", sx_name(node), name)
                   : sl_fail(e, SL_MALFORMED, "%s/@Name is missing", sx_name(node));
}

static enum sl_status take_mp(struct sx_node *node, struct loc_slp_reply *reply, struct sl_error *e)
{
    struct lm_mp *mp = &reply->mp;
    struct lm_address ignored;
    int64_t port = 0;
    enum sl_status s = take_text(node, "Name", mp->name, sizeof mp->name, e);
    if (s == SL_OK)
        s = take_text(node, "Address", mp->address, sizeof mp->address, e);
    if (s == SL_OK)
        s = take_text(node, "Forest", mp->forest, sizeof mp->forest, e);
    if (s == SL_OK)
        s = take_number(node, "Version", INT32_MAX, &mp->build, e);
    if (s == SL_OK)
        s = take_number(node, "Port", UINT16_MAX, &port, e);
    if (s == SL_OK)
        s = take_number(node, "SSLState", UINT32_MAX, &mp->ssl_state, e);
    if (s == SL_OK)
        s = check_host(node, mp->name, e);
    if (s == SL_OK && mp->address[0] && (strchr(mp->address, '/') || lm_address_parse(mp->address, &ignored, NULL) != SL_OK))
        s = sl_fail(e, SL_MALFORMED, "MP/@Address: \"%.45s\" is no address", mp->address);
    mp->srv_port = (uint16_t)port;
    mp->is_default = true;
    memcpy(mp->site, reply->assignment, sizeof mp->site);
    reply->has_mp = true;
    return s;
}

static enum sl_status take_caps(struct sx_node *site, struct loc_slp_reply *reply, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    for (struct sx_node *n = sx_child(site, "CAP"); n && s == SL_OK; n = sx_next(n, "CAP")) {
        if (reply->cap_count == LOC_SLP_CAPS_MAX)
            return sl_fail(e, SL_MALFORMED, "Site: more than %d CAP", LOC_SLP_CAPS_MAX);
        s = take_text(n, "Name", reply->caps[reply->cap_count], sizeof reply->caps[0], e);
        if (s == SL_OK)
            s = check_host(n, reply->caps[reply->cap_count++], e);
    }
    return s;
}

static enum sl_status take_site(struct sx_node *node, struct loc_slp_reply *reply, struct sl_error *e)
{
    struct sx_node *mp = sx_child(node, "MP");
    if (!sx_attr(node, "SiteCode"))
        return sl_fail(e, SL_MALFORMED, "Site/@SiteCode is missing");
    enum sl_status s = take_code(node, "SiteCode", reply->site, e);
    memcpy(reply->assignment, reply->site, sizeof reply->assignment);
    if (s == SL_OK)
        s = take_code(node, "AssignmentSiteCode", reply->assignment, e);
    if (s == SL_OK)
        s = take_text(node, "AssignedBy", reply->assigned_by, sizeof reply->assigned_by, e);
    if (s == SL_OK && mp)
        s = take_mp(mp, reply, e);
    return s == SL_OK ? take_caps(node, reply, e) : s;
}

enum sl_status loc_slp_reply_read(const char *xml, size_t len, struct loc_slp_reply *ret_reply, struct sl_error *e)
{
    struct loc_slp_reply reply = {.mp = lm_mp_unknown()};
    struct sx_doc *doc;
    enum sl_status s = sx_parse(xml, len, SX_STRICT, &doc, e);
    if (s != SL_OK)
        return s;
    if (!sl_text_iequal(sx_name(sx_root(doc)), "SLPReply"))
        s = sl_fail(e, SL_MALFORMED, "the document is <%.40s>, not <SLPReply>", sx_name(sx_root(doc)));
    for (struct sx_node *n = s == SL_OK ? sx_child(sx_root(doc), "Site") : NULL; n && s == SL_OK; n = sx_next(n, "Site"))
        if (!reply.sites++)
            s = take_site(n, &reply, e);
    sx_free(doc);
    if (s == SL_OK)
        *ret_reply = reply;
    return s;
}

static void put_known(struct sx_writer *w, const char *name, const char *value)
{
    if (value[0] != '\0')
        sx_put_attr(w, name, value);
}

static void put_mp(struct sx_writer *w, const struct lm_mp *mp)
{
    sx_open(w, "MP");
    sx_put_attr(w, "Name", mp->name);
    put_known(w, "Address", mp->address);
    if (mp->srv_port != 0)
        sx_put_number(w, "Port", mp->srv_port);
    if (mp->ssl_state > 0)
        sx_put_number(w, "SSLState", mp->ssl_state);
    if (mp->build > 0)
        sx_put_number(w, "Version", mp->build);
    put_known(w, "Forest", mp->forest);
    sx_close(w);
}

void loc_slp_reply_write(const struct loc_slp_reply *replies, size_t count, struct sl_text *out)
{
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "SLPReply");
    sx_put_attr(&w, "SchemaVersion", "1.0");
    for (size_t i = 0; i < count; i++) {
        const struct loc_slp_reply *r = &replies[i];
        sx_open(&w, "Site");
        sx_put_attr(&w, "SiteCode", r->site);
        sx_put_attr(&w, "AssignmentSiteCode", r->assignment);
        put_known(&w, "AssignedBy", r->assigned_by);
        if (r->has_mp)
            put_mp(&w, &r->mp);
        for (size_t k = 0; k < r->cap_count; k++) {
            sx_open(&w, "CAP");
            sx_put_attr(&w, "Name", r->caps[k]);
            sx_close(&w);
        }
        sx_close(&w);
    }
    sx_close(&w);
}
