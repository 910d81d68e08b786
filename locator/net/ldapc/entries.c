#include "locator/net/ldapc/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Results live in a few large pieces that are freed together. */
enum { PIECE = 16384 };

struct piece {
    struct piece *next;
    size_t used, size;
    _Alignas(max_align_t) char octets[];
};

struct memory {
    struct piece *pieces;
    size_t total;
    size_t room; /* of the array of entries */
};

static struct memory *memory_of(struct ldapc_entries *entries)
{
    if (entries->memory == NULL)
        entries->memory = calloc(1, sizeof(struct memory));
    return entries->memory;
}

void *ldapc_entries_alloc(struct ldapc_entries *entries, size_t size)
{
    struct memory *m = memory_of(entries);

    if (m == NULL || size > LDAPC_OCTETS_MAX - m->total)
        return NULL;
    size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

    if (m->pieces == NULL || rounded > m->pieces->size - m->pieces->used) {
        size_t room = rounded > PIECE ? rounded : PIECE;
        struct piece *piece = malloc(sizeof *piece + room);

        if (piece == NULL)
            return NULL;
        *piece = (struct piece){.next = m->pieces, .size = room};
        m->pieces = piece;
    }
    void *at = m->pieces->octets + m->pieces->used;

    m->pieces->used += rounded;
    m->total += size;
    return at;
}

char *ldapc_entries_copy(struct ldapc_entries *entries, const void *octets, size_t len)
{
    char *copy = ldapc_entries_alloc(entries, len + 1);

    if (copy == NULL)
        return NULL;
    if (len > 0)
        memcpy(copy, octets, len);
    copy[len] = '\0';
    return copy;
}

struct ldapc_entry *ldapc_entries_next(struct ldapc_entries *entries)
{
    struct memory *m = memory_of(entries);

    if (m == NULL)
        return NULL;
    if (entries->count == m->room) {
        size_t room = m->room == 0 ? 8 : m->room * 2;
        struct ldapc_entry *items = reallocarray(entries->items, room, sizeof *items);

        if (items == NULL)
            return NULL;
        entries->items = items;
        m->room = room;
    }
    entries->items[entries->count] = (struct ldapc_entry){0};
    return &entries->items[entries->count];
}

size_t ldapc_name_length(const char *name, size_t len, uint64_t *ret_next)
{
    const char *range = memmem(name, len, ";range=", strlen(";range="));
    const char *dash = range != NULL ? memchr(range, '-', len - (size_t)(range - name)) : NULL;
    size_t count = dash != NULL ? (size_t)(name + len - dash) - 1 : 0;
    char digits[24] = "";
    uint64_t last;

    *ret_next = 0;
    if (count > 0 && count < sizeof digits) {
        memcpy(digits, dash + 1, count);
        if (sl_parse_u64(digits, UINT32_MAX, &last))
            *ret_next = last + 1;
    }
    return range != NULL ? (size_t)(range - name) : len;
}

/* The attribute of this name among `count`, a new one at the end when there is none; NULL without memory. */
static struct ldapc_attr *attr_of(struct ldapc_entries *entries, struct ldapc_attr *attrs, size_t *count, const char *name)
{
    uint64_t next;
    size_t len = ldapc_name_length(name, strlen(name), &next);

    entries->incomplete = entries->incomplete || next != 0;
    for (size_t i = 0; i < *count; i++) {
        if (strncasecmp(attrs[i].name, name, len) == 0 && attrs[i].name[len] == '\0')
            return &attrs[i];
    }
    char *plain = ldapc_entries_copy(entries, name, len);

    if (plain == NULL)
        return NULL;
    attrs[*count] = (struct ldapc_attr){.name = plain};
    return &attrs[(*count)++];
}

/* Gathers the pairs: first their number by attribute, then the values, in one array. */
static bool put_pairs(struct ldapc_entries *entries, struct ldapc_entry *entry, const struct ldapc_pair *pairs, size_t count)
{
    struct ldapc_attr *attrs = ldapc_entries_alloc(entries, count * sizeof *attrs), **of = calloc(count + 1, sizeof(*of));
    struct ldapc_value *values = ldapc_entries_alloc(entries, count * sizeof *values);
    bool fine = attrs != NULL && values != NULL && of != NULL;

    entry->attrs = attrs;
    for (size_t i = 0; fine && i < count; i++) {
        of[i] = attr_of(entries, attrs, &entry->count, pairs[i].attr);
        fine = of[i] != NULL;
        if (fine)
            of[i]->count++;
    }
    for (size_t i = 0; fine && i < entry->count; i++) {
        attrs[i].values = values;
        values += attrs[i].count;
        attrs[i].count = 0;
    }
    for (size_t i = 0; fine && i < count; i++) {
        char *data = ldapc_entries_copy(entries, pairs[i].data, pairs[i].len);

        fine = data != NULL;
        if (fine)
            of[i]->values[of[i]->count++] = (struct ldapc_value){.data = data, .len = pairs[i].len};
    }
    free(of);
    return fine;
}

enum sl_status ldapc_entries_put(struct ldapc_entries *entries, const char *dn, const struct ldapc_pair *pairs, size_t count,
                                 struct sl_error *e)
{
    struct ldapc_entry *entry = ldapc_entries_next(entries);

    if (entry == NULL || (entry->dn = ldapc_entries_copy(entries, dn, strlen(dn))) == NULL ||
        !put_pairs(entries, entry, pairs, count))
        return sl_fail(e, SL_LIMIT, "%s: no room for the entry (%d octets in all)", dn, LDAPC_OCTETS_MAX);
    entries->count++;
    return SL_OK;
}

enum sl_status ldapc_entries_share(struct ldapc_entries *entries, const struct ldapc_entry *entry, struct sl_error *e)
{
    struct ldapc_entry *next = ldapc_entries_next(entries);

    if (next == NULL)
        return sl_fail(e, SL_LIMIT, "%s: no room for the entry", entry->dn);
    *next = *entry;
    entries->count++;
    return SL_OK;
}

void ldapc_entries_fini(struct ldapc_entries *entries)
{
    struct memory *m = entries->memory;

    while (m != NULL && m->pieces != NULL) {
        struct piece *piece = m->pieces;

        m->pieces = piece->next;
        free(piece);
    }
    free(m);
    free(entries->items);
    *entries = (struct ldapc_entries){0};
}

const struct ldapc_attr *ldapc_entry_attr(const struct ldapc_entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->count; i++) {
        if (sl_text_iequal(entry->attrs[i].name, name))
            return &entry->attrs[i];
    }
    return NULL;
}

const char *ldapc_entry_text(const struct ldapc_entry *entry, const char *name)
{
    const struct ldapc_attr *attr = ldapc_entry_attr(entry, name);

    if (attr == NULL || attr->count == 0 || strlen(attr->values[0].data) != attr->values[0].len)
        return NULL;
    return attr->values[0].data;
}

bool ldapc_entry_has(const struct ldapc_entry *entry, const char *name, const char *value)
{
    const struct ldapc_attr *attr = ldapc_entry_attr(entry, name);

    for (size_t i = 0; attr != NULL && i < attr->count; i++) {
        if (sl_text_iequal(attr->values[i].data, value))
            return true;
    }
    return false;
}
