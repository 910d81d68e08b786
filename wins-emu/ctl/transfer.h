/*
 * transfer.h - the verbs of winsctl that read or write files: import, export and backup. The client's side; inside ctl/ only.
 *
 * Files are the user's: winsctl opens, reads and writes them with the rights of who runs it, since winsd may be somebody else. It
 * checks the whole file, sorts and joins its rows and hands them to winsd as CSV in a sealed memory file (memfd) whose descriptor
 * goes with the request: winsd reads it twice and can rely on reading the same. An export streams rows to winsctl, which writes
 * them. For a backup winsctl opens the file and winsd fills it.
 */
#ifndef SL_WINS_CTL_TRANSFER_H
#define SL_WINS_CTL_TRANSFER_H

#include "common/cli/remote.h"

/* The options of every verb of winsctl. */
struct winsctl_values {
    struct cli_common common;
    char *control;
    int64_t timeout_ms;
};

struct transfer_import {
    int format; /* in ff_formats, when it is given */
    bool dry_run, is_static, is_dynamic;
};

struct transfer_export {
    int format; /* the same */
    bool is_static, is_dynamic;
    int type, state;
    char *suffix, *prefix;
};

/* winsctl import. */
enum sl_outcome wctl_import_file(struct cli_call *call);
/* winsctl export. */
enum sl_outcome wctl_export_file(struct cli_call *call);
/* winsctl backup. */
enum sl_outcome wctl_backup_file(struct cli_call *call);

#endif
