/*
 * servers.h - the servers that a bench measures: started in folders of their own, watched, and ended with the program.
 *
 * All of them live in the network namespace that servers_isolate makes, so port 137 is free there and nothing leaves it.
 */
#ifndef SL_TESTS_BENCH_SERVERS_H
#define SL_TESTS_BENCH_SERVERS_H

#include "common/base/addr.h"

#include <sys/types.h>

enum { SERVER_FOLDER_MAX = 256 };

struct server {
    pid_t pid;       /* 0 while it does not run */
    int last_signal; /* that ends it */
    struct sl_endpoint endpoint;
    char folder[SERVER_FOLDER_MAX];
    uint32_t fresh;  /* the first number that was never registered there */
    uint32_t doomed; /* the first of those that a mix may release */
};

/* Moves this program into a network namespace with a loopback interface; SL_DENIED where the system does not allow that. */
enum sl_status servers_isolate(struct sl_error *e) SL_MUST;
/* A winsd with one worker on the database of server->folder, made when missing, at port 137 of `address`, or with NULL somewhere
 * on the loopback interface; `preload` may name a library for it. Returns at once; a server that could not be run at all ends the
 * program. */
void server_start_winsd(struct server *server, const char *path, const char *address, const char *preload);
/* "nmbd" or "ad" of samba.sh at an address of its own. */
void server_start_samba(struct server *server, const char *script, const char *kind, const char *address);
/* Waits for the first answer. SL_UNREACHABLE after so many seconds; SL_UNSUPPORTED when it ended, since it is not installed. */
enum sl_status server_wait(struct server *server, unsigned seconds, struct sl_error *e) SL_MUST;
/* Processor time so far, seconds. */
double server_cpu_s(const struct server *server);
/* Resident memory, MiB. */
double server_memory_mib(const struct server *server);
/* Ends it and waits; its folder stays. */
void server_stop(struct server *server);
/* Waits some seconds for port 137 of an address: what Samba's own processes hold is free only a moment after server_stop. */
void servers_await_port(const char *address);
/* Removes a folder and what is in it. */
void server_remove(const char *folder);

#endif
