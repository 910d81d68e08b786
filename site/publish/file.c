#include "site/publish/private.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/files/files.h"
#include "common/files/ldif.h"
#include "common/files/zone.h"
#include "ldap-schema/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_TEXT_MAX = 256 << 20, BASE_MAX = 1024, FILE_MODE = 0644, FORM_MAX = 16 };

/* One thing in a file: what it is called, and its text as we write it. */
struct piece {
    char *key, *text;
    bool is_matched;
};

struct pieces {
    struct piece *items;
    size_t count;
};

struct file {
    struct pub_run *run;
    const char *path;
    char form[FORM_MAX]; /* the scheme: "ldif", "lmhosts" */
    char srv_name[PUB_SRV_NAME_MAX];
    struct pieces wanted, found;
};

static void add_piece(struct pieces *pieces, const char *key, struct sl_text *text)
{
    pieces->items = sl_resize(pieces->items, pieces->count + 1, sizeof *pieces->items);
    pieces->items[pieces->count++] = (struct piece){.key = sl_strdup(key), .text = sl_text_take(text)};
}

static void pieces_fini(struct pieces *pieces)
{
    for (size_t i = 0; i < pieces->count; i++) {
        free(pieces->items[i].key);
        free(pieces->items[i].text);
    }
    free(pieces->items);
    *pieces = (struct pieces){.items = NULL};
}

/* ---- what should be in it ----------------------------------------------------------------------------------------------- */

static bool allows_all(const char *class, const char *attribute, void *ctx)
{
    (void)class;
    (void)attribute;
    (void)ctx;
    return true;
}

/* The container below the base, which is that of the site's domain when none is given: "DC=example,DC=org". */
static void put_container(const struct pub_run *run, struct sl_text *out)
{
    const struct sm_target *t = run->target;
    sl_text_puts(out, t->container ? t->container : LDAPC_CONTAINER);
    if (t->base) {
        sl_text_printf(out, "%s%s", out->len ? "," : "", t->base);
        return;
    }
    for (const char *label = run->site->site.domain; *label;) {
        size_t len = strcspn(label, ".");
        sl_text_puts(out, out->len ? ",DC=" : "DC=");
        ldapc_escape_rdn(out, label, len);
        label += len + (label[len] == '.');
    }
}

static void put_values(struct sl_text *out, const char *attr, char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ff_ldif_put(out, attr, values[i], strlen(values[i]));
}

static void want_objects(struct file *f)
{
    struct sl_text container = sl_text_new(BASE_MAX);
    struct pub_plan plan;
    put_container(f->run, &container);
    pub_plan_make(f->run->site, sl_text_str(&container), allows_all, NULL, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct pub_object *o = &plan.objects[i];
        struct sl_text text = sl_text_new(PUB_TEXT_MAX);
        ff_ldif_put(&text, "dn", o->dn, strlen(o->dn));
        ff_ldif_put(&text, "objectClass", o->class, strlen(o->class));
        ff_ldif_put(&text, "cn", o->cn, strlen(o->cn));
        for (size_t a = 0; a < o->attr_count; a++)
            put_values(&text, o->attrs[a].name, o->attrs[a].values.items, o->attrs[a].values.count);
        sl_text_puts(&text, "\n");
        add_piece(&f->wanted, o->dn, &text);
    }
    pub_plan_fini(&plan);
    sl_text_fini(&container);
}

static void want_record(struct file *f)
{
    const struct sm_mp *mp = pub_srv_target(f->run);
    struct ff_zone_record record = {.ttl_s = PUB_SRV_TTL_S, .type = FF_ZONE_SRV};
    struct sl_text text = sl_text_new(PUB_TEXT_MAX);
    if (mp == NULL)
        return;
    record.port = mp->port;
    (void)sl_text_copy(record.owner, sizeof record.owner, f->srv_name);
    (void)sl_text_copy(record.target, sizeof record.target, mp->host);
    ff_zone_put_srv(&text, &record);
    add_piece(&f->wanted, record.owner, &text);
}

