#include "common/files/files.h"

#include "common/base/assert.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAGIC 0xff110001u

enum { FILES_MAX = 64, COUNT_START = 1024, OCTETS_START = 65536 };

/* A packed row: this, then the scope and the addresses. */
struct packed {
    uint8_t name[NB_NAME_LEN];
    int64_t expires_s;
    uint32_t line;
    uint8_t file, kind, node, scope_len, address_count;
    bool is_static;
};

struct ff_list {
    uint32_t magic;
    uint8_t *octets;
    size_t used, size;
    size_t *at; /* of each row in the octets */
    size_t count, room;
    char *files[FILES_MAX];
    size_t file_count;
};

struct ff_list *ff_list_new(void)
{
    struct ff_list *list = sl_new(sizeof *list);
    list->magic = LIST_MAGIC;
    return list;
}

void ff_list_free(struct ff_list *list)
{
    if (!list)
        return;
    SL_CHECK_MAGIC(list, LIST_MAGIC);
    for (size_t i = 0; i < list->file_count; i++)
        free(list->files[i]);
    free(list->octets);
    free(list->at);
    list->magic = 0;
    free(list);
}

/* Files beyond FILES_MAX share the last name. */
static uint8_t file_number(struct ff_list *list, const char *file)
{
    for (size_t i = list->file_count; i > 0; i--)
        if (strcmp(list->files[i - 1], file) == 0)
            return (uint8_t)(i - 1);
    if (list->file_count == FILES_MAX)
        return FILES_MAX - 1;
    list->files[list->file_count] = sl_strdup(file);
    return (uint8_t)list->file_count++;
}

static void *grow(struct ff_list *list, size_t len)
{
    if (list->used + len > list->size) {
        list->size = list->size ? list->size * 2 : OCTETS_START;
        list->octets = sl_resize(list->octets, list->size, 1);
    }
    void *at = list->octets + list->used;
    list->used += len;
    return at;
}

static size_t pack(struct ff_list *list, const struct ff_row *row, uint32_t line, uint8_t file)
{
    size_t at = list->used, addresses = row->address_count * sizeof row->addresses[0];
    struct packed p = {.expires_s = row->expires_s, .line = line, .file = file, .kind = (uint8_t)row->kind, .node = row->node,
                       .scope_len = row->name.scope_len, .address_count = row->address_count, .is_static = row->is_static};
    memcpy(p.name, row->name.octets, NB_NAME_LEN);
    uint8_t *octets = grow(list, sizeof p + p.scope_len + addresses);
    memcpy(octets, &p, sizeof p);
    memcpy(octets + sizeof p, row->name.scope, p.scope_len);
    memcpy(octets + sizeof p + p.scope_len, row->addresses, addresses);
    return at;
}

enum sl_status ff_list_add(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    struct ff_list *list = ctx;
    SL_CHECK_MAGIC(list, LIST_MAGIC);
    if (list->count == FF_ROWS_MAX)
        return sl_fail(e, SL_LIMIT, "more than %d rows", FF_ROWS_MAX);
    if (list->count == list->room) {
        list->room = list->room ? list->room * 2 : COUNT_START;
        list->at = sl_resize(list->at, list->room, sizeof *list->at);
    }
    list->at[list->count++] = pack(list, row, place->line, file_number(list, place->file));
    return SL_OK;
}

size_t ff_list_count(const struct ff_list *list)
{
    return list->count;
}

void ff_list_get(const struct ff_list *list, size_t at, struct ff_row *ret_row, struct ff_place *ret_place)
{
    struct packed p;
    const uint8_t *octets = list->octets + list->at[at];
    memcpy(&p, octets, sizeof p);
    ret_row->kind = (enum ff_kind)p.kind;
    ret_row->node = p.node;
    ret_row->is_static = p.is_static;
    ret_row->expires_s = p.expires_s;
    ret_row->address_count = p.address_count;
    memcpy(ret_row->name.octets, p.name, NB_NAME_LEN);
    ret_row->name.scope_len = p.scope_len;
    memcpy(ret_row->name.scope, octets + sizeof p, p.scope_len);
    memcpy(ret_row->addresses, octets + sizeof p + p.scope_len, p.address_count * sizeof ret_row->addresses[0]);
    *ret_place = (struct ff_place){.file = list->files[p.file], .line = p.line};
}

