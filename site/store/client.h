/*
 * client.h - the clients of a site in its database: who is registered, and what they have reported.
 *
 * A client is known by its SMSID ("GUID:..."), without regard to case, in one site. It keeps the public key with which it was
 * registered; another one is refused until an administrator removes the client (S1.17, Issue 5: unknown clients get nothing but
 * location). Nothing here moves the generation: what clients report is no reason to publish.
 */
#ifndef SL_SITE_STORE_CLIENT_H
#define SL_SITE_STORE_CLIENT_H

#include "site/store/store.h"

/* A client as registered; owns its strings. Times are seconds of real time, 0 for never. */
struct sst_client {
    char *smsid, *name;
    char *key; /* PUBLICKEYBLOB in hexadecimal capitals (locator/net/mssign.h), NULL when its messages are not signed */
    int64_t registered_s, seen_s, discovered_s, inventoried_s;
};

/* Reads a client; *ret_client is NULL when it is not known, or the site is not. Freed by sst_client_free. */
enum sl_status sst_client(struct sst *store, const char *site, const char *smsid, struct sst_client **ret_client,
                          struct sl_error *e) SL_MUST;
void sst_client_free(struct sst_client *client); /* NULL is accepted */
/* Forgets a client with all that it has reported; *ret_removed is false when it was not known. */
enum sl_status sst_client_remove(struct sst *store, const char *site, const char *smsid, bool *ret_removed,
                                 struct sl_error *e) SL_MUST;

#endif
