#include "tests/replay/story.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "tests/replay/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LEN = 8192, WORDS_MAX = 256 };

struct story {
    const char *path;
    int line;
    size_t word_count, at;
    char *words[WORDS_MAX];
    uint64_t expected[WINS_RULE_COUNT];
    struct world world;
    jmp_buf end;
};

/* --- words of a line ------------------------------------------------------------------------------------------------ */

/* Ends the story with the place and what is wrong. */
static _Noreturn void fail(struct story *s, const char *fmt, ...) SL_PRINTF(2, 3);
static _Noreturn void fail(struct story *s, const char *fmt, ...)
{
    printf("%s:%d: ", s->path, s->line);
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    const char *base = strrchr(s->path, '/');
    printf(" [%.3s broke]\n", base ? base + 1 : s->path);
    longjmp(s->end, 1);
}

static const char *peek(const struct story *s)
{
    return s->at < s->word_count ? s->words[s->at] : "";
}

static bool more(const struct story *s)
{
    return s->at < s->word_count;
}

static const char *next(struct story *s, const char *what)
{
    if (!more(s))
        fail(s, "%s is missing", what);
    return s->words[s->at++];
}

static bool take(struct story *s, const char *word)
{
    bool same = more(s) && strcmp(peek(s), word) == 0;
    s->at += same;
    return same;
}

static void no_more(struct story *s)
{
    if (more(s))
        fail(s, "cannot read \"%s\"", peek(s));
}

/* The index of the next word in a list of words. */
static int next_of(struct story *s, const char *what, const char *(*word_of)(int), int count)
{
    const char *word = next(s, what);
    for (int i = 0; i < count; i++) {
        if (strcmp(word_of(i), word) == 0)
            return i;
    }
    fail(s, "\"%s\" is no %s", word, what);
}

static const char *type_word(int i)
{
    return wins_type_word((enum wins_type)i);
}

static const char *state_word(int i)
{
    return wins_state_word((enum wins_state)i);
}

static const char *node_word(int i)
{
    return wins_node_word((enum wins_node)i);
}

static const char *rcode_word(int i)
{
    return nb_rcode_word((uint8_t)i);
}

static int64_t next_ms(struct story *s)
{
    const char *word = next(s, "time");
    int64_t ms;
    if (!sl_parse_duration_ms(word, &ms))
        fail(s, "\"%s\" is no time", word);
    return ms;
}

static uint32_t next_s(struct story *s)
{
    return (uint32_t)(next_ms(s) / 1000);
}

static uint64_t next_number(struct story *s, const char *what)
{
    const char *word = next(s, what);
    uint64_t value;
    if (!sl_parse_u64(word, UINT64_MAX, &value))
        fail(s, "\"%s\" is no %s", word, what);
    return value;
}

static uint16_t next_hex16(struct story *s)
{
    const char *word = next(s, "hexadecimal word");
    uint8_t octets[2];
    size_t len;
    if (!sl_parse_hex(word, octets, sizeof octets, &len) || len != 2)
        fail(s, "\"%s\" is not four hexadecimal digits", word);
    return (uint16_t)(octets[0] << 8 | octets[1]);
}

static size_t next_octets(struct story *s, uint8_t *out, size_t size)
{
    size_t used = 0;
    while (more(s) && strcmp(peek(s), "rule") != 0) {
        size_t len;
        if (!sl_parse_hex(peek(s), out + used, size - used, &len))
            fail(s, "\"%s\" is not hexadecimal, or too long", peek(s));
        used += len;
        s->at++;
    }
    return used;
}

static struct nb_name next_name(struct story *s)
{
    const char *word = next(s, "name");
    struct nb_name name;
    struct sl_error e;
    if (nb_name_parse(word, &name, &e) != SL_OK)
        fail(s, "%s", sl_error_text(&e));
    return name;
}

static uint32_t next_address(struct story *s)
{
    const char *word = next(s, "address");
    uint32_t address;
    if (!sl_ip4_parse(word, &address))
        fail(s, "\"%s\" is no address", word);
    return address;
}

