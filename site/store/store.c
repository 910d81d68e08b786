#include "site/store/store.h"

#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/net/dnsc.h"
#include "site/store/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SST_LOCK_MAGIC 0x51735702u

/* A locked file, or a connection that has the lock. */
struct sst_lock {
    uint32_t magic;
    char *path;
    const struct db_patience *patience; /* NULL: that of a connection of its own accord */
    int fd;        /* -1 */
    struct db *db; /* NULL */
};

/* Whom the lock of PostgreSQL is about; the number is arbitrary and never changes. */
enum { SERVER_LOCK = 0x534c7372 };

bool sst_is_file(const char *path)
{
    return !db_is_postgres(path);
}

bool sst_state(const char *path, const char *folder, char *out, size_t size)
{
    if (folder == NULL && sst_is_file(path))
        return sl_text_copy(out, size, path);
    int len = snprintf(out, size, "%s/site", folder != NULL ? folder : SST_STATE_DIR);
    return len > 0 && (size_t)len < size;
}

enum sl_status sst_open(const char *path, enum sst_mode mode, struct sst **ret_store, struct sl_error *e)
{
    return sst_open_patient(path, mode, NULL, ret_store, e);
}

/* A db_lookup_fn. */
static enum sl_status find_host(const char *host, struct sl_deadline deadline, struct sl_strings *addresses, struct sl_error *e)
{
    struct dnsc_addresses list;
    enum sl_status status = dnsc_host(NULL, host, deadline, &list, e);
    for (size_t i = 0; status == SL_OK && i < list.count; i++)
        sl_strings_add(addresses, list.items[i].text);
    return status;
}

static enum sl_status open_server(const char *path, enum db_mode mode, const struct db_patience *patience, struct db **ret_db,
                                  struct sl_error *e)
{
    struct db_patience all = patience != NULL ? *patience : (struct db_patience){.answer_ms = 0};
    all.lookup = find_host;
    return db_open_postgres(path, mode, &sst_schema, &all, ret_db, e);
}

enum sl_status sst_open_patient(const char *path, enum sst_mode mode, const struct db_patience *patience, struct sst **ret_store,
                                struct sl_error *e)
{
    static const enum db_mode modes[] = {
        [SST_CREATE] = DB_CREATE,
        [SST_READ_WRITE] = DB_READ_WRITE,
        [SST_READ_ONLY] = DB_READ_ONLY,
    };
    struct db *db = NULL;
    struct stat st = {0};
    if (mode != SST_CREATE && sst_is_file(path) && access(path, F_OK) != 0 && errno == ENOENT)
        return sl_fail(e, SL_IO, "%s is not there; it is made by: sitectl --db %s init CODE --domain DNS --server HOST", path,
                       path);
    enum sl_status status = sst_is_file(path) ? db_open(path, modes[mode], &sst_schema, &db, e)
                                              : open_server(path, modes[mode], patience, &db, e);
    bool is_protected = status == SL_DENIED && mode == SST_READ_WRITE && sst_is_file(path);
    if (is_protected)
        status = db_open(path, DB_READ_ONLY, &sst_schema, &db, e);
    if (status != SL_OK)
        return status;
    if (sst_is_file(path) && stat(path, &st) != 0) {
        db_close(db);
        return sl_fail(e, SL_IO, "%s: %s", path, strerror(errno));
    }
    if (patience != NULL && sst_is_file(path))
        db_heed(db, patience->cancel);
    struct sst *store = sl_new(sizeof *store);
    *store = (struct sst){.magic = SST_MAGIC,
                          .db = db,
                          .path = sl_strdup(path),
                          .is_file = sst_is_file(path),
                          .is_protected = is_protected,
                          .device = st.st_dev,
                          .inode = st.st_ino};
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
    if (!store->is_file)
        return db_is_alive(store->db);
    if (store->is_protected && access(store->path, W_OK) == 0)
        return false;
    return stat(store->path, &st) == 0 && st.st_dev == store->device && st.st_ino == store->inode;
}

/* ---- the one site server ------------------------------------------------------------------------------------------------ */

enum { LOCK_WAIT_MS = 2000, LOCK_RETRY_MS = 50 };

static enum sl_status is_taken(const struct sst_lock *lock, struct sl_error *e)
{
    return sl_fail(e, SL_CONFLICT, "%s: another process is the site server of this database", lock->path);
}

