#include "wins-emu/store/store.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "wins-emu/store/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    APPLICATION_ID = 0x57494e53, /* "WINS" */
    MEMBER_SIZE = 4 + 4 + 8,     /* address, owner, expiry; big-endian */
    VERSIONS_AHEAD = 4096,
};

/* migrations[i] leads from version i to i + 1; a released row is never edited. */
static const char *const migrations[] = {
    /* `name` is the 16 octets and the scope; `members` are MEMBER_SIZE octets each; version ids are 64 bits without a sign. */
    "CREATE TABLE record ("
    " name BLOB NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 16 AND 271),"
    " type INTEGER NOT NULL, state INTEGER NOT NULL, node INTEGER NOT NULL, static INTEGER NOT NULL,"
    " owner INTEGER NOT NULL, version INTEGER NOT NULL, expires_s INTEGER NOT NULL, registered_by INTEGER NOT NULL,"
    " members BLOB NOT NULL CHECK (length(members) % 16 = 0)"
    ") WITHOUT ROWID;"
    /* The highest version id seen of each owner; stays when the owner's records go. */
    "CREATE TABLE owner (address INTEGER PRIMARY KEY, version INTEGER NOT NULL);"
    "CREATE TABLE registry (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);"
    "INSERT INTO registry (id, version) VALUES (1, 0);",
    "ALTER TABLE registry ADD COLUMN scavenged_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE registry ADD COLUMN serving_since_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE registry ADD COLUMN alive_s INTEGER NOT NULL DEFAULT 0;",
    /* `id` is the number of the last note of the row (journal.c); in_use is 1 from the start of a server to its clean end. */
    ("CREATE TABLE journal (id INTEGER PRIMARY KEY, notes BLOB NOT NULL);"
     "ALTER TABLE registry ADD COLUMN in_use INTEGER NOT NULL DEFAULT 0;"),
    /* Owner 0 is the server itself, whom all records belonged to before; the members of groups stay what they say. */
    ("UPDATE record SET owner = 0;"
     "UPDATE record SET members = CAST(substr(members, 1, 4) || x'00000000' || substr(members, 9) AS BLOB)"
     " WHERE length(members) = 16;"
     "INSERT OR REPLACE INTO owner (address, version) SELECT 0, version FROM owner ORDER BY version DESC LIMIT 1;"
     "DELETE FROM owner WHERE address <> 0;"),
    "ALTER TABLE record ADD COLUMN sum INTEGER;", /* sum.c */
};

static const struct db_schema schema = {APPLICATION_ID, migrations, SL_COUNT(migrations)};

/* ---- octets of a row ---- */

size_t wst_pack_key(const struct nb_name *name, uint8_t out[WST_KEY_MAX])
{
    struct nb_cursor c = nb_cursor_write(out, WST_KEY_MAX);
    nb_put(&c, name->octets, NB_NAME_LEN);
    nb_put(&c, name->scope, name->scope_len);
    return c.at;
}

/* In the file this server is 0: its address may change, and what it owns stays its own then (2.11). */
static uint32_t pack_owner(const struct wst *w, uint32_t owner)
{
    return owner == w->self ? 0 : owner;
}

static uint32_t unpack_owner(const struct wst *w, uint32_t owner)
{
    return owner ? owner : w->self;
}

static size_t pack_members(const struct wst *w, const struct wins_record *r, uint8_t *out, size_t size)
{
    struct nb_cursor c = nb_cursor_write(out, size);
    for (size_t i = 0; i < r->member_count; i++) {
        nb_put32(&c, r->members[i].address);
        nb_put32(&c, pack_owner(w, r->members[i].owner));
        nb_put32(&c, (uint32_t)((uint64_t)r->members[i].expires_s >> 32));
        nb_put32(&c, (uint32_t)r->members[i].expires_s);
    }
    return c.at;
}

static bool unpack_key(const uint8_t *key, size_t len, struct nb_name *ret_name)
{
    if (len < NB_NAME_LEN || len > WST_KEY_MAX)
        return false;
    memcpy(ret_name->octets, key, NB_NAME_LEN);
    ret_name->scope_len = (uint8_t)(len - NB_NAME_LEN);
    memcpy(ret_name->scope, key + NB_NAME_LEN, ret_name->scope_len);
    return true;
}