static bool at_address(const struct story *s)
{
    return peek(s)[0] >= '0' && peek(s)[0] <= '9';
}

static struct wins_peer next_peer(struct story *s, unsigned *ret_socket)
{
    const char *word = next(s, "peer");
    struct sl_endpoint ep;
    if (sl_endpoint_parse(word, NB_PORT, &ep, NULL) != SL_OK)
        fail(s, "\"%s\" is no ADDRESS[:PORT]", word);
    *ret_socket = take(s, "on") ? (unsigned)next_number(s, "socket") : 0;
    return (struct wins_peer){.address = sl_endpoint_ip4_of(&ep), .port = sl_endpoint_port(&ep)};
}

/* ADDRESS[@OWNER][+EXPIRES] */
static struct wins_member next_member(struct story *s, uint32_t owner, int64_t expires_s)
{
    char *word = s->words[s->at++];
    struct wins_member m = {.owner = owner, .expires_s = expires_s};
    char *plus = strchr(word, '+');
    char *owner_text = strchr(word, '@');
    int64_t ms = 0;
    if (plus)
        *plus = '\0';
    if (owner_text)
        *owner_text = '\0';
    if (!sl_ip4_parse(word, &m.address) || (owner_text && !sl_ip4_parse(owner_text + 1, &m.owner)) ||
        (plus && !sl_parse_duration_ms(plus + 1, &ms)))
        fail(s, "\"%s\" is no ADDRESS[@OWNER][+EXPIRES]", word);
    if (plus)
        m.expires_s = WORLD_START_S + ms / 1000;
    return m;
}

/* --- records -------------------------------------------------------------------------------------------------------- */

/* A record and which of its fields the line names. */
struct described {
    struct wins_record record;
    bool has_owner, has_version, has_expires, has_node, has_by;
    bool member_has_owner[WINS_MEMBERS_MAX], member_has_expires[WINS_MEMBERS_MAX];
};

static void read_members(struct story *s, struct described *d)
{
    while (at_address(s)) {
        uint8_t i = d->record.member_count;
        if (i == WINS_MEMBERS_MAX)
            fail(s, "more than %d members", WINS_MEMBERS_MAX);
        d->member_has_owner[i] = strchr(peek(s), '@') != NULL;
        d->member_has_expires[i] = strchr(peek(s), '+') != NULL;
        d->record.members[i] = next_member(s, 0, 0);
        d->record.member_count++;
    }
}

static bool read_record_option(struct story *s, struct described *d)
{
    struct wins_record *r = &d->record;
    if (take(s, "static"))
        return r->is_static = true;
    if (take(s, "owner"))
        r->owner = next_address(s), d->has_owner = true;
    else if (take(s, "version"))
        r->version = next_number(s, "version"), d->has_version = true;
    else if (take(s, "node"))
        r->node = (enum wins_node)next_of(s, "node", node_word, 4), d->has_node = true;
    else if (take(s, "by"))
        r->registered_by = next_address(s), d->has_by = true;
    else if (take(s, "expires"))
        r->expires_s = take(s, "never") ? 0 : WORLD_START_S + next_ms(s) / 1000, d->has_expires = true;
    else
        return false;
    return true;
}

/* STATE TYPE MEMBER... [OPTION VALUE]... */
static struct described read_record(struct story *s, const struct nb_name *name)
{
    struct described d = {.record.name = *name};
    d.record.state = (enum wins_state)next_of(s, "state", state_word, WINS_STATE_COUNT);
    d.record.type = (enum wins_type)next_of(s, "type", type_word, WINS_TYPE_COUNT);
    read_members(s, &d);
    while (read_record_option(s, &d))
        ;
    no_more(s);
    return d;
}

