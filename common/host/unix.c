#include "common/host/unix.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64, SOCKET_MODE = 0660 };

static enum sl_status status_of_errno(int err)
{
    return err == EACCES || err == EPERM || err == EROFS ? SL_DENIED : SL_IO;
}

static enum sl_status fail_errno(struct sl_error *e, const char *path, const char *what)
{
    int err = errno;
    return sl_fail(e, status_of_errno(err), "%s: %s: %s", path, what, strerror(err));
}

/* Removes the file of a daemon that is no more; refuses to touch anything else. */
static enum sl_status clear_path(const struct sockaddr_un *addr, struct sl_error *e)
{
    struct stat st;
    if (lstat(addr->sun_path, &st) < 0)
        return errno == ENOENT ? SL_OK : fail_errno(e, addr->sun_path, "stat");
    if (!S_ISSOCK(st.st_mode))
        return sl_fail(e, SL_CONFLICT, "%s: is there and not a socket", addr->sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail_errno(e, addr->sun_path, "socket");
    int err = connect(fd, (const struct sockaddr *)addr, sizeof *addr) < 0 ? errno : 0;
    close(fd);
    errno = err;
    if (err == 0 || err == EAGAIN)
        return sl_fail(e, SL_CONFLICT, "%s: another daemon serves this socket", addr->sun_path);
    if (err != ECONNREFUSED)
        return fail_errno(e, addr->sun_path, "connect");
    return unlink(addr->sun_path) == 0 || errno == ENOENT ? SL_OK : fail_errno(e, addr->sun_path, "unlink");
}

static enum sl_status bind_and_listen(struct host_unix *u, const struct sockaddr_un *addr, struct sl_error *e)
{
    enum sl_status status = clear_path(addr, e);
    if (status != SL_OK)
        return status;
    if (bind(u->fd, (const struct sockaddr *)addr, sizeof *addr) < 0)
        return fail_errno(e, u->path, "bind");
    if (chmod(u->path, SOCKET_MODE) < 0 || lstat(u->path, &u->inode) < 0)
        return fail_errno(e, u->path, "chmod");
    return listen(u->fd, BACKLOG) == 0 ? SL_OK : fail_errno(e, u->path, "listen");
}

enum sl_status host_unix_check(const char *path, struct sl_error *e)
{
    const size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    if (strlen(path) > most)
        return sl_fail(e, SL_USAGE, "%s: longer than the %zu octets of a socket's path", path, most);
    return path[0] ? SL_OK : sl_fail(e, SL_USAGE, "the path of the control socket is empty");
}

/* Two daemons that start at once must not take each other's fresh socket for a stale one: the folder is locked meanwhile. */
static enum sl_status take_path(struct host_unix *u, struct sl_error *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    enum sl_status status = host_unix_check(u->path, e);
    if (status != SL_OK)
        return status;
    (void)sl_text_copy(addr.sun_path, sizeof addr.sun_path, u->path);
    char folder_path[sizeof addr.sun_path];
    memcpy(folder_path, addr.sun_path, sizeof folder_path);
    const char *folder_name = dirname(folder_path);
    int folder = open(folder_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return fail_errno(e, u->path, folder_name);
    status = flock(folder, LOCK_EX) == 0 ? SL_OK : fail_errno(e, folder_name, "lock");
    if (status == SL_OK)
        status = bind_and_listen(u, &addr, e);
    close(folder);
    return status;
}

enum sl_status host_unix_listen(const char *path, struct host_unix *ret_unix, struct sl_error *e)
{
    struct host_unix u = {.path = sl_strdup(path), .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    enum sl_status status = u.fd < 0 ? fail_errno(e, path, "socket") : take_path(&u, e);
    if (status == SL_OK)
        *ret_unix = u;
    else
        host_unix_close(&u);
    return status;
}

void host_unix_close(struct host_unix *u)
{
    struct stat now;
    bool ours = u->inode.st_ino != 0 && lstat(u->path, &now) == 0 && now.st_ino == u->inode.st_ino &&
                now.st_dev == u->inode.st_dev;
    if (ours)
        unlink(u->path);
    if (u->fd >= 0)
        close(u->fd);
    free(u->path);
}
