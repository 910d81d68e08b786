#include "wins-emu/table/shared.h"

#include "wins-emu/table/table.h"

const void *tbl_shared_get(const struct tbl_shared *shared)
{
    return __atomic_load_n(&shared->object, __ATOMIC_ACQUIRE);
}

void *tbl_shared_swap(struct tbl_shared *shared, void *object)
{
    void *old = __atomic_exchange_n(&shared->object, object, __ATOMIC_ACQ_REL);
    tbl_grace();
    return old;
}
