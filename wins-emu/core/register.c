/* Registration (R02 to R20) and what follows a challenge (C01 to C05). */
#include "wins-emu/core/rows.h"

/* --- making records ------------------------------------------------------------------------------------------------- */

static struct wins_member new_member(const struct wins_case *c)
{
    return (struct wins_member){
        .address = c->request->address,
        .owner = c->config->self,
        .expires_s = c->now_s + wins_case_ttl_s(c),
    };
}

static void insert(const struct wins_case *c, struct wins_decision *d)
{
    d->new_version = true;
    d->record = (struct wins_record){
        .name = c->request->name,
        .type = c->request->type,
        .state = WINS_ACTIVE,
        .node = c->request->node,
        .owner = c->config->self,
        .expires_s = c->now_s + wins_case_ttl_s(c),
        .registered_by = c->request->source,
        .member_count = 1,
        .members = {new_member(c)},
    };
}

/* The record that we own from now on. */
static void take_over(const struct wins_case *c, struct wins_decision *d)
{
    d->effect = WINS_STORE;
    d->new_version = true;
    d->record.owner = c->config->self;
}

/* The end of a member's lease that this request takes nothing back of. */
static int64_t longer_lease_s(const struct wins_case *c, const struct wins_member *m)
{
    int64_t asked_s = c->now_s + wins_case_ttl_s(c), most_s = c->now_s + c->config->ttl_max_s;
    if (m->owner != c->config->self || m->expires_s < asked_s)
        return asked_s;
    return m->expires_s < most_s ? m->expires_s : most_s;
}

/* Only the address itself brings its end forward: else whoever names it would end the name behind the holder's back. */
static int64_t lease_s(const struct wins_case *c, const struct wins_member *m)
{
    return c->request->source == m->address ? c->now_s + wins_case_ttl_s(c) : longer_lease_s(c, m);
}

/*
 * A name lives as long as the last of the leases that were granted here: a short one of one member ends no other's. None is
 * longer than could be granted now, lest a clock that was wrong for a while be felt for ever.
 */
static void set_expiry(const struct wins_case *c, struct wins_record *r)
{
    int64_t last_s = c->now_s + wins_case_ttl_s(c), most_s = c->now_s + c->config->ttl_max_s;
    for (size_t i = 0; i < r->member_count; i++)
        if (r->members[i].owner == c->config->self && r->members[i].expires_s > last_s)
            last_s = r->members[i].expires_s;
    r->expires_s = last_s < most_s ? last_s : most_s;
}

/* The lease of one member and of the record; a group has one member for all its registrants, the first one's address (R12). */
static void extend(const struct wins_case *c, struct wins_decision *d)
{
    bool shared = c->record->type == WINS_GROUP;
    d->record = *c->record;
    struct wins_member *m = &d->record.members[shared ? 0 : wins_record_find(c->record, c->request->address)];
    if (!shared)
        m->expires_s = lease_s(c, m);
    if (c->record->owner != c->config->self)
        take_over(c, d);
    set_expiry(c, &d->record);
    if (shared)
        m->expires_s = d->record.expires_s;
    m->owner = c->config->self;
}

/* M01: which member goes for a 26th: the oldest of the replicas', else the oldest. */
static int victim(const struct wins_record *record, uint32_t self)
{
    int best = 0;
    for (int i = 1; i < record->member_count; i++) {
        const struct wins_member *m = &record->members[i];
        const struct wins_member *b = &record->members[best];
        bool replica = m->owner != self;
        bool best_replica = b->owner != self;
        if (replica != best_replica ? replica : m->expires_s < b->expires_s)
            best = i;
    }
    return best;
}

static void add_member(const struct wins_case *c, struct wins_decision *d)
{
    struct wins_record *r = &d->record;
    if (r->member_count == WINS_MEMBERS_MAX) {
        d->then = WINS_M01;
        int gone = victim(r, c->config->self);
        r->members[gone] = r->members[--r->member_count];
    }
    r->members[r->member_count++] = new_member(c);
}

static void join(const struct wins_case *c, struct wins_decision *d)
{
    d->record = *c->record;
    take_over(c, d);
    add_member(c, d);
    set_expiry(c, &d->record);
}

static bool reply_lists(const struct wins_challenge *challenge, uint32_t address)
{
    for (size_t i = 0; i < challenge->count; i++) {
        if (challenge->addresses[i].address == address)
            return true;
    }
    return false;
}

/* An address that its holder has confirmed just now: at least the lease of the request, which takes nothing back. */
static struct wins_member confirm(const struct wins_case *c, const struct wins_member *old)
{
    struct wins_member m = new_member(c);
    m.address = old->address;
    m.expires_s = longer_lease_s(c, old);
    return m;
}

