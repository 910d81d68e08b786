/*
 * answer.h - one query datagram to one answer datagram over the table: what a UDP worker does with each packet.
 *
 * No lock, no allocation and no system call. The caller is a reader of the table (tbl_reader_enter).
 */
#ifndef SL_WINS_ENGINE_ANSWER_H
#define SL_WINS_ENGINE_ANSWER_H

#include "wins-emu/core/policy.h"
#include "wins-emu/table/table.h"

enum eng_route {
    ENG_ROUTE_DROP,   /* done, no answer */
    ENG_ROUTE_REPLY,  /* the answer is in the buffer */
    ENG_ROUTE_ENGINE, /* not a query: for eng_packet */
};

/* The hint of tbl_expect for the name that a datagram asks for, 0 when it is no query with a name. */
uint64_t eng_expect(const struct tbl *table, const void *octets, size_t len);
/*
 * `octets` came from `from` to the own address `own_address`. With ENG_ROUTE_REPLY the answer is in `buffer`, which has room
 * for NB_DATAGRAM_MAX octets, and *ret_len long. *ret_rule is the row that decided a query, R01 for a malformed packet;
 * WINS_RULE_NONE with ENG_ROUTE_ENGINE. A packet from one of our own sockets goes nowhere (Q15), whatever it is.
 * Without a policy (NULL) everybody may ask (P01).
 */
enum eng_route eng_answer(const struct tbl *table, const struct wins_config *config, const struct wins_policy *policy,
                          struct wins_peer from, uint32_t own_address, const void *octets, size_t len, void *buffer,
                          size_t *ret_len, enum wins_rule *ret_rule);

/* Whether a datagram claims to be an answer, as far as its flags word tells. */
bool eng_is_reply(const void *octets, size_t len);
/*
 * P07 and P08: the row that drops a datagram since its source sends too many, WINS_RULE_NONE when it may go on. Answers always
 * may: a holder sends as many as others make the server challenge it, and one who is not heard loses the name (C01). Those that
 * nobody waits for are eng_wants' concern.
 */
enum wins_rule eng_limit(struct wins_limiter *limiter, const struct wins_policy *policy, struct wins_peer from,
                         const void *octets, size_t len, int64_t now_ms);

#endif
