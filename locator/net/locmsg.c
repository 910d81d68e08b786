#include "config.h"

#include "locator/net/locmsg.h"

#include "common/xml/xml.h"
#include "locator/model/code.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const locality_words[] = {
#define LOC_LOCALITY_WORD(name, word) word,
    LOC_LOCALITY_TABLE(LOC_LOCALITY_WORD)
#undef LOC_LOCALITY_WORD
};

const char *loc_locality_word(enum loc_locality locality)
{
    return locality < LOC_LOCALITY_COUNT ? locality_words[locality] : "";
}

/* ---- reading: small steps ------------------------------------------------------------------------------------------ */

static enum sl_status parse(const char *xml, size_t len, const char *root, struct sx_doc **ret_doc, struct sl_error *e)
{
    struct sx_doc *doc;
    if (len > LOC_XML_MAX)
        return sl_fail(e, SL_LIMIT, "%s: larger than %d octets", root, LOC_XML_MAX);
    enum sl_status s = sx_parse(xml, len, SX_STRICT, &doc, e);
    if (s != SL_OK)
        return sl_fail_in(e, s, "%s", root);
    if (strcmp(sx_name(sx_root(doc)), root) != 0) {
        s = sl_fail(e, SL_MALFORMED, "the message is %.64s, not %s", sx_name(sx_root(doc)), root);
        sx_free(doc);
        return s;
    }
    *ret_doc = doc;
    return SL_OK;
}

/* Copies an attribute; absent is "", too long is an error that names it. */
static enum sl_status get_attr(struct sx_node *node, const char *name, char *out, size_t size, struct sl_error *e)
{
    const char *value = node ? sx_attr(node, name) : NULL;
    if (!sl_text_copy(out, size, value ? value : ""))
        return sl_fail(e, SL_MALFORMED, "%s/@%s: longer than %zu octets", sx_name(node), name, size - 1);
    return SL_OK;
}

/* Copies a site code; absent is "". */
static enum sl_status get_code(struct sx_node *node, const char *name, char out[LOC_CODE_MAX], struct sl_error *e)
{
    const char *value = node ? sx_attr(node, name) : NULL;
    out[0] = '\0';
    if (!value || !value[0])
        return SL_OK;
    enum sl_status s = lm_code_parse(value, out, e);
    return s == SL_OK ? s : sl_fail_in(e, SL_MALFORMED, "%s/@%s", sx_name(node), name);
}

/* A copy of text that is not longer than `max`; *ret_copy stays NULL when there is no text. */
static enum sl_status get_copy(const char *what, const char *text, size_t max, char **ret_copy, struct sl_error *e)
{
    if (!text || !text[0])
        return SL_OK;
    if (strlen(text) >= max)
        return sl_fail(e, SL_MALFORMED, "%s: longer than %zu octets", what, max - 1);
    if (!(*ret_copy = strdup(text)))
        return sl_fail(e, SL_NOMEM, "%s", what);
    return SL_OK;
}

static const char *child_attr(struct sx_node *node, const char *child, const char *attr)
{
    struct sx_node *found = sx_child(node, child);
    return found ? sx_attr(found, attr) : NULL;
}

static const char *child_text(struct sx_node *node, const char *child)
{
    struct sx_node *found = sx_child(node, child);
    return found ? sx_content(found) : NULL;
}

static enum sl_status get_locality(const char *word, enum loc_locality *ret_locality, struct sl_error *e)
{
    if (!word || !word[0])
        return SL_OK;
    for (int i = 0; i < LOC_LOCALITY_COUNT; i++) {
        if (sl_text_iequal(word, locality_words[i])) {
            *ret_locality = (enum loc_locality)i;
            return SL_OK;
        }
    }
    return sl_fail(e, SL_MALFORMED, "locality \"%.32s\" is none of LOCAL, REMOTE, FALLBACK", word);
}

/* Room for one more element of a list that is bounded by `limit`; the new element is zero. */
static enum sl_status grow(void **items, size_t *count, size_t size, size_t limit, const char *what, struct sl_error *e)
{
    if (*count >= limit)
        return sl_fail(e, SL_LIMIT, "more than %zu %s", limit, what);
    void *more = reallocarray(*items, *count + 1, size);
    if (!more)
        return sl_fail(e, SL_NOMEM, "%s", what);
    memset((char *)more + *count * size, 0, size);
    *items = more;
    (*count)++;
    return SL_OK;
}

/* ---- ContentLocationRequest ---------------------------------------------------------------------------------------- */

