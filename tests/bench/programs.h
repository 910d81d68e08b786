/*
 * programs.h - programs that a bench runs to their end: winsctl and Samba's smbtorture, each on a terminal of its own, since that
 * is where they tell how far they are.
 */
#ifndef SL_TESTS_BENCH_PROGRAMS_H
#define SL_TESTS_BENCH_PROGRAMS_H

#include "tests/bench/servers.h"

/* What became of an import. */
struct program_import {
    double seconds;
    bool complete; /* all names were taken */
    bool progress; /* it told how far it was meanwhile */
};

/* Writes a wins.dat as nmbd does: so many of the names of load.h, in no order. */
void program_write_winsdat(const char *path, uint32_t names);
/* winsctl import of that file into a running winsd without names. A winsctl that fails ends the program. */
struct program_import program_import(const char *winsctl, const struct server *server, const char *path, uint32_t names);
/*
 * smbtorture's own figure of `test` against a server on port 137, added up over so many (at most 4) that run at once: queries a
 * second. NAN when it is not installed; a test that fails, or in which a query failed, ends the program.
 */
double program_smbtorture(const struct server *server, const char *test, unsigned clients, unsigned seconds);

#endif
