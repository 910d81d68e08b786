/*
 * Open addressing, linear probing by hash order: a slot is one word, 16 bits of the hash above 48 bits of the pointer, so that a
 * probe looks at a foreign entry only once in 65536 times. The writer stores whole words; readers load them. Entries are freed
 * a grace period after they were replaced, many in one callback, so that an entry needs no list head of its own.
 */
#include "wins-emu/table/table.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/random.h"
#include "wins-emu/table/entry.h"

#include <stdlib.h>
#include <urcu/urcu-memb.h>

enum {
    BITS_MIN = 10,
    FULL_NUMERATOR = 3, /* of 4 slots, tombs included */
    FULL_DENOMINATOR = 4,
    RETIRED_MAX = 512,
    TAG_SHIFT = 48,
    WALK_SLOTS_PER_ENTRY = 4, /* bounds a step through a table that is nearly empty */
    HASH_BITS = 63, /* so that a cursor can stand behind the last hash */
};

#define TBL_MAGIC 0x7ab1e001u
#define WALK_END (UINT64_C(1) << HASH_BITS)
#define POINTER_MASK ((UINT64_C(1) << TAG_SHIFT) - 1)
/* A removed entry: probing goes on behind it. */
#define TOMB UINT64_C(1)

struct slots {
    struct rcu_head rcu;
    unsigned bits;
    uint64_t word[];
};

struct retired {
    struct rcu_head rcu;
    size_t count;
    struct tbl_entry *entries[RETIRED_MAX];
};

struct tbl {
    uint32_t magic;
    struct slots *slots;
    struct retired *retired;
    size_t count;
    size_t used; /* entries and tombs */
    struct entry_key key;
};

/* ---- what ThreadSanitizer cannot see: the order that a grace period makes ---- */

#if defined __SANITIZE_THREAD__
#define TBL_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define TBL_TSAN 1
#endif
#endif

#ifdef TBL_TSAN
#include <sanitizer/tsan_interface.h>
/* What liburcu's own thread allocates and frees is ordered by its atomics alone. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "called_from_lib:liburcu.so\n";
}

static const char grace; /* readers release it, reclaimers acquire it */
#define ORDER_RELEASE(p) __tsan_release((void *)(uintptr_t)(p))
#define ORDER_ACQUIRE(p) __tsan_acquire((void *)(uintptr_t)(p))
#define GRACE (&grace)
#else
#define ORDER_RELEASE(p) ((void)(p))
#define ORDER_ACQUIRE(p) ((void)(p))
#define GRACE NULL
#endif

void tbl_reader_enter(void)
{
    urcu_memb_register_thread();
}

void tbl_reader_leave(void)
{
    urcu_memb_unregister_thread();
}

void tbl_read_lock(void)
{
    urcu_memb_read_lock();
}

void tbl_read_unlock(void)
{
    ORDER_RELEASE(GRACE);
    urcu_memb_read_unlock();
}

void tbl_grace(void)
{
    urcu_memb_synchronize_rcu();
    ORDER_ACQUIRE(GRACE);
}

/* ---- slots ---- */

static size_t slot_count(const struct slots *s)
{
    return (size_t)1 << s->bits;
}

static size_t home_of(const struct slots *s, uint64_t hash)
{
    return (size_t)(hash >> (HASH_BITS - s->bits));
}

static uint64_t word_of(const struct tbl_entry *entry, uint64_t hash)
{
    uint64_t pointer = (uint64_t)(uintptr_t)entry;
    sl_assert((pointer & ~POINTER_MASK) == 0);
    return (hash << TAG_SHIFT) | pointer;
}

static struct tbl_entry *entry_of(uint64_t word)
{
    return (struct tbl_entry *)(uintptr_t)(word & POINTER_MASK);
}

static uint64_t load_word(const struct slots *s, size_t i)
{
    return __atomic_load_n(&s->word[i], __ATOMIC_ACQUIRE);
}

static void store_word(struct slots *s, size_t i, uint64_t word)
{
    __atomic_store_n(&s->word[i], word, __ATOMIC_RELEASE);
}

/* True when one entry more would make probing slow. */
static bool is_full(size_t slots, size_t used)
{
    return (used + 1) * FULL_DENOMINATOR > slots * FULL_NUMERATOR;
}

static struct slots *slots_of(const struct tbl *t)
{
    return __atomic_load_n(&t->slots, __ATOMIC_ACQUIRE);
}

