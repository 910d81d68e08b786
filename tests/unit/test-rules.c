/*
 * The decision tables as functions: what holds for every row, over all kinds of records and requests. What each single row does
 * is told by the stories of tests/replay.
 */
#include "common/base/addr.h"
#include "tests/unit/unit.h"
#include "wins-emu/core/query.h"

#include <string.h>

enum { SELF = 0x0a000035, OTHER = 0x0a000063, HOLDER = 0x0a000001, STRANGER = 0x0a000002 };
static const int64_t now_s = 1000000;

/* Every kind of record: 0 is none, then type, state, static or not, ours or a replica, of one address or two. */
enum { KINDS = 1 + WINS_TYPE_COUNT * WINS_STATE_COUNT * 2 * 2 * 2 };
/* Every kind of request: type, from the holder or a stranger, with these types of names. */
enum { REQUESTS = WINS_TYPE_COUNT * 2 * 5 };
static const uint8_t suffixes[] = {0x00, 0x1b, 0x1c, 0x1d, 0x1e};

static bool make_record(int kind, uint8_t suffix, struct wins_record *r)
{
    if (kind == 0)
        return false;
    kind--;
    *r = (struct wins_record){
        .type = (enum wins_type)(kind % WINS_TYPE_COUNT), .version = 7, .registered_by = HOLDER, .node = WINS_NODE_P};
    ck_assert(nb_name_make("NAME", suffix, &r->name));
    kind /= WINS_TYPE_COUNT;
    r->state = (enum wins_state)(kind % WINS_STATE_COUNT);
    kind /= WINS_STATE_COUNT;
    r->is_static = kind & 1;
    r->owner = kind & 2 ? OTHER : SELF;
    r->expires_s = r->is_static ? 0 : now_s + 100;
    r->member_count = kind & 4 ? 2 : 1;
    r->members[0] = (struct wins_member){.address = HOLDER, .owner = r->owner, .expires_s = r->expires_s};
    r->members[1] = (struct wins_member){.address = HOLDER + 100, .owner = r->owner, .expires_s = r->expires_s};
    return true;
}

static struct wins_request make_request(int kind)
{
    struct wins_request q = {.type = (enum wins_type)(kind % WINS_TYPE_COUNT), .node = WINS_NODE_H, .ttl_s = 300000};
    kind /= WINS_TYPE_COUNT;
    q.address = q.source = kind & 1 ? STRANGER : HOLDER;
    ck_assert(nb_name_make("NAME", suffixes[kind / 2], &q.name));
    return q;
}

typedef void each_fn(const struct wins_record *record, const struct wins_request *request, const struct wins_config *config);

static void each(each_fn *fn)
{
    struct wins_config config = wins_config_default(SELF);
    for (int kind = 0; kind < KINDS; kind++) {
        for (int request = 0; request < REQUESTS; request++) {
            struct wins_request q = make_request(request);
            struct wins_record r;
            bool there = make_record(kind, nb_name_suffix(&q.name), &r);
            fn(there ? &r : NULL, &q, &config);
        }
    }
}

static bool of_group(enum wins_type type)
{
    return type == WINS_GROUP || type == WINS_SGROUP;
}

/* Members by address, without their times. */
static bool same_but_times(const struct wins_record *a, const struct wins_record *b)
{
    for (size_t i = 0; i < a->member_count && i < b->member_count; i++) {
        if (a->members[i].address != b->members[i].address || a->members[i].owner != b->members[i].owner)
            return false;
    }
    return a->type == b->type && a->state == b->state && a->node == b->node && a->is_static == b->is_static &&
           a->owner == b->owner && a->version == b->version && a->registered_by == b->registered_by &&
           a->member_count == b->member_count;
}