static enum sl_status want_names(struct file *f, struct sl_error *e)
{
    struct pub_name names[PUB_NAMES_MAX];
    size_t count = pub_names_wanted(f->run, names);
    enum sl_status s = SL_OK;
    for (size_t i = 0; i < count && s == SL_OK; i++) {
        const struct ff_row row = {.name = names[i].name, .kind = FF_UNIQUE, .is_static = true, .address_count = 1,
                                   .addresses = {names[i].ip4}};
        struct sl_text text = sl_text_new(FF_ROW_TEXT_MAX);
        if (names[i].ip4)
            s = ff_write(ff_format_find(f->form), &text, &row, e);
        if (names[i].ip4 && s == SL_OK)
            add_piece(&f->wanted, names[i].text.text, &text);
        sl_text_fini(&text);
    }
    return s;
}

/* ---- what is in it ------------------------------------------------------------------------------------------------------ */

static enum sl_status on_entry(void *ctx, const struct ff_ldif_entry *entry, struct sl_error *e)
{
    struct file *f = ctx;
    struct sl_text text = sl_text_new(FF_LDIF_ENTRY_MAX);
    const char *code = NULL;
    ff_ldif_put(&text, "dn", entry->dn, strlen(entry->dn));
    for (size_t i = 0; i < entry->count; i++) {
        ff_ldif_put(&text, entry->values[i].attr, entry->values[i].data, entry->values[i].len);
        if (sl_text_iequal(entry->values[i].attr, SCHEMA_SITE_CODE))
            code = entry->values[i].data;
    }
    sl_text_puts(&text, "\n");
    bool is_ours = code && sl_text_iequal(code, f->run->site->site.code);
    if (is_ours)
        add_piece(&f->found, entry->dn, &text);
    sl_text_fini(&text);
    return is_ours ? SL_OK : sl_fail(e, SL_CONFLICT, "%s is not of site %s: give the site a file of its own", entry->dn,
                                     f->run->site->site.code);
}

static enum sl_status on_record(void *ctx, const struct ff_zone_record *record, struct sl_error *e)
{
    struct file *f = ctx;
    struct sl_text text = sl_text_new(PUB_TEXT_MAX);
    if (record->type != FF_ZONE_SRV || !sl_text_iequal(record->owner, f->srv_name))
        return sl_fail(e, SL_CONFLICT, "%s is not of site %s: give the site a file of its own", record->owner,
                       f->run->site->site.code);
    ff_zone_put_srv(&text, record);
    add_piece(&f->found, record->owner, &text);
    return SL_OK;
}

static enum sl_status on_row(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    struct file *f = ctx;
    struct pub_name names[PUB_NAMES_MAX];
    const struct nb_name_text name = nb_name_text(&row->name);
    bool is_ours = false;
    (void)place;
    for (size_t i = pub_names_wanted(f->run, names); i > 0; i--)
        is_ours = is_ours || nb_name_equal(&names[i - 1].name, &row->name);
    if (!is_ours)
        return sl_fail(e, SL_CONFLICT, "%s is not of site %s: give the site a file of its own", name.text,
                       f->run->site->site.code);
    struct sl_text text = sl_text_new(FF_ROW_TEXT_MAX);
    enum sl_status s = ff_write(ff_format_find(f->form), &text, row, e);
    if (s == SL_OK)
        add_piece(&f->found, name.text, &text);
    sl_text_fini(&text);
    return s;
}

