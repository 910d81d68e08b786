/*
 * dump.h - inside the sources only: what sources that read a file have in common.
 *
 * A dump says what was true when its file was last changed: that is the age of every answer. Its server is the file, with the
 * line of what was chosen where there is one. A file that cannot be opened could not be asked; one that holds something that is
 * not of its format is SRC_BAD_FILE, whatever else it holds, and the text begins with FILE:LINE.
 */
#ifndef SL_LOCATOR_SOURCE_DUMP_H
#define SL_LOCATOR_SOURCE_DUMP_H

#include "locator/source/source.h"

struct src_dump {
    char path[SRC_URI_MAX];
};

/* Takes the path out of SCHEME:FILE or SCHEME:///FILE; SL_USAGE when there is none, or when it is "-". */
enum sl_status src_dump_parse(const char *uri, struct src_dump *ret_dump, struct sl_error *e) SL_MUST;
/* The `open` of a source that needs nothing but its path; freed by free. */
enum sl_status src_dump_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e) SL_MUST;
/* Begins an answer: notes that the file is read, and sets server and age. */
void src_dump_begin(const struct src_dump *dump, const struct src_question *q, struct src_answer *a);
/* Ends the note and says why the file could not be read to its end. */
void src_dump_say_failed(struct src_answer *a, enum sl_status status, const struct sl_error *e);
/* Sets the server to FILE:LINE. */
void src_dump_place(struct src_answer *a, const char *file, unsigned line);

#endif
