/*
 * nbname.h - the NetBIOS side of a management point: registers, refreshes, defends and releases the names of those default
 * management points whose address is one of ours, from that address, with every name registry of their site.
 *
 * Names, unique (facts sms.md 3): MP_<CODE>#1A; NLB_<CODE>#1A too when the management point is a cluster; SMS_SLP#1A where the
 * registry's target has an address of ours as that of the server locator point.
 *
 * Works on the loop it was opened with and never blocks it. What is wanted follows from the snapshots given last. A name that
 * nobody wants any more is released. One that has become another host's is not: that host registers it, the registry asks us
 * whether it is still ours, and we deny (C01), so that at any moment it has exactly one holder (S1.20). It is released only when
 * nobody has come for it.
 */
#ifndef SL_SITE_NBNAME_NBNAME_H
#define SL_SITE_NBNAME_NBNAME_H

#include "common/base/addr.h"
#include "common/base/error.h"
#include "common/host/loop.h"
#include "site/model/site.h"

#include <stddef.h>

struct nbn;

enum { NBN_ADDRESSES_MAX = 16, NBN_RELEASE_MS = 3000 };

/* How one name stands at one registry. Strings live until the callback returns. */
struct nbn_state {
    const char *name;     /* "MP_LAB#1A" */
    const char *address;  /* ours, that it is registered for */
    const char *registry; /* target URI */
    const char *state;    /* "registering" "registered" "refused" "unanswered" "yielding" "elsewhere" "releasing" */
    const char *detail;   /* for people, or "" */
    int64_t ttl_s;        /* granted, 0 when not registered */
};

/*
 * Binds the name service port of each address (IPv4, never a wildcard; the port is part of the endpoint). SL_CONFLICT names the
 * address whose port another program holds.
 */
enum sl_status nbn_open(struct host_loop *loop, const struct sl_endpoint *addresses, size_t count, struct nbn **ret_names,
                        struct sl_error *e) SL_MUST;
/* Says what the sites look like now, for the loop to act on soon; the snapshots are read during the call only. Any thread. */
void nbn_set_sites(struct nbn *names, const struct sm_snapshot *const *sites, size_t count);
/* Looks at every name now instead of at its next time; any thread. */
void nbn_poke(struct nbn *names);
/* Tells each name at each registry; any thread. The names stand still meanwhile, so `fn` must not wait. */
void nbn_each(struct nbn *names, void (*fn)(const struct nbn_state *state, void *ctx), void *ctx);
/*
 * Releases every name and calls `done` on the loop when all is answered, or after NBN_RELEASE_MS; registers nothing any more. On
 * the loop's thread, as nbn_close.
 */
void nbn_release_all(struct nbn *names, host_fn *done, void *ctx);
/* Closes the sockets and frees, without releasing; NULL is accepted. */
void nbn_close(struct nbn *names);

#endif
