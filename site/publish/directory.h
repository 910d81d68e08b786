/*
 * directory.h - one run over one directory target, in three steps: compare.c says what differs, write.c writes and reads back,
 * directory.c does the rest. Inside site/publish only.
 */
#ifndef SL_SITE_PUBLISH_DIRECTORY_H
#define SL_SITE_PUBLISH_DIRECTORY_H

#include "site/publish/private.h"

/* In this order; what has the same phase is written side by side. S1.20: the old default is cleared before another is named. */
enum pub_phase { PUB_CLEARS_DEFAULT, PUB_PLAIN, PUB_NAMES_DEFAULT, PUB_REMOVES, PUB_PHASE_COUNT };

/* A planned object beside what the directory holds, or an object of ours that is no longer planned. */
struct pub_change {
    enum pub_action action; /* same, add, change, remove; failed for a DN that another holds */
    const struct pub_object *object; /* NULL to remove */
    const struct ldapc_entry *found; /* NULL to add */
    char *detail;
    size_t line;
    bool is_written;
    bool has_failed;
    enum ldapc_kind kind; /* of the failure */
    int code;             /* likewise */
    struct sl_error *why; /* NULL as long as nothing failed */
};

/* The entries of a container by their cn. */
struct pub_index {
    struct pub_index_row {
        const char *cn;
        const struct ldapc_entry *entry;
    } *rows;
    size_t count;
};

struct pub_dir {
    struct pub_run *run;
    struct ldapc *dir;
    struct ldapc_probe probe;
    struct pub_plan plan;
    struct ldapc_entries found;
    struct pub_change *changes;
    size_t count;
};

/* ---- compare.c ---- */

/*
 * Ours: of a class that we write, with our site code and our forest; where no forest is noted (a directory with the schema of SMS
 * 2003, or written before it was extended) our form of name decides.
 */
bool pub_is_ours(const struct sm_site *site, const struct ldapc_entry *entry);
/* Fills the changes, in the order they are shown, from the plan and what was found. */
void pub_compare(struct pub_dir *d);
/* "mSSMSDefaultMP: FALSE -> TRUE; ...", malloc'd; "" when nothing differs. `found` may be NULL. */
char *pub_describe(const struct pub_object *object, const struct ldapc_entry *found);
/* True when the attribute holds exactly these values; `found` may be NULL. */
bool pub_is_same_attr(const struct pub_attr *wanted, const struct ldapc_attr *found);
/* True when the entry says that it is the default management point. */
bool pub_says_default(const struct ldapc_entry *entry);
/* The index of a result, which it borrows; freed by pub_index_fini. */
struct pub_index pub_index_new(const struct ldapc_entries *entries);
/* Frees it. */
void pub_index_fini(struct pub_index *index);
/* The entry of this cn and DN, or NULL. */
const struct ldapc_entry *pub_index_find(const struct pub_index *index, const char *cn, const char *dn);
/* Adds a change, and takes its detail. */
void pub_change_add(struct pub_dir *d, struct pub_change change);
/* Records why a change failed. */
void pub_change_fail(struct pub_change *c, enum sl_status status, const char *fmt, ...) SL_PRINTF(3, 4);

/* ---- prune.c ---- */

/* Tells every object of the container that is of a site. */
enum sl_status pub_list_all(struct pub_dir *d, struct sl_error *e) SL_MUST;
/* Reads, and fills the changes with the removal of what is ours and not planned, and of what the administrator named. */
enum sl_status pub_compare_stale(struct pub_dir *d, struct sl_error *e) SL_MUST;

/* ---- write.c ---- */

/* What the directory holds of the site, and of the sites named to prune. SL_LIMIT when a limit of the server cut it. */
enum sl_status pub_read_ours(struct pub_dir *d, struct ldapc_entries *ret_found, struct sl_error *e) SL_MUST;
/* Writes what differs; what fails is noted at the change. */
void pub_write_all(struct pub_dir *d);
/* Reads back. What a read says counts more than what the write said: a write that timed out may have been carried out. */
enum sl_status pub_verify(struct pub_dir *d, struct sl_error *e) SL_MUST;

#endif