static enum sl_status read_package(struct sx_node *package, struct loc_content_request *r, struct sl_error *e)
{
    if (!package)
        return sl_fail(e, SL_MALFORMED, "ContentLocationRequest: no Package");
    const char *version = sx_attr(package, "Version");
    uint64_t number = 0;
    if (version && version[0] && !sl_parse_u64(version, UINT32_MAX, &number))
        return sl_fail(e, SL_MALFORMED, "Package/@Version: \"%.32s\" is no number", version);
    r->version = (uint32_t)number;
    enum sl_status s = get_attr(package, "ID", r->package, sizeof r->package, e);
    if (s == SL_OK && !r->package[0])
        s = sl_fail(e, SL_MALFORMED, "Package/@ID: missing");
    return s;
}

static enum sl_status read_addresses(struct sx_node *list, struct loc_content_request *r, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    for (struct sx_node *n = list ? sx_child(list, "IPAddress") : NULL; n && s == SL_OK; n = sx_next(n, "IPAddress")) {
        if (r->address_count == LOC_ADDRESSES_PER_CLIENT)
            return sl_fail(e, SL_LIMIT, "IPAddresses: more than %d", LOC_ADDRESSES_PER_CLIENT);
        struct loc_client_address *a = &r->addresses[r->address_count++];
        s = get_attr(n, "SubnetAddress", a->subnet, sizeof a->subnet, e);
        if (s == SL_OK)
            s = get_attr(n, "Address", a->address, sizeof a->address, e);
    }
    return s;
}

static enum sl_status read_client(struct sx_node *info, struct loc_content_request *r, struct sl_error *e)
{
    if (!info)
        return SL_OK;
    enum sl_status s = get_attr(sx_child(info, "ADSite"), "Name", r->ad_site, sizeof r->ad_site, e);
    if (s == SL_OK)
        s = get_attr(sx_child(info, "Forest"), "Name", r->forest, sizeof r->forest, e);
    if (s == SL_OK)
        s = get_attr(sx_child(info, "Domain"), "Name", r->domain, sizeof r->domain, e);
    return s == SL_OK ? read_addresses(sx_child(info, "IPAddresses"), r, e) : s;
}

/* Elements of the requests, in the order of enum loc_question. */
static const char *const questions[] = {"ContentLocationRequest", "LocalMPLocationRequest"};

static enum sl_status read_request(struct sx_node *root, bool has_package, struct loc_content_request *ret_request,
                                   struct sl_error *e)
{
    struct loc_content_request r = {.version = 0};
    enum sl_status s = has_package ? read_package(sx_child(root, "Package"), &r, e) : SL_OK;
    if (s == SL_OK)
        s = get_code(sx_child(root, "AssignedSite"), "SiteCode", r.site, e);
    if (s == SL_OK)
        s = read_client(sx_child(root, "ClientLocationInfo"), &r, e);
    if (s == SL_OK)
        *ret_request = r;
    return s;
}

enum sl_status loc_request_read(const char *xml, size_t len, enum loc_question *ret_question,
                                struct loc_content_request *ret_request, struct sl_error *e)
{
    struct sx_doc *doc;
    if (len > LOC_XML_MAX)
        return sl_fail(e, SL_LIMIT, "the message is larger than %d octets", LOC_XML_MAX);
    enum sl_status s = sx_parse(xml, len, SX_STRICT, &doc, e);
    if (s != SL_OK)
        return sl_fail_in(e, s, "location request");
    size_t i = 0;
    while (i < SL_COUNT(questions) && strcmp(sx_name(sx_root(doc)), questions[i]) != 0)
        i++;
    if (i == SL_COUNT(questions))
        s = sl_fail(e, SL_MALFORMED, "the message is %.64s, not %s or %s", sx_name(sx_root(doc)), questions[LOC_CONTENT],
                    questions[LOC_LOCAL_MP]);
    else
        s = read_request(sx_root(doc), i == LOC_CONTENT, ret_request, e);
    sx_free(doc);
    if (s == SL_OK)
        *ret_question = (enum loc_question)i;
    return s;
}

static void put_name(struct sx_writer *w, const char *element, const char *attr, const char *value)
{
    sx_open(w, element);
    sx_put_attr(w, attr, value);
    sx_close(w);
}

