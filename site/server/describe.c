#include "site/server/describe.h"

#include "common/base/memory.h"
#include "common/xml/xml.h"

#include <string.h>

#define FIRST_LINE "sitelocator site 1\n"

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static void put_mp(struct sx_writer *w, const struct sm_mp *mp)
{
    sx_open(w, "MP");
    sx_put_attr(w, "Host", mp->host);
    sx_put_attr(w, "Address", mp->address);
    sx_put_number(w, "Port", mp->port);
    sx_put_number(w, "HTTPS", mp->is_https);
    sx_put_number(w, "NLB", mp->is_nlb);
    sx_put_number(w, "Default", mp->is_default);
    sx_close(w);
}

static void put_dp(struct sx_writer *w, const struct sm_dp *dp)
{
    sx_open(w, "DP");
    sx_put_attr(w, "Host", dp->host);
    sx_put_attr(w, "URL", dp->url);
    sx_close(w);
    for (size_t i = 0; i < dp->boundary_count; i++) {
        sx_open(w, "Protected");
        sx_put_attr(w, "DP", dp->host);
        sx_put_attr(w, "Kind", sm_boundary_word(dp->boundaries[i]->kind));
        sx_put_attr(w, "Value", dp->boundaries[i]->value);
        sx_close(w);
    }
}

void srv_describe(const struct sm_snapshot *site, int64_t made_s, struct sl_text *out)
{
    sl_text_puts(out, FIRST_LINE);
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, SRV_DESCRIPTION);
    sx_put_attr(&w, "SchemaVersion", "1.0");
    sx_put_number(&w, "Made", made_s);
    sx_put_number(&w, "Packages", site->packages_changed);
    sx_open(&w, "Site");
    sx_put_attr(&w, "Code", site->site.code);
    sx_put_attr(&w, "Kind", sm_site_kind_word(site->site.kind));
    sx_put_attr(&w, "Parent", site->site.parent);
    sx_put_attr(&w, "Domain", site->site.domain);
    sx_put_attr(&w, "Forest", site->site.forest);
    sx_put_attr(&w, "Server", site->site.server);
    sx_close(&w);
    for (size_t i = 0; i < site->mp_count; i++)
        put_mp(&w, &site->mps[i]);
    for (size_t i = 0; i < site->boundary_count; i++) {
        sx_open(&w, "Boundary");
        sx_put_attr(&w, "Kind", sm_boundary_word(site->boundaries[i].kind));
        sx_put_attr(&w, "Value", site->boundaries[i].value);
        sx_put_number(&w, "Slow", site->boundaries[i].is_slow);
        sx_close(&w);
    }
    for (size_t i = 0; i < site->dp_count; i++)
        put_dp(&w, &site->dps[i]);
    sx_close(&w);
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static bool is_set(struct sx_node *node, const char *name)
{
    return strcmp(sx_attr_text(node, name), "1") == 0;
}

static enum sl_status read_site(struct sx_node *node, struct sm_site *site, struct sl_error *e)
{
    enum sm_site_kind kind = sm_site_kind_parse(sx_attr_text(node, "Kind"));
    const char *parent = sx_attr_text(node, "Parent"), *server = sx_attr_text(node, "Server");
    if (kind == SM_SITE_KIND_COUNT)
        return sl_fail(e, SL_MALFORMED, "@Kind: \"%.32s\" is no kind of site", sx_attr_text(node, "Kind"));
    if (parent[0] != '\0' && sm_check_code(parent, e) != SL_OK)
        return sl_fail_in(e, SL_MALFORMED, "@Parent");
    const char *domain = sx_attr_text(node, "Domain"), *forest = sx_attr_text(node, "Forest");
    enum sl_status status = sm_site_make(sx_attr_text(node, "Code"), domain, forest, server, server, site, e);
    if (status != SL_OK)
        return status;
    site->kind = kind;
    (void)sl_text_copy(site->parent, sizeof site->parent, parent);
    return SL_OK;
}