static void do_given(struct story *s)
{
    struct nb_name name = next_name(s);
    struct described d = read_record(s, &name);
    struct wins_record *r = &d.record;
    if (!d.has_owner)
        r->owner = s->world.config.rules.self;
    if (!d.has_node)
        r->node = WINS_NODE_P;
    if (!d.has_expires && !r->is_static)
        r->expires_s = WORLD_START_S + s->world.config.rules.ttl_max_s;
    for (size_t i = 0; i < r->member_count; i++) {
        if (!d.member_has_owner[i])
            r->members[i].owner = r->owner;
        if (!d.member_has_expires[i])
            r->members[i].expires_s = r->expires_s;
    }
    if (s->world.eng)
        fail(s, "given comes before anything happens");
    tbl_put(s->world.table, r);
    fake_store_put(s->world.store, r);
}

static void compare_members(struct story *s, const struct described *want, const struct wins_record *r, const char *where)
{
    if (r->member_count != want->record.member_count)
        fail(s, "%s: %u addresses, expected %u", where, r->member_count, want->record.member_count);
    for (size_t i = 0; i < r->member_count; i++) {
        const struct wins_member *w = &want->record.members[i];
        int at = wins_record_find(r, w->address);
        if (at < 0)
            fail(s, "%s: address %s is not there", where, sl_ip4_text(w->address).text);
        const struct wins_member *m = &r->members[at];
        if (want->member_has_owner[i] && m->owner != w->owner)
            fail(s, "%s: owner of %s is %s", where, sl_ip4_text(w->address).text, sl_ip4_text(m->owner).text);
        if (want->member_has_expires[i] && m->expires_s != w->expires_s)
            fail(s, "%s: %s expires %lld s after the start", where, sl_ip4_text(w->address).text, (long long)m->expires_s - WORLD_START_S);
    }
}

static void compare_record(struct story *s, const struct described *want, const struct wins_record *r, const char *where)
{
    const struct wins_record *w = &want->record;
    if (r->state != w->state || r->type != w->type || r->is_static != w->is_static)
        fail(s, "%s: is %s %s%s", where, wins_state_word(r->state), wins_type_word(r->type), r->is_static ? " static" : "");
    if (want->has_version && r->version != w->version)
        fail(s, "%s: version %llu, expected %llu", where, (unsigned long long)r->version, (unsigned long long)w->version);
    if (want->has_owner && r->owner != w->owner)
        fail(s, "%s: owner %s", where, sl_ip4_text(r->owner).text);
    if (want->has_by && r->registered_by != w->registered_by)
        fail(s, "%s: registered by %s", where, sl_ip4_text(r->registered_by).text);
    if (want->has_node && r->node != w->node)
        fail(s, "%s: node %s", where, wins_node_word(r->node));
    if (want->has_expires && r->expires_s != w->expires_s)
        fail(s, "%s: expires %lld s after the start", where, r->expires_s ? (long long)r->expires_s - WORLD_START_S : -1);
    compare_members(s, want, r, where);
}

static void do_state(struct story *s)
{
    struct nb_name name = next_name(s);
    const struct tbl_entry *entry = tbl_find(s->world.table, &name);
    const struct wins_record *stored = fake_store_find(s->world.store, &name);
    if (take(s, "absent")) {
        no_more(s);
        if (entry || stored)
            fail(s, "%s is %s", nb_name_text(&name).text, entry ? "in the table" : "on the disk");
        return;
    }
    struct described want = read_record(s, &name);
    if (!entry || !stored)
        fail(s, "%s is not %s", nb_name_text(&name).text, entry ? "on the disk" : "in the table");
    struct wins_record r;
    tbl_unpack(entry, &r);
    compare_record(s, &want, &r, "table");
    compare_record(s, &want, stored, "disk");
}

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
    if (take(s, "ttl"))
        o->ttl_s = next_s(s), o->has_ttl = true;
    else if (take(s, "node"))
        o->node = (enum wins_node)next_of(s, "node", node_word, 4), o->has_node = true;
    else if (take(s, "id"))
        o->id = (uint16_t)next_number(s, "id"), o->has_id = true;
    else if (take(s, "flags"))
        o->flags = next_hex16(s), o->has_flags = true;
    else if (take(s, "type"))
        o->type = next_hex16(s), o->has_type = true;
    else
        return false;
    return true;
}

