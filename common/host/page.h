/*
 * page.h - one page of text over HTTP, for a collector of metrics on this machine.
 *
 * The smallest server that is one: GET (or HEAD) of one path, answered and closed, on the loop it was opened with. Requests,
 * time and connections are bounded; more connections wait in the kernel. Nothing of a request but its first line is looked at.
 * It is here instead of a library since a daemon without HTTP otherwise would carry one for a single page.
 */
#ifndef SL_COMMON_HOST_PAGE_H
#define SL_COMMON_HOST_PAGE_H

#include "common/base/addr.h"
#include "common/base/text.h"
#include "common/host/loop.h"

struct host_page;

/* Writes the page as it is now. */
typedef void host_page_fn(struct sl_text *out, void *ctx);

struct host_page_row {
    const char *path;         /* "/metrics" */
    const char *content_type; /* "text/plain; charset=utf-8" */
    size_t most;              /* octets of a page */
    host_page_fn *write;
    void *ctx;
};

/* A check of an option: the page says more than a stranger should know, so only a loopback address with a port will do. */
enum sl_status host_page_check(const char *text, struct sl_error *e) SL_MUST;
/* Listens and serves the page; *row is copied. SL_CONFLICT when the port is taken, SL_DENIED, SL_IO. */
enum sl_status host_page_open(struct host_loop *loop, const struct sl_endpoint *where, const struct host_page_row *row,
                              struct host_page **ret_page, struct sl_error *e) SL_MUST;
/* Cuts off whoever is being answered and closes it; NULL is accepted. */
void host_page_close(struct host_page *page);

#endif
