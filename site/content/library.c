#include "site/content/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART "part"
#define DAMAGED "damaged"

enum { CHUNK = 1 << 20 };

/* No time at which anybody writes; on a second, so that every file system keeps it. */
enum { SEAL_S = 946684800 };
static const struct timespec seal[2] = {{.tv_sec = SEAL_S}, {.tv_sec = SEAL_S}}; /* read, written */

enum sl_status cnt_failed(const struct cnt *library, const char *what, struct sl_error *e)
{
    int err = errno;
    return sl_fail(e, err == EACCES || err == EROFS || err == EPERM ? SL_DENIED : SL_IO, "content library %s: %s: %s",
                   library->path, what, strerror(err));
}

bool cnt_is_hash(const char *name)
{
    return strlen(name) == SM_SHA256_SIZE - 1 && strspn(name, "0123456789abcdef") == SM_SHA256_SIZE - 1;
}

/* "ab/ab12...ef"; the only way in which a hash becomes a path. */
static void object_name(const char *sha256, char out[CNT_NAME_SIZE])
{
    sl_assert(cnt_is_hash(sha256));
    snprintf(out, CNT_NAME_SIZE, "%.2s/%s", sha256, sha256);
}

/* Makes a folder below the root; one that is there is fine. */
static enum sl_status make_folder(const struct cnt *library, const char *name, struct sl_error *e)
{
    return mkdirat(library->root, name, 0755) == 0 || errno == EEXIST ? SL_OK : cnt_failed(library, name, e);
}

