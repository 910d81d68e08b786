#include "site/mp/cache.h"

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/model/digest.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ".part"

enum { NAME_SIZE = SM_POLICY_NAME_SIZE + SM_SHA256_SIZE, PART_SIZE = NAME_SIZE + sizeof PART, CHUNK = 1 << 14 };

struct mp_cache {
    int folder;
    char *path;
};

/* A name in the folder, taken apart. */
struct item {
    char id[SM_GUID_SIZE];
    uint32_t version;
    char sha256[SM_SHA256_SIZE];
    char name[NAME_SIZE];
};

enum sl_status mp_cache_open(const char *folder, struct mp_cache **ret_cache, struct sl_error *e)
{
    int fd = mkdir(folder, 0700) == 0 || errno == EEXIST ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return sl_fail(e, errno == EACCES || errno == EROFS ? SL_DENIED : SL_IO, "policy cache %s: %s", folder, strerror(errno));
    struct mp_cache *cache = sl_new(sizeof *cache);
    *cache = (struct mp_cache){.folder = fd, .path = sl_strdup(folder)};
    *ret_cache = cache;
    return SL_OK;
}

void mp_cache_close(struct mp_cache *cache)
{
    if (cache == NULL)
        return;
    close(cache->folder);
    free(cache->path);
    free(cache);
}

static void item_name(const char *id, uint32_t version, const char *sha256, char out[NAME_SIZE])
{
    struct sm_policy policy = {.version = version};
    char name[SM_POLICY_NAME_SIZE];
    (void)sl_text_copy(policy.id, sizeof policy.id, id);
    sm_policy_name(&policy, name);
    snprintf(out, NAME_SIZE, "%s.%s", name, sha256);
}

/* Reads a name of ours; false for any other. */
static bool read_item(const char *name, struct item *item)
{
    char policy[SM_POLICY_NAME_SIZE];
    const char *dot = strrchr(name, '.');
    if (dot == NULL || strlen(dot + 1) != SM_SHA256_SIZE - 1 || (size_t)(dot - name) >= sizeof policy)
        return false;
    memcpy(policy, name, (size_t)(dot - name));
    policy[dot - name] = '\0';
    return sm_policy_name_parse(policy, item->id, &item->version) && sl_text_copy(item->sha256, sizeof item->sha256, dot + 1) &&
           sl_text_copy(item->name, sizeof item->name, name);
}

/* Calls `visit` for each body in the folder, until it returns false; how many there were. */
static size_t each_item(const struct mp_cache *cache, bool (*visit)(const struct item *item, void *ctx), void *ctx)
{
    size_t count = 0;
    struct item item;
    int fd = openat(cache->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        sl_log(SL_LOG_ERROR, "policy-cache-unreadable", "folder=%s text=%s", SL_LOG_TEXT(cache->path),
               SL_LOG_TEXT(strerror(errno)));
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (!read_item(entry->d_name, &item))
            continue;
        count++;
        if (!visit(&item, ctx))
            break;
    }
    closedir(dir);
    return count;
}

/* ---- finding ----------------------------------------------------------------------------------------------------------- */

struct search {
    const char *id;
    uint32_t version;
    bool is_found;
    char sha256[SM_SHA256_SIZE];
};

static bool match(const struct item *item, void *ctx)
{
    struct search *s = ctx;
    if (item->version != s->version || strcmp(item->id, s->id) != 0)
        return true;
    s->is_found = sl_text_copy(s->sha256, sizeof s->sha256, item->sha256);
    return false;
}

static bool is_whole(int fd, const char *sha256, uint64_t *ret_size)
{
    char chunk[CHUNK], found[SM_SHA256_SIZE];
    struct sm_digest *digest = sm_digest_new();
    off_t at = 0;
    ssize_t n;
    while ((n = pread(fd, chunk, sizeof chunk, at)) > 0) {
        sm_digest_add(digest, chunk, (size_t)n);
        at += n;
    }
    sm_digest_end(digest, found);
    *ret_size = (uint64_t)at;
    return n == 0 && strcmp(found, sha256) == 0;
}

int mp_cache_find(const struct mp_cache *cache, const char *id, uint32_t version, const char *sha256, uint64_t *ret_size,
                  char ret_sha256[SM_SHA256_SIZE])
{
    struct search s = {.id = id, .version = version};
    char name[NAME_SIZE];
    if (sha256 == NULL)
        (void)each_item(cache, match, &s);
    else
        s.is_found = sl_text_copy(s.sha256, sizeof s.sha256, sha256);
    if (!s.is_found)
        return -1;
    item_name(id, version, s.sha256, name);
    int fd = openat(cache->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0 && !is_whole(fd, s.sha256, ret_size)) {
        sl_log(SL_LOG_ERROR, "policy-cache-damaged", "folder=%s file=%s", SL_LOG_TEXT(cache->path), SL_LOG_TEXT(name));
        unlinkat(cache->folder, name, 0);
        close(fd);
        return -1;
    }
    memcpy(ret_sha256, s.sha256, SM_SHA256_SIZE);
    return fd;
}

/* ---- keeping ----------------------------------------------------------------------------------------------------------- */

struct prune {
    const struct mp_cache *cache;
    const struct sm_policy *policy;
};

static bool prune_one(const struct item *item, void *ctx)
{
    const struct prune *p = ctx;
    if (strcmp(item->id, p->policy->id) == 0 && (uint64_t)item->version + MP_CACHE_VERSIONS <= p->policy->version)
        unlinkat(p->cache->folder, item->name, 0);
    return true;
}

static bool write_at(int fd, const char *octets, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = pwrite(fd, octets + at, len - at, (off_t)at);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return ftruncate(fd, (off_t)len) == 0 && fsync(fd) == 0;
}

/*
 * Written under a name of its own that belongs to these octets alone: who finds half of it, or writes the same at the same time,
 * writes just that again.
 */
static bool keep(const struct mp_cache *cache, const char *name, const char *body)
{
    char part[PART_SIZE];
    snprintf(part, sizeof part, "%s" PART, name);
    int fd = openat(cache->folder, part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_kept = fd >= 0 && write_at(fd, body, strlen(body)) &&
                   (renameat(cache->folder, part, cache->folder, name) == 0 || errno == ENOENT) && fsync(cache->folder) == 0;
    if (!is_kept)
        sl_log(SL_LOG_ERROR, "policy-not-cached", "folder=%s text=%s", SL_LOG_TEXT(cache->path), SL_LOG_TEXT(strerror(errno)));
    if (fd >= 0)
        close(fd);
    return is_kept;
}

bool mp_cache_has(const struct mp_cache *cache, const struct sm_policy *policy)
{
    char name[NAME_SIZE];
    item_name(policy->id, policy->version, policy->sha256, name);
    return faccessat(cache->folder, name, R_OK, 0) == 0;
}

bool mp_cache_put(const struct mp_cache *cache, const struct sm_policy *policy)
{
    char name[NAME_SIZE];
    struct prune p = {cache, policy};
    if (mp_cache_has(cache, policy))
        return true;
    item_name(policy->id, policy->version, policy->sha256, name);
    if (each_item(cache, prune_one, &p) >= MP_CACHE_FILES_MAX) {
        sl_log(SL_LOG_ERROR, "policy-not-cached", "folder=%s text=\"more than %d files\"", SL_LOG_TEXT(cache->path),
               MP_CACHE_FILES_MAX);
        return false;
    }
    return keep(cache, name, policy->body);
}
