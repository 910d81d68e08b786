/* Packets in a story: those that come in, and those that are expected to go out. */
#include "tests/replay/words.h"

#include "common/base/addr.h"
#include "common/base/text.h"

#include <string.h>

/* --- packets in ----------------------------------------------------------------------------------------------------- */

/* What the options of a packet say. */
struct options {
    bool has_ttl, has_node, has_id, has_flags, has_type;
    uint32_t ttl_s;
    enum wins_node node;
    uint16_t id, flags, type;
};

static bool read_option(struct story *s, struct options *o)
{
    if (story_take(s, "ttl"))
        o->ttl_s = story_next_s(s), o->has_ttl = true;
    else if (story_take(s, "node"))
        o->node = (enum wins_node)story_next_of(s, "node", story_node_word, 4), o->has_node = true;
    else if (story_take(s, "id"))
        o->id = (uint16_t)story_next_number(s, "id"), o->has_id = true;
    else if (story_take(s, "flags"))
        o->flags = story_next_hex16(s), o->has_flags = true;
    else if (story_take(s, "type"))
        o->type = story_next_hex16(s), o->has_type = true;
    else
        return false;
    return true;
}

static size_t read_addresses(struct story *s, struct nb_address *addresses, size_t most, uint16_t flags)
{
    size_t count = 0;
    while (story_at_address(s)) {
        if (count == most)
            story_fail(s, "more than %zu addresses", most);
        addresses[count++] = (struct nb_address){.flags = flags, .address = story_next_address(s)};
    }
    return count;
}

static void receive(struct story *s, struct wins_peer from, unsigned socket, const struct nb_message *m)
{
    uint8_t octets[NB_RECEIVE_MAX];
    size_t len = nb_message_build(m, octets, sizeof octets);
    if (len == 0)
        story_fail(s, "this packet cannot be written");
    world_receive(&s->world, from, socket, octets, len);
}

static uint16_t request_id(struct story *s, struct wins_peer from, const struct options *o)
{
    uint16_t id = o->has_id ? o->id : s->world.next_id++;
    world_peer(&s->world, from)->id = id;
    return id;
}

static void send_request(struct story *s, struct wins_peer from, unsigned socket, uint16_t flags)
{
    struct nb_name name = story_next_name(s);
    struct nb_address addresses[NB_ADDRESSES_MAX];
    struct options o = {.node = WINS_NODE_P, .flags = flags, .ttl_s = 518400};
    bool group = story_take(s, "group");
    if (!group && !story_take(s, "unique"))
        story_fail(s, "unique or group is missing");
    size_t count = read_addresses(s, addresses, SL_COUNT(addresses), 0);
    while (read_option(s, &o))
        ;
    story_no_more(s);
    for (size_t i = 0; i < count; i++)
        addresses[i].flags = (uint16_t)((group ? NB_GROUP : 0) | o.node << NB_NODE_SHIFT);
    struct nb_message m;
    nb_make_request(&m, request_id(s, from, &o), o.flags, &name, o.ttl_s, (struct nb_address){0});
    m.count = (uint8_t)count;
    memcpy(m.addresses, addresses, count * sizeof *addresses);
    receive(s, from, socket, &m);
}

static void send_query(struct story *s, struct wins_peer from, unsigned socket, uint16_t flags, uint16_t type)
{
    struct nb_name name = story_next_name(s);
    struct options o = {.flags = flags, .type = type};
    while (read_option(s, &o))
        ;
    story_no_more(s);
    struct nb_message m;
    nb_make_query(&m, request_id(s, from, &o), o.flags, &name, o.type);
    receive(s, from, socket, &m);
}

static void send_reply(struct story *s, struct wins_peer from, unsigned socket, bool deny)
{
    struct nb_name name = story_next_name(s);
    struct nb_address addresses[NB_ADDRESSES_MAX];
    size_t count = read_addresses(s, addresses, SL_COUNT(addresses), 0);
    struct options o = {.id = s->world.challenge_id};
    while (read_option(s, &o))
        ;
    story_no_more(s);
    struct nb_message m;
    nb_make_query(&m, o.id, 0, &name, NB_RR_NB);
    if (deny)
        nb_make_negative(&m, NB_REPLY_NEGATIVE | NB_NAM_ERR);
    else
        nb_make_positive(&m, NB_REPLY_QUERY, 0, addresses, count);
    receive(s, from, socket, &m);
}

static void send_raw(struct story *s, struct wins_peer from, unsigned socket)
{
    uint8_t octets[NB_RECEIVE_MAX];
    size_t len = story_next_octets(s, octets, sizeof octets);
    story_no_more(s);
    struct nb_cursor c = nb_cursor_read(octets, len);
    world_peer(&s->world, from)->id = nb_get16(&c);
    world_receive(&s->world, from, socket, octets, len);
}

