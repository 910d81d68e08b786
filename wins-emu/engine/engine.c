#include "wins-emu/engine/engine.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "wins-emu/engine/note.h"
#include "wins-emu/engine/publish.h"

#include <stdlib.h>

/* What the scavenger shows to others. */
static void note_times(struct eng *eng)
{
    eng->stats.scavenged_s = eng->scavenger.times.scavenged_s;
    eng->stats.serving_since_s = eng->scavenger.times.serving_since_s;
}

struct eng *eng_new(const struct eng_config *config, const struct eng_ops *ops, struct tbl *table, struct wst *store)
{
    struct eng *eng = sl_new(sizeof *eng);
    eng->magic = ENG_MAGIC;
    eng->config = *config;
    eng->ops = *ops;
    eng->table = table;
    eng->store = store;
    eng->version = wst_version(store);
    wst_set_journal_max(store, config->journal_max);
    const struct wst_times times = wst_times(store);
    eng->ops.random(eng->ops.ctx, &eng->challenges.secret, sizeof eng->challenges.secret);
    eng_scavenger_init(&eng->scavenger, config->scavenge_period_s, &times);
    note_times(eng);
    return eng;
}

void eng_reload(struct eng *eng, struct eng_now now, const struct eng_config *config)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    wins_config_reload(&eng->config.rules, &config->rules);
    eng->config.scavenge_period_s = config->scavenge_period_s;
    eng->config.journal_max = config->journal_max;
    eng->config.tells_changes = config->tells_changes;
    wst_set_journal_max(eng->store, config->journal_max);
    eng_scavenger_reload(&eng->scavenger, now, config->scavenge_period_s);
}

void eng_free(struct eng *eng)
{
    if (!eng)
        return;
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    eng->magic = 0;
    free(eng);
}

uint64_t eng_version(const struct eng *eng)
{
    return eng->version;
}

const struct eng_stats *eng_stats(const struct eng *eng)
{
    return &eng->stats;
}

static void count_decision(struct eng *eng, const struct wins_decision *d)
{
    eng->stats.rules[d->rule]++;
    if (d->then != WINS_RULE_NONE)
        eng->stats.rules[d->then]++;
}

/* --- sending -------------------------------------------------------------------------------------------------------- */

static void send_scratch(struct eng *eng, unsigned socket, struct wins_peer to)
{
    uint8_t buffer[NB_DATAGRAM_MAX];
    size_t len = nb_message_build(&eng->scratch, buffer, sizeof buffer);
    sl_assert(len > 0);
    eng->ops.send(eng->ops.ctx, socket, to, buffer, len);
}

static void send_answer(struct eng *eng, const struct eng_ticket *ticket, const struct nb_name *name, enum nb_rcode rcode,
                        uint32_t ttl_s)
{
    uint16_t flags = nb_opcode(ticket->flags) == NB_OP_RELEASE ? NB_REPLY_RELEASE : NB_REPLY_REGISTER;
    eng->scratch.id = ticket->id;
    eng->scratch.name = *name;
    nb_make_positive(&eng->scratch, (uint16_t)(flags | rcode), ttl_s, &ticket->address, 1);
    send_scratch(eng, ticket->socket, ticket->from);
}

static void send_wack(struct eng *eng, const struct eng_challenge *c)
{
    eng->scratch.id = c->ticket.id;
    eng->scratch.flags = c->ticket.flags;
    eng->scratch.name = c->request.name;
    nb_make_wack(&eng->scratch, wins_wack_ttl_s(c->count));
    send_scratch(eng, c->ticket.socket, c->ticket.from);
}

/* --- the batch ------------------------------------------------------------------------------------------------------ */

bool eng_has_batch(const struct eng *eng)
{
    return !eng_batch_empty(&eng->batch) || eng->scavenger.times_changed || eng->cuts;
}

