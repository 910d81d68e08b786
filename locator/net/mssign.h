/*
 * mssign.h - the signatures in the envelope of a client's message (facts sms.md 5.3, hook "clientauth"). Pure, any thread.
 *
 *   key        a PUBLICKEYBLOB of RSA in hexadecimal: 8 octets of type and algorithm, "RSA1", number of bits and exponent with
 *              the lowest octet first, the modulus likewise
 *   signature  RSA PKCS#1 v1.5 with SHA-256, its octets in reverse order, in hexadecimal
 */
#ifndef SL_LOCATOR_NET_MSSIGN_H
#define SL_LOCATOR_NET_MSSIGN_H

#include "common/base/error.h"

#include <stddef.h>

#define MSSIGN_SHA256_RSA "1.2.840.113549.1.1.11" /* the one HashAlgorithm */

enum { MSSIGN_BITS_MIN = 2048, MSSIGN_BITS_MAX = 8192 };

/*
 * Checks a signature over `octets`. SL_MALFORMED: the key or the signature is none; SL_UNTRUSTED: the signature is not by that
 * key over these octets.
 */
enum sl_status mssign_check(const char *key, const char *signature, const void *octets, size_t len,
                            struct sl_error *e) SL_MUST;

/*
 * The key of a certificate, X.509 in hexadecimal, as such a blob; SL_MALFORMED for any other. `ret_key` is
 * written in capitals.
 */
enum { MSSIGN_KEY_SIZE = 2 * (20 + MSSIGN_BITS_MAX / 8) + 1 };
enum sl_status mssign_certificate_key(const char *hex, char ret_key[MSSIGN_KEY_SIZE], struct sl_error *e) SL_MUST;

#endif
