#include "common/base/lazy.h"

#include <dlfcn.h>
#include <string.h>

/* Called with the lock held. */
static enum sl_status load(struct sl_lazy *l, struct sl_error *e)
{
    void *handle = dlopen(l->soname, RTLD_LAZY | RTLD_LOCAL); /* RTLD_NOW would bind all that it brings along, used or not */
    if (!handle)
        return sl_fail(e, SL_UNSUPPORTED, "the library %s cannot be loaded: %s", l->soname, dlerror());
    for (size_t i = 0; i < l->count; i++) {
        void *address = dlsym(handle, l->symbols[i].name);
        if (!address) {
            (void)dlclose(handle);
            return sl_fail(e, SL_UNSUPPORTED, "the library %s has no %s", l->soname, l->symbols[i].name);
        }
        memcpy((char *)l->table + l->symbols[i].offset, &address, sizeof address);
    }
    if (l->start)
        l->start();
    return SL_OK;
}

enum sl_status sl_lazy_need(struct sl_lazy *library, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    (void)pthread_mutex_lock(&library->lock);
    if (!library->ready)
        s = load(library, e);
    library->ready = s == SL_OK;
    (void)pthread_mutex_unlock(&library->lock);
    return s;
}
