#include "wins-emu/engine/import.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "wins-emu/engine/note.h"

#include <stdlib.h>
#include <string.h>

const char *eng_imported_word(enum eng_imported imported)
{
    static const char *const words[ENG_IMPORTED_COUNT] = {"added", "replaced", "unchanged", "conflict", "refused"};
    return words[imported];
}

/* The record that `in` makes where none is; the rule is R08 when it may. */
static enum wins_rule make(const struct wins_record *in, const struct wins_config *config, int64_t now_s, struct wins_record *out)
{
    struct wins_request request = {.name = in->name, .type = in->type, .node = in->node, .ttl_s = config->ttl_max_s,
                                   .address = in->members[0].address, .source = config->self};
    struct wins_decision d;
    wins_register(NULL, &request, config, now_s, &d);
    if (d.rule != WINS_R08)
        return d.rule;
    int64_t latest_s = now_s + config->ttl_max_s;
    *out = d.record;
    out->node = in->node;
    out->is_static = in->is_static;
    out->expires_s = in->is_static ? 0 : in->expires_s == 0 || in->expires_s > latest_s ? latest_s : in->expires_s;
    out->member_count = in->member_count;
    for (size_t i = 0; i < in->member_count; i++)
        out->members[i] =
            (struct wins_member){.address = in->members[i].address, .owner = config->self, .expires_s = out->expires_s};
    return d.rule;
}

/* Every address of `a` is one of `b`. */
static bool covers(const struct wins_record *b, const struct wins_record *a)
{
    for (size_t i = 0; i < a->member_count; i++)
        if (wins_record_find(b, a->members[i].address) < 0)
            return false;
    return true;
}

static enum eng_imported merge(const struct wins_record *old, struct wins_record *r)
{
    struct wins_record merged = *old;
    for (size_t i = 0; i < r->member_count; i++) {
        if (wins_record_find(&merged, r->members[i].address) >= 0)
            continue;
        if (merged.member_count == WINS_MEMBERS_MAX)
            return ENG_IMPORT_CONFLICT;
        merged.members[merged.member_count++] = r->members[i];
    }
    merged.owner = r->owner;
    if (merged.expires_s < r->expires_s)
        merged.expires_s = r->expires_s;
    *r = merged;
    return ENG_IMPORT_REPLACED;
}

static enum eng_imported beside_dynamic(const struct wins_record *old, struct wins_record *r)
{
    if (old->type != r->type)
        return ENG_IMPORT_CONFLICT;
    if (r->type == WINS_GROUP || covers(old, r))
        return ENG_IMPORT_UNCHANGED;
    return r->type == WINS_SGROUP ? merge(old, r) : ENG_IMPORT_CONFLICT;
}

enum eng_imported eng_import_decide(const struct wins_record *old, const struct wins_record *in, const struct wins_config *config,
                                    int64_t now_s, struct wins_record *ret_record, enum wins_rule *ret_rule)
{
    struct wins_record r;
    enum eng_imported result = ENG_IMPORT_REPLACED;
    *ret_rule = make(in, config, now_s, &r);
    if (*ret_rule != WINS_R08)
        return ENG_IMPORT_REFUSED;
    bool active = old && old->state == WINS_ACTIVE;
    if (!old)
        result = ENG_IMPORT_ADDED;
    else if (active && old->is_static && !r.is_static)
        result = ENG_IMPORT_CONFLICT;
    else if (active && old->is_static && old->type == r.type && old->node == r.node && covers(old, &r) && covers(&r, old))
        result = ENG_IMPORT_UNCHANGED;
    else if (active && !r.is_static)
        result = beside_dynamic(old, &r);
    if (result == ENG_IMPORT_ADDED || result == ENG_IMPORT_REPLACED)
        *ret_record = r;
    return result;
}

/* ---- both passes -------------------------------------------------------------------------------------------------- */

enum { TAKEN_START = 1024 };

/* Between the two passes: which records were taken, a bit each. */
struct importing {
    struct tbl *table;
    struct wst *store;
    const struct wins_config *config;
    const struct eng_ops *ops;
    const struct eng_import *import;
    struct eng_origin origin;
    struct nb_name last;
    size_t at, room;
    uint8_t *taken;
    uint64_t version; /* of the last one taken */
};

static bool ascends(const struct nb_name *a, const struct nb_name *b)
{
    int order = memcmp(a->octets, b->octets, NB_NAME_LEN);
    if (order == 0)
        order = (int)a->scope_len - (int)b->scope_len;
    return order < 0 || (order == 0 && memcmp(a->scope, b->scope, a->scope_len) < 0);
}

