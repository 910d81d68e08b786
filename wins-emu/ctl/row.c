#include "wins-emu/ctl/row.h"

#include "common/base/addr.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_TEXT_MAX = 24, ADDRESSES_TEXT_MAX = WINS_MEMBERS_MAX * SL_IP4_TEXT_MAX };

/* One address a line. */
static void addresses_text(char *out, size_t size, const struct wins_record *r)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < r->member_count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? "\n" : "", sl_ip4_text(r->members[i].address).text);
}

void wctl_row_columns(struct host_reply *reply, bool single)
{
    static const char *const columns[] = {"name:text",        "type:text",         "state:text", "static:bool",
                                          "node:text",        "addresses:list",    "owner:text", "version:number",
                                          "expires_s:number", "registered_by:text"};
    host_reply_columns(reply, columns, SL_COUNT(columns), single);
}

void wctl_row(struct host_reply *reply, const struct wins_record *r, int64_t now_s)
{
    char addresses[ADDRESSES_TEXT_MAX], version[NUMBER_TEXT_MAX], expires[NUMBER_TEXT_MAX];
    addresses_text(addresses, sizeof addresses, r);
    snprintf(version, sizeof version, "%" PRIu64, r->version);
    snprintf(expires, sizeof expires, "%" PRId64, r->expires_s - now_s);
    const struct nb_name_text name = nb_name_text(&r->name);
    const struct sl_ip4_text owner = sl_ip4_text(r->owner), by = sl_ip4_text(r->registered_by);
    const char *const cells[] = {
        name.text,
        wins_type_word(r->type),
        wins_state_word(r->state),
        r->is_static ? "true" : "false",
        wins_node_word(r->node),
        addresses,
        owner.text,
        version,
        r->expires_s ? expires : NULL,
        r->registered_by ? by.text : NULL,
    };
    host_reply_row(reply, cells, SL_COUNT(cells));
}

void wctl_file_columns(struct host_reply *reply)
{
    static const char *const columns[] = {"name:text",   "kind:text",      "node:text",
                                          "static:bool", "expires:number", "addresses:list"};
    host_reply_columns(reply, columns, SL_COUNT(columns), false);
}

void wctl_file_row(struct host_reply *reply, const struct wins_record *r, int64_t now_s)
{
    char addresses[ADDRESSES_TEXT_MAX], expires[NUMBER_TEXT_MAX];
    (void)now_s;
    addresses_text(addresses, sizeof addresses, r);
    snprintf(expires, sizeof expires, "%" PRId64, r->is_static ? 0 : r->expires_s);
    const struct nb_name_text name = nb_name_text(&r->name);
    const char *const cells[] = {name.text, wins_type_word(r->type), wins_node_word(r->node), r->is_static ? "true" : "false",
                                 expires,   addresses};
    host_reply_row(reply, cells, SL_COUNT(cells));
}