static enum sl_status store_batch(struct eng *eng, struct sl_error *e)
{
    enum sl_status s = wst_begin(eng->store, e);
    if (s)
        return s;
    for (size_t i = 0; i < eng->batch.change_count; i++) {
        const struct eng_change *change = &eng->batch.changes[i];
        if (change->removed)
            wst_remove(eng->store, &change->record.name);
        else
            wst_put(eng->store, &change->record);
    }
    for (size_t i = 0; i < eng->batch.note_count; i++)
        wst_note(eng->store, &eng->batch.notes[i]);
    wst_set_version(eng->store, eng->version);
    if (eng->scavenger.times_changed)
        wst_set_times(eng->store, &eng->scavenger.times);
    return wst_commit(eng->store, e);
}

static void answer_batch(struct eng *eng, enum sl_status status, const struct sl_error *e)
{
    for (size_t i = 0; i < eng->batch.held_count; i++) {
        const struct eng_held *held = &eng->batch.held[i];
        if (held->done)
            held->done(held->ctx, status, e);
        else
            send_answer(eng, &held->ticket, &held->name, status ? NB_SRV_ERR : held->rcode, held->ttl_s);
    }
}

enum sl_status eng_commit(struct eng *eng, struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    if (!eng_has_batch(eng))
        return SL_OK;
    struct sl_error detail = {0};
    bool writes = eng->batch.change_count || eng->scavenger.times_changed || eng->cuts;
    enum sl_status s = writes ? store_batch(eng, &detail) : SL_OK;
    eng->scavenger.times_changed = false; /* after a failure the next heartbeat tells them again */
    eng_notes_committed(eng, s);
    if (s) {
        eng->stats.commit_failures++;
        eng_scavenger_failed(&eng->scavenger, s, &detail);
    } else {
        eng->stats.commits++;
        eng_publish(eng->table, &eng->ops, eng->config.tells_changes, &eng->batch);
    }
    answer_batch(eng, s, &detail);
    eng_batch_clear(&eng->batch);
    return s ? sl_fail(e, s, "%s", sl_error_text(&detail)) : SL_OK;
}

/* Room for one more event. */
static void make_room(struct eng *eng)
{
    if (!eng_batch_full(&eng->batch))
        return;
    enum sl_status s = eng_commit(eng, NULL);
    (void)s; /* everybody who waited was told, and it is counted */
}

static void hold_done(struct eng *eng, eng_done *done, void *ctx)
{
    *eng_batch_hold(&eng->batch) = (struct eng_held){.done = done, .ctx = ctx};
}

static void store_decision(struct eng *eng, struct wins_decision *d)
{
    if (d->new_version)
        d->record.version = ++eng->version;
    if (d->effect == WINS_STORE)
        eng_note(eng, &d->record.name, d->rule, &d->record);
    if (d->effect == WINS_STORE || d->effect == WINS_TOUCH)
        eng_batch_put(&eng->batch, &d->record, d->effect == WINS_STORE);
}

/* Does what a decision says and answers, at once or with the batch. */
static void apply(struct eng *eng, const struct eng_ticket *ticket, const struct nb_name *name, struct wins_decision *d)
{
    store_decision(eng, d);
    const struct eng_change *change = eng_batch_find(&eng->batch, name);
    if (!change || !change->holds) {
        send_answer(eng, ticket, name, d->rcode, d->ttl_s);
        return;
    }
    *eng_batch_hold(&eng->batch) = (struct eng_held){.ticket = *ticket, .name = *name, .rcode = d->rcode, .ttl_s = d->ttl_s};
}

/* --- policy --------------------------------------------------------------------------------------------------------- */

/* NULL without one; valid under the read lock. */
static const struct wins_policy *policy_of_now(const struct eng *eng)
{
    return eng->config.policy ? tbl_shared_get(eng->config.policy) : NULL;
}

/* In any state, those of the open batch included. */
static size_t names(const struct eng *eng)
{
    return (size_t)((int64_t)tbl_count(eng->table) + eng->batch.growth);
}

/* P02 to P06 and P09, under the policy of this moment; false when it lets a registration pass. */
static bool refuse(struct eng *eng, int64_t now_s, const struct wins_request *request, const struct wins_record *record,
                   struct wins_decision *d)
{
    tbl_read_lock();
    bool refused = wins_policy_register(policy_of_now(eng), record, names(eng), request, &eng->config.rules, now_s, d);
    tbl_read_unlock();
    if (refused && eng->ops.refused)
        eng->ops.refused(eng->ops.ctx, d->rule, request);
    return refused;
}

