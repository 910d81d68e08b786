/*
 * alike.h - what is read, written and read again has to be the same: how tests and fuzz targets compare.
 */
#ifndef SL_TESTS_LIB_ALIKE_H
#define SL_TESTS_LIB_ALIKE_H

#include "common/files/files.h"
#include "common/wire/message.h"

#include <string.h>

static inline bool alike_data(const struct nb_message *a, const struct nb_message *b)
{
    if (a->rdata != b->rdata)
        return false;
    if (a->rdata == NB_RDATA_EMPTY)
        return true;
    if (a->rdata == NB_RDATA_WACK)
        return a->wack_flags == b->wack_flags;
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = a->rdata == NB_RDATA_ADDRESSES
                   ? a->addresses[i].flags == b->addresses[i].flags && a->addresses[i].address == b->addresses[i].address
                   : a->names[i].flags == b->names[i].flags && memcmp(a->names[i].octets, b->names[i].octets, NB_NAME_LEN) == 0;
    return same;
}

/* True when both messages would be written alike. */
static inline bool alike_messages(const struct nb_message *a, const struct nb_message *b)
{
    if (a->id != b->id || a->flags != b->flags || a->has_question != b->has_question || a->record != b->record)
        return false;
    if (!nb_name_equal(&a->name, &b->name) || (a->has_question && a->question_type != b->question_type))
        return false;
    if (a->record == NB_SECTION_NONE)
        return true;
    return a->record_type == b->record_type && a->ttl_s == b->ttl_s && alike_data(a, b);
}

/* True when all fields are equal, addresses in the same order. */
static inline bool alike_rows(const struct ff_row *a, const struct ff_row *b)
{
    return nb_name_equal(&a->name, &b->name) && a->kind == b->kind && a->node == b->node && a->is_static == b->is_static &&
           a->expires_s == b->expires_s && a->address_count == b->address_count &&
           memcmp(a->addresses, b->addresses, a->address_count * sizeof a->addresses[0]) == 0;
}

#endif
