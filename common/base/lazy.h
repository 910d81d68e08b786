/*
 * lazy.h - a foreign library that is loaded when it is first needed, so that a program that does not need it neither pays for it
 * nor depends on it. The file that owns the library holds a table of what it uses of it:
 *
 *     #define Z_TABLE(X) X(inflate) X(crc32)
 *     struct z { Z_TABLE(Z_MEMBER) };                   with  #define Z_MEMBER(name) __typeof__(&name) name;
 *     static const struct sl_lazy_symbol symbols[] = {Z_TABLE(Z_SYMBOL)};      {"crc32", offsetof(struct z, crc32)},
 *     static struct z z;
 *     static struct sl_lazy library = SL_LAZY("libz.so.1", symbols, &z, NULL);
 *     s = sl_lazy_need(&library, e);                    then  z.crc32(...)
 */
#ifndef SL_COMMON_BASE_LAZY_H
#define SL_COMMON_BASE_LAZY_H

#include "common/base/error.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A function or variable of the library, and where its address goes in the table. */
struct sl_lazy_symbol {
    const char *name;
    size_t offset;
};

struct sl_lazy {
    const char *soname;
    const struct sl_lazy_symbol *symbols;
    size_t count;
    void *table;          /* constant once the library is ready */
    void (*start)(void);  /* the library's own initialisation, called once; NULL: none */
    pthread_mutex_t lock; /* of what follows */
    bool ready;
};

#define SL_LAZY(soname_, symbols_, table_, start_)                                                                     \
    {                                                                                                                  \
        .soname = soname_, .symbols = symbols_, .count = SL_COUNT(symbols_), .table = table_, .start = start_,         \
        .lock = PTHREAD_MUTEX_INITIALIZER,                                                                             \
    }

/*
 * Loads the library unless that is done, and fills its table; it stays loaded until the process ends. Any thread; who got SL_OK
 * may use the table. SL_UNSUPPORTED names the library that cannot be loaded, or what it lacks; the next call tries again.
 */
enum sl_status sl_lazy_need(struct sl_lazy *library, struct sl_error *e) SL_MUST;

#endif
