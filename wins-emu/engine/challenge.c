#include "wins-emu/engine/challenge.h"

static uint64_t key_of(const struct eng_ticket *ticket)
{
    return (uint64_t)ticket->id << 48 | (uint64_t)ticket->flags << 32 | ticket->from.address;
}

bool eng_challenges_wait(const struct eng_challenges *all, const struct eng_ticket *ticket)
{
    uint64_t key = key_of(ticket);
    for (size_t i = 0; i < all->count; i++) {
        if (all->keys[i].request == key && all->list[i].ticket.from.port == ticket->from.port)
            return true;
    }
    return false;
}

static bool has_room(const struct eng_challenges *all, uint32_t source)
{
    size_t of_source = 0;
    for (size_t i = 0; i < all->count; i++)
        of_source += (uint32_t)all->keys[i].request == source;
    return all->count < ENG_CHALLENGES_MAX && of_source < ENG_CHALLENGES_SOURCE_MAX;
}

int eng_challenges_find(const struct eng_challenges *all, uint16_t id)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->keys[i].id == id)
            return (int)i;
    }
    return -1;
}

int eng_challenges_add(struct eng_challenges *all, const struct wins_request *request, const struct eng_ticket *ticket,
                       const struct wins_record *record)
{
    if (!has_room(all, ticket->from.address))
        return -1;
    struct eng_challenge *c = &all->list[all->count];
    *c = (struct eng_challenge){
        .request = *request,
        .ticket = *ticket,
        .version = record->version,
        .owner = record->owner,
        .count = record->member_count,
    };
    for (size_t i = 0; i < record->member_count; i++)
        c->addresses[i] = record->members[i].address;
    all->keys[all->count] = (struct eng_challenge_key){.request = key_of(ticket)};
    return (int)all->count++;
}

struct eng_challenge eng_challenges_take(struct eng_challenges *all, int at)
{
    struct eng_challenge taken = all->list[at];
    all->count--;
    all->list[at] = all->list[all->count];
    all->keys[at] = all->keys[all->count];
    return taken;
}

int64_t eng_challenges_due_ms(const struct eng_challenges *all)
{
    int64_t due_ms = INT64_MAX;
    for (size_t i = 0; i < all->count; i++) {
        if (all->keys[i].due_ms < due_ms)
            due_ms = all->keys[i].due_ms;
    }
    return due_ms;
}
