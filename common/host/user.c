#include "common/host/user.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BUFFER_OCTETS = 16384 };

struct user {
    uid_t uid;
    gid_t gid;
};

static enum sl_status find(const char *name, struct user *ret_user, struct sl_error *e)
{
    struct passwd entry, *found = NULL;
    char buffer[BUFFER_OCTETS];
    int error = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (!found)
        return sl_fail(e, SL_USAGE, "there is no user \"%s\"%s%s", name, error ? ": " : "", error ? strerror(error) : "");
    *ret_user = (struct user){found->pw_uid, found->pw_gid};
    return SL_OK;
}

enum sl_status host_user_check(const char *name, struct sl_error *e)
{
    struct user ignored;
    return find(name, &ignored, e);
}

static enum sl_status fail_errno(struct sl_error *e, const char *what)
{
    return sl_fail(e, SL_DENIED, "%s: %s", what, strerror(errno));
}

enum sl_status host_user_give(const char *name, const char *path, struct sl_error *e)
{
    struct user user;
    struct stat st;
    enum sl_status status = find(name, &user, e);
    if (status != SL_OK)
        return status;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return SL_OK;
    bool ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && st.st_nlink == 1 && user.uid != 0;
    if (ours && fchown(fd, user.uid, user.gid) != 0)
        status = fail_errno(e, path);
    close(fd);
    return status;
}

enum sl_status host_user_give_socket(const char *name, int fd, struct sl_error *e)
{
    struct user user;
    enum sl_status status = find(name, &user, e);
    if (status == SL_OK && geteuid() != user.uid && fchown(fd, user.uid, user.gid) != 0)
        status = sl_fail(e, SL_DENIED, "giving a socket to user \"%s\": %s", name, strerror(errno));
    return status;
}

enum sl_status host_user_group(const char *name, gid_t *ret_group, struct sl_error *e)
{
    struct group entry, *found = NULL;
    char buffer[BUFFER_OCTETS];
    int error = getgrnam_r(name, &entry, buffer, sizeof buffer, &found);
    if (!found)
        return sl_fail(e, SL_USAGE, "there is no group \"%s\"%s%s", name, error ? ": " : "", error ? strerror(error) : "");
    *ret_group = found->gr_gid;
    return SL_OK;
}

static enum sl_status drop_capabilities(struct sl_error *e)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL)
        return fail_errno(e, "giving up ambient capabilities");
    return syscall(SYS_capset, &header, none) == 0 ? SL_OK : fail_errno(e, "giving up capabilities");
}

enum sl_status host_user_become(const char *name, const char *group, struct sl_error *e)
{
    struct user user;
    gid_t more = 0;
    if (!name)
        return geteuid() == 0 ? SL_OK : drop_capabilities(e);
    enum sl_status status = find(name, &user, e);
    if (status == SL_OK && group)
        status = host_user_group(group, &more, e);
    if (status != SL_OK)
        return status;
    bool already = geteuid() == user.uid && getuid() == user.uid;
    if (!already && (setgroups(group ? 1 : 0, &more) != 0 || setresgid(user.gid, user.gid, user.gid) != 0 ||
                     setresuid(user.uid, user.uid, user.uid) != 0)) {
        int error = errno;
        return sl_fail(e, SL_DENIED, "becoming user \"%s\": %s", name, strerror(error));
    }
    return user.uid == 0 ? SL_OK : drop_capabilities(e);
}