static enum sl_status read_mp(struct sx_node *node, struct sm_mp *mp, struct sl_error *e)
{
    int64_t port = 0;
    if (!sl_parse_i64(sx_attr_text(node, "Port"), 1, UINT16_MAX, &port))
        return sl_fail(e, SL_MALFORMED, "@Port: \"%.20s\"", sx_attr_text(node, "Port"));
    enum sl_status status = sm_mp_make(sx_attr_text(node, "Host"), sx_attr_text(node, "Address"), port, mp, e);
    if (status != SL_OK)
        return status;
    mp->is_https = is_set(node, "HTTPS");
    mp->is_nlb = is_set(node, "NLB");
    mp->is_default = is_set(node, "Default");
    return SL_OK;
}

static enum sl_status read_boundary(struct sx_node *node, struct sm_boundary *b, struct sl_error *e)
{
    enum sm_boundary_kind kind = sm_boundary_kind_parse(sx_attr_text(node, "Kind"));
    if (kind == SM_BOUNDARY_COUNT)
        return sl_fail(e, SL_MALFORMED, "@Kind: \"%.32s\" is no kind of boundary", sx_attr_text(node, "Kind"));
    enum sl_status status = sm_boundary_make(kind, sx_attr_text(node, "Value"), b, e);
    if (status == SL_OK)
        b->is_slow = is_set(node, "Slow");
    return status;
}

/* How many elements of a name there are below a node. */
static size_t count_of(struct sx_node *root, const char *name)
{
    size_t count = 0;
    for (struct sx_node *n = sx_child(root, name); n != NULL; n = sx_next(n, name))
        count++;
    return count;
}

static enum sl_status read_mps(struct sx_node *root, struct sm_snapshot *site, struct sl_error *e)
{
    size_t count = count_of(root, "MP"), defaults = 0;
    enum sl_status status = SL_OK;
    if (count > SRV_DESCRIBED_MPS_MAX)
        return sl_fail(e, SL_MALFORMED, "more than %d MP", SRV_DESCRIBED_MPS_MAX);
    site->mps = sl_new_array(count + 1, sizeof *site->mps);
    for (struct sx_node *n = sx_child(root, "MP"); n != NULL && status == SL_OK; n = sx_next(n, "MP")) {
        status = read_mp(n, &site->mps[site->mp_count], e);
        if (status != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "MP %zu", site->mp_count + 1);
        defaults += site->mps[site->mp_count++].is_default;
    }
    return defaults > 1 ? sl_fail(e, SL_MALFORMED, "MP: %zu are the default one", defaults) : SL_OK; /* S1.08 */
}

static enum sl_status read_boundaries(struct sx_node *root, struct sm_snapshot *site, struct sl_error *e)
{
    site->boundaries = sl_new_array(count_of(root, "Boundary") + 1, sizeof *site->boundaries);
    for (struct sx_node *n = sx_child(root, "Boundary"); n != NULL; n = sx_next(n, "Boundary")) {
        if (read_boundary(n, &site->boundaries[site->boundary_count], e) != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "Boundary %zu", site->boundary_count + 1);
        site->boundary_count++;
    }
    return SL_OK;
}

static enum sl_status read_dps(struct sx_node *root, struct sm_snapshot *site, struct sl_error *e)
{
    site->dps = sl_new_array(count_of(root, "DP") + 1, sizeof *site->dps);
    for (struct sx_node *n = sx_child(root, "DP"); n != NULL; n = sx_next(n, "DP")) {
        if (sm_dp_make(sx_attr_text(n, "Host"), sx_attr_text(n, "URL"), &site->dps[site->dp_count], e) != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "DP %zu", site->dp_count + 1);
        site->dp_count++;
    }
    return SL_OK;
}

