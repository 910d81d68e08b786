#include "wins-emu/core/record.h"

const char *wins_type_word(enum wins_type type)
{
    static const char *const words[WINS_TYPE_COUNT] = {"unique", "group", "sgroup", "mhomed"};
    return words[type];
}

const char *wins_state_word(enum wins_state state)
{
    static const char *const words[WINS_STATE_COUNT] = {"active", "released", "tombstone"};
    return words[state];
}

const char *wins_node_word(enum wins_node node)
{
    static const char *const words[] = {"B", "P", "M", "H"};
    return words[node];
}

int wins_record_find(const struct wins_record *record, uint32_t address)
{
    for (int i = 0; i < record->member_count; i++) {
        if (record->members[i].address == address)
            return i;
    }
    return -1;
}

static bool same_member(const struct wins_member *a, const struct wins_member *b)
{
    return a->address == b->address && a->owner == b->owner && a->expires_s == b->expires_s;
}

bool wins_record_equal(const struct wins_record *a, const struct wins_record *b)
{
    bool same = nb_name_equal(&a->name, &b->name) && a->type == b->type && a->state == b->state && a->node == b->node &&
                a->is_static == b->is_static && a->owner == b->owner && a->version == b->version &&
                a->expires_s == b->expires_s && a->registered_by == b->registered_by && a->member_count == b->member_count;
    for (int i = 0; same && i < a->member_count; i++)
        same = same_member(&a->members[i], &b->members[i]);
    return same;
}