static size_t read_addresses(struct story *s, struct nb_address *addresses, size_t most, uint16_t flags)
{
    size_t count = 0;
    while (at_address(s)) {
        if (count == most)
            fail(s, "more than %zu addresses", most);
        addresses[count++] = (struct nb_address){.flags = flags, .address = next_address(s)};
    }
    return count;
}

static void receive(struct story *s, struct wins_peer from, unsigned socket, const struct nb_message *m)
{
    uint8_t octets[NB_RECEIVE_MAX];
    size_t len = nb_message_build(m, octets, sizeof octets);
    if (len == 0)
        fail(s, "this packet cannot be written");
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
    struct nb_name name = next_name(s);
    struct nb_address addresses[NB_ADDRESSES_MAX];
    struct options o = {.node = WINS_NODE_P, .flags = flags, .ttl_s = 518400};
    bool group = take(s, "group");
    if (!group && !take(s, "unique"))
        fail(s, "unique or group is missing");
    size_t count = read_addresses(s, addresses, SL_COUNT(addresses), 0);
    while (read_option(s, &o))
        ;
    no_more(s);
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
    struct nb_name name = next_name(s);
    struct options o = {.flags = flags, .type = type};
    while (read_option(s, &o))
        ;
    no_more(s);
    struct nb_message m;
    nb_make_query(&m, request_id(s, from, &o), o.flags, &name, o.type);
    receive(s, from, socket, &m);
}

static void send_reply(struct story *s, struct wins_peer from, unsigned socket, bool deny)
{
    struct nb_name name = next_name(s);
    struct nb_address addresses[NB_ADDRESSES_MAX];
    size_t count = read_addresses(s, addresses, SL_COUNT(addresses), 0);
    struct options o = {.id = s->world.challenge_id};
    while (read_option(s, &o))
        ;
    no_more(s);
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
    size_t len = next_octets(s, octets, sizeof octets);
    no_more(s);
    struct nb_cursor c = nb_cursor_read(octets, len);
    world_peer(&s->world, from)->id = nb_get16(&c);
    world_receive(&s->world, from, socket, octets, len);
}

static void do_from(struct story *s)
{
    static const struct {
        const char *word;
        uint16_t flags;
    } requests[] = {
        {"register", NB_ASK_REGISTER}, {"refresh", NB_ASK_REFRESH},       {"refresh9", NB_OP_REFRESH_ALT << 11},
        {"release", NB_ASK_RELEASE},   {"multihomed", NB_ASK_MULTIHOMED},
    };
    unsigned socket;
    struct wins_peer from = next_peer(s, &socket);
    for (size_t i = 0; i < SL_COUNT(requests); i++) {
        if (take(s, requests[i].word)) {
            send_request(s, from, socket, requests[i].flags);
            return;
        }
    }
    if (take(s, "query"))
        send_query(s, from, socket, NB_ASK_QUERY, NB_RR_NB);
    else if (take(s, "status"))
        send_query(s, from, socket, NB_ASK_STATUS, NB_RR_NBSTAT);
    else if (take(s, "reply"))
        send_reply(s, from, socket, false);
    else if (take(s, "deny"))
        send_reply(s, from, socket, true);
    else if (take(s, "raw"))
        send_raw(s, from, socket);
    else
        fail(s, "\"%s\" is no packet", peek(s));
}

/* --- packets out ---------------------------------------------------------------------------------------------------- */

/* rule ID...: each decided once more than was expected so far. */
static void read_rules(struct story *s, bool positive)
{
    if (!take(s, "rule"))
        return;
    while (more(s)) {
        const char *id = next(s, "rule");
        enum wins_rule rule = wins_rule_parse(id);
        if (rule == WINS_RULE_NONE)
            fail(s, "\"%s\" is no rule", id);
        s->expected[rule]++;
        if (rule == WINS_Q16 ? !positive : world_decided(&s->world, rule) < s->expected[rule])
            fail(s, "rule %s did not decide: %s", id, wins_rule_text(rule));
    }
}

