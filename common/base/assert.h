/*
 * assert.h - assertions that stay in production, and object magic.
 *
 * Expected errors are results; what cannot happen is asserted, always. An object that crosses a void pointer starts with
 * a magic number, so that a wrong or freed object dies at the first touch.
 *
 *     struct tbl { uint32_t magic; ... };      #define TBL_MAGIC 0x7ab1e001u
 *     struct tbl *t = sl_new(sizeof *t); t->magic = TBL_MAGIC;
 *     SL_CHECK_MAGIC(t, TBL_MAGIC);
 */
#ifndef SL_COMMON_BASE_ASSERT_H
#define SL_COMMON_BASE_ASSERT_H

#include <stddef.h>

/* Prints place and condition to standard error and aborts. */
_Noreturn void sl_assert_failed(const char *file, int line, const char *what);

#define sl_assert(cond) ((cond) ? (void)0 : sl_assert_failed(__FILE__, __LINE__, #cond))
#define SL_CHECK_MAGIC(obj, number) sl_assert((obj) != NULL && (obj)->magic == (number))

#endif