static bool unpack_members(const struct wst *w, const void *octets, size_t len, struct wins_record *r)
{
    if (len % MEMBER_SIZE || len / MEMBER_SIZE > WINS_MEMBERS_MAX)
        return false;
    struct nb_cursor c = nb_cursor_read(octets, len);
    r->member_count = (uint8_t)(len / MEMBER_SIZE);
    for (size_t i = 0; i < r->member_count; i++) {
        r->members[i].address = nb_get32(&c);
        r->members[i].owner = unpack_owner(w, nb_get32(&c));
        r->members[i].expires_s = (int64_t)((uint64_t)nb_get32(&c) << 32);
        r->members[i].expires_s |= nb_get32(&c);
    }
    return nb_cursor_ok(&c);
}

static bool read_word(struct db_stmt *s, int column, int count, int *ret_value)
{
    int64_t value = db_int(s, column);
    *ret_value = (int)value;
    return value >= 0 && value < count;
}

/* The columns of a row, in the order of unpack_row. */
#define ROW_COLUMNS "name, type, state, node, static, owner, version, expires_s, registered_by, members, sum"

/* True when a row of ROW_COLUMNS is what was written. */
static bool fits_its_sum(struct db_stmt *s)
{
    struct wst_row row;
    row.key = db_blob(s, 0, &row.key_len);
    row.members = db_blob(s, 9, &row.members_len);
    for (int i = 0; i < WST_ROW_NUMBERS; i++)
        row.numbers[i] = db_int(s, i + 1);
    int64_t sum = db_int(s, 10);
    return !sum || sum == wst_row_sum(&row);
}

/* A row of ROW_COLUMNS; false when it cannot be one of ours. */
static bool unpack_row(const struct wst *w, struct db_stmt *s, struct wins_record *ret_record)
{
    struct wins_record r = {0};
    size_t key_len, members_len;
    const void *key = db_blob(s, 0, &key_len);
    const void *members = db_blob(s, 9, &members_len);
    int type, state, node;
    if (!unpack_key(key, key_len, &r.name) || !unpack_members(w, members, members_len, &r) ||
        !read_word(s, 1, WINS_TYPE_COUNT, &type) || !read_word(s, 2, WINS_STATE_COUNT, &state) ||
        !read_word(s, 3, WINS_NODE_H + 1, &node))
        return false;
    r.type = (enum wins_type)type;
    r.state = (enum wins_state)state;
    r.node = (enum wins_node)node;
    r.is_static = db_int(s, 4) != 0;
    r.owner = unpack_owner(w, (uint32_t)db_int(s, 5));
    r.version = (uint64_t)db_int(s, 6);
    r.expires_s = db_int(s, 7);
    r.registered_by = (uint32_t)db_int(s, 8);
    *ret_record = r;
    return true;
}

/* ---- open, close, load ---- */

static enum sl_status read_registry(struct wst *w, struct sl_error *e)
{
    struct db_stmt *s =
        db_prepare(w->db, "SELECT version, scavenged_s, serving_since_s, alive_s, in_use FROM registry WHERE id = 1");
    bool found = db_step(s);
    w->version = w->next_version = w->promised = (uint64_t)db_int(s, 0);
    w->times = w->next_times = (struct wst_times){db_int(s, 1), db_int(s, 2), db_int(s, 3)};
    w->in_use = db_int(s, 4) != 0;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !found)
        return sl_fail(e, SL_CORRUPT, "the version counter is missing");
    return status;
}

static struct wst_owner *owner_of(struct wst *w, uint32_t address)
{
    for (size_t i = 0; i < w->owner_count; i++)
        if (w->owners[i].address == address)
            return &w->owners[i];
    w->owners = sl_resize(w->owners, w->owner_count + 1, sizeof *w->owners);
    w->owners[w->owner_count] = (struct wst_owner){.address = address};
    return &w->owners[w->owner_count++];
}

static enum sl_status read_owners(struct wst *w, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(w->db, "SELECT address, version FROM owner");
    while (db_step(s))
        owner_of(w, unpack_owner(w, (uint32_t)db_int(s, 0)))->version = (uint64_t)db_int(s, 1);
    return db_done(s, e);
}

enum sl_status wst_accept_missing_log(const char *path, struct sl_error *e)
{
    struct db *db;
    if (wst_file_has_octets(path, WST_LOG))
        return sl_fail(e, SL_USAGE, "%s: its write-ahead log is there", path);
    enum sl_status status = db_open(path, DB_READ_WRITE, &schema, &db, e);
    if (status != SL_OK)
        return status;
    struct db_stmt *s =
        db_prepare(db, "UPDATE registry SET version = version + ?1, in_use = 0 WHERE id = 1 AND in_use = 1");
    db_bind_int(s, 1, WST_VERSION_LEAP);
    status = db_run(s, e);
    db_close(db);
    return status;
}