static void expect_none(struct story *s)
{
    const struct world_packet *p = world_sent(&s->world, NULL);
    if (p) {
        struct nb_cursor c = nb_cursor_read(p->octets, p->len);
        nb_get16(&c);
        fail(s, "a packet was sent to %s, flags %04x", sl_ip4_text(p->to.address).text, nb_get16(&c));
    }
    read_rules(s, false);
    no_more(s);
}

static void expect_done(struct story *s, const char *word, size_t *count)
{
    if (*count == 0)
        fail(s, "no operation ended as \"%s\"", word);
    --*count;
    no_more(s);
}

static void expect_raw(struct story *s, const struct world_packet *p)
{
    uint8_t octets[NB_RECEIVE_MAX];
    size_t len = next_octets(s, octets, sizeof octets);
    struct nb_cursor c = nb_cursor_read(octets, len);
    nb_get16(&c);
    bool query = nb_opcode(nb_get16(&c)) == NB_OP_QUERY;
    size_t at = 0;
    while (at < len && at < p->len && octets[at] == p->octets[at])
        at++;
    if (at < len || at < p->len)
        fail(s, "octet %zu differs; %zu octets were sent", at, p->len);
    read_rules(s, query);
    no_more(s);
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
        if (take(s, kinds[i].word))
            return kinds[i];
    }
    int rcode = next_of(s, "answer", rcode_word, NB_CFT_ERR + 1);
    return (struct kind){.word = "answer", .flags = (uint16_t)(NB_REPLY_REGISTER | rcode), .rdata = NB_RDATA_ADDRESSES};
}

static void compare_flags(struct story *s, const struct kind *kind, const struct nb_message *m)
{
    uint16_t release = (uint16_t)(NB_REPLY_RELEASE | (kind->flags & NB_RCODE_MASK));
    bool answer = strcmp(kind->word, "answer") == 0;
    if (m->flags != kind->flags && !(answer && m->flags == release))
        fail(s, "flags %04x (%s), expected %04x", m->flags, nb_rcode_word(nb_rcode(m->flags)), kind->flags);
    if (m->record == NB_SECTION_ANSWER && m->rdata != kind->rdata)
        fail(s, "the record is of another kind");
}

/* Addresses in their order, of a query's answer; of others one. */
static void compare_addresses(struct story *s, const struct nb_message *m)
{
    struct nb_address want[NB_ADDRESSES_MAX];
    size_t count = read_addresses(s, want, SL_COUNT(want), 0);
    if (count == 0)
        return;
    if (m->record != NB_SECTION_ANSWER || m->rdata != NB_RDATA_ADDRESSES || m->count != count)
        fail(s, "%u addresses, expected %zu", m->record == NB_SECTION_NONE ? 0 : m->count, count);
    for (size_t i = 0; i < count; i++) {
        if (m->addresses[i].address != want[i].address)
            fail(s, "address %zu is %s", i + 1, sl_ip4_text(m->addresses[i].address).text);
    }
}

static void compare_names(struct story *s, const struct nb_message *m)
{
    size_t count = 0;
    for (; more(s) && strchr(peek(s), '#'); count++) {
        struct nb_name name = next_name(s);
        if (m->rdata == NB_RDATA_STATUS && m->record == NB_SECTION_ANSWER) {
            if (count >= m->count || memcmp(m->names[count].octets, name.octets, NB_NAME_LEN) != 0)
                fail(s, "name %zu differs", count + 1);
        } else if (!nb_name_equal(&m->name, &name)) {
            fail(s, "the packet is about %s", nb_name_text(&m->name).text);
        }
    }
    if (m->record == NB_SECTION_ANSWER && m->rdata == NB_RDATA_STATUS && count != m->count)
        fail(s, "%u names, expected %zu", m->count, count);
}