/* A boundary of the site that protects one of its distribution points. */
static enum sl_status read_protected(struct sx_node *node, struct sm_snapshot *site, struct sl_error *e)
{
    struct sm_dp *dp = (struct sm_dp *)(uintptr_t)sm_find_dp(site, sx_attr_text(node, "DP"));
    const char *value = sx_attr_text(node, "Value");
    enum sm_boundary_kind kind = sm_boundary_kind_parse(sx_attr_text(node, "Kind"));
    struct sm_boundary *boundary = kind != SM_BOUNDARY_COUNT ? sm_find_boundary(site, kind, value) : NULL;
    if (dp == NULL)
        return sl_fail(e, SL_MALFORMED, "@DP: \"%.64s\" is none of them", sx_attr_text(node, "DP"));
    if (boundary == NULL)
        return sl_fail(e, SL_MALFORMED, "\"%.32s %.64s\" is none of the boundaries", sx_attr_text(node, "Kind"), value);
    dp->boundaries = sl_resize(dp->boundaries, dp->boundary_count + 1, sizeof(struct sm_boundary *));
    dp->boundaries[dp->boundary_count++] = boundary;
    return SL_OK;
}

static enum sl_status read_protection(struct sx_node *root, struct sm_snapshot *site, struct sl_error *e)
{
    size_t count = 0;
    for (struct sx_node *n = sx_child(root, "Protected"); n != NULL; n = sx_next(n, "Protected"), count++)
        if (read_protected(n, site, e) != SL_OK)
            return sl_fail_in(e, SL_MALFORMED, "Protected %zu", count + 1);
    return SL_OK;
}

static enum sl_status read_root(struct sx_node *root, struct sm_snapshot *site, int64_t *ret_made_s, struct sl_error *e)
{
    struct sx_node *node = sx_child(root, "Site");
    if (strcmp(sx_name(root), SRV_DESCRIPTION) != 0 || node == NULL)
        return sl_fail(e, SL_MALFORMED, "is no " SRV_DESCRIPTION " with a Site");
    if (!sl_parse_i64(sx_attr_text(root, "Made"), 1, INT64_MAX, ret_made_s))
        return sl_fail(e, SL_MALFORMED, "@Made: \"%.32s\"", sx_attr_text(root, "Made"));
    const char *packages = sx_attr(root, "Packages"); /* absent: of a version that does not tell them */
    if (packages != NULL && !sl_parse_i64(packages, 0, INT64_MAX, &site->packages_changed))
        return sl_fail(e, SL_MALFORMED, "@Packages: \"%.32s\"", packages);
    enum sl_status status = read_site(node, &site->site, e);
    if (status != SL_OK)
        return sl_fail_in(e, SL_MALFORMED, "Site");
    status = read_mps(root, site, e);
    if (status == SL_OK)
        status = read_boundaries(root, site, e);
    if (status == SL_OK)
        status = read_dps(root, site, e);
    return status == SL_OK ? read_protection(root, site, e) : status;
}

enum sl_status srv_description_read(const char *text, size_t len, struct sm_snapshot **ret_site, int64_t *ret_made_s,
                                    struct sl_error *e)
{
    size_t head = strlen(FIRST_LINE);
    struct sx_doc *doc;
    if (len < head || memcmp(text, FIRST_LINE, head) != 0)
        return sl_fail(e, SL_MALFORMED, "site description: does not begin with \"sitelocator site 1\"");
    enum sl_status status = sx_parse(text + head, len - head, SX_STRICT, &doc, e);
    if (status != SL_OK)
        return sl_fail_in(e, SL_MALFORMED, "site description");
    struct sm_snapshot *site = sl_new(sizeof *site);
    status = read_root(sx_root(doc), site, ret_made_s, e);
    sx_free(doc);
    if (status != SL_OK) {
        sm_snapshot_free(site);
        return sl_fail_in(e, status, "site description");
    }
    *ret_site = site;
    return SL_OK;
}