/* ---- joining ------------------------------------------------------------------------------------------------------ */

/* By name and scope, rows of one name in the order they were read in. */
static int compare(const void *a, const void *b, void *ctx)
{
    const uint8_t *octets = ctx;
    size_t at_a = *(const size_t *)a, at_b = *(const size_t *)b;
    struct packed p, q;
    int order = memcmp(octets + at_a, octets + at_b, NB_NAME_LEN);
    if (order)
        return order;
    memcpy(&p, octets + at_a, sizeof p);
    memcpy(&q, octets + at_b, sizeof q);
    order = (int)p.scope_len - (int)q.scope_len;
    if (!order)
        order = memcmp(octets + at_a + sizeof p, octets + at_b + sizeof q, p.scope_len);
    return order ? order : at_a < at_b ? -1 : 1;
}

static bool has(const struct ff_row *row, uint32_t address)
{
    for (size_t i = 0; i < row->address_count; i++)
        if (row->addresses[i] == address)
            return true;
    return false;
}

/* Adds what `more` says to `row`; SL_CONFLICT when they do not go together, SL_LIMIT when that makes too many addresses. */
static enum sl_status join(struct ff_row *row, const struct ff_row *more)
{
    if (row->kind != more->kind || row->is_static != more->is_static)
        return SL_CONFLICT;
    for (size_t i = 0; i < more->address_count; i++) {
        if (has(row, more->addresses[i]))
            continue;
        if (row->kind == FF_UNIQUE)
            return SL_CONFLICT;
        if (row->address_count == FF_ADDRESSES_MAX)
            return SL_LIMIT;
        row->addresses[row->address_count++] = more->addresses[i];
    }
    row->expires_s = row->expires_s > more->expires_s ? row->expires_s : more->expires_s;
    return SL_OK;
}

/* Joins the rows of one name that begin at `first`; their number goes to *ret_taken, the result to row `to`. */
static enum sl_status join_name(struct ff_list *list, size_t first, size_t to, size_t *ret_taken, struct sl_error *e)
{
    struct ff_row row, next;
    struct ff_place place, next_place;
    size_t at = first + 1;
    ff_list_get(list, first, &row, &place);
    for (; at < list->count; at++) {
        if (memcmp(list->octets + list->at[at], row.name.octets, NB_NAME_LEN) != 0)
            break;
        ff_list_get(list, at, &next, &next_place);
        if (!nb_name_equal(&next.name, &row.name))
            break;
        enum sl_status status = join(&row, &next);
        if (status == SL_LIMIT)
            return sl_fail(e, status, "%s:%u: %s has more than %d addresses", next_place.file, next_place.line,
                           nb_name_text(&row.name).text, FF_ADDRESSES_MAX);
        if (status != SL_OK)
            return sl_fail(e, status, "%s:%u: %s does not go together with %s:%u", next_place.file, next_place.line,
                           nb_name_text(&row.name).text, place.file, place.line);
    }
    list->at[to] = at == first + 1 ? list->at[first] : pack(list, &row, place.line, file_number(list, place.file));
    *ret_taken = at - first;
    return SL_OK;
}

enum sl_status ff_list_join(struct ff_list *list, struct sl_error *e)
{
    SL_CHECK_MAGIC(list, LIST_MAGIC);
    if (list->count == 0)
        return SL_OK;
    qsort_r(list->at, list->count, sizeof *list->at, compare, list->octets);
    size_t to = 0, taken;
    for (size_t at = 0; at < list->count; at += taken) {
        enum sl_status status = join_name(list, at, to++, &taken, e);
        if (status != SL_OK)
            return status;
    }
    list->count = to;
    return SL_OK;
}
