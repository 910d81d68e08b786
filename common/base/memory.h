/*
 * memory.h - allocation that either succeeds or ends the program.
 *
 * For programs and for set-up. The library behind the public header must survive want of memory and therefore uses
 * plain malloc with SL_NOMEM where a caller's data decides the size. All results are freed with free().
 */
#ifndef SL_COMMON_BASE_MEMORY_H
#define SL_COMMON_BASE_MEMORY_H

#include <stddef.h>

/* Zeroed memory of `size` octets; aborts when there is none. */
void *sl_new(size_t size) __attribute__((returns_nonnull, malloc));
/* Zeroed memory for `count` elements, the product checked for overflow; aborts when there is none. */
void *sl_new_array(size_t count, size_t size) __attribute__((returns_nonnull, malloc));
/* Grows or shrinks to `count` elements; new octets are not zeroed; aborts when there is none. */
void *sl_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/*
 * Room for one more element, zeroed, behind the `count` of a list that only ever grows by this, and does so by doubling; aborts
 * when there is none. Returns the list.
 */
void *sl_grow(void *items, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy of a string; aborts when there is no memory. NULL gives NULL. */
char *sl_strdup(const char *text);

#endif
