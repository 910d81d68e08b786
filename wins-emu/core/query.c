#include "wins-emu/core/query.h"

/* --- order of addresses --------------------------------------------------------------------------------------------- */

static bool goes_before(const struct wins_member *a, const struct wins_member *b, uint32_t self)
{
    if (a->expires_s != b->expires_s)
        return !a->expires_s || (b->expires_s && a->expires_s > b->expires_s);
    if ((a->owner == self) != (b->owner == self))
        return a->owner == self;
    return a->address < b->address;
}

void wins_members_sort(struct wins_member *members, size_t count, uint32_t self)
{
    for (size_t i = 1; i < count; i++) {
        struct wins_member moving = members[i];
        size_t at = i;
        for (; at > 0 && goes_before(&moving, &members[at - 1], self); at--)
            members[at] = members[at - 1];
        members[at] = moving;
    }
}

/* --- from the packet alone ------------------------------------------------------------------------------------------ */

enum { OWN_NODE = WINS_NODE_P << NB_NODE_SHIFT };

static enum wins_query_next drop(enum wins_rule rule, enum wins_rule *ret_rule)
{
    *ret_rule = rule;
    return WINS_QUERY_DROP;
}

static enum wins_query_next deny(struct nb_message *m, enum wins_rule rule, enum wins_rule *ret_rule)
{
    nb_make_negative(m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    *ret_rule = rule;
    return WINS_QUERY_ANSWER;
}

/* Q09 and Q10. */
static enum wins_query_next node_status(const struct wins_config *config, struct nb_message *m, enum wins_rule *ret_rule)
{
    if (!nb_name_is_wildcard(&m->name) && !wins_own_name_find(config, &m->name))
        return drop(WINS_Q10, ret_rule);
    struct nb_status_name names[WINS_OWN_NAMES_MAX];
    for (size_t i = 0; i < config->own_name_count; i++) {
        const struct wins_own_name *own = &config->own_names[i];
        __builtin_memcpy(names[i].octets, own->name.octets, NB_NAME_LEN);
        names[i].flags = (uint16_t)(NB_NAME_ACTIVE | OWN_NODE | (own->group ? NB_GROUP : 0));
    }
    nb_make_status(m, names, config->own_name_count);
    *ret_rule = WINS_Q09;
    return WINS_QUERY_ANSWER;
}

/* Q12: own names, but for groups that the registry is asked for. */
static bool answers_itself(const struct wins_own_name *own, const struct nb_message *m)
{
    bool wildcard = nb_name_is_wildcard(&m->name) && nb_name_suffix(&m->name) == NB_WORKSTATION;
    return wildcard || (own && !(own->group && m->flags & NB_RECURSION_DESIRED));
}

static enum wins_query_next own_answer(const struct wins_own_name *own, uint32_t own_address, struct nb_message *m,
                                       enum wins_rule *ret_rule)
{
    struct nb_address address = {.flags = (uint16_t)(OWN_NODE | (own && own->group ? NB_GROUP : 0)), .address = own_address};
    nb_make_positive(m, NB_REPLY_QUERY, 0, &address, 1);
    *ret_rule = WINS_Q12;
    return WINS_QUERY_ANSWER;
}

enum wins_query_next wins_query_packet(const struct wins_config *config, struct wins_peer from, uint32_t own_address,
                                       struct nb_message *m, enum wins_rule *ret_rule)
{
    if (nb_is_response(m->flags) || wins_is_own_socket(config, from))
        return drop(WINS_Q15, ret_rule);
    if (m->question_type != NB_RR_NB && m->question_type != NB_RR_NBSTAT)
        return drop(WINS_Q14, ret_rule);
    if (m->question_type == NB_RR_NBSTAT)
        return node_status(config, m, ret_rule);
    const struct wins_own_name *own = wins_own_name_find(config, &m->name);
    bool itself = answers_itself(own, m);
    if (m->flags & NB_BROADCAST && !itself)
        return drop(WINS_Q13, ret_rule);
    if (itself)
        return own_answer(own, own_address, m, ret_rule);
    if (!(m->flags & NB_RECURSION_DESIRED))
        return deny(m, WINS_Q01, ret_rule);
    if (nb_name_suffix(&m->name) == NB_MASTER_LOCAL)
        return deny(m, WINS_Q02, ret_rule);
    if (nb_name_is_wildcard(&m->name) && nb_name_suffix(&m->name) == NB_MASTER_DOMAIN)
        return deny(m, WINS_Q08, ret_rule);
    return WINS_QUERY_LOOKUP;
}

/* --- from the record ------------------------------------------------------------------------------------------------ */

bool wins_query_master(const struct nb_name *name, struct nb_name *ret_master)
{
    if (nb_name_suffix(name) != NB_DOMAIN_GROUP)
        return false;
    *ret_master = *name;
    ret_master->octets[NB_NAME_LEN - 1] = NB_MASTER_DOMAIN;
    return true;
}

static enum wins_rule refuse(struct nb_message *m, enum wins_rule rule)
{
    nb_make_negative(m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    return rule;
}

static enum wins_rule give(struct nb_message *m, enum wins_rule rule, const struct nb_address *addresses, size_t count)
{
    nb_make_positive(m, NB_REPLY_QUERY, 0, addresses, count);
    return rule;
}

/* Q06: the 1B name's address first, its duplicate left out, 25 in all. */
static enum wins_rule give_special(struct nb_message *m, const struct wins_answer *answer, uint32_t master)
{
    struct nb_address list[WINS_MEMBERS_MAX];
    size_t count = 0;
    if (master)
        list[count++] = (struct nb_address){.flags = NB_GROUP, .address = master};
    for (size_t i = 0; i < answer->count && count < WINS_MEMBERS_MAX; i++) {
        if (answer->addresses[i] != master)
            list[count++] = (struct nb_address){.flags = NB_GROUP, .address = answer->addresses[i]};
    }
    return give(m, WINS_Q06, list, count);
}

static enum wins_rule give_single(struct nb_message *m, const struct wins_answer *answer)
{
    struct nb_address list[WINS_MEMBERS_MAX];
    for (size_t i = 0; i < answer->count; i++)
        list[i] = (struct nb_address){.flags = (uint16_t)(answer->node << NB_NODE_SHIFT), .address = answer->addresses[i]};
    return give(m, WINS_Q05, list, answer->count);
}

enum wins_rule wins_query_record(struct nb_message *m, const struct wins_answer *answer, uint32_t master)
{
    static const struct nb_address everyone = {.flags = NB_GROUP, .address = 0xffffffff};
    if (!answer)
        return refuse(m, nb_name_suffix(&m->name) == NB_DOMAIN_GROUP ? WINS_Q07 : WINS_Q11);
    switch (answer->type) {
    case WINS_GROUP:
        return give(m, WINS_Q03, &everyone, 1);
    case WINS_SGROUP:
        return answer->state == WINS_ACTIVE ? give_special(m, answer, master) : refuse(m, WINS_Q07);
    default:
        return answer->state == WINS_ACTIVE ? give_single(m, answer) : refuse(m, WINS_Q04);
    }
}