/* --- challenges ----------------------------------------------------------------------------------------------------- */

static uint16_t fresh_id(struct eng *eng)
{
    uint16_t id;
    do {
        eng->ops.random(eng->ops.ctx, &id, sizeof id);
    } while (eng_challenges_find(&eng->challenges, id));
    return id;
}

/* Asks the current address, for the first time or again: every address has one id of its own. */
static void ask(struct eng *eng, struct eng_challenge *c, int64_t now_ms)
{
    struct wins_peer holder = {.address = c->addresses[c->at], .port = eng->config.nbt_port};
    uint16_t id = c->sent ? c->id : fresh_id(eng);
    c->sent++;
    eng_challenges_ask(&eng->challenges, c, id, now_ms + ENG_CHALLENGE_WAIT_MS);
    nb_make_query(&eng->scratch, id, NB_ASK_QUERY, &c->request.name, NB_RR_NB);
    send_scratch(eng, c->ticket.socket, holder);
}

/* C01 to C05, unless the policy has changed meanwhile: `reply` is NULL when every address was silent. */
static void judge(struct eng *eng, struct eng_challenge *over, int64_t now_s, const struct nb_message *reply)
{
    make_room(eng);
    struct eng_challenge c = eng_challenges_take(&eng->challenges, over);
    eng_note_by(eng, WST_BY_CLIENT, c.ticket.from.address, now_s);
    struct wins_challenge result = {.version = c.version, .owner = c.owner, .reply = WINS_REPLY_SILENT};
    if (reply) {
        result.reply = nb_rcode(reply->flags) ? WINS_REPLY_NEGATIVE : WINS_REPLY_POSITIVE;
        result.addresses = reply->addresses;
        result.count = result.reply == WINS_REPLY_POSITIVE ? reply->count : 0;
    }
    struct wins_record room;
    struct wins_decision d;
    eng->stats.challenges_running = eng->challenges.count;
    const struct wins_record *record = eng_view(eng, &c.request.name, &room);
    if (!refuse(eng, now_s, &c.request, record, &d))
        wins_judge(record, &c.request, &result, &eng->config.rules, now_s, &d);
    count_decision(eng, &d);
    apply(eng, &c.ticket, &c.request.name, &d);
}

static void start_challenge(struct eng *eng, struct eng_now now, const struct wins_request *request,
                            const struct eng_ticket *ticket, const struct wins_record *record)
{
    struct eng_challenge *c = eng_challenges_add(&eng->challenges, request, ticket, record);
    if (!c) {
        eng->stats.challenges_full++;
        send_answer(eng, ticket, &request->name, NB_SRV_ERR, request->ttl_s);
        return;
    }
    eng->stats.challenges++;
    if (record->member_count == 0) {
        judge(eng, c, now.real_s, NULL);
        return;
    }
    send_wack(eng, c);
    ask(eng, c, now.mono_ms);
    eng->stats.challenges_running = eng->challenges.count;
}

/* An answer counts from the address being asked, for the name that was asked for; a denial may leave the record out. */
static bool is_reply_to(const struct eng_challenge *c, struct wins_peer from, const struct nb_message *m)
{
    if (from.address != c->addresses[c->at] || nb_opcode(m->flags) != NB_OP_QUERY)
        return false;
    if (m->record == NB_SECTION_NONE && !m->has_question)
        return nb_rcode(m->flags) != NB_OK;
    bool addresses = m->record == NB_SECTION_ANSWER && m->rdata == NB_RDATA_ADDRESSES;
    return nb_name_equal(&m->name, &c->request.name) && (addresses || nb_rcode(m->flags) != NB_OK);
}

static void take_reply(struct eng *eng, struct eng_now now, struct wins_peer from, const struct nb_message *m)
{
    struct eng_challenge *c = eng_challenges_find(&eng->challenges, m->id);
    if (c && is_reply_to(c, from, m))
        judge(eng, c, now.real_s, m);
    else
        eng->stats.ignored++;
}

