/*
 * site-database.h - where the site database of a unit test is: a file in its folder, or, with SL_SITE_DATABASE in the
 * environment, the PostgreSQL database of that URI, emptied first. So the same tests run on both engines
 * (tests/functional/test_postgres.py).
 */
#ifndef SL_TESTS_UNIT_SITE_DATABASE_H
#define SL_TESTS_UNIT_SITE_DATABASE_H

#include "common/base/status.h"

#include <check.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The URI, or NULL for a file. */
static inline const char *unit_site_uri(void)
{
    return getenv("SL_SITE_DATABASE");
}

/* Writes the path of an empty database. */
static inline void unit_site_database(char *out, size_t size, const char *folder)
{
    const char *uri = unit_site_uri();
    if (uri == NULL) {
        snprintf(out, size, "%s/site.db", folder);
        return;
    }
    const char *argv[] = {"psql", "-q", "-X", "-d", uri, "-c", "SET client_min_messages = error; DROP SCHEMA public CASCADE; "
                                                              "CREATE SCHEMA public", NULL};
    pid_t pid;
    int status = -1;
    ck_assert_int_eq(posix_spawnp(&pid, argv[0], NULL, NULL, (char **)(uintptr_t)argv, environ), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    snprintf(out, size, "%s", uri);
}

/* Removes what there is of the database, once it is closed, and its folder; one of PostgreSQL stays. */
static inline void unit_site_remove(const char *path, const char *folder)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-server", "-moved"};
    for (size_t i = 0; i < SL_COUNT(endings); i++) {
        char name[300];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    rmdir(folder);
}

#endif
