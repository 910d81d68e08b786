/*
 * postgres.h - PostgreSQL behind the interface of db.h, for a database that several hosts share; postgres.c is the one file that
 * includes libpq.
 *
 * The same statements and migrations serve both engines: parameters ?N become $N, and the words of a migration that differ are
 * replaced by a table (postgres.c). Writing transactions take one advisory lock, so that there is one writer at a time as in
 * SQLite; commits are on disk as the server's synchronous_commit says, which a connection sets to "on".
 *
 * A connection serves one thread at a time. Connecting, to all servers that the URI names together, waits at most
 * DB_PG_CONNECT_MS, a statement DB_PG_STATEMENT_MS at the server, and a host that acknowledges nothing is given up after
 * DB_PG_SILENCE_MS. What waits longer than its patience is SL_TIMEOUT, what is canceled SL_UNREACHABLE, as it is when the
 * connection is lost; db_is_alive is false from then on: close, and open again. The names of hosts are looked up by a function of
 * the caller, within the time for connecting; without one by libpq, with regard to none of this.
 */
#ifndef SL_COMMON_DB_POSTGRES_H
#define SL_COMMON_DB_POSTGRES_H

#include "common/base/clock.h"
#include "common/base/text.h"
#include "common/db/db.h"

enum { DB_PG_CONNECT_MS = 5000, DB_PG_STATEMENT_MS = 30000, DB_PG_SILENCE_MS = 10000 };

/* Appends the numeric addresses of a host, none when there is no such name. SL_TIMEOUT when nobody says. */
typedef enum sl_status db_lookup_fn(const char *host, struct sl_deadline deadline, struct sl_strings *addresses,
                                    struct sl_error *e);

/* How a connection waits. */
struct db_patience {
    int64_t answer_ms;              /* for the server to say anything; 0: a little longer than it may take for a statement */
    const struct sl_cancel *cancel; /* ends whatever waits; NULL: nothing does. Must outlive the connection */
    db_lookup_fn *lookup;           /* of the names of hosts, or NULL */
};

/* True for "postgresql://..." and "postgres://...". */
bool db_is_postgres(const char *path);
/*
 * Opens the database of a URI as libpq has it. DB_CREATE and DB_READ_WRITE make and migrate the tables, the database itself must
 * be there; DB_READ_ONLY never writes and may be a standby. SL_USAGE for a password in the URI, which everybody on the host could
 * read: it belongs into ~/.pgpass or the file of `passfile=`. SL_UNREACHABLE, SL_TIMEOUT, SL_DENIED; else as db_open.
 * `patience` NULL is one of zeros.
 */
enum sl_status db_open_postgres(const char *uri, enum db_mode mode, const struct db_schema *schema,
                                const struct db_patience *patience, struct db **ret_db, struct sl_error *e) SL_MUST;
/*
 * Takes a lock that ends with the connection; *ret_taken is false when another connection has it. `key` tells locks of one
 * database apart.
 */
enum sl_status db_pg_lock(struct db *db, int64_t key, bool *ret_taken, struct sl_error *e) SL_MUST;

#endif
