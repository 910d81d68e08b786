/*
 * hostconf.h - the configuration files of this host that other programs read too, a line at a time. What is odd about one becomes
 * a warning that names FILE:LINE; nothing about them is a failure.
 */
#ifndef SL_LOCATOR_NET_HOSTCONF_H
#define SL_LOCATOR_NET_HOSTCONF_H

#include "common/base/option.h"

enum { LOC_HOSTCONF_LINE_MAX = 4096, LOC_HOSTCONF_WARNINGS_MAX = 16 };

/* A file being read. */
struct loc_hostconf {
    const char *path;
    unsigned line;               /* from 1 */
    struct sl_strings *warnings; /* NULL: nobody wants them */
    void *ctx;                   /* of `take` */
    /* Takes a line without its end and the blanks around it, which it may change; never an empty one. */
    void (*take)(struct loc_hostconf *file, char *line);
};

/* Reads the file; one that is not there has no lines, one that cannot be read gets a warning. Longer lines are passed over. */
void loc_hostconf_read(struct loc_hostconf *file);
/* Adds a warning of the line that is being taken, its control characters escaped; those beyond LOC_HOSTCONF_WARNINGS_MAX are
 * dropped. */
void loc_hostconf_warn(struct loc_hostconf *file, const char *fmt, ...) SL_PRINTF(2, 3);
/* Warns of what the resolver passes over in resolv.conf (resolv.conf(5)), or that it cannot be read. */
void loc_hostconf_check_resolver(struct sl_strings *warnings);

#endif
