#include "site/report/message.h"

#include "common/base/memory.h"
#include "common/xml/xml.h"
#include "locator/net/ccm.h"
#include "locator/net/mssign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What names an instance; the first that it has. */
static const char *const names[] = {"DeviceID", "Name", "Tag", "ID"};

/* The root element, when it is the one expected (NULL: any). */
static enum sl_status open_doc(const char *xml, size_t len, const char *root, struct sx_doc **ret_doc, struct sl_error *e)
{
    struct sx_doc *doc;
    enum sl_status status = sx_parse(xml, len, SX_STRICT, &doc, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "%s", root != NULL ? root : "message body");
    if (root != NULL && strcmp(sx_name(sx_root(doc)), root) != 0) {
        status = sl_fail(e, SL_MALFORMED, "the message is %.64s, not %s", sx_name(sx_root(doc)), root);
        sx_free(doc);
        return status;
    }
    *ret_doc = doc;
    return SL_OK;
}

static struct sx_node *child(struct sx_node *node, const char *name)
{
    return node != NULL ? sx_child(node, name) : NULL;
}

static const char *content_of(struct sx_node *node)
{
    return node != NULL ? sx_content(node) : "";
}

/* The id inside must be that of the envelope. */
static enum sl_status check_client(const char *client, const char *inside, const char *what, struct sl_error *e)
{
    if (inside[0] == '\0' || sl_text_iequal(client, inside))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "%s: %.64s is not the sender %s", what, inside, client);
}

static enum sl_status set_name(struct sm_content *c, const char *name, const char *what, struct sl_error *e)
{
    if (strlen(name) >= REP_NAME_MAX)
        return sl_fail(e, SL_MALFORMED, "%s: longer than %d octets", what, REP_NAME_MAX - 1);
    c->name = name[0] != '\0' ? sl_strdup(name) : NULL;
    return SL_OK;
}

/* ---- registration ------------------------------------------------------------------------------------------------------- */

static const char *discovery_property(struct sx_node *data, const char *wanted)
{
    struct sx_node *list = child(data, "DiscoveryProperties");
    for (struct sx_node *p = child(list, "Property"); p != NULL; p = sx_next(p, "Property"))
        if (sl_text_iequal(sx_attr_text(p, "Name"), wanted))
            return sx_attr_text(p, "Value");
    return "";
}

static enum sl_status read_registration(struct sx_node *root, const char *client, struct sm_content *c, struct sl_error *e)
{
    struct sx_node *data = child(root, "Data");
    if (data == NULL)
        return sl_fail(e, SL_MALFORMED, "ClientRegistrationRequest: no Data");
    enum sl_status status = check_client(client, sx_attr_text(data, "SMSID"), "Data/@SMSID", e);
    const char *name = discovery_property(data, "NetBIOS Name");
    if (name[0] == '\0')
        name = discovery_property(data, "FQ Name");
    if (status == SL_OK && name[0] == '\0')
        status = sl_fail(e, SL_MALFORMED, "DiscoveryProperties: neither NetBIOS Name nor FQ Name");
    return status == SL_OK ? set_name(c, name, "NetBIOS Name", e) : status;
}

enum sl_status rep_registration_id(const char *xml, size_t len, char ret_smsid[SM_SMSID_SIZE], struct sl_error *e)
{
    struct sx_doc *doc;
    enum sl_status status = open_doc(xml, len, "ClientRegistrationRequest", &doc, e);
    if (status != SL_OK)
        return status;
    const char *text = sx_attr_text(child(sx_root(doc), "Data"), "SMSID");
    if (text[0] == '\0')
        ret_smsid[0] = '\0';
    else if (!sm_smsid_parse(text, ret_smsid))
        status = sl_fail(e, SL_MALFORMED, "Data/@SMSID: %.64s is not GUID:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", text);
    sx_free(doc);
    return status;
}

/*
 * The element Data as it stands. A text with a second one, be it in a comment or by a name with a prefix, is refused: what is
 * signed must be what is read.
 */
