/*
 * content.h - the content library: the files of packages, each kept once under the SHA-256 of its octets.
 *
 *   ROOT/ab/ab12...ef    the file of that hash; never changed, never half there. Its modification time is a seal, the same for
 *                        all: whoever writes into it breaks the seal
 *   ROOT/part/...        what is being copied; emptied when the library is opened for writing
 *   ROOT/damaged/HASH    what was taken out of it (cnt_put_aside); nobody reads it
 *   ROOT/fetch/HASH      the beginning of a file that is being fetched from another host; it survives a restart
 *
 * A name out of the library is always a hash that we computed or read from the site database, so no path that a client sends
 * ever reaches the file system. Which file a package calls what is in the site database (struct sm_manifest).
 *
 * A file is in the library (fsync of it and of its folder) before cnt_add_tree returns SL_OK. One process writes to
 * a library, any number reads; a struct cnt may be used by several threads.
 */
#ifndef SL_SITE_CONTENT_CONTENT_H
#define SL_SITE_CONTENT_CONTENT_H

#include "common/base/text.h"
#include "site/model/site.h"

struct cnt;

enum { CNT_FILES_MAX = 1 << 20, CNT_DEPTH_MAX = 64, CNT_NAMED_MAX = 4 };

/* What a long operation asks and tells while it runs; a NULL function is not called. */
struct cnt_env {
    bool (*is_stopping)(void *ctx);                /* true ends it with SL_CANCELED */
    void (*on_progress)(void *ctx, uint64_t octets); /* copied so far */
    void *ctx;
};

/*
 * Opens the library at `root`. For writing it is made when it is not there (its parent must be); for reading it may come
 * later. Errors name the folder.
 */
enum sl_status cnt_open(const char *root, bool for_writing, struct cnt **ret_library, struct sl_error *e) SL_MUST;
/* Closes it; NULL is accepted. */
void cnt_close(struct cnt *library);
/*
 * Copies every regular file below the folder `dir_fd` (stays the caller's) and lists them, sorted by path. Symbolic links,
 * devices and the like, and names with control characters or not in UTF-8 are SL_USAGE and named: a package says what it is. A
 * file that is written to while it is read is SL_CONFLICT. What was copied before a failure stays in the library, unlisted, and
 * does no harm.
 */
enum sl_status cnt_add_tree(struct cnt *library, int dir_fd, const struct cnt_env *env, struct sm_manifest *ret_manifest,
                            struct sl_error *e) SL_MUST;
/* True for a path that a file of a package may have: names of UTF-8 without control characters, none of them "." or "..". */
bool cnt_is_path(const char *path);
/* True for the text of a hash, as every file is named; the other functions take nothing else. */
bool cnt_is_hash(const char *name);
/* A descriptor of the file of that hash (the caller's to close) and its size; -1 when the library does not have it. */
enum sl_status cnt_file(const struct cnt *library, const char *sha256, int *ret_fd, uint64_t *ret_size,
                        struct sl_error *e) SL_MUST;
/* True while nobody has written into the open file since it was compared. What decays on the disk breaks no seal. */
bool cnt_is_sealed(int fd);
/* Seals a file that has just been compared; SL_DENIED for the file of another user. */
enum sl_status cnt_seal(struct cnt *library, const char *sha256, struct sl_error *e) SL_MUST;
/* Reads the file of that hash again; *ret_good is false when it is missing, cannot be read, or its octets have changed. */
enum sl_status cnt_verify(const struct cnt *library, const char *sha256, const struct cnt_env *env, bool *ret_good,
                          struct sl_error *e) SL_MUST;
/*
 * Takes a file that is damaged out of the library, to ROOT/damaged/HASH: it may be the only copy there is, and the disk may have
 * failed but once. One that is not there is fine.
 */
enum sl_status cnt_put_aside(struct cnt *library, const char *sha256, struct sl_error *e) SL_MUST;
/* Removes a file that no package has any more; one that is not there is fine. */
enum sl_status cnt_remove(struct cnt *library, const char *sha256, struct sl_error *e) SL_MUST;
/*
 * Removes every file, and every beginning of one, of which `is_wanted` says false. What cannot be read or removed is left for the
 * next time.
 */
void cnt_sweep(struct cnt *library, bool (*is_wanted)(const char *sha256, void *ctx), void *ctx);

/* ---- fetching: a file that comes in pieces, in order, perhaps over several starts; one thread a file ---------------------- */

/* Opens the beginning of a file for writing behind it: a descriptor, the caller's to close, and how much is there. */
enum sl_status cnt_part_open(struct cnt *library, const char *sha256, int *ret_fd, uint64_t *ret_size,
                             struct sl_error *e) SL_MUST;
/* Adds octets to it. */
enum sl_status cnt_part_add(const struct cnt *library, int fd, const void *octets, size_t len, struct sl_error *e) SL_MUST;
/*
 * All of it is there: when its hash is right it is in the library, on disk; when it is not, SL_CORRUPT, and the beginning is
 * gone, so that it is fetched anew.
 */
enum sl_status cnt_part_keep(struct cnt *library, int fd, const char *sha256, const struct cnt_env *env,
                             struct sl_error *e) SL_MUST;

/* ---- the files of a package ------------------------------------------------------------------------------------------------ */

/* Each hash once, borrowed from a manifest. */
struct cnt_files {
    const struct sm_file **items; /* by hash */
    size_t count;
    uint64_t size; /* of all of them */
};

/* One file of each hash of the manifest, which must outlive it. Released by cnt_files_fini. */
struct cnt_files cnt_files_of(const struct sm_manifest *manifest);
/* Frees what it owns and clears it. */
void cnt_files_fini(struct cnt_files *files);

/* What is wrong with the files of a package; begins with cnt_finding_reset on one that is all zero. */
struct cnt_finding {
    struct sl_text text; /* "damaged: a/b.exe, missing: c", no more than CNT_NAMED_MAX by name */
    size_t damaged, missing;
};

/* Nothing, so far. */
void cnt_finding_reset(struct cnt_finding *finding);
/* A file that is there, but damaged, or that is missing. */
void cnt_finding_add(struct cnt_finding *finding, bool is_here, const char *path);
/* Frees what it owns. */
void cnt_finding_fini(struct cnt_finding *finding);
/* The SHA-256 of a manifest: of its lines "HASH  PATH\n" in order, as sha256sum writes them. */
void cnt_manifest_hash(const struct sm_manifest *manifest, char ret_hex[SM_SHA256_SIZE]);

#endif