int64_t eng_next_timer_ms(const struct eng *eng)
{
    int64_t due_ms = eng_challenges_due_ms(&eng->challenges), notes_ms = eng_notes_due_ms(eng);
    if (eng->scavenger.due_ms < due_ms)
        due_ms = eng->scavenger.due_ms;
    return notes_ms < due_ms ? notes_ms : due_ms;
}

/* The holder's address did not answer in time: again, the next address, or the end. */
static void time_out(struct eng *eng, struct eng_challenge *c, struct eng_now now)
{
    if (c->sent == ENG_CHALLENGE_PACKETS) {
        c->sent = 0;
        c->at++;
    }
    if (c->at < c->count)
        ask(eng, c, now.mono_ms);
    else
        judge(eng, c, now.real_s, NULL);
}

/* --- scavenging ----------------------------------------------------------------------------------------------------- */

/* The end of a pass is on disk, or failed to get there. */
static void on_scavenged(void *ctx, enum sl_status status, const struct sl_error *e)
{
    struct eng *eng = ctx;
    struct eng_scavenger *s = &eng->scavenger;
    if (status)
        eng_scavenger_failed(s, status, e);
    if (s->status) {
        s->times.scavenged_s = wst_times(eng->store).scavenged_s;
        s->due_ms += ENG_HEARTBEAT_MS; /* the disk is given some time */
    }
    note_times(eng);
    if (s->done)
        s->done(s->ctx, s->status, &s->result, &s->why);
    s->done = NULL;
}

static void scavenge_entry(struct eng *eng, int64_t now_s, const struct tbl_entry *entry)
{
    struct wins_record record;
    struct wins_decision d;
    tbl_unpack(entry, &record);
    wins_scavenge(&record, eng->scavenger.times.serving_since_s, &eng->config.rules, now_s, &d);
    count_decision(eng, &d);
    eng->scavenger.result.rules[d.rule]++;
    if (d.effect == WINS_REMOVE) {
        eng_note(eng, &record.name, d.rule, NULL);
        eng_batch_remove(&eng->batch, &record.name);
    } else {
        store_decision(eng, &d);
    }
}

/* One slice, as a batch of its own: what was waiting is committed before, so that the table is the state of now. */
static void scavenge_slice(struct eng *eng, struct eng_now now)
{
    enum sl_status status = eng_commit(eng, NULL);
    (void)status; /* everybody who waited was told, and it is counted */
    struct eng_scavenger *s = &eng->scavenger;
    eng_note_by(eng, WST_BY_SCAVENGER, 0, now.real_s);
    bool more = eng_scavenger_walk(s, eng->table, &eng->config.rules, now);
    for (size_t i = 0; i < s->due_count; i++)
        scavenge_entry(eng, now.real_s, s->due[i]);
    if (more)
        return;
    eng_scavenger_end(s, now);
    hold_done(eng, on_scavenged, eng);
}

static void scavenge(struct eng *eng, struct eng_now now)
{
    bool was_running = eng->scavenger.running;
    if (was_running)
        scavenge_slice(eng, now);
    else
        eng_scavenger_look(&eng->scavenger, now);
    eng->stats.scavenges += !was_running && eng->scavenger.running;
    note_times(eng);
}

enum sl_status eng_scavenge(struct eng *eng, struct eng_now now, eng_scavenge_done *done, void *ctx, struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    struct eng_scavenger *s = &eng->scavenger;
    if (s->done)
        return sl_fail(e, SL_CONFLICT, "the registry is being scavenged already");
    eng_scavenger_begin(s, now);
    eng->stats.scavenges++;
    s->done = done;
    s->ctx = ctx;
    return SL_OK;
}

void eng_tick(struct eng *eng, struct eng_now now, int64_t heard_ms)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    for (size_t n = 0; n < ENG_TICK_MAX && eng_challenges_due_ms(&eng->challenges) <= heard_ms; n++)
        time_out(eng, eng_challenges_first(&eng->challenges), now);
    if (eng->scavenger.due_ms <= now.mono_ms)
        scavenge(eng, now);
    eng_notes_tick(eng, now);
}

