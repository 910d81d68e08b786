#include "site/content/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One walk: where it is and what it has found. */
struct walk {
    struct cnt *library;
    const struct cnt_env *env;
    struct sm_manifest found;
    uint64_t done;
    size_t depth;
    struct sl_error *e;
};

static enum sl_status walk_folder(struct walk *w, int fd, const char *path);

static struct sm_file *new_file(struct sm_manifest *m)
{
    m->files = sl_grow(m->files, m->count, sizeof *m->files);
    return &m->files[m->count++];
}

static bool is_same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* The time of change tells a writer who puts the time of modification back. */
static bool is_unchanged(int fd, const struct stat *before, uint64_t octets)
{
    struct stat now;
    return fstat(fd, &now) == 0 && octets == (uint64_t)before->st_size && now.st_size == before->st_size &&
           is_same_time(now.st_mtim, before->st_mtim) && is_same_time(now.st_ctim, before->st_ctim);
}

static enum sl_status add_file(struct walk *w, int fd, const char *path, const struct stat *before)
{
    struct sm_file file;
    if (w->found.count == CNT_FILES_MAX)
        return sl_fail(w->e, SL_LIMIT, "more than %d files", CNT_FILES_MAX);
    enum sl_status status = cnt_add_file(w->library, fd, path, w->env, &w->done, &file, w->e);
    if (status != SL_OK)
        return status;
    if (!is_unchanged(fd, before, file.size))
        return sl_fail(w->e, SL_CONFLICT, "%s: was changed while it was read", path);
    file.path = sl_strdup(path);
    *new_file(&w->found) = file;
    return SL_OK;
}

/* Who asked may often read what the user of sited may not. */
static enum sl_status fail_open(const struct walk *w, const char *path)
{
    bool denied = errno == EACCES;
    return sl_fail(w->e, denied ? SL_DENIED : SL_IO, "%s: %s%s", path[0] != '\0' ? path : ".", strerror(errno),
                   denied ? " for the user of sited, who reads it" : "");
}

/* Opened before it is looked at, so that what is looked at is what is read. */
static enum sl_status walk_entry(struct walk *w, int folder, const char *name, const char *path)
{
    struct stat info;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ELOOP ? sl_fail(w->e, SL_USAGE, "%s: is a symbolic link; a package holds files and folders only", path)
                              : fail_open(w, path);
    enum sl_status status;
    if (fstat(fd, &info) != 0)
        status = sl_fail(w->e, SL_IO, "%s: %s", path, strerror(errno));
    else if (S_ISDIR(info.st_mode))
        status = walk_folder(w, fd, path);
    else if (S_ISREG(info.st_mode))
        status = add_file(w, fd, path, &info);
    else
        status = sl_fail(w->e, SL_USAGE, "%s: is neither a file nor a folder", path);
    close(fd);
    return status;
}

static bool is_plain(const char *name)
{
    for (const char *c = name; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return sl_is_utf8(name);
}

bool cnt_is_path(const char *path)
{
    for (const char *name = path; name != NULL; name = strchr(name, '/'), name += name != NULL) {
        size_t len = strcspn(name, "/");
        if (len == 0 || (len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
            return false;
    }
    return strlen(path) < SM_FILE_PATH_MAX && is_plain(path);
}

static enum sl_status walk_named(struct walk *w, int folder, const char *parent, const char *name)
{
    char shown[SM_FILE_PATH_MAX];
    struct sl_text path = sl_text_new(SM_FILE_PATH_MAX);
    sl_text_printf(&path, "%s%s%s", parent, parent[0] != '\0' ? "/" : "", name);
    sl_text_escape(shown, sizeof shown, name, strlen(name));
    enum sl_status status;
    if (sl_text_failed(&path))
        status = sl_fail(w->e, SL_USAGE, "%s/%s: the path is longer than %d octets", parent, shown, SM_FILE_PATH_MAX);
    else if (!is_plain(name))
        status = sl_fail(w->e, SL_USAGE, "%s/%s: control characters in the name, or what is not UTF-8", parent, shown);
    else
        status = walk_entry(w, folder, name, sl_text_str(&path));
    sl_text_fini(&path);
    return status;
}

static enum sl_status walk_folder(struct walk *w, int fd, const char *path)
{
    if (w->depth == CNT_DEPTH_MAX)
        return sl_fail(w->e, SL_LIMIT, "%s: more than %d folders deep", path, CNT_DEPTH_MAX);
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    if (dir == NULL) {
        enum sl_status status = fail_open(w, path);
        if (own >= 0)
            close(own);
        return status;
    }
    enum sl_status status = SL_OK;
    w->depth++;
    for (const struct dirent *entry = readdir(dir); entry != NULL && status == SL_OK; entry = readdir(dir))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            status = walk_named(w, fd, path, entry->d_name);
    w->depth--;
    closedir(dir);
    return status;
}

static int by_path(const void *a, const void *b)
{
    const struct sm_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

enum sl_status cnt_add_tree(struct cnt *library, int dir_fd, const struct cnt_env *env, struct sm_manifest *ret_manifest,
                            struct sl_error *e)
{
    struct walk w = {.library = library, .env = env, .e = e};
    enum sl_status status = walk_folder(&w, dir_fd, "");
    if (status == SL_OK && w.found.count == 0)
        status = sl_fail(e, SL_USAGE, "the folder holds no files");
    if (status != SL_OK) {
        sm_manifest_fini(&w.found);
        return status;
    }
    qsort(w.found.files, w.found.count, sizeof *w.found.files, by_path);
    cnt_manifest_hash(&w.found, w.found.sha256);
    *ret_manifest = w.found;
    return SL_OK;
}

void cnt_manifest_hash(const struct sm_manifest *manifest, char ret_hex[SM_SHA256_SIZE])
{
    struct sm_digest *digest = sm_digest_new();
    for (size_t i = 0; i < manifest->count; i++) {
        const struct sm_file *file = &manifest->files[i];
        sm_digest_add(digest, file->sha256, SM_SHA256_SIZE - 1);
        sm_digest_add(digest, "  ", 2);
        sm_digest_add(digest, file->path, strlen(file->path));
        sm_digest_add(digest, "\n", 1);
    }
    sm_digest_end(digest, ret_hex);
}
