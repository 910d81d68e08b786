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
