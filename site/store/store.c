#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "site/store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SST_LOCK_MAGIC 0x51735702u

struct sst_lock {
    uint32_t magic;
    int fd;
};

enum sl_status sst_open(const char *path, enum sst_mode mode, struct sst **ret_store, struct sl_error *e)
{
    static const enum db_mode modes[] = {
        [SST_CREATE] = DB_CREATE,
        [SST_READ_WRITE] = DB_READ_WRITE,
        [SST_READ_ONLY] = DB_READ_ONLY,
    };
    struct db *db = NULL;
    struct stat st = {0};
    enum sl_status status = db_open(path, modes[mode], &sst_schema, &db, e);
    if (status != SL_OK)
        return status;
    if (stat(path, &st) != 0) {
        db_close(db);
        return sl_fail(e, SL_IO, "%s: %s", path, strerror(errno));
    }
    struct sst *store = sl_new(sizeof *store);
    *store = (struct sst){.magic = SST_MAGIC, .db = db, .path = sl_strdup(path), .device = st.st_dev, .inode = st.st_ino};
    *ret_store = store;
    return SL_OK;
}

void sst_close(struct sst *store)
{
    if (store == NULL)
        return;
    SL_CHECK_MAGIC(store, SST_MAGIC);
    db_close(store->db);
    free(store->path);
    store->magic = 0;
    free(store);
}

bool sst_is_current(const struct sst *store)
{
    struct stat st;
    return stat(store->path, &st) == 0 && st.st_dev == store->device && st.st_ino == store->inode;
}

/* A file of its own: closing any descriptor of the database file itself would drop SQLite's locks on it. */
enum sl_status sst_lock_server(const char *path, struct sst_lock **ret_lock, struct sl_error *e)
{
    struct sl_text name = sl_text_new(4096);
    sl_text_printf(&name, "%s-server", path);
    int fd = open(sl_text_str(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum sl_status status = SL_OK;
    if (fd < 0)
        status = sl_fail(e, errno == EACCES || errno == EROFS ? SL_DENIED : SL_IO, "%s: %s", sl_text_str(&name), strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = sl_fail(e, SL_CONFLICT, "%s: another process is the site server of this database", path);
    sl_text_fini(&name);
    if (status != SL_OK) {
        if (fd >= 0)
            close(fd);
        return status;
    }
    struct sst_lock *lock = sl_new(sizeof *lock);
    *lock = (struct sst_lock){.magic = SST_LOCK_MAGIC, .fd = fd};
    *ret_lock = lock;
    return SL_OK;
}

void sst_unlock_server(struct sst_lock *lock)
{
    if (lock == NULL)
        return;
    SL_CHECK_MAGIC(lock, SST_LOCK_MAGIC);
    close(lock->fd);
    lock->magic = 0;
    free(lock);
}

enum sl_status sst_generation(struct sst *store, int64_t *ret_generation, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT generation FROM change");
    int64_t generation = db_step(s) ? db_int(s, 0) : 0;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_generation = generation;
    return status;
}

enum sl_status sst_sites(struct sst *store, struct sl_strings *ret_codes, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    struct sl_strings codes = {0};
    struct db_stmt *s = db_prepare(store->db, "SELECT code FROM site ORDER BY code LIMIT ?1");
    db_bind_int(s, 1, SST_SITES_MAX);
    while (db_step(s))
        sl_strings_add(&codes, db_text(s, 0));
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_codes = codes;
    else
        sl_strings_fini(&codes);
    return status;
}

static void list_codes(struct sl_text *out, const struct sl_strings *codes)
{
    for (size_t i = 0; i < codes->count; i++)
        sl_text_printf(out, "%s%s", i > 0 ? ", " : "", codes->items[i]);
}

static enum sl_status choose(const struct sst *store, const struct sl_strings *codes, const char *wanted, char **ret_code,
                             struct sl_error *e)
{
    if (codes->count == 0)
        return sl_fail(e, SL_USAGE, "%s holds no site; make one with: sitectl --db %s init CODE --domain DNS --server HOST",
                       store->path, store->path);
    if (wanted == NULL && codes->count == 1) {
        *ret_code = sl_strdup(codes->items[0]);
        return SL_OK;
    }
    for (size_t i = 0; wanted != NULL && i < codes->count; i++)
        if (strcmp(codes->items[i], wanted) == 0) {
            *ret_code = sl_strdup(wanted);
            return SL_OK;
        }
    struct sl_text list = sl_text_new(SST_SITES_MAX * (SM_CODE_LEN + 3));
    list_codes(&list, codes);
    enum sl_status status =
        wanted != NULL
            ? sl_fail(e, SL_USAGE, "no site \"%s\" in %s (it holds %s)", wanted, store->path, sl_text_str(&list))
            : sl_fail(e, SL_USAGE, "%s holds several sites (%s): say which with --site", store->path, sl_text_str(&list));
    sl_text_fini(&list);
    return status;
}

enum sl_status sst_choose_site(struct sst *store, const char *wanted, char **ret_code, struct sl_error *e)
{
    struct sl_strings codes = {0};
    enum sl_status status = sst_sites(store, &codes, e);
    if (status == SL_OK)
        status = choose(store, &codes, wanted, ret_code, e);
    sl_strings_fini(&codes);
    return status;
}

enum sl_status sst_site_id(struct sst *store, const char *code, int64_t *ret_id, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT id FROM site WHERE code = ?1");
    db_bind_text(s, 1, code);
    int64_t id = db_step(s) ? db_int(s, 0) : 0;
    enum sl_status status = db_done(s, e);
    char *chosen = NULL;
    if (status == SL_OK && id == 0) /* only for its words: which sites there are */
        status = sst_choose_site(store, code, &chosen, e);
    if (status == SL_OK)
        *ret_id = id;
    free(chosen);
    return status;
}
