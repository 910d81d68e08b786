#include "common/base/memory.h"

#include "common/base/assert.h"

#include <stdlib.h>
#include <string.h>

void *sl_new(size_t size)
{
    return sl_new_array(1, size);
}

void *sl_new_array(size_t count, size_t size)
{
    void *fresh = calloc(count ? count : 1, size ? size : 1);
    sl_assert(fresh != NULL);
    return fresh;
}

void *sl_resize(void *old, size_t count, size_t size)
{
    void *fresh = reallocarray(old, count ? count : 1, size ? size : 1);
    sl_assert(fresh != NULL);
    return fresh;
}

void *sl_grow(void *items, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0)
        items = sl_resize(items, count == 0 ? 1 : count * 2, size);
    memset((char *)items + count * size, 0, size);
    return items;
}

char *sl_strdup(const char *text)
{
    if (!text)
        return NULL;
    char *copy = strdup(text);
    sl_assert(copy != NULL);
    return copy;
}
