#include "common/base/cancel.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum sl_status sl_cancel_init(struct sl_cancel *c, struct sl_error *e)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return sl_fail(e, SL_IO, "eventfd: %s", strerror(errno));
    atomic_init(&c->told, false);
    c->fd = fd;
    return SL_OK;
}

void sl_cancel_fini(struct sl_cancel *c)
{
    (void)close(c->fd);
    c->fd = -1;
}

void sl_cancel_tell(struct sl_cancel *c)
{
    atomic_store(&c->told, true);
    (void)!write(c->fd, &(uint64_t){1}, sizeof(uint64_t));
}

void sl_cancel_renew(struct sl_cancel *c)
{
    uint64_t count;
    atomic_store(&c->told, false);
    (void)!read(c->fd, &count, sizeof count);
}

bool sl_cancel_is_told(const struct sl_cancel *c)
{
    return atomic_load(&c->told);
}
