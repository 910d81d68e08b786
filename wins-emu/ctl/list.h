/*
 * list.h - the verbs `list` and `export`; inside ctl/ only.
 */
#ifndef SL_WINS_CTL_LIST_H
#define SL_WINS_CTL_LIST_H

#include "common/host/control.h"
#include "wins-emu/table/table.h"

/*
 * Streams the records that match the options type, state, static, dynamic, suffix, owner and prefix, a hundred at a time,
 * while the client keeps up: a million names need no more memory than ten. Ends the reply.
 */
void wctl_list(const struct tbl *table, const struct host_request *request, struct host_reply *reply);
/*
 * The same for `export`: active records unless the option state says otherwise, in the cells of ff_row_of_cells; the client
 * writes them in the format it was asked for.
 */
void wctl_export(const struct tbl *table, const struct host_request *request, struct host_reply *reply);

#endif