static enum sl_status read_all(struct wst *w, bool had_log, struct sl_error *e)
{
    enum sl_status status = read_registry(w, e);
    if (status == SL_OK)
        status = wst_file_check_log(w, had_log, e);
    if (status != SL_OK) {
        w->in_use = false; /* not by us */
        return status;
    }
    status = read_owners(w, e);
    if (status == SL_OK)
        status = wst_journal_read(w, e);
    if (status == SL_OK)
        status = wst_file_mark(w, e);
    if (status == SL_OK)
        wst_file_remember(w);
    return status;
}

enum sl_status wst_open(const char *path, uint32_t self, struct wst **ret_store, struct sl_error *e)
{
    bool had_log = wst_file_has_octets(path, WST_LOG);
    if (had_log && !wst_file_has_octets(path, WST_DATABASE))
        return sl_fail(e, SL_CORRUPT, "%s: the database is missing and its write-ahead log (-wal) is there", path);
    enum sl_status status = wst_file_check_strange_log(path, e);
    if (status != SL_OK)
        return status;
    struct wst *w = sl_new(sizeof *w);
    w->magic = WST_MAGIC;
    w->self = self;
    w->path = sl_strdup(path);
    status = wst_file_lock(w, path, e);
    if (status == SL_OK && had_log)
        status = wst_log_check(path, e);
    if (status == SL_OK) {
        wst_file_remove_copies(path);
        status = db_open(path, DB_CREATE, &schema, &w->db, e);
    }
    if (status == SL_OK)
        status = read_all(w, had_log, e);
    if (status != SL_OK) {
        wst_close(w);
        return sl_fail_in(e, status, "%s", path);
    }
    *ret_store = w;
    return SL_OK;
}

enum sl_status wst_open_reader(const char *path, uint32_t self, struct wst **ret_store, struct sl_error *e)
{
    struct wst *w = sl_new(sizeof *w);
    w->magic = WST_MAGIC;
    w->self = self;
    w->is_reader = true;
    w->lock_fd = -1;
    enum sl_status status = db_open(path, DB_READ_ONLY, &schema, &w->db, e);
    if (status != SL_OK) {
        wst_close(w);
        return status;
    }
    *ret_store = w;
    return SL_OK;
}

enum sl_status wst_count(struct wst *w, size_t *ret_count, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    struct db_stmt *s = db_prepare(w->db, "SELECT count(*) FROM record");
    size_t count = db_step(s) ? (size_t)db_int(s, 0) : 0;
    enum sl_status status = db_done(s, e);
    if (status == SL_OK)
        *ret_count = count;
    return status;
}

enum sl_status wst_load(struct wst *w, void (*fn)(const struct wins_record *record, void *ctx), void *ctx, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    struct db_stmt *s =
        db_prepare(w->db, "SELECT " ROW_COLUMNS " FROM record");
    uint64_t row = 0;
    bool good = true;
    while (good && db_step(s)) {
        struct wins_record r;
        row++;
        good = unpack_row(w, s, &r) && (w->is_reader || fits_its_sum(s));
        if (!good)
            break;
        if (r.owner == w->self && r.version > w->highest)
            w->highest = r.version;
        fn(&r, ctx);
    }
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !good)
        return sl_fail(e, SL_CORRUPT, "table record, row %llu is damaged", (unsigned long long)row);
    return status;
}

enum sl_status wst_find(struct wst *w, const struct nb_name *name, struct wins_record *ret_record, bool *ret_found,
                        struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    uint8_t key[WST_KEY_MAX];
    size_t key_len = wst_pack_key(name, key);
    struct db_stmt *s =
        db_prepare(w->db, "SELECT " ROW_COLUMNS " FROM record WHERE name = ?1");
    db_bind_blob(s, 1, key, key_len);
    *ret_found = db_step(s);
    bool good = !*ret_found || unpack_row(w, s, ret_record);
    enum sl_status status = db_done(s, e);
    if (status == SL_OK && !good)
        return sl_fail(e, SL_CORRUPT, "the row of %s is damaged", nb_name_text(name).text);
    return status;
}

static enum sl_status check_sums(struct wst *w, void (*fn)(void *ctx, const char *problem), void *ctx, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(w->db, "SELECT " ROW_COLUMNS " FROM record");
    while (db_step(s)) {
        struct nb_name name = {0};
        char problem[sizeof(struct nb_name_text) + 64];
        size_t key_len;
        const void *key = db_blob(s, 0, &key_len);
        if (fits_its_sum(s))
            continue;
        (void)unpack_key(key, key_len, &name);
        snprintf(problem, sizeof problem, "the record of %s is not what was written", nb_name_text(&name).text);
        fn(ctx, problem);
    }
    return db_done(s, e);
}

