/*
 * private.h - what the files of site/content share; nobody else includes it.
 */
#ifndef SL_SITE_CONTENT_PRIVATE_H
#define SL_SITE_CONTENT_PRIVATE_H

#include "site/content/content.h"
#include "site/model/digest.h"

/*
 * Copies the open file `fd` from where it stands into the library: its hash and its size. *done counts the octets of the whole
 * operation for env->on_progress. `name` is for errors.
 */
enum sl_status cnt_add_file(struct cnt *library, int fd, const char *name, const struct cnt_env *env, uint64_t *done,
                            struct sm_file *ret_file, struct sl_error *e) SL_MUST;

#endif
