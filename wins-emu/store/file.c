#include "wins-emu/store/state.h"

#include "common/base/assert.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MODE = 0640 };

/* In the order of wst.files. */
static const char *const endings[WST_FILE_COUNT] = {"", "-wal"};
static const char *const what[WST_FILE_COUNT] = {"the database", "its write-ahead log (-wal)"};

/*
 * Asks for what `mask` says and for nothing else: once a file's time of change was asked for, Linux from 6.13 on gives its next
 * write a time of its own, and where the file system keeps no journal each sync then writes the inode as well.
 */
static bool look(const char *path, enum wst_file file, unsigned mask, struct statx *ret_stat)
{
    struct sl_text name = sl_text_new(PATH_MAX + sizeof "-wal");
    sl_text_printf(&name, "%s%s", path, endings[file]);
    bool there = statx(AT_FDCWD, sl_text_str(&name), AT_STATX_SYNC_AS_STAT, mask, ret_stat) == 0;
    sl_text_fini(&name);
    return there;
}

bool wst_file_has_octets(const char *path, enum wst_file file)
{
    struct statx st;
    return look(path, file, STATX_SIZE, &st) && st.stx_size > 0;
}

/* SQLite's "file format write version" in the header of a database. */
enum { HEADER_LEN = 100, HEADER_FORMAT_AT = 18, FORMAT_WITHOUT_LOG = 1 };

static bool says_no_log(const char *path)
{
    unsigned char header[HEADER_LEN];
    FILE *in;
    if (sl_file_open(path, &in, NULL) != SL_OK)
        return false; /* SQLite will say why */
    bool says = fread(header, 1, sizeof header, in) == sizeof header && header[HEADER_FORMAT_AT] == FORMAT_WITHOUT_LOG;
    fclose(in);
    return says;
}

enum sl_status wst_file_check_strange_log(const char *path, struct sl_error *e)
{
    if (!wst_file_has_octets(path, WST_LOG) || !says_no_log(path))
        return SL_OK;
    return sl_fail(e, SL_CORRUPT, "%s is a copy that needs no write-ahead log, and %s-wal beside it is that of another database,"
                                  " left by a crash: remove it to start with what the copy has, or put its own database back",
                   path, path);
}

/* Two servers on one file would each hand out version ids and know nothing of the other's names. */
enum sl_status wst_file_lock(struct wst *w, const char *path, struct sl_error *e)
{
    w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (w->lock_fd < 0)
        return sl_fail(e, errno == EACCES || errno == EROFS ? SL_DENIED : SL_IO, "%s", strerror(errno));
    if (flock(w->lock_fd, LOCK_EX | LOCK_NB) != 0)
        return sl_fail(e, SL_CONFLICT, "in use by another server");
    return SL_OK;
}

/* ---- copies that a crash has left ---- */

enum { RANDOM_LEN = 6 }; /* db_backup's, behind a dot */

/* A copy, the file it is made in, or what SQLite keeps beside either. */
static bool is_copy_of(const char *base, const char *name)
{
    static const char *const ends[] = {"", "-journal", "-wal", "-shm"};
    size_t len = strlen(base);
    if (strncmp(name, base, len) != 0 || strncmp(name + len, WST_COPY_ENDING, sizeof WST_COPY_ENDING - 1) != 0)
        return false;
    const char *rest = name + len + sizeof WST_COPY_ENDING - 1;
    if (rest[0] == '.') {
        if (strcspn(rest + 1, "-.") != RANDOM_LEN)
            return false;
        rest += 1 + RANDOM_LEN;
    }
    for (size_t i = 0; i < SL_COUNT(ends); i++)
        if (strcmp(rest, ends[i]) == 0)
            return true;
    return false;
}

void wst_file_remove_copies(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    char *folder = slash ? sl_strdup(path) : sl_strdup(".");
    if (slash)
        folder[slash - path + 1] = '\0';
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        if (is_copy_of(base, entry->d_name))
            (void)unlinkat(dirfd(dir), entry->d_name, 0); /* no harm but the room that it takes */
    }
    if (dir)
        closedir(dir);
    free(folder);
}

/* ---- the mark of a server at work ----
 *
 * What is acknowledged lies in the write-ahead log until SQLite moves it into the file. Without the log SQLite opens the file
 * as it was at the last checkpoint and says nothing. So the file itself says, from before the first change to the clean end,
 * that a server works on it; as long as it does the log is there and not empty.
 */

enum sl_status wst_set_in_use(struct db *db, bool in_use, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(db, "UPDATE registry SET in_use = ?1 WHERE id = 1");
    db_bind_int(s, 1, in_use);
    return db_run(s, e);
}

enum sl_status wst_file_check_log(const struct wst *w, bool had_log, struct sl_error *e)
{
    if (!w->in_use || had_log)
        return SL_OK;
    return sl_fail(e, SL_CORRUPT, "its server did not end cleanly and the write-ahead log (-wal) that it left is missing: what"
                                  " was acknowledged last would be lost; put the log or a backup in its place, or start once"
                                  " with --accept-missing-log");
}

enum sl_status wst_file_mark(struct wst *w, struct sl_error *e)
{
    w->in_use = true;
    enum sl_status status = wst_set_in_use(w->db, true, e);
    return status == SL_OK ? db_checkpoint(w->db, e) : status;
}

/* ---- in its place ---- */

static struct wst_inode inode_of(const struct statx *st)
{
    return (struct wst_inode){st->stx_dev_major, st->stx_dev_minor, st->stx_ino};
}

void wst_file_remember(struct wst *w)
{
    for (enum wst_file file = 0; file < WST_FILE_COUNT; file++) {
        struct statx st;
        if (look(w->path, file, STATX_INO, &st))
            w->files[file] = inode_of(&st);
    }
}

static bool is_in_place(const struct wst *w, enum wst_file file)
{
    struct statx st;
    if (!look(w->path, file, STATX_INO, &st))
        return false;
    const struct wst_inode now = inode_of(&st), *then = &w->files[file];
    return now.device_major == then->device_major && now.device_minor == then->device_minor && now.number == then->number;
}

enum sl_status wst_file_in_place(const struct wst *w, struct sl_error *e)
{
    for (enum wst_file file = 0; file < WST_FILE_COUNT; file++) {
        if (!is_in_place(w, file))
            return sl_fail(e, SL_IO,
                           "%s: %s was removed or replaced while in use: changes are refused, since the next start would not"
                           " find them; put it back, or export the names before a restart",
                           w->path, what[file]);
    }
    return SL_OK;
}