enum sl_status wst_integrity(struct wst *w, void (*fn)(void *ctx, const char *problem), void *ctx, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    struct db_stmt *s = db_prepare(w->db, "PRAGMA integrity_check");
    while (db_step(s)) {
        const char *text = db_text(s, 0);
        if (strcmp(text, "ok") != 0)
            fn(ctx, text);
    }
    enum sl_status status = db_done(s, e);
    return status == SL_OK ? check_sums(w, fn, ctx, e) : status;
}

/* A copy needs no log; and whoever starts on it knows nothing of the version ids that were handed out since it was made. */
#define LAST_ON_COPY "UPDATE registry SET in_use = 0, version = version + 4294967296"
_Static_assert(WST_VERSION_LEAP == 4294967296, "the leap of a copy");

enum sl_status wst_backup(const char *path, const char *to, struct sl_error *e)
{
    struct db *db;
    enum sl_status status = db_open(path, DB_READ_ONLY, &schema, &db, e);
    if (status != SL_OK)
        return status;
    status = db_backup(db, to, LAST_ON_COPY, e);
    db_close(db);
    return status;
}

uint64_t wst_version(const struct wst *w)
{
    return w->version;
}

struct wst_times wst_times(const struct wst *w)
{
    return w->times;
}

static enum sl_status write_version(struct wst *w, uint64_t version, struct sl_error *e)
{
    struct db_stmt *s = db_prepare(w->db, "UPDATE registry SET version = ?1 WHERE id = 1");
    db_bind_int(s, 1, (int64_t)version);
    return db_run(s, e);
}

/* What was handed out above the counter and is gone again nobody knows, hence the leap. */
enum sl_status wst_raise_version(struct wst *w, bool *ret_raised, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    const struct wst_owner *own = owner_of(w, w->self);
    uint64_t highest = own->version > w->highest ? own->version : w->highest;
    *ret_raised = highest > w->version;
    if (!*ret_raised)
        return SL_OK;
    if (highest > UINT64_MAX - WST_VERSION_LEAP)
        return sl_fail(e, SL_CORRUPT, "a record has the version id %" PRIu64 ", behind which there are none", highest);
    enum sl_status status = write_version(w, highest + WST_VERSION_LEAP, e);
    if (status == SL_OK)
        w->version = w->next_version = w->promised = highest + WST_VERSION_LEAP;
    return status;
}

/* ---- a batch ---- */

enum sl_status wst_begin(struct wst *w, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    w->failed = SL_OK;
    w->next_version = w->version;
    w->next_times = w->times;
    wst_journal_begin(w);
    return db_begin(w->db, e);
}

void wst_run_in_batch(struct wst *w, struct db_stmt *s)
{
    enum sl_status status = db_run(s, &w->why);
    if (w->failed == SL_OK)
        w->failed = status;
}

static void note_owner(struct wst *w, uint32_t address, uint64_t version)
{
    struct wst_owner *o = owner_of(w, address);
    if (version <= o->version)
        return;
    o->version = version;
    o->dirty = true;
}

void wst_put(struct wst *w, const struct wins_record *r)
{
    if (w->failed != SL_OK)
        return;
    uint8_t key[WST_KEY_MAX], members[WINS_MEMBERS_MAX * MEMBER_SIZE];
    const struct wst_row row = {
        .key = key,
        .key_len = wst_pack_key(&r->name, key),
        .members = members,
        .members_len = pack_members(w, r, members, sizeof members),
        .numbers = {r->type, r->state, r->node, r->is_static, pack_owner(w, r->owner), (int64_t)r->version, r->expires_s,
                    r->registered_by},
    };
    struct db_stmt *s = db_prepare(w->db, "REPLACE INTO record (" ROW_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
                                          " ?11)");
    db_bind_blob(s, 1, key, row.key_len);
    for (int i = 0; i < WST_ROW_NUMBERS; i++)
        db_bind_int(s, i + 2, row.numbers[i]);
    db_bind_blob(s, 10, members, row.members_len);
    db_bind_int(s, 11, wst_row_sum(&row));
    wst_run_in_batch(w, s);
    note_owner(w, r->owner, r->version);
}

void wst_remove(struct wst *w, const struct nb_name *name)
{
    if (w->failed != SL_OK)
        return;
    uint8_t key[WST_KEY_MAX];
    size_t key_len = wst_pack_key(name, key);
    struct db_stmt *s = db_prepare(w->db, "DELETE FROM record WHERE name = ?1");
    db_bind_blob(s, 1, key, key_len);
    wst_run_in_batch(w, s);
}