static void compare_options(struct story *s, const struct nb_message *m, struct wins_peer to)
{
    struct options o = {.id = nb_is_response(m->flags) ? world_peer(&s->world, to)->id : m->id};
    bool group = take(s, "group");
    while (read_option(s, &o))
        ;
    if (m->id != o.id)
        fail(s, "id %u, expected %u", m->id, o.id);
    if (o.has_flags && m->flags != o.flags)
        fail(s, "flags %04x", m->flags);
    if (o.has_ttl && m->ttl_s != o.ttl_s)
        fail(s, "ttl %u s, expected %u s", m->ttl_s, o.ttl_s);
    if (!group && !o.has_node)
        return;
    uint16_t flags = (uint16_t)((group ? NB_GROUP : 0) | o.node << NB_NODE_SHIFT);
    for (size_t i = 0; i < m->count; i++) {
        if (m->addresses[i].flags != flags)
            fail(s, "flags of address %zu are %04x, expected %04x", i + 1, m->addresses[i].flags, flags);
    }
}

static void expect_packet(struct story *s)
{
    unsigned socket;
    struct wins_peer to = next_peer(s, &socket);
    struct world_packet *p = world_sent(&s->world, &to);
    if (!p)
        fail(s, "nothing was sent to %s:%u", sl_ip4_text(to.address).text, to.port);
    if (p->socket != socket)
        fail(s, "sent from socket %u", p->socket);
    p->expected = true;
    if (take(s, "raw")) {
        expect_raw(s, p);
        return;
    }
    struct nb_message m;
    struct sl_error e;
    if (nb_message_parse(p->octets, p->len, &m, &e) != SL_OK)
        fail(s, "the packet is malformed: %s", sl_error_text(&e));
    struct kind kind = read_kind(s);
    compare_flags(s, &kind, &m);
    compare_names(s, &m);
    compare_addresses(s, &m);
    compare_options(s, &m, to);
    read_rules(s, strcmp(kind.word, "found") == 0 && m.ttl_s == 0);
    no_more(s);
}

static void do_expect(struct story *s)
{
    if (take(s, "none"))
        expect_none(s);
    else if (take(s, "done"))
        expect_done(s, "done", &s->world.done);
    else if (take(s, "failed"))
        expect_done(s, "failed", &s->world.failed);
    else if (take(s, "to"))
        expect_packet(s);
    else
        fail(s, "\"%s\" cannot be expected", peek(s));
}

/* --- the rest ------------------------------------------------------------------------------------------------------- */

static void config_own_name(struct story *s)
{
    struct wins_config *c = &s->world.config.rules;
    if (c->own_name_count == WINS_OWN_NAMES_MAX)
        fail(s, "more than %d own names", WINS_OWN_NAMES_MAX);
    c->own_names[c->own_name_count].name = next_name(s);
    c->own_names[c->own_name_count++].group = take(s, "group");
}

static void do_config(struct story *s)
{
    struct wins_config *c = &s->world.config.rules;
    if (s->world.eng)
        fail(s, "config comes before anything happens");
    if (take(s, "self"))
        c->self = next_address(s);
    else if (take(s, "ttl-min"))
        c->ttl_min_s = next_s(s);
    else if (take(s, "ttl-max"))
        c->ttl_max_s = next_s(s);
    else if (take(s, "extinction-interval"))
        c->extinction_interval_s = next_s(s);
    else if (take(s, "extinction-timeout"))
        c->extinction_timeout_s = next_s(s);
    else if (take(s, "own-name"))
        config_own_name(s);
    else
        fail(s, "\"%s\" is no setting", peek(s));
    no_more(s);
}

static void do_at(struct story *s)
{
    int64_t to_ms = next_ms(s);
    no_more(s);
    if (to_ms < s->world.now_ms)
        fail(s, "the clock does not go back");
    world_go(&s->world, to_ms);
}