void loc_content_request_write(const struct loc_content_request *r, struct sl_text *out)
{
    char version[16] = "";
    if (r->version)
        (void)snprintf(version, sizeof version, "%" PRIu32, r->version);
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "ContentLocationRequest");
    sx_put_attr(&w, "SchemaVersion", "1.00");
    sx_open(&w, "Package");
    sx_put_attr(&w, "ID", r->package);
    sx_put_attr(&w, "Version", version);
    sx_close(&w);
    put_name(&w, "AssignedSite", "SiteCode", r->site);
    sx_open(&w, "ClientLocationInfo");
    put_name(&w, "ADSite", "Name", r->ad_site);
    if (r->forest[0])
        put_name(&w, "Forest", "Name", r->forest);
    if (r->domain[0])
        put_name(&w, "Domain", "Name", r->domain);
    sx_open(&w, "IPAddresses");
    for (size_t i = 0; i < r->address_count; i++) {
        sx_open(&w, "IPAddress");
        sx_put_attr(&w, "SubnetAddress", r->addresses[i].subnet);
        sx_put_attr(&w, "Address", r->addresses[i].address);
        sx_close(&w);
    }
    sx_close(&w);
    sx_close(&w);
    sx_close(&w);
}

/* ---- ContentLocationReply ------------------------------------------------------------------------------------------ */

static void record_fini(struct loc_record *r)
{
    free(r->url);
    free(r->smb_path);
    free(r->server);
    free(r->ad_site);
    for (size_t i = 0; i < r->subnet_count; i++)
        free(r->subnets[i]);
    free(r->subnets);
}

void loc_content_reply_fini(struct loc_content_reply *reply)
{
    if (!reply)
        return;
    for (size_t i = 0; i < reply->site_count; i++) {
        for (size_t k = 0; k < reply->sites[i].record_count; k++)
            record_fini(&reply->sites[i].records[k]);
        free(reply->sites[i].records);
    }
    free(reply->sites);
    *reply = (struct loc_content_reply){NULL, 0};
}

enum sl_status loc_content_reply_add_site(struct loc_content_reply *reply, const char *code, const char *master_code,
                                          enum loc_locality locality, struct loc_site **ret_site, struct sl_error *e)
{
    enum sl_status s =
        grow((void **)&reply->sites, &reply->site_count, sizeof *reply->sites, LOC_SITES_PER_REPLY, "sites in a reply", e);
    if (s != SL_OK)
        return s;
    struct loc_site *site = &reply->sites[reply->site_count - 1];
    site->locality = locality;
    if (!sl_text_copy(site->code, sizeof site->code, code) ||
        !sl_text_copy(site->master_code, sizeof site->master_code, master_code)) {
        reply->site_count--;
        return sl_fail(e, SL_USAGE, "site code: longer than %d characters", LOC_CODE_MAX - 1);
    }
    *ret_site = site;
    return SL_OK;
}

static enum sl_status add_record(struct loc_site *site, struct loc_record **ret_record, struct sl_error *e)
{
    enum sl_status s = grow((void **)&site->records, &site->record_count, sizeof *site->records, LOC_RECORDS_PER_SITE,
                            "distribution points in a site", e);
    if (s != SL_OK)
        return s;
    *ret_record = &site->records[site->record_count - 1];
    (*ret_record)->locality = site->locality;
    return SL_OK;
}

enum sl_status loc_site_add_record(struct loc_site *site, const char *url, const char *server, struct loc_record **ret_record,
                                   struct sl_error *e)
{
    struct loc_record *record;
    enum sl_status s = add_record(site, &record, e);
    if (s == SL_OK)
        s = get_copy("URL", url, LOC_URL_MAX, &record->url, e);
    if (s == SL_OK)
        s = get_copy("ServerRemoteName", server, LOC_NAME_MAX, &record->server, e);
    if (s == SL_OK)
        *ret_record = record;
    return s;
}

static enum sl_status read_subnets(struct sx_node *list, struct loc_record *record, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    for (struct sx_node *n = list ? sx_child(list, "IPSubnet") : NULL; n && s == SL_OK; n = sx_next(n, "IPSubnet")) {
        const char *address = sx_attr(n, "Address");
        if (!address || !address[0])
            continue;
        s = grow((void **)&record->subnets, &record->subnet_count, sizeof *record->subnets, LOC_SUBNETS_PER_RECORD,
                 "subnets of a distribution point", e);
        if (s == SL_OK)
            s = get_copy("IPSubnet/@Address", address, LOC_ADDRESS_MAX, &record->subnets[record->subnet_count - 1], e);
    }
    return s;
}

