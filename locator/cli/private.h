/*
 * private.h - what the files of locator/cli share: the shape of an answer, and how it is shown.
 */
#ifndef SL_LOCATOR_CLI_PRIVATE_H
#define SL_LOCATOR_CLI_PRIVATE_H

#include "common/cli/cli.h"

#include <locator/locator.h>

#include <stddef.h>

/* A column of an answer and the field it shows. */
struct lc_column {
    const char *name;
    enum cli_type type;
    enum locator_field field;
};

/* A set of columns. */
struct lc_shape {
    const struct lc_column *columns;
    size_t count;
    bool rows; /* of the rows of a result, else of the result itself */
};

/* What the verbs show. */
extern const struct lc_shape lc_site, lc_mp, lc_dp, lc_name, lc_caps;                   /* one answer */
extern const struct lc_shape lc_mps, lc_sites, lc_slps, lc_boundaries, lc_report, lc_compare, lc_cache, lc_watch; /* lists */
extern const struct lc_shape lc_suspect;                                                /* an answer that was reported */
extern const struct lc_shape lc_nothing;                                                /* a result without an answer */

/* The length of a mask: "255.255.0.0" is 16; -1 when it is none. */
int lc_mask_length(const char *mask);
/*
 * Set what an option says; 0, or -1 with the text in locator_error: HOST:ADDR of --resolve, whose address may stand in brackets;
 * an address of --as-client, with the mask of --mask (or NULL) where it has none; SITE:FILE of --pin, its form checked.
 */
int lc_add_resolve(struct locator *l, const char *text);
int lc_add_client(struct locator *l, const char *address, const char *mask); /* as above */
int lc_add_pin(struct locator *l, const char *text); /* as above */

/* Puts a result into the call's document and frees it: answer, steps, warnings, reason. Returns its outcome. */
enum sl_outcome lc_show(struct cli_call *call, struct locator_result *r, const struct lc_shape *shape);
/* Begins a document whose rows come over a long time. */
void lc_begin_live(struct cli_call *call, const struct lc_shape *shape);
/* Writes a change of a directory that is watched as a row of it (for locator_watch; `doc` is the struct cli_doc). */
void lc_show_change(void *doc, const struct locator_result *change);
/* Puts the rules into the call's document: those of a profile, or with NULL all. */
void lc_show_rules(struct cli_call *call, const char *profile);

#endif