/* *old is the record that the name has; *ret_found is false when it has none. */
static enum eng_imported decide_import(struct importing *im, const struct wins_record *in, struct wins_record *old,
                                       bool *ret_found, struct wins_record *ret_record, enum wins_rule *ret_rule)
{
    const struct tbl_entry *entry = tbl_find(im->table, &in->name);
    if (entry)
        tbl_unpack(entry, old);
    *ret_found = entry != NULL;
    enum eng_imported imported =
        eng_import_decide(entry ? old : NULL, in, im->config, im->origin.at_s, ret_record, ret_rule);
    if (imported == ENG_IMPORT_ADDED || imported == ENG_IMPORT_REPLACED)
        ret_record->version = ++im->version;
    return imported;
}

static void store_taken(struct importing *im, const struct wins_record *old, enum wins_rule rule,
                        const struct wins_record *record)
{
    struct wst_note note;
    eng_note_make(&im->origin, rule, old, record, &note);
    wst_put(im->store, record);
    wst_note(im->store, &note);
}

static enum sl_status store_import(void *ctx, const struct wins_record *in, struct sl_error *e)
{
    struct importing *im = ctx;
    struct wins_record record, old;
    enum wins_rule rule;
    bool found;
    if (im->at > 0 && !ascends(&im->last, &in->name))
        return sl_fail(e, SL_MALFORMED, "%s is out of order", nb_name_text(&in->name).text);
    if (in->member_count == 0)
        return sl_fail(e, SL_MALFORMED, "%s has no address", nb_name_text(&in->name).text);
    if (im->at / 8 >= im->room) {
        im->room = im->room ? im->room * 2 : TAKEN_START;
        im->taken = sl_resize(im->taken, im->room, 1);
    }
    enum eng_imported imported = decide_import(im, in, &old, &found, &record, &rule);
    bool taken = imported == ENG_IMPORT_ADDED || imported == ENG_IMPORT_REPLACED;
    uint8_t bit = (uint8_t)(1u << im->at % 8);
    if (im->at % 8 == 0)
        im->taken[im->at / 8] = 0;
    if (taken)
        im->taken[im->at / 8] |= bit;
    im->last = in->name;
    im->at++;
    if (taken && !im->import->dry_run)
        store_taken(im, found ? &old : NULL, rule, &record);
    im->import->decided(im->import->ctx, in, imported, rule);
    return SL_OK;
}

static enum sl_status publish_import(void *ctx, const struct wins_record *in, struct sl_error *e)
{
    (void)e;
    struct importing *im = ctx;
    struct wins_record record, old;
    enum wins_rule rule;
    bool found, taken = im->taken[im->at / 8] >> im->at % 8 & 1;
    im->at++;
    if (!taken)
        return SL_OK;
    (void)decide_import(im, in, &old, &found, &record, &rule);
    tbl_put(im->table, &record);
    if (im->ops->noted) {
        struct wst_note note;
        eng_note_make(&im->origin, rule, found ? &old : NULL, &record, &note);
        im->ops->noted(im->ops->ctx, &note);
    }
    return SL_OK;
}

/* Decides, and writes what is taken; after a failure nothing is stored. */
static enum sl_status store_all(struct importing *im, struct sl_error *e)
{
    enum sl_status status = im->import->dry_run ? SL_OK : wst_begin(im->store, e);
    if (status != SL_OK)
        return status;
    status = im->import->each(im->import->ctx, store_import, im, e);
    if (im->import->dry_run)
        return status;
    if (status != SL_OK) {
        wst_abandon(im->store);
        return status;
    }
    wst_set_version(im->store, im->version);
    return wst_commit(im->store, e);
}

/* The version counter moves on when all is on disk. */
static enum sl_status run_import(struct eng *eng, int64_t now_s, const struct eng_import *import, struct sl_error *e)
{
    struct importing im = {.table = eng->table, .store = eng->store, .config = &eng->config.rules, .ops = &eng->ops,
                           .import = import, .version = eng->version, .origin = {.by = WST_BY_IMPORT, .at_s = now_s}};
    enum sl_status status = store_all(&im, e);
    if (status == SL_OK && !import->dry_run) {
        uint64_t last = im.version;
        im.at = 0;
        im.version = eng->version;
        tbl_reserve(im.table, tbl_count(im.table) + (size_t)(last - im.version));
        status = import->each(import->ctx, publish_import, &im, e);
        sl_assert(status != SL_OK || im.version == last);
        eng->version = last;
    }
    free(im.taken);
    return status;
}

enum sl_status eng_admin_import(struct eng *eng, struct eng_now now, const struct eng_import *import, struct sl_error *e)
{
    SL_CHECK_MAGIC(eng, ENG_MAGIC);
    enum sl_status status = eng_commit(eng, e);
    if (status != SL_OK)
        return status;
    uint64_t before = eng->version;
    status = run_import(eng, now.real_s, import, e);
    eng->stats.commits += eng->version != before;
    return status;
}
