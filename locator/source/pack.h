/*
 * pack.h - an answer as octets, to be kept: strings ended by NUL, in the order of the tables of pack.c, the first a version.
 *
 * What was noted on the way (the notes) is left out. What is read may come from a file that somebody has damaged: everything is
 * checked, and what does not fit in every respect is no answer.
 */
#ifndef SL_LOCATOR_SOURCE_PACK_H
#define SL_LOCATOR_SOURCE_PACK_H

#include "common/base/text.h"
#include "locator/source/source.h"

/* Appends an answer; `out` has failed when it does not fit. */
void src_pack(const struct src_answer *a, struct sl_text *out);
/* Reads an answer into one that comes from src_answer_init; false, with `a` unusable but to src_answer_fini, when it is none. */
bool src_unpack(const void *octets, size_t len, struct src_answer *a);

#endif
