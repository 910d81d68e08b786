/*
 * LD_PRELOAD shim: every fsync and fdatasync takes 5 ms longer, as on a disk that is slower than this one.
 */
#include "config.h"

#include <dlfcn.h>
#include <time.h>
#include <unistd.h>

enum { DELAY_NS = 5000000 };

static int slowly(const char *name, int fd)
{
    union {
        void *object;
        int (*function)(int fd);
    } real = {.object = dlsym(RTLD_NEXT, name)};
    nanosleep(&(struct timespec){.tv_nsec = DELAY_NS}, NULL);
    return real.function(fd);
}

int fsync(int fd)
{
    return slowly("fsync", fd);
}

int fdatasync(int fd)
{
    return slowly("fdatasync", fd);
}
