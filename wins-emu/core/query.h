/*
 * query.h - answers to name queries and node status requests: rows Q01 to Q16 of rules.h.
 *
 * In two steps, so that a UDP worker looks into the table only when it must, and core never knows of a table: wins_query_packet
 * decides from the packet alone, wins_query_record from what the table had. Both make the answer in place, in the message that
 * was parsed; nb_message_build then writes it. No allocation, no system call, no global: any thread.
 *
 *     switch (wins_query_packet(config, from, own_address, &m, &rule)) {
 *     case WINS_QUERY_DROP: return;
 *     case WINS_QUERY_LOOKUP: look up m.name and, where wins_query_master says so, the 1B name; rule = wins_query_record(...);
 *     case WINS_QUERY_ANSWER: send what nb_message_build makes of m;
 *     }
 *
 * wins-emu/engine/answer.h is that loop over the table.
 */
#ifndef SL_WINS_CORE_QUERY_H
#define SL_WINS_CORE_QUERY_H

#include "wins-emu/core/rules.h"

/* Enough of a record to answer a query. */
struct wins_answer {
    enum wins_type type;
    enum wins_state state;
    enum wins_node node;
    uint8_t count;
    uint32_t addresses[WINS_MEMBERS_MAX]; /* in the order of wins_members_sort */
};

/*
 * The order of an answer (wins.md 2.4): latest expiry first (a static one never expires), then the members of owner `self`,
 * then the lowest.
 */
void wins_members_sort(struct wins_member *members, size_t count, uint32_t self);

enum wins_query_next {
    WINS_QUERY_DROP,   /* no answer */
    WINS_QUERY_ANSWER, /* *m has become the answer */
    WINS_QUERY_LOOKUP, /* look up m->name and call wins_query_record; *m is unchanged, *ret_rule is not set */
};

/*
 * Q15, Q14, Q09, Q10, Q13, Q12, Q01, Q02, Q08 in this order. *m is a parsed message with opcode query; `own_address` is the
 * address of the socket it came in by, which own names answer with (Q12).
 */
enum wins_query_next wins_query_packet(const struct wins_config *config, struct wins_peer from, uint32_t own_address,
                                       struct nb_message *m, enum wins_rule *ret_rule);
/* True when the answer wants the first address of the 1B record of the same name and scope as well (Q06); gives that name. */
bool wins_query_master(const struct nb_name *name, struct nb_name *ret_master);
/*
 * Q03 to Q07 and Q11: *m becomes the answer. `answer` is NULL when the name has no record; `master` is the first address of the
 * 1B record in any state, 0 when there is none or wins_query_master said no.
 */
enum wins_rule wins_query_record(struct nb_message *m, const struct wins_answer *answer, uint32_t master);

#endif