/* --- packets -------------------------------------------------------------------------------------------------------- */

void eng_set_backlog(struct eng *eng, size_t backlog)
{
    eng->backlog = backlog;
}

/* B01, behind the policy; the name of a static record is protected too. */
static bool grant_unseen(struct eng *eng, struct eng_now now, const struct wins_request *request,
                         const struct wins_record *record, struct wins_decision *d)
{
    tbl_read_lock();
    const struct wins_policy *policy = policy_of_now(eng);
    bool granted = policy && !(record && record->is_static) &&
                   wins_policy_burst(policy, request, &eng->config.rules, now.real_s, eng->backlog, eng->granted_unseen, d);
    tbl_read_unlock();
    eng->granted_unseen = granted ? eng->granted_unseen + 1 : 0;
    return granted;
}

static void take_registration(struct eng *eng, struct eng_now now, const struct wins_request *request,
                              const struct eng_ticket *ticket)
{
    if (eng_challenges_wait(&eng->challenges, ticket)) {
        eng->stats.rules[WINS_R07]++;
        return;
    }
    struct wins_record room;
    const struct wins_record *record = eng_view(eng, &request->name, &room);
    struct wins_decision d;
    if (ticket->flags & NB_BROADCAST ||
        !(refuse(eng, now.real_s, request, record, &d) || grant_unseen(eng, now, request, record, &d)))
        wins_register(record, request, &eng->config.rules, now.real_s, &d);
    count_decision(eng, &d);
    if (d.effect == WINS_CHALLENGE)
        start_challenge(eng, now, request, ticket, record);
    else
        apply(eng, ticket, &request->name, &d);
}

static void take_release(struct eng *eng, struct eng_now now, const struct wins_request *request, const struct eng_ticket *ticket)
{
    struct wins_record room;
    struct wins_decision d;
    wins_release(eng_view(eng, &request->name, &room), request, &eng->config.rules, now.real_s, &d);
    count_decision(eng, &d);
    apply(eng, ticket, &request->name, &d);
}

/* A broadcast is between the nodes; this one answers for its own names (R20). */
static bool concerns_us(const struct eng *eng, const struct nb_message *m)
{
    uint8_t opcode = nb_opcode(m->flags);
    if (m->flags & NB_BROADCAST)
        return wins_is_change(opcode) && opcode != NB_OP_RELEASE && wins_defends(&eng->config.rules, &m->name);
    return wins_is_change(opcode);
}

static void take_request(struct eng *eng, struct eng_now now, struct wins_peer from, unsigned socket, const struct nb_message *m)
{
    struct wins_request request;
    if (!concerns_us(eng, m)) {
        eng->stats.ignored++;
        return;
    }
    if (!wins_request_from(m, from.address, &request)) {
        eng->stats.rules[WINS_R01]++;
        return;
    }
    struct eng_ticket ticket = {.socket = socket, .from = from, .id = m->id, .flags = m->flags, .address = m->addresses[0]};
    make_room(eng);
    eng_note_by(eng, WST_BY_CLIENT, from.address, now.real_s);
    if (nb_opcode(m->flags) == NB_OP_RELEASE)
        take_release(eng, now, &request, &ticket);
    else
        take_registration(eng, now, &request, &ticket);
}

bool eng_wants(struct eng *eng, struct wins_peer from, const void *octets, size_t len)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    uint16_t id = nb_get16(&c), flags = nb_get16(&c);
    return !nb_cursor_ok(&c) || !nb_is_response(flags) || eng_challenges_claim(&eng->challenges, id, from.address);
}

void eng_packet(struct eng *eng, struct eng_now now, struct wins_peer from, unsigned socket, const void *octets, size_t len)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    eng->stats.packets++;
    struct nb_message m;
    if (wins_is_own_socket(&eng->config.rules, from))
        eng->stats.rules[WINS_Q15]++;
    else if (nb_message_parse(octets, len, &m, NULL) != SL_OK)
        eng->stats.rules[WINS_R01]++;
    else if (nb_is_response(m.flags))
        take_reply(eng, now, from, &m);
    else
        take_request(eng, now, from, socket, &m);
}

