/*
 * entry.h - one record packed into one block of memory, inside table/ only.
 *
 * 44 octets and the addresses, then the scope. A record whose members all have the owner and expiry of the record (every name
 * with one address) keeps the bare addresses; else each member is kept whole. Entries never change once they are published.
 */
#ifndef SL_WINS_TABLE_ENTRY_H
#define SL_WINS_TABLE_ENTRY_H

#include "wins-emu/table/table.h"

/* The key of the hash; random, because names come from strangers who must not be able to choose ones that collide. */
struct entry_key {
    uint64_t k[2];
};

/* A packed copy of the record; freed with free(). */
struct tbl_entry *entry_new(const struct wins_record *record);
/* Fetches what a lookup reads of it into the cache; any address will do. */
void entry_prefetch(const struct tbl_entry *entry);
/* True when it is the entry of this name, all 16 octets and the scope. */
bool entry_is(const struct tbl_entry *entry, const struct nb_name *name);
/* SipHash-1-3 (Aumasson and Bernstein) of the 16 octets, then of the scope where there is one. */
uint64_t entry_name_hash(const struct entry_key *key, const struct nb_name *name);
/* The same of the name of an entry. */
uint64_t entry_hash(const struct entry_key *key, const struct tbl_entry *entry);

#endif