static enum sl_status read_record(struct sx_node *node, struct loc_site *site, struct sl_error *e)
{
    struct loc_record *record;
    enum sl_status s = add_record(site, &record, e);
    if (s == SL_OK)
        s = get_copy("URL/@Name", child_attr(node, "URL", "Name"), LOC_URL_MAX, &record->url, e);
    if (s == SL_OK)
        s = get_copy("SMBPath", child_text(node, "SMBPath"), LOC_URL_MAX, &record->smb_path, e);
    if (s == SL_OK)
        s = get_copy("ServerRemoteName", child_text(node, "ServerRemoteName"), LOC_NAME_MAX, &record->server, e);
    if (s == SL_OK)
        s = get_copy("ADSite/@Name", child_attr(node, "ADSite", "Name"), LOC_NAME_MAX, &record->ad_site, e);
    if (s == SL_OK)
        s = get_locality(child_text(node, "Locality"), &record->locality, e);
    return s == SL_OK ? read_subnets(sx_child(node, "IPSubnets"), record, e) : s;
}

static enum sl_status read_site(struct sx_node *node, struct loc_content_reply *reply, struct sl_error *e)
{
    struct sx_node *mp = sx_child(node, "MPSite"), *records = sx_child(node, "LocationRecords");
    char code[LOC_CODE_MAX], master[LOC_CODE_MAX];
    enum loc_locality locality = LOC_FALLBACK;
    struct loc_site *site = NULL;
    enum sl_status s = get_code(mp, "SiteCode", code, e);
    if (s == SL_OK)
        s = get_code(mp, "MasterSiteCode", master, e);
    if (s == SL_OK && mp)
        s = get_locality(sx_attr(mp, "SiteLocality"), &locality, e);
    if (s == SL_OK)
        s = loc_content_reply_add_site(reply, code, master, locality, &site, e);
    struct sx_node *r = s == SL_OK && records ? sx_child(records, "LocationRecord") : NULL;
    for (; r && s == SL_OK; r = sx_next(r, "LocationRecord"))
        s = read_record(r, site, e);
    return s;
}

enum sl_status loc_content_reply_read(const char *xml, size_t len, struct loc_content_reply *ret_reply, struct sl_error *e)
{
    struct sx_doc *doc;
    struct loc_content_reply reply = {NULL, 0};
    enum sl_status s = parse(xml, len, "ContentLocationReply", &doc, e);
    if (s != SL_OK)
        return s;
    struct sx_node *sites = sx_child(sx_root(doc), "Sites");
    for (struct sx_node *n = sites ? sx_child(sites, "Site") : NULL; n && s == SL_OK; n = sx_next(n, "Site"))
        s = read_site(n, &reply, e);
    sx_free(doc);
    if (s == SL_OK)
        *ret_reply = reply;
    else
        loc_content_reply_fini(&reply);
    return s;
}

static void write_record(struct sx_writer *w, const struct loc_record *r)
{
    sx_open(w, "LocationRecord");
    if (r->smb_path)
        sx_put_element(w, "SMBPath", r->smb_path);
    if (r->url)
        put_name(w, "URL", "Name", r->url);
    put_name(w, "ADSite", "Name", r->ad_site ? r->ad_site : "");
    sx_open(w, "IPSubnets");
    for (size_t i = 0; i < r->subnet_count; i++)
        put_name(w, "IPSubnet", "Address", r->subnets[i]);
    sx_close(w);
    put_name(w, "Metric", "Value", "");
    if (r->server)
        sx_put_element(w, "ServerRemoteName", r->server);
    sx_put_element(w, "Locality", loc_locality_word(r->locality));
    sx_close(w);
}

static void write_site(struct sx_writer *w, const struct loc_site *site)
{
    sx_open(w, "Site");
    sx_open(w, "MPSite");
    sx_put_attr(w, "SiteCode", site->code);
    sx_put_attr(w, "MasterSiteCode", site->master_code);
    sx_put_attr(w, "SiteLocality", loc_locality_word(site->locality));
    sx_close(w);
    sx_open(w, "LocationRecords");
    for (size_t i = 0; i < site->record_count; i++)
        write_record(w, &site->records[i]);
    sx_close(w);
    sx_close(w);
}

void loc_content_reply_write(const struct loc_content_reply *reply, struct sl_text *out)
{
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "ContentLocationReply");
    sx_put_attr(&w, "SchemaVersion", "1.00");
    sx_open(&w, "Sites");
    for (size_t i = 0; i < reply->site_count; i++)
        write_site(&w, &reply->sites[i]);
    sx_close(&w);
    sx_close(&w);
}

