/*
 * memo.h - answers of the database that are remembered: octets under a number and a text, both the caller's. An answer is good
 * for a stamp, which the caller has read from the database before the answer: under another stamp it is not found.
 *
 * Bounded twice: there are SST_MEMO_SLOTS places, each answer may lie in four of them and pushes another out when these are
 * taken; and when all together would be longer than SST_MEMO_MAX octets, everything is forgotten. So nobody who chooses texts
 * makes it larger or slower. Any thread.
 */
#ifndef SL_SITE_STORE_MEMO_H
#define SL_SITE_STORE_MEMO_H

#include <stddef.h>
#include <stdint.h>

enum { SST_MEMO_SLOTS = 1 << 18, SST_MEMO_MAX = 64 << 20 };

struct sst_memo;

/* Remembers nothing yet. */
struct sst_memo *sst_memo_new(void);
/* Frees it; NULL is accepted. */
void sst_memo_free(struct sst_memo *memo);
/* A copy of what is remembered, which free() releases; NULL when nothing is. */
void *sst_memo_find(struct sst_memo *memo, int64_t stamp, uint32_t number, const char *text, size_t *ret_len);
/* Remembers a copy of the octets (one at least), for as long as there is room. */
void sst_memo_put(struct sst_memo *memo, int64_t stamp, uint32_t number, const char *text, const void *octets, size_t len);

#endif
