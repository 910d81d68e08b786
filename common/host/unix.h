/*
 * unix.h - the file of a Unix stream socket that a daemon listens on.
 */
#ifndef SL_COMMON_HOST_UNIX_H
#define SL_COMMON_HOST_UNIX_H

#include "common/base/error.h"

#include <stdbool.h>
#include <sys/stat.h>

struct host_unix {
    int fd; /* does not block */
    char *path;
    struct stat inode; /* of the file as we made it */
};

/* SL_USAGE when the path of a control socket is empty or longer than one may be. */
enum sl_status host_unix_check(const char *path, struct sl_error *e) SL_MUST;
/* Binds and listens, mode 0660. A stale file is replaced, a live daemon is SL_CONFLICT, as is anything else in its place. */
enum sl_status host_unix_listen(const char *path, struct host_unix *ret_unix, struct sl_error *e) SL_MUST;
/* Closes it and removes the file, unless another has taken its place. */
void host_unix_close(struct host_unix *u);

#endif
