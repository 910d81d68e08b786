/*
 * file.h - opening the files that administrators name in options: a configuration, a key, a dump; and replacing files of ours.
 *
 * A FIFO or a socket in the place of a file would hold up whoever opens or reads it for ever, before any deadline counts: both
 * are refused, without waiting. A terminal or another device that has nothing to say at once is a failed read. Any thread.
 */
#ifndef SL_COMMON_BASE_FILE_H
#define SL_COMMON_BASE_FILE_H

#include "common/base/error.h"
#include "common/base/text.h"

#include <stdio.h>
#include <sys/types.h>

/* Opens a file for reading; the caller closes it. SL_DENIED (no right to it), SL_IO; the text is "PATH: why". */
enum sl_status sl_file_open(const char *path, FILE **ret_file, struct sl_error *e) SL_MUST;
/* The same only to see whether it can be opened, for a library that opens it itself; NULL is SL_OK. */
enum sl_status sl_file_check(const char *path, struct sl_error *e) SL_MUST;
/*
 * Puts a text in the place of the file at `path`, or makes it: there is the old one or the new one at any time, and the new one
 * is on disk when this returns. It is written beside it first, as "PATH.new". SL_DENIED, SL_IO.
 */
enum sl_status sl_file_replace(const char *path, const struct sl_text *text, mode_t mode, struct sl_error *e) SL_MUST;

#endif
