/*
 * state.h - the inside of a store, for the files that it is made of. Private to wins-emu/store.
 */
#ifndef SL_WINS_STORE_STATE_H
#define SL_WINS_STORE_STATE_H

#include "common/db/db.h"
#include "wins-emu/store/store.h"

#define WST_MAGIC 0x57570001u

enum { WST_KEY_MAX = NB_NAME_LEN + UINT8_MAX };

struct wst_owner {
    uint32_t address;
    uint64_t version;
    bool dirty;
};

/* Where the journal stands; `next_` is that of the batch. */
struct wst_journal {
    uint64_t max;                                /* notes it may have */
    uint64_t first, last, next_first, next_last; /* numbers of its notes; last + 1 == first when it is empty */
    uint8_t *octets;                             /* notes of the batch that are not in a row yet */
    size_t used, count;
    uint64_t rows; /* written since the start */
};

/* The files that hold what was acknowledged. */
enum wst_file { WST_DATABASE, WST_LOG, WST_FILE_COUNT };

/* Which file it is, whatever it is called. */
struct wst_inode {
    uint32_t device_major, device_minor;
    uint64_t number;
};

struct wst {
    uint32_t magic;
    char *path;
    struct wst_inode files[WST_FILE_COUNT];
    int lock_fd; /* opened before and closed after the database: closing any descriptor of a file drops SQLite's own locks on it
                  */
    struct db *db;
    uint32_t self;
    bool is_reader;        /* of wst_open_reader: rows that do not fit their sum are wst_integrity's */
    bool in_use;           /* the file says that a server works on it: this one */
    uint64_t version;      /* committed */
    uint64_t next_version; /* of the batch */
    uint64_t promised;     /* in the file: no version id above it was ever handed out */
    uint64_t next_promised;
    uint64_t highest; /* version id of the records of ours that were loaded */
    struct wst_times times, next_times;
    struct wst_owner *owners;
    size_t owner_count;
    struct wst_journal journal;
    enum sl_status failed; /* first failure of the batch */
    struct sl_error why;
};

enum { WST_ROW_NUMBERS = 8 };

/* A row of the table record as it is in the file; the numbers in the order of its columns. */
struct wst_row {
    const uint8_t *key, *members;
    size_t key_len, members_len;
    int64_t numbers[WST_ROW_NUMBERS];
};

/* A sum of all of it, never 0, which stands for none: that of a row that an older version wrote. */
uint32_t wst_row_sum(const struct wst_row *row);
/* The key of a name: its 16 octets and the scope; returns its length. */
size_t wst_pack_key(const struct nb_name *name, uint8_t out[WST_KEY_MAX]);
/* Runs a statement of the batch; its failure is that of the batch. */
void wst_run_in_batch(struct wst *w, struct db_stmt *s);

/* ---- file.c: the files of a store ---- */

/* True when the file is there and not empty; `path` is that of the database. */
bool wst_file_has_octets(const char *path, enum wst_file file);
/*
 * SL_CORRUPT when a log that is not empty lies beside a database whose header says that it has none, as that of a copy does: it
 * is another's, and SQLite, which looks at the log alone, would put its pages into the copy. Before SQLite opens the file.
 */
enum sl_status wst_file_check_strange_log(const char *path, struct sl_error *e) SL_MUST;
/* Keeps other servers off; SL_CONFLICT when one is at work. */
enum sl_status wst_file_lock(struct wst *w, const char *path, struct sl_error *e) SL_MUST;
/* Removes copies of this database that were under way when its server was killed; by the one that has locked it. */
void wst_file_remove_copies(const char *path);
/* SL_CORRUPT when the mark says that there must be a log and there was none. */
enum sl_status wst_file_check_log(const struct wst *w, bool had_log, struct sl_error *e) SL_MUST;
/* Sets the mark and has it in the file itself. */
enum sl_status wst_file_mark(struct wst *w, struct sl_error *e) SL_MUST;
/* Writes the mark, or takes it away. */
enum sl_status wst_set_in_use(struct db *db, bool in_use, struct sl_error *e) SL_MUST;
/* Remembers which files they are. */
void wst_file_remember(struct wst *w);
/* SL_IO when one of them is not at its place any more, so that what is written would not be found after a restart. */
enum sl_status wst_file_in_place(const struct wst *w, struct sl_error *e) SL_MUST;

/*
 * SL_CORRUPT when a log that is there does not make sense up to its end: SQLite would start without what lies behind the damage.
 * An end that was being written is none. What is damaged in the last transaction cannot be told from that (log.c).
 */
enum sl_status wst_log_check(const char *path, struct sl_error *e) SL_MUST;

/* ---- journal.c ---- */

/* Finds out where the journal stands. */
enum sl_status wst_journal_read(struct wst *w, struct sl_error *e) SL_MUST;
/* Puts the batch's place back to the committed one. */
void wst_journal_begin(struct wst *w);
/* Writes what the batch has noted and removes what is too many; part of the batch. */
void wst_journal_write(struct wst *w);
/* Makes the batch's place the committed one. */
void wst_journal_committed(struct wst *w);

#endif
