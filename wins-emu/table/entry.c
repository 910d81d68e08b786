#include "wins-emu/table/entry.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <string.h>

struct tbl_entry {
    uint64_t version;
    int64_t expires_s;
    uint32_t owner;
    uint32_t registered_by;
    uint8_t octets[NB_NAME_LEN];
    uint8_t scope_len;
    uint8_t bits;
    uint8_t count;
    uint8_t tail[]; /* the members, then the scope */
};

enum {
    TYPE_MASK = 0x03,
    STATE_SHIFT = 2,
    NODE_SHIFT = 4,
    FIELD_MASK = 0x03,
    BIT_STATIC = 0x40,
    BIT_UNIFORM = 0x80, /* members are bare addresses */
    ADDRESS_SIZE = sizeof(uint32_t),
};

_Static_assert(WINS_TYPE_COUNT <= 4 && WINS_STATE_COUNT <= 4 && WINS_NODE_H <= 3, "type, state and node are two bits each");

static bool is_uniform(const struct wins_record *r)
{
    for (unsigned i = 0; i < r->member_count; i++)
        if (r->members[i].owner != r->owner || r->members[i].expires_s != r->expires_s)
            return false;
    return true;
}

static size_t member_size(uint8_t bits)
{
    return bits & BIT_UNIFORM ? ADDRESS_SIZE : sizeof(struct wins_member);
}

struct tbl_entry *entry_new(const struct wins_record *r)
{
    sl_assert(r->member_count <= WINS_MEMBERS_MAX);
    uint8_t bits = (uint8_t)((unsigned)r->type | (unsigned)r->state << STATE_SHIFT | (unsigned)r->node << NODE_SHIFT |
                             (r->is_static ? BIT_STATIC : 0) | (is_uniform(r) ? BIT_UNIFORM : 0));
    size_t size = member_size(bits), members = size * r->member_count;
    struct tbl_entry *entry = sl_new(sizeof *entry + members + r->name.scope_len);
    entry->version = r->version;
    entry->expires_s = r->expires_s;
    entry->owner = r->owner;
    entry->registered_by = r->registered_by;
    memcpy(entry->octets, r->name.octets, NB_NAME_LEN);
    entry->scope_len = r->name.scope_len;
    entry->bits = bits;
    entry->count = r->member_count;
    for (size_t i = 0; i < r->member_count; i++)
        memcpy(entry->tail + i * size, &r->members[i], size);
    memcpy(entry->tail + members, r->name.scope, r->name.scope_len);
    return entry;
}

/* Entries are not aligned to cache lines, so both ends of a plain one are fetched. */
void entry_prefetch(const struct tbl_entry *entry)
{
    __builtin_prefetch(entry);
    __builtin_prefetch((const char *)entry + sizeof *entry);
}

static const uint8_t *scope_of(const struct tbl_entry *entry)
{
    return entry->tail + member_size(entry->bits) * entry->count;
}

bool entry_is(const struct tbl_entry *entry, const struct nb_name *name)
{
    return memcmp(entry->octets, name->octets, NB_NAME_LEN) == 0 && entry->scope_len == name->scope_len &&
           (!name->scope_len || memcmp(scope_of(entry), name->scope, name->scope_len) == 0);
}

static struct wins_member member_of(const struct tbl_entry *entry, size_t i)
{
    struct wins_member m = {.owner = entry->owner, .expires_s = entry->expires_s};
    size_t size = member_size(entry->bits);
    memcpy(&m, entry->tail + i * size, size);
    return m;
}

void tbl_unpack(const struct tbl_entry *entry, struct wins_record *ret_record)
{
    struct wins_record *r = ret_record;
    *r = (struct wins_record){
        .type = (enum wins_type)(entry->bits & TYPE_MASK),
        .state = (enum wins_state)(entry->bits >> STATE_SHIFT & FIELD_MASK),
        .node = (enum wins_node)(entry->bits >> NODE_SHIFT & FIELD_MASK),
        .is_static = entry->bits & BIT_STATIC,
        .owner = entry->owner,
        .version = entry->version,
        .expires_s = entry->expires_s,
        .registered_by = entry->registered_by,
        .member_count = entry->count,
    };
    memcpy(r->name.octets, entry->octets, NB_NAME_LEN);
    r->name.scope_len = entry->scope_len;
    memcpy(r->name.scope, scope_of(entry), entry->scope_len);
    for (size_t i = 0; i < entry->count; i++)
        r->members[i] = member_of(entry, i);
}

void tbl_answer(const struct tbl_entry *entry, uint32_t self, struct wins_answer *ret_answer)
{
    struct wins_member sorted[WINS_MEMBERS_MAX];
    size_t count = entry->count;
    for (size_t i = 0; i < count; i++)
        sorted[i] = member_of(entry, i);
    wins_members_sort(sorted, count, self);
    ret_answer->type = (enum wins_type)(entry->bits & TYPE_MASK);
    ret_answer->state = (enum wins_state)(entry->bits >> STATE_SHIFT & FIELD_MASK);
    ret_answer->node = (enum wins_node)(entry->bits >> NODE_SHIFT & FIELD_MASK);
    ret_answer->count = (uint8_t)count;
    for (size_t i = 0; i < count; i++)
        ret_answer->addresses[i] = sorted[i].address;
}

/* ---- SipHash-1-3 ---- */

static uint64_t rotate(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

static void sip_octets(uint64_t v[4], const uint8_t *octets, size_t len)
{
    for (; len; ) {
        uint64_t word = 0;
        size_t n = len < sizeof word ? len : sizeof word;
        memcpy(&word, octets, n);
        sip_word(v, word);
        octets += n;
        len -= n;
    }
}

static uint64_t sip_name(const struct entry_key *key, const uint8_t *octets, const void *scope, size_t scope_len)
{
    uint64_t v[4] = {key->k[0] ^ UINT64_C(0x736f6d6570736575), key->k[1] ^ UINT64_C(0x646f72616e646f6d),
                     key->k[0] ^ UINT64_C(0x6c7967656e657261), key->k[1] ^ UINT64_C(0x7465646279746573)};
    sip_octets(v, octets, NB_NAME_LEN);
    sip_octets(v, scope, scope_len);
    sip_word(v, (NB_NAME_LEN + (uint64_t)scope_len) << 56);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t entry_name_hash(const struct entry_key *key, const struct nb_name *name)
{
    return sip_name(key, name->octets, name->scope, name->scope_len);
}

uint64_t entry_hash(const struct entry_key *key, const struct tbl_entry *entry)
{
    return sip_name(key, entry->octets, scope_of(entry), entry->scope_len);
}
