/*
 * record.h - a registered name as the rules see it. Source: wins.md 2.1 (MS-WINSRA 3.1.1), RFC 1001 15.
 *
 * A plain value: copied, compared and stored as a whole. Addresses and owners are IPv4 in host byte order; times are seconds
 * since the epoch; 0 in expires_s means never (static).
 */
#ifndef SL_WINS_CORE_RECORD_H
#define SL_WINS_CORE_RECORD_H

#include "common/wire/name.h"

#include <stdbool.h>
#include <stdint.h>

enum wins_type { WINS_UNIQUE, WINS_GROUP, WINS_SGROUP, WINS_MHOMED, WINS_TYPE_COUNT };
enum wins_state { WINS_ACTIVE, WINS_RELEASED, WINS_TOMBSTONE, WINS_STATE_COUNT };
/* ONT bits of NB_FLAGS: B, P, M, H (the last a Microsoft extension). */
enum wins_node { WINS_NODE_B, WINS_NODE_P, WINS_NODE_M, WINS_NODE_H };

enum { WINS_MEMBERS_MAX = 25 }; /* M01 */

struct wins_member {
    uint32_t address;
    uint32_t owner;
    int64_t expires_s;
};

struct wins_record {
    struct nb_name name;
    enum wins_type type;
    enum wins_state state;
    enum wins_node node;
    bool is_static;
    uint32_t owner;         /* address of the name server that owns the record */
    uint64_t version;       /* version id under that owner */
    int64_t expires_s;
    uint32_t registered_by; /* source address of the packet that made it */
    uint8_t member_count;
    struct wins_member members[WINS_MEMBERS_MAX];
};

/* "unique", "group", "sgroup", "mhomed"; "active", "released", "tombstone"; "B", "P", "M", "H". */
const char *wins_type_word(enum wins_type type);
const char *wins_state_word(enum wins_state state);
const char *wins_node_word(enum wins_node node);
/* The index of an address among the members, or -1. */
int wins_record_find(const struct wins_record *record, uint32_t address);
/* True when all fields are equal, the members in their order. */
bool wins_record_equal(const struct wins_record *a, const struct wins_record *b);

#endif