/* What may be stored by any decision. */
static void check_stored(const struct wins_decision *d, const struct wins_record *old)
{
    ck_assert(!old || !old->is_static);
    ck_assert_int_eq(d->rcode, NB_OK);
    ck_assert_uint_eq(d->record.owner, SELF);
    ck_assert_int_gt(d->record.expires_s, now_s);
    ck_assert_uint_le(d->record.member_count, WINS_MEMBERS_MAX);
    if (d->effect == WINS_TOUCH)
        ck_assert(old && !d->new_version && same_but_times(&d->record, old));
}

static void check_registration(const struct wins_record *r, const struct wins_request *q, const struct wins_config *config)
{
    struct wins_decision d;
    wins_register(r, q, config, now_s, &d);
    bool active_single = r && r->state == WINS_ACTIVE && !of_group(r->type) && !r->is_static;
    bool held_elsewhere = active_single && (q->address != HOLDER || of_group(q->type));
    bool early = d.rule >= WINS_R02 && d.rule <= WINS_R06;
    ck_assert_int_eq(d.effect == WINS_CHALLENGE, held_elsewhere && !early);
    ck_assert_uint_eq(d.ttl_s, 300000);
    if (d.rcode != NB_OK)
        ck_assert_int_eq(d.effect, WINS_KEEP);
    if (d.effect == WINS_STORE || d.effect == WINS_TOUCH) {
        check_stored(&d, r);
        ck_assert_int_eq(d.record.state, WINS_ACTIVE);
        ck_assert_int_eq(d.new_version, d.effect == WINS_STORE);
        ck_assert_int_eq(d.record.expires_s, now_s + 300000);
    }
}

START_TEST(test_registrations_of_every_kind)
{
    each(check_registration);
}
END_TEST

static void check_release(const struct wins_record *r, const struct wins_request *q, const struct wins_config *config)
{
    struct wins_decision d;
    wins_release(r, q, config, now_s, &d);
    bool may =
        r && r->state == WINS_ACTIVE && !r->is_static && q->source == HOLDER && nb_name_suffix(&q->name) != NB_MASTER_LOCAL;
    ck_assert_int_eq(d.effect, may ? WINS_STORE : WINS_KEEP);
    ck_assert_int_eq(d.rcode, d.rule == WINS_L06 ? NB_ACT_ERR : NB_OK);
    if (!may)
        return;
    check_stored(&d, r);
    ck_assert_int_eq(d.then != WINS_RULE_NONE, d.record.state != WINS_ACTIVE);
    ck_assert_int_eq(d.new_version, r->owner != SELF);
    ck_assert_int_eq(wins_record_find(&d.record, HOLDER) >= 0, d.rule == WINS_L08);
}

START_TEST(test_releases_of_every_kind)
{
    each(check_release);
}
END_TEST

static void check_challenge(const struct wins_record *r, const struct wins_request *q, const struct wins_config *config)
{
    static const struct nb_address both[] = {{0, HOLDER}, {0, STRANGER}};
    for (int reply = WINS_REPLY_SILENT; reply <= WINS_REPLY_POSITIVE; reply++) {
        for (size_t count = 0; count <= SL_COUNT(both); count++) {
            struct wins_challenge c = {
                .version = 7, .owner = r ? r->owner : SELF, .reply = (enum wins_reply)reply, .addresses = both};
            struct wins_decision d;
            c.count = reply == WINS_REPLY_POSITIVE ? count : 0;
            wins_judge(r, q, &c, config, now_s, &d);
            ck_assert_int_eq(d.rule == WINS_C05, r == NULL);
            if (!r)
                continue;
            bool lists = (c.count > 0 && q->address == HOLDER) || c.count > 1;
            bool yes = reply != WINS_REPLY_POSITIVE || (lists && !of_group(q->type));
            ck_assert_int_eq(d.rcode, yes ? NB_OK : NB_ACT_ERR);
            ck_assert_int_eq(d.effect, yes ? WINS_STORE : WINS_KEEP);
            ck_assert_int_eq(d.new_version, yes);
            if (yes)
                ck_assert_int_ge(wins_record_find(&d.record, q->address), 0);
            c.version = 8;
            wins_judge(r, q, &c, config, now_s, &d);
            ck_assert_int_eq(d.rule, WINS_C05);
            c.version = 7;
            c.owner = 1;
            wins_judge(r, q, &c, config, now_s, &d);
            ck_assert_int_eq(d.rule, WINS_C05);
        }
    }
}