static enum sl_status read_file(struct file *f, struct sl_error *e)
{
    bool is_cut;
    if (access(f->path, F_OK) != 0 && errno == ENOENT)
        return SL_OK;
    switch (sm_target_kind(f->run->target)) {
    case SM_TARGET_LDIF:
        return ff_ldif_read(f->path, on_entry, f, &is_cut, e);
    case SM_TARGET_ZONE:
        return ff_zone_read(f->path, on_record, f, e);
    default:
        return ff_read(ff_format_find(f->form), f->path, on_row, f, NULL, e);
    }
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static void put_head(const struct file *f, struct sl_text *out)
{
    const struct ff_format *format = ff_format_find(f->form);
    enum sm_target_kind kind = sm_target_kind(f->run->target);
    if (kind == SM_TARGET_NAMES)
        sl_text_puts(out, format->head);
    else
        sl_text_printf(out, "%s Site %s, written by sitelocator\n", kind == SM_TARGET_LDIF ? "#" : ";", f->run->site->site.code);
}

static enum sl_status write_file(struct file *f, struct sl_error *e)
{
    struct sl_text text = sl_text_new(FILE_TEXT_MAX);
    if (f->wanted.count == 0)
        return unlink(f->path) == 0 || errno == ENOENT ? SL_OK : sl_fail(e, SL_DENIED, "%s: %s", f->path, strerror(errno));
    put_head(f, &text);
    for (size_t i = 0; i < f->wanted.count; i++)
        sl_text_puts(&text, f->wanted.items[i].text);
    enum sl_status s = sl_text_failed(&text) ? sl_fail(e, SL_LIMIT, "%s: too large", f->path)
                                             : sl_file_replace(f->path, &text, FILE_MODE, e);
    sl_text_fini(&text);
    return s;
}

/* ---- differences -------------------------------------------------------------------------------------------------------- */

static int compare_pieces(const void *a, const void *b)
{
    return strcmp((*(struct piece *const *)a)->key, (*(struct piece *const *)b)->key);
}

/* The found pieces by their keys. */
static struct piece **sort(const struct pieces *found)
{
    struct piece **sorted = sl_new_array(found->count + 1, sizeof *sorted);
    for (size_t i = 0; i < found->count; i++)
        sorted[i] = &found->items[i];
    qsort(sorted, found->count, sizeof *sorted, compare_pieces);
    return sorted;
}

/* Adds a line for each piece; true when the file is as it should be. */
static bool show(struct file *f)
{
    struct piece **sorted = sort(&f->found);
    bool is_same = f->found.count == f->wanted.count;
    for (size_t i = 0; i < f->wanted.count; i++) {
        struct piece *wanted = &f->wanted.items[i];
        struct piece **found = bsearch(&wanted, sorted, f->found.count, sizeof *sorted, compare_pieces);
        bool is_equal = found && strcmp((*found)->text, wanted->text) == 0;
        if (found)
            (*found)->is_matched = true;
        is_same = is_same && is_equal;
        if (!is_equal)
            pub_differs(f->run);
        pub_line_add(f->run, is_equal ? PUB_SAME_LINE : found ? PUB_CHANGE_LINE : PUB_ADD_LINE, wanted->key, "%s", "");
    }
    for (size_t i = 0; i < f->found.count; i++)
        if (!f->found.items[i].is_matched) {
            pub_differs(f->run);
            pub_line_add(f->run, PUB_REMOVE_LINE, f->found.items[i].key, "%s", "");
        }
    free(sorted);
    return is_same;
}

static enum sl_status want(struct file *f, struct sl_error *e)
{
    enum sm_target_kind kind = sm_target_kind(f->run->target);
    if (pub_is_removal(f->run))
        return SL_OK;
    if (kind == SM_TARGET_NAMES)
        return want_names(f, e);
    if (kind == SM_TARGET_LDIF)
        want_objects(f);
    else
        want_record(f);
    return SL_OK;
}

void pub_file(struct pub_run *run)
{
    struct file f = {.run = run, .path = sm_target_place(run->target)};
    struct sl_error e = {.status = SL_OK};
    if (pub_is_prune(run))
        return; /* publishing replaces it as a whole */
    snprintf(f.form, sizeof f.form, "%.*s", (int)strcspn(run->target->uri, ":"), run->target->uri);
    pub_srv_name(f.srv_name, run->site->site.code, run->site->site.domain);
    enum sl_status s = want(&f, &e);
    if (s == SL_OK && run->result->outcome == SL_OUTCOME_OK)
        s = read_file(&f, &e);
    bool is_same = s != SL_OK || run->result->outcome != SL_OUTCOME_OK || show(&f);
    if (!is_same && pub_is_diff(run))
        pub_result_set(run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
    else if (!is_same)
        s = write_file(&f, &e);
    if (s)
        pub_result_fail(run, s, &e);
    pieces_fini(&f.wanted);
    pieces_fini(&f.found);
}