/* A file of its own: closing any descriptor of the database file itself would drop SQLite's locks on it. */
static enum sl_status lock_file(struct sst_lock *lock, struct sl_error *e)
{
    struct sl_text name = sl_text_new(4096);
    sl_text_printf(&name, "%s-server", lock->path);
    lock->fd = open(sl_text_str(&name), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum sl_status status = SL_OK;
    if (lock->fd < 0)
        status = sl_fail(e, errno == EACCES || errno == EROFS ? SL_DENIED : SL_IO, "%s: %s", sl_text_str(&name), strerror(errno));
    else if (flock(lock->fd, LOCK_EX | LOCK_NB) != 0)
        status = is_taken(lock, e);
    sl_text_fini(&name);
    return status;
}

static enum sl_status try_lock(struct sst_lock *lock, struct sl_error *e)
{
    bool taken = false;
    enum sl_status status = db_pg_lock(lock->db, SERVER_LOCK, &taken, e);
    return status == SL_OK && !taken ? is_taken(lock, e) : status;
}

static enum sl_status lock_server(struct sst_lock *lock, struct sl_error *e)
{
    enum sl_status status = open_server(lock->path, DB_READ_WRITE, lock->patience, &lock->db, e);
    return status == SL_OK ? try_lock(lock, e) : status;
}

/* The session of one that has just ended keeps the lock until the database has noticed. */
static enum sl_status lock_server_soon(struct sst_lock *lock, struct sl_error *e)
{
    const int64_t end_ms = sl_clock_mono_ms() + LOCK_WAIT_MS;
    enum sl_status status = lock_server(lock, e);
    while (status == SL_CONFLICT && lock->db != NULL && sl_clock_mono_ms() < end_ms) {
        (void)poll(NULL, 0, LOCK_RETRY_MS);
        status = try_lock(lock, e);
    }
    return status;
}

enum sl_status sst_lock_server(const char *path, struct sst_lock **ret_lock, struct sl_error *e)
{
    return sst_lock_patient(path, NULL, ret_lock, e);
}

enum sl_status sst_lock_patient(const char *path, const struct db_patience *patience, struct sst_lock **ret_lock,
                                struct sl_error *e)
{
    struct sst_lock *lock = sl_new(sizeof *lock);
    *lock = (struct sst_lock){.magic = SST_LOCK_MAGIC, .path = sl_strdup(path), .patience = patience, .fd = -1};
    enum sl_status status = sst_is_file(path) ? lock_file(lock, e) : lock_server_soon(lock, e);
    if (status == SL_OK)
        *ret_lock = lock;
    else
        sst_unlock_server(lock);
    return status;
}

enum sl_status sst_relock_server(struct sst_lock *lock, struct sl_error *e)
{
    SL_CHECK_MAGIC(lock, SST_LOCK_MAGIC);
    struct db_stmt *s = NULL;
    if (lock->fd >= 0)
        return SL_OK;
    if (lock->db != NULL && (s = db_prepare(lock->db, "SELECT 1"), db_run(s, NULL) == SL_OK))
        return SL_OK;
    db_close(lock->db);
    lock->db = NULL;
    enum sl_status status = lock_server(lock, e);
    if (status != SL_OK) {
        db_close(lock->db);
        lock->db = NULL;
    }
    return status;
}

void sst_unlock_server(struct sst_lock *lock)
{
    if (lock == NULL)
        return;
    SL_CHECK_MAGIC(lock, SST_LOCK_MAGIC);
    if (lock->fd >= 0)
        close(lock->fd);
    db_close(lock->db);
    free(lock->path);
    lock->magic = 0;
    free(lock);
}

enum sl_status sst_recheck(struct sst *store, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    return db_recheck(store->db, &sst_schema, e);
}

enum sl_status sst_generation(struct sst *store, int64_t *ret_generation, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(store->db, "SELECT generation, fetched FROM change");
    int64_t generation = 0, fetched = 0;
    if (db_step(s)) {
        generation = db_int(s, 0);
        fetched = db_int(s, 1);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK) {
        *ret_generation = generation;
        store->fetched = fetched;
    }
    return status;
}

int64_t sst_fetched(const struct sst *store)
{
    return store->fetched;
}

/* The codes that a statement with one number, how many at most, finds. */
static enum sl_status read_codes(struct db_stmt *s, struct sl_strings *ret_codes, struct sl_error *e)
{
    db_bind_int(s, 1, SST_SITES_MAX);
    return db_texts(s, ret_codes, e);
}

enum sl_status sst_sites(struct sst *store, struct sl_strings *ret_codes, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    return read_codes(db_prepare(store->db, "SELECT code FROM site WHERE id NOT IN (SELECT site_id FROM neighbour) "
                                            "ORDER BY code LIMIT ?1"),
                      ret_codes, e);
}

enum sl_status sst_known_sites(struct sst *store, struct sl_strings *ret_codes, struct sl_error *e)
{
    SL_CHECK_MAGIC(store, SST_MAGIC);
    return read_codes(db_prepare(store->db, "SELECT code FROM site ORDER BY code LIMIT ?1"), ret_codes, e);
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
    int64_t id = 0;
    enum sl_status status = db_number(s, &id, e);
    char *chosen = NULL;
    if (status == SL_OK && id == 0) /* only for its words: which sites there are */
        status = sst_choose_site(store, code, &chosen, e);
    if (status == SL_OK)
        *ret_id = id;
    free(chosen);
    return status;
}