static enum sl_status find_data(const char *xml, size_t len, const char **ret_data, size_t *ret_len, struct sl_error *e)
{
    static const char begin[] = "<Data", end[] = "</Data>", prefixed[] = ":Data";
    const char *from = memmem(xml, len, begin, strlen(begin)), *to = memmem(xml, len, end, strlen(end));
    if (from == NULL || to == NULL || to < from)
        return sl_fail(e, SL_MALFORMED, "ClientRegistrationRequest: no Data");
    const char *rest = from + strlen(begin), *behind = to + strlen(end);
    if (memmem(rest, len - (size_t)(rest - xml), begin, strlen(begin)) != NULL ||
        memmem(behind, len - (size_t)(behind - xml), end, strlen(end)) != NULL ||
        memmem(xml, len, prefixed, strlen(prefixed)) != NULL)
        return sl_fail(e, SL_MALFORMED, "ClientRegistrationRequest: more than one Data");
    *ret_data = from;
    *ret_len = (size_t)(behind - from);
    return SL_OK;
}

static enum sl_status check_signed(struct sx_node *root, const char *signature, const char *xml, size_t len, char **ret_key,
                                   struct sl_error *e)
{
    const char *certificate = content_of(child(child(child(root, "Data"), "Certificates"), "Signing")), *data = NULL;
    size_t data_len = 0;
    char key[MSSIGN_KEY_SIZE];
    enum sl_status status = mssign_certificate_key(certificate, key, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "Data/Certificates/Signing");
    status = find_data(xml, len, &data, &data_len, e);
    if (status == SL_OK)
        status = ccm_check_text(key, signature, data, data_len, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "Signature/SignatureValue");
    *ret_key = sl_strdup(key);
    return SL_OK;
}

enum sl_status rep_registration_key(const char *xml, size_t len, char **ret_key, struct sl_error *e)
{
    struct sx_doc *doc;
    enum sl_status status = open_doc(xml, len, "ClientRegistrationRequest", &doc, e);
    if (status != SL_OK)
        return status;
    const char *signature = content_of(child(child(sx_root(doc), "Signature"), "SignatureValue"));
    *ret_key = NULL;
    if (signature[0] != '\0')
        status = check_signed(sx_root(doc), signature, xml, len, ret_key, e);
    sx_free(doc);
    return status;
}

/* ---- instances ---------------------------------------------------------------------------------------------------------- */

/* The value of the property that names the instance; the properties are the elements below `object`. */
static const char *item_of(struct sx_node *object)
{
    struct sx_node *first = child(object, NULL);
    for (size_t i = 0; i < SL_COUNT(names); i++) {
        struct sx_node *p = child(object, names[i]);
        if (p != NULL)
            return sx_content(p);
    }
    return first != NULL ? sx_content(first) : "";
}

static enum sl_status write_properties(struct sx_node *object, struct sl_text *out, struct sl_error *e)
{
    size_t count = 0;
    sl_text_puts(out, "{");
    for (struct sx_node *p = child(object, NULL); p != NULL; p = sx_next(p, NULL)) {
        if (++count > REP_PROPERTIES_MAX)
            return sl_fail(e, SL_LIMIT, "Instance: more than %d properties", REP_PROPERTIES_MAX);
        sl_text_puts(out, count > 1 ? "," : "");
        sl_text_json(out, sx_name(p), strlen(sx_name(p)));
        sl_text_puts(out, ":");
        sl_text_json(out, sx_content(p), strlen(sx_content(p)));
    }
    sl_text_puts(out, "}");
    return sl_text_failed(out) ? sl_fail(e, SL_LIMIT, "Instance: longer than %d octets", SM_REPORT_MAX) : SL_OK;
}

static struct sm_instance *new_instance(struct sm_content *c)
{
    c->instances = sl_grow(c->instances, c->count, sizeof *c->instances);
    return &c->instances[c->count++];
}

static enum sl_status read_instance(struct sx_node *node, struct sm_content *c, struct sl_error *e)
{
    const char *class = sx_attr_text(node, "Class"), *space = sx_attr_text(node, "Namespace");
    struct sx_node *object = child(node, NULL);
    struct sl_text properties = sl_text_new(SM_REPORT_MAX);
    if (class[0] == '\0' || strlen(class) >= REP_NAME_MAX || strlen(space) >= REP_NAME_MAX)
        return sl_fail(e, SL_MALFORMED, "Instance/@Class, @Namespace: missing, or longer than %d octets", REP_NAME_MAX - 1);
    if (c->count == REP_INSTANCES_MAX)
        return sl_fail(e, SL_LIMIT, "ReportBody: more than %d instances", REP_INSTANCES_MAX);
    enum sl_status status = write_properties(object, &properties, e);
    if (status != SL_OK) {
        sl_text_fini(&properties);
        return status;
    }
    *new_instance(c) = (struct sm_instance){
        .class = sl_strdup(class),
        .namespace = sl_strdup(space),
        .item = sl_strdup(item_of(object)),
        .properties = sl_text_take(&properties),
        .is_deleted = sl_text_iequal(sx_attr_text(node, "Content"), "Delete"),
    };
    return SL_OK;
}

