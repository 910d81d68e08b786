#include "site/content/private.h"

#include "common/base/assert.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* "fetch/ab12...ef". */
static void part_name(const char *sha256, char out[CNT_NAME_SIZE])
{
    sl_assert(cnt_is_hash(sha256));
    snprintf(out, CNT_NAME_SIZE, CNT_FETCH "/%s", sha256);
}

enum sl_status cnt_part_open(struct cnt *library, const char *sha256, int *ret_fd, uint64_t *ret_size, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE];
    struct stat info;
    part_name(sha256, name);
    int fd = openat(library->root, name, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return cnt_failed(library, name, e);
    if (fstat(fd, &info) != 0) {
        enum sl_status status = cnt_failed(library, name, e);
        close(fd);
        return status;
    }
    *ret_fd = fd;
    *ret_size = (uint64_t)info.st_size;
    return SL_OK;
}

enum sl_status cnt_part_add(const struct cnt *library, int fd, const void *octets, size_t len, struct sl_error *e)
{
    return cnt_write(fd, octets, len) ? SL_OK : cnt_failed(library, "a file that is being fetched", e);
}

enum sl_status cnt_part_keep(struct cnt *library, int fd, const char *sha256, const struct cnt_env *env, struct sl_error *e)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    char name[CNT_NAME_SIZE];
    struct sm_file file;
    part_name(sha256, name);
    if (lseek(fd, 0, SEEK_SET) != 0)
        return cnt_failed(library, name, e);
    enum sl_status status = cnt_hash(fd, name, env, &file, e);
    if (status != SL_OK)
        return status;
    if (strcmp(file.sha256, sha256) == 0)
        return cnt_keep(library, fd, name, sha256, e);
    unlinkat(library->root, name, 0);
    return sl_fail(e, SL_CORRUPT, "the octets fetched as %.16s... have the hash %.16s...", sha256, file.sha256);
}

/* ---- sweeping ----------------------------------------------------------------------------------------------------------- */

/* Removes what is not wanted in one folder. */
static void sweep_folder(struct cnt *library, const char *folder, bool (*is_wanted)(const char *sha256, void *ctx), void *ctx)
{
    int fd = openat(library->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (cnt_is_hash(entry->d_name) && !is_wanted(entry->d_name, ctx))
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}

void cnt_sweep(struct cnt *library, bool (*is_wanted)(const char *sha256, void *ctx), void *ctx)
{
    SL_CHECK_MAGIC(library, CNT_MAGIC);
    for (unsigned i = 0; i < 256; i++) {
        char folder[3];
        snprintf(folder, sizeof folder, "%02x", i);
        sweep_folder(library, folder, is_wanted, ctx);
    }
    sweep_folder(library, CNT_FETCH, is_wanted, ctx);
}