START_TEST(test_challenges_of_every_kind)
{
    each(check_challenge);
}
END_TEST

START_TEST(test_C04_with_25_addresses_M01)
{
    struct wins_config config = wins_config_default(SELF);
    struct nb_address list[WINS_MEMBERS_MAX + 1];
    struct wins_record r = {.type = WINS_MHOMED, .owner = SELF, .version = 7, .member_count = WINS_MEMBERS_MAX};
    struct wins_request q = {.type = WINS_MHOMED, .address = STRANGER, .source = STRANGER, .ttl_s = 300000};
    struct wins_decision d;
    for (uint32_t i = 0; i < WINS_MEMBERS_MAX; i++) {
        r.members[i] = (struct wins_member){.address = 100 + i, .owner = SELF, .expires_s = now_s + i};
        list[i] = (struct nb_address){0, 100 + i};
    }
    list[WINS_MEMBERS_MAX] = (struct nb_address){0, STRANGER};
    struct wins_challenge c = {
        .version = 7, .owner = SELF, .reply = WINS_REPLY_POSITIVE, .addresses = list, .count = SL_COUNT(list)};
    wins_judge(&r, &q, &c, &config, now_s, &d);
    ck_assert_int_eq(d.rule, WINS_C04);
    ck_assert_int_eq(d.then, WINS_M01);
    ck_assert_uint_eq(d.record.member_count, WINS_MEMBERS_MAX);
    ck_assert_int_ge(wins_record_find(&d.record, STRANGER), 0);
}
END_TEST

START_TEST(test_leases_are_clamped)
{
    static const struct {
        uint32_t asked_s, granted_s;
    } rows[] = {{0, 21600},       {60, 21600},      {21600, 21600},      {21601, 21601},
                {518400, 518400}, {518401, 518400}, {UINT32_MAX, 518400}};
    struct wins_config config = wins_config_default(SELF);
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct wins_request q = make_request(0);
        struct wins_decision d;
        q.ttl_s = rows[i].asked_s;
        wins_register(NULL, &q, &config, now_s, &d);
        ck_assert_uint_eq(d.ttl_s, rows[i].granted_s);
        ck_assert_int_eq(d.record.expires_s, now_s + rows[i].granted_s);
    }
}
END_TEST

START_TEST(test_requests_from_messages)
{
    struct nb_message m;
    struct nb_name name;
    struct wins_request q;
    ck_assert(nb_name_make("NAME", 0x1c, &name));
    nb_make_request(&m, 1, NB_ASK_MULTIHOMED, &name, 5, (struct nb_address){.flags = 0x6000, .address = HOLDER});
    ck_assert(wins_request_from(&m, STRANGER, &q));
    ck_assert_int_eq(q.type, WINS_MHOMED);
    ck_assert_int_eq(q.node, WINS_NODE_H);
    ck_assert_uint_eq(q.address, HOLDER);
    ck_assert_uint_eq(q.source, STRANGER);
    m.addresses[0].flags = NB_GROUP;
    ck_assert(wins_request_from(&m, STRANGER, &q));
    ck_assert_int_eq(q.type, WINS_SGROUP);
    struct nb_message bad = m;
    bad.flags |= NB_RESPONSE;
    ck_assert(!wins_request_from(&bad, 0, &q));
    bad = m;
    bad.flags = NB_ASK_QUERY;
    ck_assert(!wins_request_from(&bad, 0, &q));
    bad = m;
    bad.question_type = NB_RR_NBSTAT;
    ck_assert(!wins_request_from(&bad, 0, &q));
    bad = m;
    bad.count = 0;
    ck_assert(!wins_request_from(&bad, 0, &q));
    bad = m;
    bad.record = NB_SECTION_ANSWER;
    ck_assert(!wins_request_from(&bad, 0, &q));
}
END_TEST

