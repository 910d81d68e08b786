/*
 * zone.h - DNS master files (RFC 1035 section 5), as BIND, dnsmasq's and Windows' exports write them.
 *
 * Reading streams: each record of the types below is handed out when its line ends; what is wrong ends the reading with
 * "FILE:LINE: text". Taken: $ORIGIN, $TTL (RFC 2308), relative names and "@", owners left out, parentheses, comments, quoted
 * strings, classes, times with units ("1h30m"), the "[AGE:...]" of a Windows export. Records of other types are passed over.
 * Refused: $INCLUDE and $GENERATE, since a dump must be read as it stands. Without $ORIGIN relative names stay as they are.
 * Lines and names have the limits below. Thread-safe: no state outside the arguments.
 */
#ifndef SL_COMMON_FILES_ZONE_H
#define SL_COMMON_FILES_ZONE_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdint.h>
#include <stdio.h>

enum {
    FF_ZONE_NAME_MAX = 256,
    FF_ZONE_LINE_MAX = 64 << 10, /* octets of a record with all its lines */
    FF_ZONE_TTL_UNKNOWN = -1,
};

enum ff_zone_type { FF_ZONE_A, FF_ZONE_AAAA, FF_ZONE_CNAME, FF_ZONE_SRV };

struct ff_zone_record {
    char owner[FF_ZONE_NAME_MAX]; /* without a final dot, in the case of the file */
    int64_t ttl_s;                /* of the record, else of $TTL, else of the record before, else of the SOA */
    enum ff_zone_type type;
    char target[FF_ZONE_NAME_MAX]; /* CNAME, SRV; "" for the root. A and AAAA: the numeric address */
    uint16_t priority, weight, port; /* SRV */
    unsigned line;                 /* where the record begins */
};

/* Takes a record; a failure ends the reading and is reported with its place. */
typedef enum sl_status ff_zone_fn(void *ctx, const struct ff_zone_record *record, struct sl_error *e);

/* Reads the file at `path`. SL_IO or SL_DENIED when it cannot be read, SL_MALFORMED or SL_LIMIT for what it holds. */
enum sl_status ff_zone_read(const char *path, ff_zone_fn *fn, void *ctx, struct sl_error *e) SL_MUST;
/* The same from an open stream, called `name` in errors. The stream stays open. */
enum sl_status ff_zone_read_stream(FILE *in, const char *name, ff_zone_fn *fn, void *ctx, struct sl_error *e) SL_MUST;

/* Appends an SRV record as a line, its names absolute. */
void ff_zone_put_srv(struct sl_text *out, const struct ff_zone_record *record);

#endif
