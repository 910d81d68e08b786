/* Release: L01 to L11. */
#include "wins-emu/core/rows.h"

/*
 * L10 and L11: our own record waits out the extinction interval; a replica becomes our tombstone, so that its owner hears of
 * it.
 */
static void end_lease(const struct wins_case *c, struct wins_decision *d)
{
    struct wins_record *r = &d->record;
    if (c->record->owner == c->config->self) {
        d->then = WINS_L10;
        r->state = WINS_RELEASED;
        r->expires_s = c->now_s + c->config->extinction_interval_s;
        return;
    }
    d->then = WINS_L11;
    d->new_version = true;
    r->state = WINS_TOMBSTONE;
    r->owner = c->config->self;
    r->expires_s = c->now_s + c->config->extinction_interval_s + c->config->extinction_timeout_s;
}

static void release_record(const struct wins_case *c, struct wins_decision *d)
{
    d->ttl_s = c->request->ttl_s;
    d->record = *c->record;
    end_lease(c, d);
}

static void release_member(const struct wins_case *c, struct wins_decision *d)
{
    d->ttl_s = c->request->ttl_s;
    d->record = *c->record;
    int gone = wins_record_find(c->record, c->request->source);
    d->record.member_count--;
    for (int i = gone; i < d->record.member_count; i++)
        d->record.members[i] = d->record.members[i + 1];
    if (d->record.member_count == 0) {
        end_lease(c, d);
        return;
    }
    d->record.expires_s = c->now_s + c->config->ttl_max_s;
    d->new_version = c->record->owner != c->config->self;
    d->record.owner = c->config->self;
}

/* Nothing is done; the answer repeats what the client sent. */
static void echo(const struct wins_case *c, struct wins_decision *d)
{
    d->ttl_s = c->request->ttl_s;
}

static bool type_1d(const struct wins_case *c)
{
    return nb_name_suffix(&c->request->name) == NB_MASTER_LOCAL;
}

static bool unknown(const struct wins_case *c)
{
    return !c->record;
}

static bool not_active(const struct wins_case *c)
{
    return c->record->state != WINS_ACTIVE;
}

static bool static_single(const struct wins_case *c)
{
    return c->record->is_static && !wins_type_is_group(c->record->type);
}

static bool foreign_source(const struct wins_case *c)
{
    return wins_record_find(c->record, c->request->source) < 0;
}

static bool unique_or_group(const struct wins_case *c)
{
    return c->record->type == WINS_UNIQUE || c->record->type == WINS_GROUP;
}

void wins_release(const struct wins_record *record, const struct wins_request *request, const struct wins_config *config,
                  int64_t now_s, struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_L01, type_1d, NB_OK, WINS_KEEP, echo},
        {WINS_L02, wins_case_long_scope, NB_OK, WINS_KEEP, echo},
        {WINS_L03, unknown, NB_OK, WINS_KEEP, echo},
        {WINS_L04, not_active, NB_OK, WINS_KEEP, echo},
        {WINS_L05, static_single, NB_OK, WINS_KEEP, echo},
        {WINS_L06, wins_case_static_group, NB_ACT_ERR, WINS_KEEP, echo},
        {WINS_L07, foreign_source, NB_OK, WINS_KEEP, echo},
        {WINS_L08, unique_or_group, NB_OK, WINS_STORE, release_record},
        {WINS_L09, wins_case_always, NB_OK, WINS_STORE, release_member},
    };
    struct wins_case c = {.record = record, .request = request, .config = config, .now_s = now_s};
    wins_decide(rows, SL_COUNT(rows), &c, ret_decision);
}

/* --- by an administrator -------------------------------------------------------------------------------------------- */

static bool is_tombstone(const struct wins_case *c)
{
    return c->record->state == WINS_TOMBSTONE;
}

static void bury(const struct wins_case *c, struct wins_decision *d)
{
    d->new_version = true;
    d->record = *c->record;
    d->record.state = WINS_TOMBSTONE;
    d->record.is_static = false;
    d->record.owner = c->config->self;
    d->record.expires_s = c->now_s + c->config->extinction_timeout_s;
}

static void decide_without_request(const struct wins_row *rows, size_t count, const struct wins_record *record,
                                   const struct wins_config *config, int64_t now_s, struct wins_decision *ret_decision)
{
    static const struct wins_request none;
    struct wins_case c = {.record = record, .request = &none, .config = config, .now_s = now_s};
    wins_decide(rows, count, &c, ret_decision);
}

void wins_admin_release(const struct wins_record *record, const struct wins_config *config, int64_t now_s,
                        struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_L04, not_active, NB_OK, WINS_KEEP, NULL},
        {WINS_L05, static_single, NB_OK, WINS_KEEP, NULL},
        {WINS_L06, wins_case_static_group, NB_ACT_ERR, WINS_KEEP, NULL},
        {WINS_L08, wins_case_always, NB_OK, WINS_STORE, release_record},
    };
    decide_without_request(rows, SL_COUNT(rows), record, config, now_s, ret_decision);
}

void wins_admin_tombstone(const struct wins_record *record, const struct wins_config *config, int64_t now_s,
                          struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_RULE_NONE, is_tombstone, NB_OK, WINS_KEEP, NULL},
        {WINS_RULE_NONE, wins_case_always, NB_OK, WINS_STORE, bury},
    };
    decide_without_request(rows, SL_COUNT(rows), record, config, now_s, ret_decision);
}