static void admin_add(struct story *s, bool refused)
{
    struct nb_name name = next_name(s);
    struct described d = {.record = {.name = name, .node = WINS_NODE_P}};
    d.record.type = (enum wins_type)next_of(s, "type", type_word, WINS_TYPE_COUNT);
    read_members(s, &d);
    no_more(s);
    struct sl_error e;
    struct eng *eng = world_engine(&s->world);
    bool failed = eng_admin_add(eng, world_now(&s->world), &d.record, world_done, &s->world, &e) != SL_OK;
    if (failed != refused)
        fail(s, "%s", failed ? sl_error_text(&e) : "it was not refused");
}

static void do_admin(struct story *s)
{
    if (take(s, "add")) {
        admin_add(s, false);
    } else if (take(s, "refused")) {
        next(s, "add");
        admin_add(s, true);
    } else if (take(s, "delete")) {
        struct nb_name name = next_name(s);
        no_more(s);
        if (!eng_admin_delete(world_engine(&s->world), &name, world_done, &s->world))
            fail(s, "there is no %s", nb_name_text(&name).text);
    } else {
        fail(s, "\"%s\" is no operation", peek(s));
    }
    world_settle(&s->world);
}

static void do_hold(struct story *s)
{
    no_more(s);
    s->world.holding = true;
}

static void do_commit(struct story *s)
{
    no_more(s);
    s->world.holding = false;
    world_settle(&s->world);
}

static void do_disk(struct story *s)
{
    bool fails = take(s, "fails");
    if (!fails && !take(s, "works"))
        fail(s, "the disk fails or works");
    no_more(s);
    fake_store_fails(s->world.store, fails);
}

static void run_line(struct story *s, char *text)
{
    static const struct {
        const char *word;
        void (*run)(struct story *s);
    } statements[] = {
        {"config", do_config}, {"given", do_given}, {"at", do_at},     {"from", do_from},     {"expect", do_expect},
        {"state", do_state},   {"admin", do_admin}, {"hold", do_hold}, {"commit", do_commit}, {"disk", do_disk},
    };
    char *save = NULL;
    s->at = s->word_count = 0;
    for (char *word = strtok_r(text, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
        if (s->word_count == WORDS_MAX)
            fail(s, "more than %d words", WORDS_MAX);
        s->words[s->word_count++] = word;
    }
    if (!more(s) || peek(s)[0] == '#')
        return;
    for (size_t i = 0; i < SL_COUNT(statements); i++) {
        if (take(s, statements[i].word)) {
            statements[i].run(s);
            return;
        }
    }
    fail(s, "\"%s\" is no statement", peek(s));
}

/* Nothing happened that the story does not tell. */
static void check_end(struct story *s)
{
    const struct world_packet *p = world_sent(&s->world, NULL);
    if (p)
        fail(s, "at the end: a packet to %s was not expected", sl_ip4_text(p->to.address).text);
    if (s->world.done || s->world.failed)
        fail(s, "at the end: an operation ended that was not expected");
    for (int i = 0; i < WINS_RULE_COUNT; i++) {
        enum wins_rule rule = (enum wins_rule)i;
        if (rule != WINS_Q16 && world_decided(&s->world, rule) != s->expected[rule])
            fail(s, "at the end: rule %s decided %llu times, expected were %llu", wins_rule_id(rule),
                 (unsigned long long)world_decided(&s->world, rule), (unsigned long long)s->expected[rule]);
    }
}

bool story_run(const char *path, uint64_t used[WINS_RULE_COUNT])
{
    struct story s = {.path = path};
    char text[LINE_MAX_LEN];
    volatile bool good = false;
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return false;
    }
    world_init(&s.world);
    if (setjmp(s.end) == 0) {
        while (fgets(text, sizeof text, f)) {
            s.line++;
            run_line(&s, text);
        }
        check_end(&s);
        good = true;
    }
    for (int i = 0; i < WINS_RULE_COUNT; i++)
        used[i] += s.expected[i];
    world_fini(&s.world);
    fclose(f);
    return good;
}