static struct slots *slots_new(unsigned bits)
{
    sl_assert(bits < sizeof(size_t) * 8 - 4);
    struct slots *s = sl_new(sizeof *s + ((size_t)1 << bits) * sizeof s->word[0]);
    s->bits = bits;
    return s;
}

static uint64_t hash_of(const struct tbl *t, const struct nb_name *name)
{
    return entry_name_hash(&t->key, name) >> (64 - HASH_BITS);
}

static uint64_t hash_of_word(const struct tbl *t, uint64_t word)
{
    return entry_hash(&t->key, entry_of(word)) >> (64 - HASH_BITS);
}

/* The word of a name and its slot, or 0. */
static uint64_t find_word(const struct slots *s, uint64_t hash, const struct nb_name *name, size_t *ret_slot)
{
    size_t mask = slot_count(s) - 1;
    uint64_t tag = hash << TAG_SHIFT;
    for (size_t i = home_of(s, hash);; i = (i + 1) & mask) {
        uint64_t word = load_word(s, i);
        if (word && ((word & ~POINTER_MASK) != tag || word == TOMB || !entry_is(entry_of(word), name)))
            continue;
        *ret_slot = i;
        return word;
    }
}

/* The first slot at or behind the home of the hash that holds no entry; *ret_tomb tells whether one was removed there. */
static size_t free_slot(const struct slots *s, uint64_t hash, bool *ret_tomb)
{
    size_t mask = slot_count(s) - 1;
    size_t i = home_of(s, hash);
    while (s->word[i] && s->word[i] != TOMB)
        i = (i + 1) & mask;
    *ret_tomb = s->word[i] == TOMB;
    return i;
}

/* ---- reclamation ---- */

static void free_slots(struct rcu_head *head)
{
    ORDER_ACQUIRE(GRACE);
    char *s = (char *)head - offsetof(struct slots, rcu);
    ORDER_ACQUIRE(s);
    free(s);
}

static void free_retired(struct rcu_head *head)
{
    ORDER_ACQUIRE(GRACE);
    struct retired *r = (struct retired *)(void *)((char *)head - offsetof(struct retired, rcu));
    ORDER_ACQUIRE(r);
    for (size_t i = 0; i < r->count; i++)
        free(r->entries[i]);
    free(r);
}

static void retire(struct tbl *t, struct tbl_entry *entry)
{
    struct retired *r = t->retired;
    r->entries[r->count++] = entry;
    if (r->count < RETIRED_MAX)
        return;
    ORDER_RELEASE(r);
    urcu_memb_call_rcu(&r->rcu, free_retired);
    t->retired = sl_new(sizeof *t->retired);
}

/* ---- the table ---- */

struct tbl *tbl_new(void)
{
    struct tbl *t = sl_new(sizeof *t);
    t->magic = TBL_MAGIC;
    t->slots = slots_new(BITS_MIN);
    t->retired = sl_new(sizeof *t->retired);
    sl_random_os(&t->key, sizeof t->key);
    return t;
}

void tbl_free(struct tbl *t)
{
    if (!t)
        return;
    SL_CHECK_MAGIC(t, TBL_MAGIC);
    urcu_memb_barrier();
    free_retired(&t->retired->rcu);
    for (size_t i = 0; i < slot_count(t->slots); i++)
        if (t->slots->word[i] && t->slots->word[i] != TOMB)
            free(entry_of(t->slots->word[i]));
    free(t->slots);
    t->magic = 0;
    free(t);
}

const struct tbl_entry *tbl_find(const struct tbl *t, const struct nb_name *name)
{
    size_t slot;
    return entry_of(find_word(slots_of(t), hash_of(t, name), name, &slot));
}

uint64_t tbl_expect(const struct tbl *t, const struct nb_name *name)
{
    const struct slots *s = slots_of(t);
    uint64_t hash = hash_of(t, name);
    __builtin_prefetch(&s->word[home_of(s, hash)]);
    return hash;
}

/* A word with the tag of another name is not followed: that name stands further on, and the probe will find it. */
void tbl_expect_entry(const struct tbl *t, uint64_t hint)
{
    const struct slots *s = slots_of(t);
    uint64_t word = load_word(s, home_of(s, hint));
    if ((word & ~POINTER_MASK) == hint << TAG_SHIFT)
        entry_prefetch(entry_of(word));
}