/* C04: what the holder still lists is kept. */
static void merge(const struct wins_case *c, struct wins_decision *d)
{
    d->record = *c->record;
    take_over(c, d);
    d->record.state = WINS_ACTIVE;
    d->record.node = c->request->node;
    d->record.registered_by = c->request->source;
    d->record.member_count = 0;
    for (size_t i = 0; i < c->record->member_count; i++) {
        const struct wins_member *old = &c->record->members[i];
        if (old->address != c->request->address && reply_lists(c->challenge, old->address))
            d->record.members[d->record.member_count++] = confirm(c, old);
    }
    add_member(c, d);
    set_expiry(c, &d->record);
    if (d->record.member_count > 1)
        d->record.type = WINS_MHOMED;
}

/* --- conditions ----------------------------------------------------------------------------------------------------- */

static bool of_type(const struct wins_case *c, uint8_t suffix, bool group)
{
    return nb_name_suffix(&c->request->name) == suffix && wins_type_is_group(c->request->type) == group;
}

static bool unique_1d(const struct wins_case *c)
{
    return of_type(c, NB_MASTER_LOCAL, false);
}

static bool group_1b(const struct wins_case *c)
{
    return of_type(c, NB_MASTER_DOMAIN, true);
}

static bool unique_1c(const struct wins_case *c)
{
    return of_type(c, NB_DOMAIN_GROUP, false);
}

static bool unique_1e(const struct wins_case *c)
{
    return of_type(c, NB_BROWSER_ELECTION, false);
}

static bool own_name(const struct wins_case *c)
{
    return wins_defends(c->config, &c->request->name);
}

static bool no_record(const struct wins_case *c)
{
    return !c->record;
}

static bool group_against_other(const struct wins_case *c)
{
    return c->record->type == WINS_GROUP && c->request->type != WINS_GROUP;
}

static bool active_group(const struct wins_case *c)
{
    return c->record->type == WINS_GROUP && c->record->state == WINS_ACTIVE;
}

static bool not_active(const struct wins_case *c)
{
    return c->record->state != WINS_ACTIVE;
}

static bool has_address(const struct wins_case *c)
{
    return wins_record_find(c->record, c->request->address) >= 0;
}

static bool single(const struct wins_case *c)
{
    return !wins_type_is_group(c->record->type);
}

static bool single_against_group(const struct wins_case *c)
{
    return single(c) && wins_type_is_group(c->request->type);
}

static bool single_with_address(const struct wins_case *c)
{
    return single(c) && has_address(c);
}

static bool sgroup_against_other(const struct wins_case *c)
{
    return c->request->type != WINS_SGROUP;
}

void wins_register(const struct wins_record *record, const struct wins_request *request, const struct wins_config *config,
                   int64_t now_s, struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_R02, unique_1d, NB_OK, WINS_KEEP, NULL},
        {WINS_R03, group_1b, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_R04, unique_1c, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_R05, unique_1e, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_R06, wins_case_long_scope, NB_SRV_ERR, WINS_KEEP, NULL},
        {WINS_R20, own_name, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_R08, no_record, NB_OK, WINS_STORE, insert},
        {WINS_R09, wins_case_static_group, NB_OK, WINS_KEEP, NULL},
        {WINS_R10, wins_case_static, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_R11, group_against_other, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_R12, active_group, NB_OK, WINS_TOUCH, extend},
        {WINS_R13, not_active, NB_OK, WINS_STORE, insert},
        {WINS_R14, single_against_group, NB_OK, WINS_CHALLENGE, NULL},
        {WINS_R15, single_with_address, NB_OK, WINS_TOUCH, extend},
        {WINS_R16, single, NB_OK, WINS_CHALLENGE, NULL},
        {WINS_R17, sgroup_against_other, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_R18, has_address, NB_OK, WINS_TOUCH, extend},
        {WINS_R19, wins_case_always, NB_OK, WINS_STORE, join},
    };
    struct wins_case c = {.record = record, .request = request, .config = config, .now_s = now_s};
    wins_decide(rows, SL_COUNT(rows), &c, ret_decision);
}

/* --- after a challenge ---------------------------------------------------------------------------------------------- */

static bool record_changed(const struct wins_case *c)
{
    return !c->record || c->record->version != c->challenge->version || c->record->owner != c->challenge->owner;
}

static bool holder_gone(const struct wins_case *c)
{
    return c->challenge->reply != WINS_REPLY_POSITIVE;
}

static bool held_against_group(const struct wins_case *c)
{
    return wins_type_is_group(c->request->type);
}

static bool held_elsewhere(const struct wins_case *c)
{
    return !reply_lists(c->challenge, c->request->address);
}

void wins_judge(const struct wins_record *record, const struct wins_request *request, const struct wins_challenge *challenge,
                const struct wins_config *config, int64_t now_s, struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_C05, record_changed, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_C01, holder_gone, NB_OK, WINS_STORE, insert},
        {WINS_C02, held_against_group, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_C03, held_elsewhere, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_C04, wins_case_always, NB_OK, WINS_STORE, merge},
    };
    struct wins_case c = {.record = record, .request = request, .challenge = challenge, .config = config, .now_s = now_s};
    wins_decide(rows, SL_COUNT(rows), &c, ret_decision);
}
