/*
 * pgtext.h - texts for PostgreSQL: our SQL as its SQL, and the hosts of a URI with their addresses. Inside common/db; pure but
 * for the function that it is given.
 */
#ifndef SL_COMMON_DB_PGTEXT_H
#define SL_COMMON_DB_PGTEXT_H

#include "common/base/text.h"
#include "common/db/postgres.h"

enum { DB_PG_HOSTS_MAX = 1 << 16, DB_PG_PARAMS_MAX = 32 };

/* A migration in the words of PostgreSQL; malloc'd. */
char *db_pg_migration(const char *ours);
/* A statement with $N for ?N, malloc'd, and how many parameters it has. */
char *db_pg_statement(const char *ours, int *ret_count);

/* Lists as libpq takes them, of as many places each; owns everything. */
struct db_pg_hosts {
    struct sl_text names, addresses, ports;
    size_t count;
};

/*
 * The places behind the hosts of a URI, several for a name with several addresses: libpq waits for ever where it looks them up
 * itself. `ports` is one for all, "" for none, or a list as long. Each host gets its share of the time. One that nobody tells of
 * in that is left out; when no other is left that is the failure. Any other that has no address keeps an empty one, and libpq
 * looks for itself. Released by db_pg_hosts_fini.
 */
enum sl_status db_pg_find_hosts(const char *names, const char *ports, db_lookup_fn *lookup, struct sl_deadline deadline,
                                struct db_pg_hosts *ret_hosts, struct sl_error *e) SL_MUST;
void db_pg_hosts_fini(struct db_pg_hosts *hosts); /* frees what it owns */

#endif
