#include "wins-emu/engine/answer.h"

/* The first address of the 1B record of the same name in any state; 0 when there is none (Q06). */
static uint32_t master_of(const struct tbl *table, uint32_t self, const struct nb_name *name)
{
    struct nb_name master;
    const struct tbl_entry *entry = wins_query_master(name, &master) ? tbl_find(table, &master) : NULL;
    if (!entry)
        return 0;
    struct wins_answer answer;
    tbl_answer(entry, self, &answer);
    return answer.count ? answer.addresses[0] : 0;
}

static enum wins_rule look_up(const struct tbl *table, const struct wins_config *config, struct nb_message *m)
{
    tbl_read_lock();
    const struct tbl_entry *entry = tbl_find(table, &m->name);
    struct wins_answer answer;
    if (entry)
        tbl_answer(entry, config->self, &answer);
    uint32_t master = entry ? master_of(table, config->self, &m->name) : 0;
    tbl_read_unlock();
    return wins_query_record(m, entry ? &answer : NULL, master);
}

static bool read_flags(const void *octets, size_t len, uint16_t *ret_flags)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_get16(&c);
    *ret_flags = nb_get16(&c);
    return nb_cursor_ok(&c);
}

static bool is_query(const void *octets, size_t len)
{
    uint16_t flags;
    return read_flags(octets, len, &flags) && !nb_is_response(flags) && nb_opcode(flags) == NB_OP_QUERY;
}

bool eng_is_reply(const void *octets, size_t len)
{
    uint16_t flags;
    return read_flags(octets, len, &flags) && nb_is_response(flags);
}

uint64_t eng_expect(const struct tbl *table, const void *octets, size_t len)
{
    if (!is_query(octets, len))
        return 0;
    struct nb_cursor c = nb_cursor_read(octets, len);
    struct nb_name name;
    nb_take(&c, NB_HEADER_LEN);
    nb_get_name(&c, &name);
    return nb_cursor_ok(&c) ? tbl_expect(table, &name) : 0;
}

enum eng_route eng_answer(const struct tbl *table, const struct wins_config *config, const struct wins_policy *policy,
                          struct wins_peer from, uint32_t own_address, const void *octets, size_t len, void *buffer,
                          size_t *ret_len, enum wins_rule *ret_rule)
{
    *ret_rule = WINS_RULE_NONE;
    if (wins_is_own_socket(config, from)) {
        *ret_rule = WINS_Q15;
        return ENG_ROUTE_DROP;
    }
    if (len >= NB_HEADER_LEN && !is_query(octets, len))
        return ENG_ROUTE_ENGINE;
    struct nb_message m;
    if (nb_message_parse(octets, len, &m, NULL) != SL_OK) {
        *ret_rule = WINS_R01;
        return ENG_ROUTE_DROP;
    }
    enum wins_query_next next = policy ? wins_policy_query(policy, from.address, &m, ret_rule) : WINS_QUERY_LOOKUP;
    if (next == WINS_QUERY_LOOKUP)
        next = wins_query_packet(config, from, own_address, &m, ret_rule);
    switch (next) {
    case WINS_QUERY_DROP:
        return ENG_ROUTE_DROP;
    case WINS_QUERY_LOOKUP:
        *ret_rule = look_up(table, config, &m);
        break;
    case WINS_QUERY_ANSWER:
        break;
    }
    *ret_len = nb_message_build(&m, buffer, NB_DATAGRAM_MAX);
    return *ret_len ? ENG_ROUTE_REPLY : ENG_ROUTE_DROP;
}

enum wins_rule eng_limit(struct wins_limiter *limiter, const struct wins_policy *policy, struct wins_peer from,
                         const void *octets, size_t len, int64_t now_ms)
{
    if (eng_is_reply(octets, len))
        return WINS_RULE_NONE;
    enum wins_limited kind = is_query(octets, len) ? WINS_LIMITED_QUERY : WINS_LIMITED_CHANGE;
    if (wins_limiter_take(limiter, wins_policy_limits(policy), kind, from.address, now_ms))
        return WINS_RULE_NONE;
    return kind == WINS_LIMITED_QUERY ? WINS_P08 : WINS_P07;
}