static enum sl_status read_type(struct sx_node *details, struct sm_content *c, struct sl_error *e)
{
    const char *type = content_of(child(details, "ReportType"));
    if (!sl_text_copy(c->type, sizeof c->type, type) || type[0] == '\0')
        return sl_fail(e, SL_MALFORMED, "ReportDetails/ReportType: missing, or longer than %zu octets", sizeof c->type - 1);
    for (char *at = c->type; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at - 'A' + 'a');
    c->is_full = strcmp(c->type, "full") == 0;
    return SL_OK;
}

static enum sl_status read_header(enum sm_report_kind kind, struct sx_node *header, const char *client, struct sm_content *c,
                                  struct sl_error *e)
{
    struct sx_node *machine = child(child(header, "Identification"), "Machine");
    const char *action = content_of(child(child(header, "InventoryAction"), "InventoryActionID"));
    if (machine == NULL)
        return sl_fail(e, SL_MALFORMED, "Report: no ReportHeader/Identification/Machine");
    enum sl_status status = check_client(client, content_of(child(machine, "ClientID")), "ClientID", e);
    if (status == SL_OK && sl_text_iequal(action, REP_DISCOVERY) != (kind == SM_REPORT_DISCOVERY))
        status = sl_fail(e, SL_MALFORMED, "InventoryActionID: %.64s does not belong to this endpoint", action);
    if (status == SL_OK)
        status = set_name(c, content_of(child(machine, "NetBIOSName")), "NetBIOSName", e);
    return status == SL_OK ? read_type(child(header, "ReportDetails"), c, e) : status;
}

static enum sl_status read_report(enum sm_report_kind kind, struct sx_node *root, const char *client, struct sm_content *c,
                                  struct sl_error *e)
{
    struct sx_node *body = child(root, "ReportBody");
    enum sl_status status = read_header(kind, child(root, "ReportHeader"), client, c, e);
    for (struct sx_node *i = child(body, "Instance"); i != NULL && status == SL_OK; i = sx_next(i, "Instance"))
        status = read_instance(i, c, e);
    return status;
}

/* ---- what a report says of itself --------------------------------------------------------------------------------------- */

static void copy_field(char out[SM_REPORT_FIELD], const char *text)
{
    if (!sl_text_copy(out, SM_REPORT_FIELD, text))
        out[0] = '\0';
}

/* Whatever kind it is: a header in the shape of a Report is read, and else what the outermost element is called counts. */
static void read_facts(struct sx_node *root, struct sm_report_facts *facts)
{
    struct sx_node *header = child(root, "ReportHeader"), *details = child(header, "ReportDetails");
    const char *content = content_of(child(details, "ReportContent"));
    copy_field(facts->content, content[0] != '\0' ? content : sx_name(root));
    copy_field(facts->dated, content_of(child(details, "Date")));
    copy_field(facts->version, content_of(child(details, "Version")));
    copy_field(facts->client_version, content_of(child(child(child(header, "Identification"), "Machine"), "ClientVersion")));
}

/* ---- all kinds ---------------------------------------------------------------------------------------------------------- */

static bool has_instances(enum sm_report_kind kind)
{
    return kind == SM_REPORT_DISCOVERY || kind == SM_REPORT_INVENTORY;
}

enum sl_status rep_read(enum sm_report_kind kind, const char *client, const char *xml, size_t len,
                        struct sm_content *ret_content, struct sl_error *e)
{
    const char *root = kind == SM_REPORT_REGISTRATION ? "ClientRegistrationRequest" : has_instances(kind) ? "Report" : NULL;
    struct sx_doc *doc;
    struct sm_content c = {0};
    if (len > SM_REPORT_MAX)
        return sl_fail(e, SL_LIMIT, "larger than %d octets", SM_REPORT_MAX);
    enum sl_status status = open_doc(xml, len, root, &doc, e);
    if (status != SL_OK)
        return status;
    if (kind == SM_REPORT_REGISTRATION)
        status = read_registration(sx_root(doc), client, &c, e);
    else if (has_instances(kind))
        status = read_report(kind, sx_root(doc), client, &c, e);
    read_facts(sx_root(doc), &c.facts);
    sx_free(doc);
    if (status == SL_OK)
        *ret_content = c;
    else
        sm_content_fini(&c);
    return status;
}
