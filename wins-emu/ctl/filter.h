/*
 * filter.h - which names a verb is about: the filters of `list`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_FILTER_H
#define SL_WINS_CTL_FILTER_H

#include "common/base/text.h"
#include "common/host/control.h"
#include "wins-emu/core/record.h"

/* They combine; -1, no owner and an empty prefix let every record pass. */
struct wctl_filter {
    int type, state, is_static, suffix;
    bool has_owner;
    uint32_t owner;
    size_t prefix_len;
    uint8_t prefix[NB_NAME_LEN];
};

/* Reads the options type, state, static, dynamic, suffix, owner and prefix; SL_USAGE names the one that is wrong. */
enum sl_status wctl_filter_parse(const struct host_request *request, struct wctl_filter *ret_filter, struct sl_error *e) SL_MUST;
/* True when the record passes all. */
bool wctl_filter_matches(const struct wctl_filter *f, const struct wins_record *r);
/* True when every record passes. */
bool wctl_filter_is_empty(const struct wctl_filter *f);
/* Appends those options of a request as they were given, for the log. */
void wctl_filter_text(const struct host_request *request, struct sl_text *out);

#endif
