/* What time does to a record: V01, V02, V03, V05, V06. */
#include "wins-emu/core/rows.h"

static void release(const struct wins_case *c, struct wins_decision *d)
{
    d->record = *c->record;
    d->record.state = WINS_RELEASED;
    d->record.expires_s = c->now_s + c->config->extinction_interval_s;
}

static void bury(const struct wins_case *c, struct wins_decision *d)
{
    d->new_version = true;
    d->record = *c->record;
    d->record.state = WINS_TOMBSTONE;
    d->record.expires_s = c->now_s + c->config->extinction_timeout_s;
}

/* What another server says of its members, that one ends. */
static bool has_lapsed(const struct wins_case *c, const struct wins_member *m)
{
    return m->owner == c->config->self && m->expires_s <= c->now_s;
}

static size_t count_lapsed(const struct wins_case *c)
{
    size_t count = 0;
    for (size_t i = 0; i < c->record->member_count; i++)
        count += has_lapsed(c, &c->record->members[i]);
    return count;
}

static void drop_lapsed(const struct wins_case *c, struct wins_decision *d)
{
    d->record = *c->record;
    d->record.member_count = 0;
    for (size_t i = 0; i < c->record->member_count; i++)
        if (!has_lapsed(c, &c->record->members[i]))
            d->record.members[d->record.member_count++] = c->record->members[i];
}

static bool not_due(const struct wins_case *c)
{
    return c->record->expires_s > c->now_s;
}

static bool own(const struct wins_case *c, enum wins_state state)
{
    return c->record->owner == c->config->self && c->record->state == state;
}

static bool own_active(const struct wins_case *c)
{
    return own(c, WINS_ACTIVE);
}

/* Where the leases of all are over the end of the name itself decides (L09 may have put it off). */
static bool own_with_lapsed(const struct wins_case *c)
{
    size_t lapsed = own_active(c) && not_due(c) ? count_lapsed(c) : 0;
    return lapsed > 0 && lapsed < c->record->member_count;
}

static bool own_released(const struct wins_case *c)
{
    return own(c, WINS_RELEASED);
}

static bool own_tombstone(const struct wins_case *c)
{
    return own(c, WINS_TOMBSTONE) && c->now_s - c->serving_since_s >= c->config->tombstone_hold_s;
}

static bool replica_not_active(const struct wins_case *c)
{
    return c->record->owner != c->config->self && c->record->state != WINS_ACTIVE;
}

void wins_scavenge(const struct wins_record *record, int64_t serving_since_s, const struct wins_config *config, int64_t now_s,
                   struct wins_decision *ret_decision)
{
    static const struct wins_request none;
    static const struct wins_row rows[] = {
        {WINS_RULE_NONE, wins_case_static, NB_OK, WINS_KEEP, NULL},
        {WINS_V06, own_with_lapsed, NB_OK, WINS_STORE, drop_lapsed},
        {WINS_RULE_NONE, not_due, NB_OK, WINS_KEEP, NULL},
        {WINS_V01, own_active, NB_OK, WINS_STORE, release},
        {WINS_V02, own_released, NB_OK, WINS_STORE, bury},
        {WINS_V03, own_tombstone, NB_OK, WINS_REMOVE, NULL},
        {WINS_V05, replica_not_active, NB_OK, WINS_REMOVE, NULL},
        {WINS_RULE_NONE, wins_case_always, NB_OK, WINS_KEEP, NULL},
    };
    struct wins_case c = {
        .record = record, .request = &none, .config = config, .now_s = now_s, .serving_since_s = serving_since_s};
    wins_decide(rows, SL_COUNT(rows), &c, ret_decision);
}