void story_from(struct story *s)
{
    static const struct {
        const char *word;
        uint16_t flags;
    } requests[] = {
        {"register", NB_ASK_REGISTER}, {"refresh", NB_ASK_REFRESH},       {"refresh9", NB_OP_REFRESH_ALT << 11},
        {"release", NB_ASK_RELEASE},   {"multihomed", NB_ASK_MULTIHOMED},
    };
    unsigned socket;
    struct wins_peer from = story_next_peer(s, &socket);
    for (size_t i = 0; i < SL_COUNT(requests); i++) {
        if (story_take(s, requests[i].word)) {
            send_request(s, from, socket, requests[i].flags);
            return;
        }
    }
    if (story_take(s, "query"))
        send_query(s, from, socket, NB_ASK_QUERY, NB_RR_NB);
    else if (story_take(s, "status"))
        send_query(s, from, socket, NB_ASK_STATUS, NB_RR_NBSTAT);
    else if (story_take(s, "reply"))
        send_reply(s, from, socket, false);
    else if (story_take(s, "deny"))
        send_reply(s, from, socket, true);
    else if (story_take(s, "raw"))
        send_raw(s, from, socket);
    else
        story_fail(s, "\"%s\" is no packet", story_peek(s));
}

/* --- packets out ---------------------------------------------------------------------------------------------------- */

/* rule ID...: each decided once more than was expected so far. */
static void read_rules(struct story *s, bool positive)
{
    if (!story_take(s, "rule"))
        return;
    while (story_more(s)) {
        const char *id = story_next(s, "rule");
        enum wins_rule rule = wins_rule_parse(id);
        if (rule == WINS_RULE_NONE)
            story_fail(s, "\"%s\" is no rule", id);
        s->expected[rule]++;
        if (rule == WINS_Q16 ? !positive : world_decided(&s->world, rule) < s->expected[rule])
            story_fail(s, "rule %s did not decide: %s", id, wins_rule_text(rule));
    }
}

static void expect_none(struct story *s)
{
    const struct world_packet *p = world_sent(&s->world, NULL);
    if (p) {
        struct nb_cursor c = nb_cursor_read(p->octets, p->len);
        nb_get16(&c);
        story_fail(s, "a packet was sent to %s, flags %04x", sl_ip4_text(p->to.address).text, nb_get16(&c));
    }
    read_rules(s, false);
    story_no_more(s);
}

static void expect_done(struct story *s, const char *word, size_t *count)
{
    if (*count == 0)
        story_fail(s, "no operation ended as \"%s\"", word);
    --*count;
    story_no_more(s);
}

static void expect_raw(struct story *s, const struct world_packet *p)
{
    uint8_t octets[NB_RECEIVE_MAX];
    size_t len = story_next_octets(s, octets, sizeof octets);
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_get16(&c);
    bool query = nb_opcode(nb_get16(&c)) == NB_OP_QUERY;
    size_t at = 0;
    while (at < len && at < p->len && octets[at] == p->octets[at])
        at++;
    if (at < len || at < p->len)
        story_fail(s, "octet %zu differs; %zu octets were sent", at, p->len);
    read_rules(s, query);
    story_no_more(s);
}

/* What the word after the peer stands for. */
struct kind {
    const char *word;
    uint16_t flags;
    enum nb_rdata rdata;
};

static struct kind read_kind(struct story *s)
{
    static const struct kind kinds[] = {
        {"wack", NB_REPLY_WACK, NB_RDATA_WACK},
        {"challenge", NB_ASK_QUERY, NB_RDATA_EMPTY},
        {"found", NB_REPLY_QUERY, NB_RDATA_ADDRESSES},
        {"not-found", NB_REPLY_NEGATIVE | NB_NAM_ERR, NB_RDATA_EMPTY},
        {"status", NB_REPLY_STATUS, NB_RDATA_STATUS},
    };
    for (size_t i = 0; i < SL_COUNT(kinds); i++) {
        if (story_take(s, kinds[i].word))
            return kinds[i];
    }
    int rcode = story_next_of(s, "answer", story_rcode_word, NB_CFT_ERR + 1);
    return (struct kind){.word = "answer", .flags = (uint16_t)(NB_REPLY_REGISTER | rcode), .rdata = NB_RDATA_ADDRESSES};
}

