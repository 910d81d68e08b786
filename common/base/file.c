#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sl_status fail(const char *path, int err, struct sl_error *e)
{
    return sl_fail(e, err == EACCES || err == EPERM || err == EROFS ? SL_DENIED : SL_IO, "%s: %s", path, strerror(err));
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

/* A renamed file is there after a crash only once its folder has been written. */
static bool sync_folder(const char *path)
{
    struct sl_text folder = sl_text_new(PATH_MAX);
    const char *slash = strrchr(path, '/');
    sl_text_printf(&folder, "%.*s", slash != NULL ? (int)(slash - path + 1) : 1, slash != NULL ? path : ".");
    int fd = open(sl_text_str(&folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    sl_text_fini(&folder);
    return is_good;
}

enum sl_status sl_file_replace(const char *path, const struct sl_text *text, mode_t mode, struct sl_error *e)
{
    struct sl_text temporary = sl_text_new(PATH_MAX);
    sl_text_printf(&temporary, "%s.new", path);
    (void)unlink(sl_text_str(&temporary)); /* of a run that was cut short */
    int fd = open(sl_text_str(&temporary), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    bool is_good = fd >= 0;
    for (size_t done = 0; is_good && done < text->len;) {
        ssize_t n = write(fd, text->data + done, text->len - done);
        is_good = n >= 0 || errno == EINTR;
        done += n > 0 ? (size_t)n : 0;
    }
    is_good = is_good && fsync(fd) == 0 && rename(sl_text_str(&temporary), path) == 0 && sync_folder(path);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!is_good && fd >= 0)
        (void)unlink(sl_text_str(&temporary));
    sl_text_fini(&temporary);
    return is_good ? SL_OK : fail(path, error, e);
}
