/*
 * watch.h - who lets a server wait for the headers of a request is cut off; inside site/http.
 *
 * libmicrohttpd closes a connection that is silent, but one octet every few seconds is no silence. Here each connection has a
 * time within which the headers of its next request must be there, whatever comes meanwhile; a thread of its own shuts those
 * down whose time is over. Any thread may call.
 */
#ifndef SL_SITE_HTTP_WATCH_H
#define SL_SITE_HTTP_WATCH_H

#include "common/base/error.h"

#include <stdint.h>

struct web_watch;
struct web_guest;

/* Starts the thread. SL_LIMIT when there is none to be had. */
enum sl_status web_watch_new(struct web_watch **ret_watch, struct sl_error *e) SL_MUST;
/* Ends the thread; every guest must have left. NULL is accepted. */
void web_watch_free(struct web_watch *watch);
/* A connection has come, and its first headers are waited for, so long. Its socket must stay open until it has left. */
struct web_guest *web_watch_enter(struct web_watch *watch, int fd, int64_t limit_ms);
/* Headers have come; no limit until web_watch_next. */
void web_watch_served(struct web_watch *watch, struct web_guest *guest);
/* The request is done, the headers of the next one are waited for. */
void web_watch_next(struct web_watch *watch, struct web_guest *guest, int64_t limit_ms);
/* The connection is about to be closed; frees the guest. */
void web_watch_leave(struct web_watch *watch, struct web_guest *guest);

#endif