static void compare_flags(struct story *s, const struct kind *kind, const struct nb_message *m)
{
    uint16_t release = (uint16_t)(NB_REPLY_RELEASE | (kind->flags & NB_RCODE_MASK));
    bool answer = strcmp(kind->word, "answer") == 0;
    if (m->flags != kind->flags && !(answer && m->flags == release))
        story_fail(s, "flags %04x (%s), expected %04x", m->flags, nb_rcode_word(nb_rcode(m->flags)), kind->flags);
    if (m->record == NB_SECTION_ANSWER && m->rdata != kind->rdata)
        story_fail(s, "the record is of another kind");
}

/* Addresses in their order, of a query's answer; of others one. */
static void compare_addresses(struct story *s, const struct nb_message *m)
{
    struct nb_address want[NB_ADDRESSES_MAX];
    size_t count = read_addresses(s, want, SL_COUNT(want), 0);
    if (count == 0)
        return;
    if (m->record != NB_SECTION_ANSWER || m->rdata != NB_RDATA_ADDRESSES || m->count != count)
        story_fail(s, "%u addresses, expected %zu", m->record == NB_SECTION_NONE ? 0 : m->count, count);
    for (size_t i = 0; i < count; i++) {
        if (m->addresses[i].address != want[i].address)
            story_fail(s, "address %zu is %s", i + 1, sl_ip4_text(m->addresses[i].address).text);
    }
}

static void compare_names(struct story *s, const struct nb_message *m)
{
    size_t count = 0;
    for (; story_more(s) && strchr(story_peek(s), '#'); count++) {
        struct nb_name name = story_next_name(s);
        if (m->rdata == NB_RDATA_STATUS && m->record == NB_SECTION_ANSWER) {
            if (count >= m->count || memcmp(m->names[count].octets, name.octets, NB_NAME_LEN) != 0)
                story_fail(s, "name %zu differs", count + 1);
        } else if (!nb_name_equal(&m->name, &name)) {
            story_fail(s, "the packet is about %s", nb_name_text(&m->name).text);
        }
    }
    if (m->record == NB_SECTION_ANSWER && m->rdata == NB_RDATA_STATUS && count != m->count)
        story_fail(s, "%u names, expected %zu", m->count, count);
}

static void compare_options(struct story *s, const struct nb_message *m, struct wins_peer to)
{
    struct options o = {.id = nb_is_response(m->flags) ? world_peer(&s->world, to)->id : m->id};
    bool group = story_take(s, "group");
    while (read_option(s, &o))
        ;
    if (m->id != o.id)
        story_fail(s, "id %u, expected %u", m->id, o.id);
    if (o.has_flags && m->flags != o.flags)
        story_fail(s, "flags %04x", m->flags);
    if (o.has_ttl && m->ttl_s != o.ttl_s)
        story_fail(s, "ttl %u s, expected %u s", m->ttl_s, o.ttl_s);
    if (!group && !o.has_node)
        return;
    uint16_t flags = (uint16_t)((group ? NB_GROUP : 0) | o.node << NB_NODE_SHIFT);
    for (size_t i = 0; i < m->count; i++) {
        if (m->addresses[i].flags != flags)
            story_fail(s, "flags of address %zu are %04x, expected %04x", i + 1, m->addresses[i].flags, flags);
    }
}

static void expect_packet(struct story *s)
{
    unsigned socket;
    struct wins_peer to = story_next_peer(s, &socket);
    struct world_packet *p = world_sent(&s->world, &to);
    if (!p)
        story_fail(s, "nothing was sent to %s:%u", sl_ip4_text(to.address).text, to.port);
    if (p->socket != socket)
        story_fail(s, "sent from socket %u", p->socket);
    p->expected = true;
    if (story_take(s, "raw")) {
        expect_raw(s, p);
        return;
    }
    struct nb_message m;
    struct sl_error e;
    if (nb_message_parse(p->octets, p->len, &m, &e) != SL_OK)
        story_fail(s, "the packet is malformed: %s", sl_error_text(&e));
    struct kind kind = read_kind(s);
    compare_flags(s, &kind, &m);
    compare_names(s, &m);
    compare_addresses(s, &m);
    compare_options(s, &m, to);
    read_rules(s, strcmp(kind.word, "found") == 0 && m.ttl_s == 0);
    story_no_more(s);
}

void story_expect(struct story *s)
{
    if (story_take(s, "none"))
        expect_none(s);
    else if (story_take(s, "done"))
        expect_done(s, "done", &s->world.done);
    else if (story_take(s, "failed"))
        expect_done(s, "failed", &s->world.failed);
    else if (story_take(s, "to"))
        expect_packet(s);
    else
        story_fail(s, "\"%s\" cannot be expected", story_peek(s));
}