/* What is static or not over stays; nothing is due twice at the same time; tombstones alone wait for the time in service. */
START_TEST(test_scavenging_of_every_kind_V01_V02_V03_V05)
{
    struct wins_config config = wins_config_default(SELF);
    uint64_t seen[WINS_RULE_COUNT] = {0};
    for (int kind = 1; kind < KINDS; kind++) {
        struct wins_record r;
        struct wins_decision d, again;
        ck_assert(make_record(kind, 0x00, &r));
        wins_scavenge(&r, 0, &config, r.is_static ? INT64_MAX / 2 : r.expires_s - 1, &d);
        ck_assert(d.rule == WINS_RULE_NONE && d.effect == WINS_KEEP);
        wins_scavenge(&r, 0, &config, now_s + 100, &d);
        seen[d.rule]++;
        ck_assert_int_eq(d.new_version, d.rule == WINS_V02);
        ck_assert_int_eq(d.effect == WINS_REMOVE, d.rule == WINS_V03 || d.rule == WINS_V05);
        wins_scavenge(&r, now_s + 100 - config.tombstone_hold_s + 1, &config, now_s + 100, &again);
        ck_assert_int_eq(again.rule, d.rule == WINS_V03 ? WINS_RULE_NONE : d.rule);
        if (d.effect == WINS_STORE) {
            wins_scavenge(&d.record, 0, &config, now_s + 100, &again);
            ck_assert_int_eq(again.rule, WINS_RULE_NONE);
        }
    }
    ck_assert(seen[WINS_V01] && seen[WINS_V02] && seen[WINS_V03] && seen[WINS_V05] == 2 * seen[WINS_V01]);
}
END_TEST

START_TEST(test_rule_ids)
{
    for (int i = WINS_RULE_NONE + 1; i < WINS_RULE_COUNT; i++) {
        enum wins_rule rule = (enum wins_rule)i;
        ck_assert_uint_eq(strlen(wins_rule_id(rule)), 3);
        ck_assert_str_ne(wins_rule_text(rule), "");
        ck_assert_int_eq(wins_rule_parse(wins_rule_id(rule)), rule);
    }
    ck_assert_int_eq(wins_rule_parse("R99"), WINS_RULE_NONE);
    ck_assert_int_eq(wins_rule_parse(""), WINS_RULE_NONE);
    ck_assert_str_eq(wins_rule_id(WINS_RULE_NONE), "-");
}
END_TEST

START_TEST(test_wack_covers_the_challenge)
{
    ck_assert_uint_eq(wins_wack_ttl_s(1), 9);
    ck_assert_uint_eq(wins_wack_ttl_s(WINS_MEMBERS_MAX), 105);
}
END_TEST

START_TEST(test_own_sockets_are_address_and_port_Q15)
{
    struct wins_config config = wins_config_default(SELF);
    config.own_sockets[config.own_socket_count++] = (struct wins_peer){SELF, 137};
    ck_assert(wins_is_own_socket(&config, (struct wins_peer){SELF, 137}));
    ck_assert(!wins_is_own_socket(&config, (struct wins_peer){SELF, 138}));
    ck_assert(!wins_is_own_socket(&config, (struct wins_peer){OTHER, 137}));
}
END_TEST

UNIT_MAIN("rules", test_registrations_of_every_kind, test_releases_of_every_kind, test_challenges_of_every_kind,
          test_C04_with_25_addresses_M01, test_leases_are_clamped, test_requests_from_messages,
          test_scavenging_of_every_kind_V01_V02_V03_V05, test_rule_ids,
          test_wack_covers_the_challenge, test_own_sockets_are_address_and_port_Q15)