/* Moves every entry into slots of that size. */
static void rebuild(struct tbl *t, unsigned bits)
{
    struct slots *old = t->slots;
    struct slots *s = slots_new(bits);
    for (size_t i = 0; i < slot_count(old); i++) {
        if (!old->word[i] || old->word[i] == TOMB)
            continue;
        bool tomb;
        s->word[free_slot(s, hash_of_word(t, old->word[i]), &tomb)] = old->word[i];
    }
    t->used = t->count;
    __atomic_store_n(&t->slots, s, __ATOMIC_RELEASE);
    ORDER_RELEASE(old);
    urcu_memb_call_rcu(&old->rcu, free_slots);
}

/* Makes room again: larger unless it was tombs that filled it. */
static void make_room(struct tbl *t)
{
    bool crowded = t->count * 2 > slot_count(t->slots);
    rebuild(t, t->slots->bits + (crowded ? 1 : 0));
}

void tbl_reserve(struct tbl *t, size_t records)
{
    SL_CHECK_MAGIC(t, TBL_MAGIC);
    unsigned bits = t->slots->bits;
    while (is_full((size_t)1 << bits, records))
        bits++;
    if (bits != t->slots->bits)
        rebuild(t, bits);
}

void tbl_put(struct tbl *t, const struct wins_record *record)
{
    SL_CHECK_MAGIC(t, TBL_MAGIC);
    uint64_t hash = tbl_expect(t, &record->name);
    struct tbl_entry *entry = entry_new(record);
    size_t i;
    uint64_t old = find_word(t->slots, hash, &record->name, &i);
    if (old) {
        store_word(t->slots, i, word_of(entry, hash));
        retire(t, entry_of(old));
        return;
    }
    if (is_full(slot_count(t->slots), t->used))
        make_room(t);
    bool tomb;
    i = free_slot(t->slots, hash, &tomb);
    store_word(t->slots, i, word_of(entry, hash));
    t->used += tomb ? 0 : 1;
    __atomic_store_n(&t->count, t->count + 1, __ATOMIC_RELAXED);
}

void tbl_remove(struct tbl *t, const struct nb_name *name)
{
    SL_CHECK_MAGIC(t, TBL_MAGIC);
    size_t i;
    uint64_t old = find_word(t->slots, hash_of(t, name), name, &i);
    if (!old)
        return;
    store_word(t->slots, i, TOMB);
    __atomic_store_n(&t->count, t->count - 1, __ATOMIC_RELAXED);
    retire(t, entry_of(old));
}

size_t tbl_count(const struct tbl *t)
{
    return __atomic_load_n(&t->count, __ATOMIC_RELAXED);
}

/* ---- walking ---- */

struct found {
    const struct tbl_entry *entries[TBL_WALK_LEAST];
    size_t count;
};

/* The entries whose home is one slot: they stand between it and the next empty slot. */
static void collect_home(const struct tbl *t, const struct slots *s, size_t home, struct found *ret_found)
{
    size_t mask = slot_count(s) - 1;
    ret_found->count = 0;
    for (size_t i = home;; i = (i + 1) & mask) {
        uint64_t word = load_word(s, i);
        if (!word)
            return;
        if (word == TOMB)
            continue;
        if (home_of(s, hash_of_word(t, word)) != home)
            continue;
        sl_assert(ret_found->count < TBL_WALK_LEAST);
        ret_found->entries[ret_found->count++] = entry_of(word);
    }
}

bool tbl_walk(const struct tbl *t, uint64_t *cursor, size_t most, void (*fn)(const struct tbl_entry *entry, void *ctx), void *ctx)
{
    sl_assert(most >= TBL_WALK_LEAST);
    tbl_read_lock();
    const struct slots *s = slots_of(t);
    uint64_t width = UINT64_C(1) << (HASH_BITS - s->bits);
    for (size_t given = 0, looked = 0; *cursor < WALK_END && looked < most * WALK_SLOTS_PER_ENTRY; looked++) {
        struct found found;
        collect_home(t, s, home_of(s, *cursor), &found);
        if (given + found.count > most)
            break;
        for (size_t i = 0; i < found.count; i++)
            fn(found.entries[i], ctx);
        given += found.count;
        *cursor += width;
    }
    tbl_read_unlock();
    return *cursor < WALK_END;
}
