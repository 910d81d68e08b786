#include "site/store/memo.h"

#include "common/base/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4 };

struct item {
    uint64_t hash;
    int64_t stamp;
    uint32_t number;
    size_t len;
    const char *text; /* behind the octets */
    uint8_t octets[];
};

struct sst_memo {
    pthread_mutex_t lock;
    size_t octets;   /* in all */
    size_t replaced; /* counts, to choose who goes */
    struct item *slots[SST_MEMO_SLOTS];
};

struct sst_memo *sst_memo_new(void)
{
    struct sst_memo *memo = sl_new(sizeof *memo);
    (void)pthread_mutex_init(&memo->lock, NULL);
    return memo;
}

static void forget(struct sst_memo *memo)
{
    for (size_t i = 0; i < SST_MEMO_SLOTS && memo->octets > 0; i++) {
        free(memo->slots[i]);
        memo->slots[i] = NULL;
    }
    memo->octets = 0;
}

void sst_memo_free(struct sst_memo *memo)
{
    if (memo == NULL)
        return;
    forget(memo);
    (void)pthread_mutex_destroy(&memo->lock);
    free(memo);
}

/* FNV-1a, its halves mixed, since the slot is taken from the lower bits. */
static uint64_t hash_of(uint32_t number, const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u ^ number;
    for (const char *p = text; *p != '\0'; p++)
        hash = (hash ^ (uint8_t)*p) * 0x100000001b3u;
    return hash ^ hash >> 32;
}

/* The slot of this item within its four, or NULL. */
static struct item **slot_of(struct sst_memo *memo, uint64_t hash, uint32_t number, const char *text)
{
    struct item **set = &memo->slots[hash % (SST_MEMO_SLOTS / WAYS) * WAYS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] != NULL && set[i]->hash == hash && set[i]->number == number && strcmp(set[i]->text, text) == 0)
            return &set[i];
    return NULL;
}

/* Where a new item goes: a slot that is free, else one whose turn it is. */
static struct item **slot_for(struct sst_memo *memo, uint64_t hash)
{
    struct item **set = &memo->slots[hash % (SST_MEMO_SLOTS / WAYS) * WAYS];
    for (size_t i = 0; i < WAYS; i++)
        if (set[i] == NULL)
            return &set[i];
    return &set[memo->replaced++ % WAYS];
}

static size_t size_of(const struct item *item)
{
    return sizeof *item + item->len + strlen(item->text) + 1;
}

void *sst_memo_find(struct sst_memo *memo, int64_t stamp, uint32_t number, const char *text, size_t *ret_len)
{
    uint64_t hash = hash_of(number, text);
    void *copy = NULL;
    (void)pthread_mutex_lock(&memo->lock);
    struct item **slot = slot_of(memo, hash, number, text);
    if (slot != NULL && (*slot)->stamp == stamp) {
        copy = sl_new((*slot)->len);
        memcpy(copy, (*slot)->octets, (*slot)->len);
        *ret_len = (*slot)->len;
    }
    (void)pthread_mutex_unlock(&memo->lock);
    return copy;
}

static struct item *new_item(uint64_t hash, uint32_t number, const char *text, const void *octets, size_t len)
{
    size_t text_size = strlen(text) + 1;
    struct item *item = sl_new(sizeof *item + len + text_size);
    *item = (struct item){.hash = hash, .number = number, .len = len, .text = (const char *)item->octets + len};
    memcpy(item->octets, octets, len);
    memcpy(item->octets + len, text, text_size);
    return item;
}

void sst_memo_put(struct sst_memo *memo, int64_t stamp, uint32_t number, const char *text, const void *octets, size_t len)
{
    uint64_t hash = hash_of(number, text);
    struct item *item = new_item(hash, number, text, octets, len);
    item->stamp = stamp;
    (void)pthread_mutex_lock(&memo->lock);
    if (memo->octets + size_of(item) > SST_MEMO_MAX)
        forget(memo);
    struct item **slot = slot_of(memo, hash, number, text); /* of another stamp, or put there by another thread */
    if (slot == NULL)
        slot = slot_for(memo, hash);
    if (*slot != NULL)
        memo->octets -= size_of(*slot);
    free(*slot);
    *slot = item;
    memo->octets += size_of(item);
    (void)pthread_mutex_unlock(&memo->lock);
}