void loc_local_mp_reply_write(const struct loc_content_reply *reply, struct sl_text *out)
{
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "LocalMPLocationReply");
    sx_put_attr(&w, "SchemaVersion", "1.00");
    sx_open(&w, "Sites");
    for (size_t i = 0; i < reply->site_count; i++) {
        sx_open(&w, "Site");
        sx_put_attr(&w, "SiteCode", reply->sites[i].code);
        sx_put_attr(&w, "MasterSiteCode", reply->sites[i].master_code);
        sx_put_attr(&w, "Locality", loc_locality_word(reply->sites[i].locality));
        sx_close(&w);
    }
    sx_close(&w);
    sx_close(&w);
}

/* ---- MPList -------------------------------------------------------------------------------------------------------- */

void loc_mp_list_fini(struct loc_mp_list *list)
{
    if (!list)
        return;
    free(list->items);
    *list = (struct loc_mp_list){NULL, 0};
}

enum sl_status loc_mp_list_add(struct loc_mp_list *list, const struct loc_mp *mp, struct sl_error *e)
{
    enum sl_status s =
        grow((void **)&list->items, &list->count, sizeof *list->items, LOC_MPS_PER_LIST, "management points in a list", e);
    if (s == SL_OK)
        list->items[list->count - 1] = *mp;
    return s;
}

static void read_ssl_state(struct sx_node *mp, uint32_t *ret_state)
{
    struct sx_node *capabilities = sx_child(mp, "Capabilities");
    struct sx_node *p = capabilities ? sx_child(capabilities, "Property") : NULL;
    for (; p; p = sx_next(p, "Property")) {
        const char *name = sx_attr(p, "Name"), *value = sx_attr(p, "Value");
        uint64_t number;
        if (name && value && sl_text_iequal(name, "SSLState") && sl_parse_u64(value, UINT32_MAX, &number))
            *ret_state = (uint32_t)number;
    }
}

static enum sl_status read_mp(struct sx_node *node, struct loc_mp_list *list, struct sl_error *e)
{
    struct loc_mp mp = {.ssl_state = 0};
    const char *version = child_text(node, "Version");
    enum sl_status s = get_attr(node, "Name", mp.name, sizeof mp.name, e);
    if (s == SL_OK)
        s = get_attr(node, "FQDN", mp.fqdn, sizeof mp.fqdn, e);
    if (s == SL_OK)
        s = get_code(node, "SiteCode", mp.site, e);
    if (s == SL_OK && version && !sl_text_copy(mp.version, sizeof mp.version, version))
        s = sl_fail(e, SL_MALFORMED, "MP/Version: longer than %d octets", LOC_VERSION_MAX - 1);
    read_ssl_state(node, &mp.ssl_state);
    return s == SL_OK ? loc_mp_list_add(list, &mp, e) : s;
}

enum sl_status loc_mp_list_read(const char *xml, size_t len, struct loc_mp_list *ret_list, struct sl_error *e)
{
    struct sx_doc *doc;
    struct loc_mp_list list = {NULL, 0};
    enum sl_status s = parse(xml, len, "MPList", &doc, e);
    if (s != SL_OK)
        return s;
    for (struct sx_node *n = sx_child(sx_root(doc), "MP"); n && s == SL_OK; n = sx_next(n, "MP"))
        s = read_mp(n, &list, e);
    sx_free(doc);
    if (s == SL_OK)
        *ret_list = list;
    else
        loc_mp_list_fini(&list);
    return s;
}

static void write_mp(struct sx_writer *w, const struct loc_mp *mp)
{
    char state[16];
    (void)snprintf(state, sizeof state, "%" PRIu32, mp->ssl_state);
    sx_open(w, "MP");
    sx_put_attr(w, "Name", mp->name);
    sx_put_attr(w, "FQDN", mp->fqdn);
    if (mp->site[0])
        sx_put_attr(w, "SiteCode", mp->site);
    sx_put_element(w, "Version", mp->version);
    sx_open(w, "Capabilities");
    sx_put_attr(w, "SchemaVersion", "1.0");
    sx_open(w, "Property");
    sx_put_attr(w, "Name", "SSLState");
    sx_put_attr(w, "Value", state);
    sx_close(w);
    sx_close(w);
    sx_close(w);
}

void loc_mp_list_write(const struct loc_mp_list *list, struct sl_text *out)
{
    struct sx_writer w = sx_write_to(out);
    sx_open(&w, "MPList");
    for (size_t i = 0; i < list->count; i++)
        write_mp(&w, &list->items[i]);
    sx_close(&w);
}
