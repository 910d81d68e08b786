/*
 * row.h - a record as a row of `list`, `show` and `add`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_ROW_H
#define SL_WINS_CTL_ROW_H

#include "common/host/control.h"
#include "wins-emu/core/record.h"

/* Declares the columns: name, type, state, static, node, addresses, owner, version, expires_s, registered_by. */
void wctl_row_columns(struct host_reply *reply, bool single);
/* Writes the row; expires_s is the time left at `now_s`, null for what never expires. */
void wctl_row(struct host_reply *reply, const struct wins_record *record, int64_t now_s);
/* The columns and the row of `export`: name, kind, node, static, expires (real time, 0 for never), addresses. */
void wctl_file_columns(struct host_reply *reply);
/* `now_s` is not used: the time is absolute. */
void wctl_file_row(struct host_reply *reply, const struct wins_record *record, int64_t now_s);

#endif
