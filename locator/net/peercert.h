/*
 * peercert.h - why a server's certificate was not accepted, in words for the operator. (libldap only says "failed".)
 */
#ifndef SL_LOCATOR_NET_PEERCERT_H
#define SL_LOCATOR_NET_PEERCERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Judges a certificate (DER) for a server name or address, against the authorities in a PEM file, at the time `now_s`.
 * Writes every reason against it into `out`, separated by "; ", and returns false; true with "" when there is none.
 */
bool peercert_judge(const void *der, size_t len, const char *host, const char *ca_file, int64_t now_s, char *out,
                    size_t out_size);

#endif
