/* Which server took the last write of an entry (X10). */
#include "locator/source/ldap.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "common/wire/cursor.h"
#include "ldap-schema/names.h"

#include <stdio.h>
#include <string.h>

enum { METADATA_VERSION = 1, METADATA_ROW = 48, SERVERS_MAX = 4096 };

static uint64_t take_number(struct nb_cursor *c, size_t octets)
{
    const uint8_t *p = nb_take(c, octets);
    uint64_t number = 0;
    for (size_t i = octets; p && i-- > 0;)
        number = number << 8 | p[i];
    return number;
}

bool src_ldap_newest_writer(const void *metadata, size_t len, uint8_t ret_id[SRC_WRITER_ID])
{
    struct nb_cursor c = nb_cursor_read(metadata, len);
    uint64_t version = take_number(&c, 4), newest_s = 0, newest_usn = 0;
    (void)nb_take(&c, 4);
    uint64_t count = take_number(&c, 4);
    (void)nb_take(&c, 4);
    if (!nb_cursor_ok(&c) || version != METADATA_VERSION || !count || nb_cursor_left(&c) < count * METADATA_ROW)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        (void)nb_take(&c, 8); /* attribute and version of its value */
        uint64_t when_s = take_number(&c, 8);
        const uint8_t *id = nb_take(&c, SRC_WRITER_ID);
        (void)nb_take(&c, 8); /* USN of the writer */
        uint64_t usn = take_number(&c, 8);
        if (when_s < newest_s || (when_s == newest_s && usn < newest_usn))
            continue;
        newest_s = when_s;
        newest_usn = usn;
        memcpy(ret_id, id, SRC_WRITER_ID);
    }
    return true;
}

static bool is_server_object(const struct ldapc_entry *entry)
{
    return ldapc_entry_has(entry, "objectClass", "server");
}

/* The servers of the forest as its configuration has them: of each an object with its id, and above it one with its names. */
static enum sl_status read_servers(struct ldapc *dir, struct sl_deadline deadline, struct ldapc_entries *ret_servers,
                                   struct sl_error *e)
{
    static const char context[] = "configurationNamingContext";
    static const char *const root_attrs[] = {context, NULL};
    static const char *const attrs[] = {"objectClass", "invocationId", SCHEMA_DNS_HOST_NAME, "cn", NULL};
    struct ldapc_entries root = {.count = 0};
    struct sl_text base = sl_text_new(SRC_TEXT_MAX);
    enum sl_status s = ldapc_read(dir, "", root_attrs, deadline, &root, e);
    const char *configuration = s == SL_OK && root.count ? ldapc_entry_text(&root.items[0], context) : NULL;
    if (configuration) {
        sl_text_printf(&base, "CN=Sites,%s", configuration);
        const struct ldapc_search search = {.base = sl_text_str(&base), .attrs = attrs, .max_entries = SERVERS_MAX,
                                            .filter = "(|(objectClass=nTDSDSA)(objectClass=server))"};
        s = ldapc_search(dir, &search, deadline, ret_servers, e);
    }
    ldapc_entries_fini(&root);
    sl_text_fini(&base);
    return s;
}

static void learn_servers(struct ldapc *dir, struct sl_deadline deadline, struct src_answer *a, struct src_origins *origins)
{
    struct sl_error e = {.status = SL_OK};
    size_t count = 0;
    origins->asked = true;
    src_note(a, "servers of the forest");
    /* The answer is there already: what only says where it comes from must not use up its time. */
    struct sl_deadline half = sl_deadline_min(deadline, sl_deadline_in(sl_deadline_left_ms(deadline) / 2));
    enum sl_status s = read_servers(dir, half, &origins->servers, &e);
    for (size_t i = 0; i < origins->servers.count; i++)
        count += !is_server_object(&origins->servers.items[i]);
    a->several_writers |= count > 1;
    if (s == SL_OK)
        src_note_end(a, "%zu server%s", count, count == 1 ? "" : "s");
    else
        src_note_end(a, "%s", sl_error_text(&e));
}

static bool number_of(const struct ldapc_entry *entry, unsigned *ret_sid)
{
    const char *text = ldapc_entry_text(entry, SRC_ENTRY_CSN);
    return text && sscanf(text, "%*[^#]#%*6[0-9a-fA-F]#%3x#", ret_sid) == 1 && *ret_sid > 0;
}

void src_ldap_origins_learn(struct ldapc *dir, const struct ldapc_entries *found, struct sl_deadline deadline,
                            struct src_answer *a, struct src_origins *origins)
{
    unsigned sid;
    for (size_t i = 0; i < found->count; i++) {
        a->several_writers |= number_of(&found->items[i], &sid);
        if (!origins->asked && !ldapc_is_dump(dir) && ldapc_entry_attr(&found->items[i], SRC_METADATA))
            learn_servers(dir, deadline, a, origins);
    }
}

void src_ldap_origins_fini(struct src_origins *origins)
{
    ldapc_entries_fini(&origins->servers);
}

/* The host name of the server object above a DN, else the name of that object; NULL when it was not found, or is no name. */
static const char *name_above(const struct src_origins *origins, const char *dn)
{
    const char *above = strchr(dn, ',');
    for (size_t i = 0; above && i < origins->servers.count; i++) {
        const struct ldapc_entry *server = &origins->servers.items[i];
        const char *host = ldapc_entry_text(server, SCHEMA_DNS_HOST_NAME);
        if (!is_server_object(server) || !sl_text_iequal(server->dn, above + 1))
            continue;
        if (!host || strlen(host) >= LM_ORIGIN_MAX)
            host = ldapc_entry_text(server, "cn");
        return host && sl_is_host(host) ? host : NULL;
    }
    return NULL;
}

static const char *name_of(const struct src_origins *origins, const uint8_t id[SRC_WRITER_ID])
{
    for (size_t i = 0; i < origins->servers.count; i++) {
        const struct ldapc_attr *own = ldapc_entry_attr(&origins->servers.items[i], "invocationId");
        if (own && own->count && own->values[0].len == SRC_WRITER_ID && !memcmp(own->values[0].data, id, SRC_WRITER_ID))
            return name_above(origins, origins->servers.items[i].dn);
    }
    return NULL;
}

void src_ldap_origin(const struct src_origins *origins, const struct ldapc_entry *entry, char ret_origin[LM_ORIGIN_MAX])
{
    const struct ldapc_attr *metadata = ldapc_entry_attr(entry, SRC_METADATA);
    static const uint8_t guid_order[SRC_WRITER_ID] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t b[SRC_WRITER_ID];
    unsigned sid;
    ret_origin[0] = '\0';
    if (number_of(entry, &sid)) {
        (void)snprintf(ret_origin, LM_ORIGIN_MAX, "sid %03x", sid);
        return;
    }
    if (!metadata || !metadata->count || !src_ldap_newest_writer(metadata->values[0].data, metadata->values[0].len, b))
        return;
    const char *name = name_of(origins, b);
    if (name && sl_text_copy(ret_origin, LM_ORIGIN_MAX, name))
        return;
    struct sl_text guid = sl_text_new(LM_ORIGIN_MAX);
    for (size_t i = 0; i < SL_COUNT(guid_order); i++)
        sl_text_printf(&guid, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[guid_order[i]]);
    (void)sl_text_copy(ret_origin, LM_ORIGIN_MAX, sl_text_str(&guid));
    sl_text_fini(&guid);
}
