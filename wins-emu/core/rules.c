#include "wins-emu/core/rows.h"

#include "common/base/assert.h"

#include <string.h>

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S };

/* --- ids ------------------------------------------------------------------------------------------------------------ */

static const struct {
    const char *id, *text;
} rule_table[WINS_RULE_COUNT] = {
    [WINS_RULE_NONE] = {"-", ""},
#define RULE_ROW(id, text) [WINS_##id] = {#id, text},
    WINS_RULE_TABLE(RULE_ROW)
#undef RULE_ROW
};

const char *wins_rule_id(enum wins_rule rule)
{
    return rule_table[rule].id;
}

const char *wins_rule_text(enum wins_rule rule)
{
    return rule_table[rule].text;
}

enum wins_rule wins_rule_parse(const char *id)
{
    for (int i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++) {
        if (strcmp(rule_table[i].id, id) == 0)
            return (enum wins_rule)i;
    }
    return WINS_RULE_NONE;
}

/* --- configuration -------------------------------------------------------------------------------------------------- */

void wins_config_reload(struct wins_config *config, const struct wins_config *from)
{
    config->ttl_min_s = from->ttl_min_s;
    config->ttl_max_s = from->ttl_max_s;
    config->extinction_interval_s = from->extinction_interval_s;
    config->extinction_timeout_s = from->extinction_timeout_s;
    config->tombstone_hold_s = from->tombstone_hold_s;
    config->names_max = from->names_max;
}

struct wins_config wins_config_default(uint32_t self)
{
    return (struct wins_config){
        .self = self,
        .ttl_min_s = 6 * HOUR_S,
        .ttl_max_s = 6 * DAY_S,
        .extinction_interval_s = 6 * DAY_S,
        .extinction_timeout_s = DAY_S,
        .tombstone_hold_s = 3 * DAY_S,
    };
}

const struct wins_own_name *wins_own_name_find(const struct wins_config *config, const struct nb_name *name)
{
    for (size_t i = 0; i < config->own_name_count; i++) {
        if (nb_name_equal(&config->own_names[i].name, name))
            return &config->own_names[i];
    }
    return NULL;
}

bool wins_defends(const struct wins_config *config, const struct nb_name *name)
{
    const struct wins_own_name *own = wins_own_name_find(config, name);
    return own && !own->group;
}

bool wins_is_own_socket(const struct wins_config *config, struct wins_peer from)
{
    for (size_t i = 0; i < config->own_socket_count; i++) {
        if (config->own_sockets[i].address == from.address && config->own_sockets[i].port == from.port)
            return true;
    }
    return false;
}

/* --- requests ------------------------------------------------------------------------------------------------------- */

enum wins_type wins_request_type(uint8_t suffix, bool group, bool multihomed)
{
    if (group)
        return suffix == NB_DOMAIN_GROUP ? WINS_SGROUP : WINS_GROUP;
    return multihomed ? WINS_MHOMED : WINS_UNIQUE;
}

bool wins_is_change(uint8_t opcode)
{
    return opcode == NB_OP_REGISTER || opcode == NB_OP_RELEASE || opcode == NB_OP_REFRESH || opcode == NB_OP_REFRESH_ALT ||
           opcode == NB_OP_MULTIHOMED;
}

bool wins_request_from(const struct nb_message *m, uint32_t source, struct wins_request *ret_request)
{
    uint8_t opcode = nb_opcode(m->flags);
    if (nb_is_response(m->flags) || !wins_is_change(opcode) || !m->has_question || m->question_type != NB_RR_NB)
        return false;
    if (m->record != NB_SECTION_ADDITIONAL || m->rdata != NB_RDATA_ADDRESSES || m->count == 0)
        return false;
    const struct nb_address *a = &m->addresses[0];
    *ret_request = (struct wins_request){
        .name = m->name,
        .type = wins_request_type(nb_name_suffix(&m->name), a->flags & NB_GROUP, opcode == NB_OP_MULTIHOMED),
        .node = (enum wins_node)((a->flags & NB_NODE_MASK) >> NB_NODE_SHIFT),
        .address = a->address,
        .ttl_s = m->ttl_s,
        .source = source,
    };
    return true;
}

uint32_t wins_wack_ttl_s(size_t addresses)
{
    return (uint32_t)(5 + 4 * addresses);
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

void wins_decide(const struct wins_row *rows, size_t count, const struct wins_case *c, struct wins_decision *ret_decision)
{
    const struct wins_row *row = rows;
    while (!row->applies(c)) {
        row++;
        sl_assert(row < rows + count);
    }
    ret_decision->rule = row->rule;
    ret_decision->then = WINS_RULE_NONE;
    ret_decision->rcode = row->rcode;
    ret_decision->effect = row->effect;
    ret_decision->new_version = false;
    ret_decision->ttl_s = row->rcode == NB_OK ? wins_case_ttl_s(c) : c->request->ttl_s;
    if (row->change)
        row->change(c, ret_decision);
}

bool wins_case_always(const struct wins_case *c)
{
    return c != NULL;
}

bool wins_case_long_scope(const struct wins_case *c)
{
    return c->request->name.scope_len > NB_SCOPE_MAX;
}

bool wins_case_static(const struct wins_case *c)
{
    return c->record->is_static;
}

bool wins_case_static_group(const struct wins_case *c)
{
    return c->record->is_static && wins_type_is_group(c->record->type);
}

uint32_t wins_case_ttl_s(const struct wins_case *c)
{
    uint32_t ttl_s = c->request->ttl_s;
    if (ttl_s < c->config->ttl_min_s)
        return c->config->ttl_min_s;
    return ttl_s > c->config->ttl_max_s ? c->config->ttl_max_s : ttl_s;
}
