/*
 * addr.h - addresses, endpoints and names of hosts as values and as text.
 *
 * IPv4 addresses of the name service are uint32_t in host byte order (a.b.c.d is a<<24|b<<16|c<<8|d). Everything else is
 * an struct sl_endpoint, IPv4 or IPv6.
 */
#ifndef SL_COMMON_BASE_ADDR_H
#define SL_COMMON_BASE_ADDR_H

#include "common/base/error.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

enum { SL_IP4_TEXT_MAX = 16, SL_ENDPOINT_TEXT_MAX = 64, SL_HOST_MAX = 253, SL_LABEL_MAX = 63 };

struct sl_ip4_text {
    char text[SL_IP4_TEXT_MAX];
};

struct sl_endpoint_text {
    char text[SL_ENDPOINT_TEXT_MAX];
};

/* A socket address of either family with its length. */
struct sl_endpoint {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
    socklen_t len;
};

/* Parses dotted-quad text, all of it, no leading zeros; false on anything else. */
bool sl_ip4_parse(const char *text, uint32_t *ret_ip);
/* Dotted-quad text as a value: pass sl_ip4_text(ip).text straight to a call; it is gone after the full expression. */
struct sl_ip4_text sl_ip4_text(uint32_t ip);
/* The IPv4 endpoint of an address in host byte order. */
struct sl_endpoint sl_endpoint_ip4(uint32_t ip, uint16_t port);
/* Parses "ADDR", "ADDR:PORT", "[ADDR6]" or "[ADDR6]:PORT"; numeric only. `port` is used when the text has none. */
enum sl_status sl_endpoint_parse(const char *text, uint16_t port, struct sl_endpoint *ret_endpoint, struct sl_error *e) SL_MUST;
/* "1.2.3.4:80" or "[::1]:80" as a value, gone after the full expression like sl_ip4_text. */
struct sl_endpoint_text sl_endpoint_text(const struct sl_endpoint *ep);
/* The port in host byte order. */
uint16_t sl_endpoint_port(const struct sl_endpoint *ep);
/* Sets the port, given in host byte order. */
void sl_endpoint_set_port(struct sl_endpoint *ep, uint16_t port);
/* The IPv4 address in host byte order; 0 for IPv6. */
uint32_t sl_endpoint_ip4_of(const struct sl_endpoint *ep);
/* True when address and port are the same. */
bool sl_endpoint_equal(const struct sl_endpoint *a, const struct sl_endpoint *b);
/* True for 0.0.0.0 and ::. */
bool sl_endpoint_is_wildcard(const struct sl_endpoint *ep);

/*
 * True for the name of a host or a domain: labels of 1 to SL_LABEL_MAX letters, digits, '-' and '_', no '-' at their ends, with
 * single dots between them, at most SL_HOST_MAX octets in all (RFC 1123 2.1; '_' stands in names of Windows). Else *ret_at (or
 * NULL) is where it is none.
 */
bool sl_is_host_name(const char *text, size_t *ret_at);
/*
 * True for what can be asked over the network: such a name, or a numeric IPv4 or IPv6 address, nothing around it. Digits and dots
 * alone are an address or nothing.
 */
bool sl_is_host(const char *text);

#endif