/* What an earlier process left half copied. */
static enum sl_status empty_parts(const struct cnt *library, struct sl_error *e)
{
    int fd = openat(library->root, PART, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        enum sl_status status = cnt_failed(library, PART, e);
        if (fd >= 0)
            close(fd);
        return status;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    return SL_OK;
}

static enum sl_status open_for_writing(struct cnt *library, struct sl_error *e)
{
    if (mkdir(library->path, 0755) != 0 && errno != EEXIST)
        return cnt_failed(library, "cannot be made", e);
    library->root = open(library->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (library->root < 0)
        return cnt_failed(library, "cannot be opened", e);
    enum sl_status status = make_folder(library, PART, e);
    if (status == SL_OK)
        status = make_folder(library, CNT_FETCH, e);
    return status == SL_OK ? empty_parts(library, e) : status;
}

enum sl_status cnt_open(const char *root, bool for_writing, struct cnt **ret_library, struct sl_error *e)
{
    struct cnt *library = sl_new(sizeof *library);
    *library = (struct cnt){.magic = CNT_MAGIC, .root = -1, .path = sl_strdup(root)};
    enum sl_status status = for_writing ? open_for_writing(library, e) : SL_OK;
    if (status == SL_OK)
        *ret_library = library;
    else
        cnt_close(library);
    return status;
}

void cnt_close(struct cnt *library)
{
    if (library == NULL)
        return;
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    if (library->root >= 0)
        close(library->root);
    free(library->path);
    library->magic = 0;
    free(library);
}

/* ---- copying ---------------------------------------------------------------------------------------------------------- */

bool cnt_write(int fd, const char *octets, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, octets, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        octets += n;
        len -= (size_t)n;
    }
    return true;
}

static ssize_t read_some(int fd, char *octets, size_t len)
{
    ssize_t n;
    do
        n = read(fd, octets, len);
    while (n < 0 && errno == EINTR);
    return n;
}

/* Reads `in` to its end into `out` (-1: nowhere): hash and size. */
static enum sl_status pour(int in, int out, const char *name, const struct cnt_env *env, uint64_t *done, struct sm_file *file,
                           struct sl_error *e)
{
    char *chunk = sl_new_array(CHUNK, 1);
    struct sm_digest *digest = sm_digest_new();
    enum sl_status status = SL_OK;
    ssize_t n = 0;
    while (status == SL_OK && (n = read_some(in, chunk, CHUNK)) > 0) {
        sm_digest_add(digest, chunk, (size_t)n);
        file->size += (uint64_t)n;
        *done += (uint64_t)n;
        if (out >= 0 && !cnt_write(out, chunk, (size_t)n))
            status = sl_fail(e, SL_IO, "%s: cannot be copied: %s", name, strerror(errno));
        else if (env->is_stopping != NULL && env->is_stopping(env->ctx))
            status = sl_fail(e, SL_CANCELED, "%s: the copy was stopped", name);
        else if (env->on_progress != NULL)
            env->on_progress(env->ctx, *done);
    }
    if (status == SL_OK && n < 0)
        status = sl_fail(e, SL_IO, "%s: cannot be read: %s", name, strerror(errno));
    sm_digest_end(digest, file->sha256);
    free(chunk);
    return status;
}

enum sl_status cnt_hash(int fd, const char *name, const struct cnt_env *env, struct sm_file *ret_file, struct sl_error *e)
{
    uint64_t done = 0;
    struct sm_file file = {0};
    enum sl_status status = pour(fd, -1, name, env, &done, &file, e);
    if (status == SL_OK)
        *ret_file = file;
    return status;
}

static enum sl_status sync_folder(const struct cnt *library, const char *name, struct sl_error *e)
{
    int fd = openat(library->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    enum sl_status status = synced ? SL_OK : cnt_failed(library, name, e);
    if (fd >= 0)
        close(fd);
    return status;
}

/* Gives a copied file its name; both the file and the name are on disk afterwards. */
enum sl_status cnt_keep(struct cnt *library, int fd, const char *part, const char *sha256, struct sl_error *e)
{
    char name[CNT_NAME_SIZE], folder[3];
    object_name(sha256, name);
    snprintf(folder, sizeof folder, "%.2s", sha256);
    enum sl_status status = make_folder(library, folder, e);
    if (status == SL_OK && (fchmod(fd, 0444) != 0 || futimens(fd, seal) != 0 || fsync(fd) != 0 ||
                            renameat(library->root, part, library->root, name) != 0))
        status = cnt_failed(library, name, e);
    if (status == SL_OK)
        status = sync_folder(library, folder, e);
    return status == SL_OK ? sync_folder(library, ".", e) : status;
}

enum sl_status cnt_add_file(struct cnt *library, int fd, const char *name, const struct cnt_env *env, uint64_t *done,
                            struct sm_file *ret_file, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char part[CNT_NAME_SIZE];
    struct sm_file file = {0};
    snprintf(part, sizeof part, PART "/%u", atomic_fetch_add(&library->next_part, 1));
    int out = openat(library->root, part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out < 0)
        return cnt_failed(library, part, e);
    enum sl_status status = pour(fd, out, name, env, done, &file, e);
    if (status == SL_OK)
        status = cnt_keep(library, out, part, file.sha256, e);
    close(out);
    if (status == SL_OK)
        *ret_file = file;
    else
        unlinkat(library->root, part, 0);
    return status;
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

enum sl_status cnt_file(const struct cnt *library, const char *sha256, int *ret_fd, uint64_t *ret_size, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE], path[PATH_MAX];
    struct stat info;
    object_name(sha256, name);
    snprintf(path, sizeof path, "%s/%s", library->path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT)
        return cnt_failed(library, name, e);
    if (fd >= 0 && fstat(fd, &info) != 0) {
        enum sl_status status = cnt_failed(library, name, e);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    *ret_size = fd >= 0 ? (uint64_t)info.st_size : 0;
    return SL_OK;
}

bool cnt_is_sealed(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 && info.st_mtim.tv_sec == SEAL_S && info.st_mtim.tv_nsec == 0;
}

enum sl_status cnt_seal(struct cnt *library, const char *sha256, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE];
    object_name(sha256, name);
    return utimensat(library->root, name, seal, AT_SYMLINK_NOFOLLOW) == 0 ? SL_OK : cnt_failed(library, name, e);
}

enum sl_status cnt_verify(const struct cnt *library, const char *sha256, const struct cnt_env *env, bool *ret_good,
                          struct sl_error *e)
{
    int fd = -1;
    uint64_t size;
    struct sm_file file = {0};
    enum sl_status status = cnt_file(library, sha256, &fd, &size, e);
    if (status != SL_OK)
        return status;
    if (fd >= 0) {
        status = cnt_hash(fd, sha256, env, &file, e);
        close(fd);
    }
    if (status == SL_IO) /* of an open file: what the disk does not give back is lost */
        status = SL_OK;
    if (status == SL_OK)
        *ret_good = strcmp(file.sha256, sha256) == 0;
    return status;
}

enum sl_status cnt_remove(struct cnt *library, const char *sha256, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE];
    object_name(sha256, name);
    return unlinkat(library->root, name, 0) == 0 || errno == ENOENT ? SL_OK : cnt_failed(library, name, e);
}

enum sl_status cnt_put_aside(struct cnt *library, const char *sha256, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE], aside[sizeof DAMAGED + SM_SHA256_SIZE];
    object_name(sha256, name);
    snprintf(aside, sizeof aside, DAMAGED "/%s", sha256);
    enum sl_status status = make_folder(library, DAMAGED, e);
    if (status != SL_OK || renameat(library->root, name, library->root, aside) == 0 || errno == ENOENT)
        return status;
    return cnt_failed(library, name, e);
}
