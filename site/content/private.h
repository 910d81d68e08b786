/*
 * private.h - what the files of site/content share; nobody else includes it.
 */
#ifndef SL_SITE_CONTENT_PRIVATE_H
#define SL_SITE_CONTENT_PRIVATE_H

#include "site/content/content.h"
#include "site/model/digest.h"

#include <stdatomic.h>

#define CNT_MAGIC 0xc0a7e701u
#define CNT_FETCH "fetch"

enum { CNT_NAME_SIZE = SM_SHA256_SIZE + 8 };

struct cnt {
    uint32_t magic;
    int root; /* for writing, else -1 */
    char *path;
    atomic_uint next_part;
};

/* A failure of the operating system at `what`. */
enum sl_status cnt_failed(const struct cnt *library, const char *what, struct sl_error *e) SL_MUST;
/* Gives what was copied to `part` its name; both the file `fd` and the name are on disk afterwards. */
enum sl_status cnt_keep(struct cnt *library, int fd, const char *part, const char *sha256, struct sl_error *e) SL_MUST;
/* Writes all of it; false with errno. */
bool cnt_write(int fd, const char *octets, size_t len);
/* The hash and size of what is left to read in `fd`. */
enum sl_status cnt_hash(int fd, const char *name, const struct cnt_env *env, struct sm_file *ret_file,
                        struct sl_error *e) SL_MUST;

/*
 * Copies the open file `fd` from where it stands into the library: its hash and its size. *done counts the octets of the whole
 * operation for env->on_progress. `name` is for errors.
 */
enum sl_status cnt_add_file(struct cnt *library, int fd, const char *name, const struct cnt_env *env, uint64_t *done,
                            struct sm_file *ret_file, struct sl_error *e) SL_MUST;

#endif
