#include "wins-emu/engine/challenge.h"

#include "common/base/assert.h"

_Static_assert(ENG_CHALLENGES_MAX < UINT16_MAX, "a slot is 16 bits");
_Static_assert((ENG_CHALLENGE_BUCKETS & (ENG_CHALLENGE_BUCKETS - 1)) == 0, "a power of two");

/* ---- indexes ---- */

/* Multiplies and mixes (the finalizer of splitmix64) under the secret. */
static size_t bucket_of(const struct eng_challenges *all, uint64_t key)
{
    uint64_t x = key ^ all->secret;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (x ^ x >> 31) % ENG_CHALLENGE_BUCKETS;
}

/* All but the port, which is compared. */
static uint64_t key_of(const struct eng_ticket *ticket)
{
    return (uint64_t)ticket->id << 48 | (uint64_t)ticket->flags << 32 | ticket->from.address;
}

static eng_slot slot_of(const struct eng_challenges *all, const struct eng_challenge *c)
{
    return (eng_slot)(c - all->slots + 1);
}

static struct eng_challenge *at_slot(struct eng_challenges *all, eng_slot slot)
{
    return slot ? &all->slots[slot - 1] : NULL;
}

static void unlink_request(struct eng_challenges *all, const struct eng_challenge *c)
{
    eng_slot *link = &all->by_request[bucket_of(all, key_of(&c->ticket))];
    while (*link != slot_of(all, c))
        link = &all->slots[*link - 1].same_request;
    *link = c->same_request;
}

static void unlink_source(struct eng_challenges *all, const struct eng_challenge *c)
{
    eng_slot *link = &all->by_source[bucket_of(all, c->ticket.from.address)];
    while (*link != slot_of(all, c))
        link = &all->slots[*link - 1].same_source;
    *link = c->same_source;
}

bool eng_challenges_wait(const struct eng_challenges *all, const struct eng_ticket *ticket)
{
    uint64_t key = key_of(ticket);
    for (eng_slot at = all->by_request[bucket_of(all, key)]; at; at = all->slots[at - 1].same_request) {
        const struct eng_ticket *other = &all->slots[at - 1].ticket;
        if (key_of(other) == key && other->from.port == ticket->from.port)
            return true;
    }
    return false;
}

static bool has_room(const struct eng_challenges *all, uint32_t source)
{
    size_t of_source = 0;
    for (eng_slot at = all->by_source[bucket_of(all, source)]; at; at = all->slots[at - 1].same_source)
        of_source += all->slots[at - 1].ticket.from.address == source;
    return all->count < ENG_CHALLENGES_MAX && of_source < ENG_CHALLENGES_SOURCE_MAX;
}

struct eng_challenge *eng_challenges_find(struct eng_challenges *all, uint16_t id)
{
    return at_slot(all, all->by_id[id]);
}

/* ---- life ---- */

static eng_slot fresh_slot(struct eng_challenges *all)
{
    eng_slot slot = all->unused;
    if (!slot)
        return (eng_slot)++all->used;
    all->unused = all->slots[slot - 1].later;
    return slot;
}

struct eng_challenge *eng_challenges_add(struct eng_challenges *all, const struct wins_request *request,
                                         const struct eng_ticket *ticket, const struct wins_record *record)
{
    if (!has_room(all, ticket->from.address))
        return NULL;
    eng_slot slot = fresh_slot(all);
    eng_slot *same_request = &all->by_request[bucket_of(all, key_of(ticket))];
    eng_slot *same_source = &all->by_source[bucket_of(all, ticket->from.address)];
    struct eng_challenge *c = at_slot(all, slot);
    *c = (struct eng_challenge){
        .request = *request,
        .ticket = *ticket,
        .version = record->version,
        .owner = record->owner,
        .count = record->member_count,
        .same_request = *same_request,
        .same_source = *same_source,
    };
    for (size_t i = 0; i < record->member_count; i++)
        c->addresses[i] = record->members[i].address;
    *same_request = *same_source = slot;
    all->count++;
    return c;
}

static void leave_queue(struct eng_challenges *all, struct eng_challenge *c)
{
    if (!c->asked)
        return;
    struct eng_challenge *earlier = at_slot(all, c->earlier), *later = at_slot(all, c->later);
    *(earlier ? &earlier->later : &all->first) = c->later;
    *(later ? &later->earlier : &all->last) = c->earlier;
    all->by_id[c->id] = 0;
    __atomic_store_n(&all->asked[c->id], 0, __ATOMIC_RELAXED);
    c->asked = false;
}

void eng_challenges_ask(struct eng_challenges *all, struct eng_challenge *c, uint16_t id, int64_t due_ms)
{
    leave_queue(all, c);
    struct eng_challenge *before = at_slot(all, all->last);
    sl_assert(!all->by_id[id] && (!before || before->due_ms <= due_ms));
    c->asked = true;
    c->id = id;
    c->due_ms = due_ms;
    c->earlier = all->last;
    c->later = 0;
    all->last = all->by_id[id] = slot_of(all, c);
    *(before ? &before->later : &all->first) = all->last;
    __atomic_store_n(&all->asked[id], c->addresses[c->at], __ATOMIC_RELAXED);
}

bool eng_challenges_claim(struct eng_challenges *all, uint16_t id, uint32_t from)
{
    uint32_t asked = from;
    return from && __atomic_compare_exchange_n(&all->asked[id], &asked, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

struct eng_challenge eng_challenges_take(struct eng_challenges *all, struct eng_challenge *c)
{
    leave_queue(all, c);
    unlink_request(all, c);
    unlink_source(all, c);
    struct eng_challenge taken = *c;
    c->later = all->unused;
    all->unused = slot_of(all, c);
    all->count--;
    return taken;
}

struct eng_challenge *eng_challenges_first(struct eng_challenges *all)
{
    return at_slot(all, all->first);
}

int64_t eng_challenges_due_ms(const struct eng_challenges *all)
{
    return all->first ? all->slots[all->first - 1].due_ms : INT64_MAX;
}