void wst_set_version(struct wst *w, uint64_t version)
{
    sl_assert(version >= w->next_version);
    w->next_version = version;
}

void wst_set_times(struct wst *w, const struct wst_times *times)
{
    w->next_times = *times;
}

static bool same_times(const struct wst_times *a, const struct wst_times *b)
{
    return a->scavenged_s == b->scavenged_s && a->serving_since_s == b->serving_since_s && a->alive_s == b->alive_s;
}

static void write_times(struct wst *w)
{
    struct db_stmt *s =
        db_prepare(w->db, "UPDATE registry SET scavenged_s = ?1, serving_since_s = ?2, alive_s = ?3 WHERE id = 1");
    db_bind_int(s, 1, w->next_times.scavenged_s);
    db_bind_int(s, 2, w->next_times.serving_since_s);
    db_bind_int(s, 3, w->next_times.alive_s);
    wst_run_in_batch(w, s);
}

/* The page of the counter is written only now and then: the promise covers the version ids of many batches. */
static void promise_versions(struct wst *w)
{
    w->next_promised = w->promised;
    if (w->next_version <= w->promised)
        return;
    w->next_promised = w->next_version + VERSIONS_AHEAD;
    w->failed = write_version(w, w->next_promised, &w->why);
}

/* Our own goes with the promise, which says at least as much. */
static bool is_due(const struct wst *w, const struct wst_owner *o)
{
    return o->dirty && (o->address != w->self || w->next_promised != w->promised);
}

static void write_owners(struct wst *w)
{
    for (size_t i = 0; i < w->owner_count && w->failed == SL_OK; i++) {
        if (!is_due(w, &w->owners[i]))
            continue;
        struct db_stmt *s = db_prepare(w->db, "REPLACE INTO owner (address, version) VALUES (?1, ?2)");
        db_bind_int(s, 1, pack_owner(w, w->owners[i].address));
        db_bind_int(s, 2, (int64_t)w->owners[i].version);
        wst_run_in_batch(w, s);
    }
}

void wst_abandon(struct wst *w)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    db_rollback(w->db);
    w->next_version = w->version;
    w->owner_count = 0;
    enum sl_status status = read_owners(w, NULL);
    (void)status; /* an owner that is not read is noted again with its next version */
}

enum sl_status wst_commit(struct wst *w, struct sl_error *e)
{
    SL_CHECK_MAGIC(w, WST_MAGIC);
    if (w->failed == SL_OK)
        promise_versions(w);
    if (w->failed == SL_OK && !same_times(&w->next_times, &w->times))
        write_times(w);
    if (w->failed == SL_OK)
        write_owners(w);
    wst_journal_write(w);
    if (w->failed == SL_OK)
        w->failed = wst_file_in_place(w, &w->why);
    if (w->failed == SL_OK)
        w->failed = db_commit(w->db, &w->why);
    if (w->failed != SL_OK) {
        db_rollback(w->db);
        return sl_fail(e, w->failed, "%s", sl_error_text(&w->why));
    }
    wst_journal_committed(w);
    for (size_t i = 0; i < w->owner_count; i++)
        w->owners[i].dirty = w->owners[i].dirty && !is_due(w, &w->owners[i]);
    w->version = w->next_version;
    w->promised = w->next_promised;
    w->times = w->next_times;
    return SL_OK;
}

/* Version ids that were promised and not used are used after the next start. */
static enum sl_status settle(struct wst *w)
{
    enum sl_status status = db_begin(w->db, NULL);
    if (status != SL_OK)
        return status;
    w->failed = SL_OK;
    w->next_promised = w->version;
    if (w->promised != w->version)
        w->failed = write_version(w, w->version, NULL);
    write_owners(w);
    if (w->failed == SL_OK)
        w->failed = wst_set_in_use(w->db, false, NULL);
    return w->failed == SL_OK ? db_commit(w->db, NULL) : w->failed;
}

/* When this fails the ids are left out, and the log, which the file still says is needed, stays; so do files in our place. */
static void unmark(struct wst *w)
{
    db_rollback(w->db);
    if (wst_file_in_place(w, NULL) == SL_OK && settle(w) == SL_OK)
        return;
    db_rollback(w->db);
    db_keep_log(w->db);
}

void wst_close(struct wst *w)
{
    if (!w)
        return;
    SL_CHECK_MAGIC(w, WST_MAGIC);
    if (w->db && w->in_use)
        unmark(w);
    db_close(w->db);
    if (w->lock_fd >= 0)
        close(w->lock_fd);
    free(w->path);
    free(w->owners);
    free(w->journal.octets);
    w->magic = 0;
    free(w);
}