/* --- administration ------------------------------------------------------------------------------------------------- */

/* A static 1C group is a special group, a unique name with several addresses a multi-homed one. */
static enum wins_type static_type(const struct wins_record *record)
{
    if (record->type == WINS_GROUP && nb_name_suffix(&record->name) == NB_DOMAIN_GROUP)
        return WINS_SGROUP;
    return record->type == WINS_UNIQUE && record->member_count > 1 ? WINS_MHOMED : record->type;
}

enum sl_status eng_admin_add(struct eng *eng, struct eng_now now, const struct wins_record *record, eng_done *done, void *ctx,
                             struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    if (record->member_count == 0 || record->member_count > WINS_MEMBERS_MAX)
        return sl_fail(e, SL_USAGE, "%s: a static record has 1 to %d addresses", nb_name_text(&record->name).text,
                       WINS_MEMBERS_MAX);
    struct wins_request request = {.name = record->name, .type = static_type(record), .address = record->members[0].address};
    struct wins_decision d;
    wins_register(NULL, &request, &eng->config.rules, now.real_s, &d);
    if (d.rule != WINS_R08)
        return sl_fail(e, SL_CONFLICT, "%s: rule %s: %s", nb_name_text(&record->name).text, wins_rule_id(d.rule),
                       wins_rule_text(d.rule));
    make_room(eng);
    d.record.node = record->node;
    d.record.is_static = true;
    d.record.expires_s = 0;
    d.record.registered_by = eng->config.rules.self;
    d.record.version = ++eng->version;
    d.record.member_count = record->member_count;
    for (size_t i = 0; i < record->member_count; i++)
        d.record.members[i] = (struct wins_member){.address = record->members[i].address, .owner = eng->config.rules.self};
    eng_note_by(eng, WST_BY_ADMIN, 0, now.real_s);
    eng_note(eng, &d.record.name, WINS_RULE_NONE, &d.record);
    eng_batch_put(&eng->batch, &d.record, true);
    hold_done(eng, done, ctx);
    return SL_OK;
}

bool eng_admin_delete(struct eng *eng, struct eng_now now, const struct nb_name *name, eng_done *done, void *ctx)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    struct wins_record room;
    if (!eng_view(eng, name, &room))
        return false;
    make_room(eng);
    eng_note_by(eng, WST_BY_ADMIN, 0, now.real_s);
    eng_note(eng, name, WINS_RULE_NONE, NULL);
    eng_batch_remove(&eng->batch, name);
    hold_done(eng, done, ctx);
    return true;
}

enum sl_status eng_admin_end(struct eng *eng, struct eng_now now, const struct nb_name *name, enum eng_end how, eng_done *done,
                             void *ctx, bool *ret_found, struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    make_room(eng);
    struct wins_record room;
    const struct wins_record *record = eng_view(eng, name, &room);
    *ret_found = record != NULL;
    if (!record)
        return SL_OK;
    struct wins_decision d;
    (how == ENG_END_RELEASE ? wins_admin_release : wins_admin_tombstone)(record, &eng->config.rules, now.real_s, &d);
    if (d.rule == WINS_L05 || d.rule == WINS_L06)
        return sl_fail(e, SL_CONFLICT, "%s is static: delete it, or make it a tombstone", nb_name_text(name).text);
    eng_note_by(eng, WST_BY_ADMIN, 0, now.real_s);
    store_decision(eng, &d);
    hold_done(eng, done, ctx);
    return SL_OK;
}

enum sl_status eng_compare(struct eng *eng, const struct nb_name *name, bool *ret_same, struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    struct wins_record stored, shown;
    bool found;
    enum sl_status status = eng_commit(eng, e);
    if (status == SL_OK)
        status = wst_find(eng->store, name, &stored, &found, e);
    if (status != SL_OK)
        return status;
    const struct tbl_entry *entry = tbl_find(eng->table, name);
    if (entry)
        tbl_unpack(entry, &shown);
    *ret_same = found == (entry != NULL) && (!found || wins_record_equal(&stored, &shown));
    return SL_OK;
}
