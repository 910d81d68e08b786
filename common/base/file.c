#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sl_status fail(const char *path, int err, struct sl_error *e)
{
    return sl_fail(e, err == EACCES || err == EPERM ? SL_DENIED : SL_IO, "%s: %s", path, strerror(err));
}

enum sl_status sl_file_open(const char *path, FILE **ret_file, struct sl_error *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int err = errno;
    bool is_pipe = (fd >= 0 ? fstat(fd, &st) : stat(path, &st)) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
    FILE *file = fd >= 0 && !is_pipe ? fdopen(fd, "r") : NULL;
    if (file) {
        *ret_file = file;
        return SL_OK;
    }
    if (fd >= 0)
        (void)close(fd);
    return is_pipe ? sl_fail(e, SL_IO, "%s: a pipe or a socket; a file is wanted", path) : fail(path, fd >= 0 ? ENOMEM : err, e);
}

enum sl_status sl_file_check(const char *path, struct sl_error *e)
{
    FILE *file;
    enum sl_status s = path ? sl_file_open(path, &file, e) : SL_OK;
    if (path && s == SL_OK)
        (void)fclose(file);
    return s;
}
