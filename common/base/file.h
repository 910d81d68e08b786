/*
 * file.h - opening the files that administrators name in options: a configuration, a key, a dump.
 *
 * A FIFO or a socket in the place of a file would hold up whoever opens or reads it for ever, before any deadline counts: both
 * are refused, without waiting. A terminal or another device that has nothing to say at once is a failed read. Any thread.
 */
#ifndef SL_COMMON_BASE_FILE_H
#define SL_COMMON_BASE_FILE_H

#include "common/base/error.h"

#include <stdio.h>

/* Opens a file for reading; the caller closes it. SL_DENIED (no right to it), SL_IO; the text is "PATH: why". */
enum sl_status sl_file_open(const char *path, FILE **ret_file, struct sl_error *e) SL_MUST;
/* The same only to see whether it can be opened, for a library that opens it itself; NULL is SL_OK. */
enum sl_status sl_file_check(const char *path, struct sl_error *e) SL_MUST;

#endif
