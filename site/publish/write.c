#include "site/publish/directory.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdlib.h>
#include <string.h>

enum { NAMING_VIOLATION = 64 };

/* The objects of this site, and of those that the administrator told to prune. */
static void put_filter(struct sl_text *out, const struct pub_run *run)
{
    sl_text_puts(out, "(|");
    for (size_t i = 0; i <= run->order->sites.count; i++) {
        const char *code = i == 0 ? run->site->site.code : run->order->sites.items[i - 1];
        sl_text_printf(out, "(%s=", SCHEMA_SITE_CODE);
        ldapc_escape_filter(out, code, strlen(code));
        sl_text_puts(out, ")");
    }
    sl_text_puts(out, ")");
}

enum sl_status pub_read_ours(struct pub_dir *d, struct ldapc_entries *ret_found, struct sl_error *e)
{
    struct sl_text filter = sl_text_new(PUB_TEXT_MAX);
    put_filter(&filter, d->run);
    const struct ldapc_search search = {.base = d->probe.container_dn, .scope = LDAPC_ONE_LEVEL, .filter = sl_text_str(&filter),
                                        .attrs = pub_plan_attributes, .classes = ldapc_published_classes,
                                        .split_by = ldapc_published_split};
    enum sl_status s = ldapc_search(d->dir, &search, d->run->deadline, ret_found, e);
    sl_text_fini(&filter);
    if (s == SL_OK && ret_found->incomplete) {
        ldapc_entries_fini(ret_found);
        return sl_fail(e, SL_LIMIT, "%s: a limit of the server cut the list of what is published: raise it for this account",
                       ldapc_server(d->dir));
    }
    return s;
}

/* ---- one write ---------------------------------------------------------------------------------------------------------- */

struct mods {
    struct ldapc_mod rows[PUB_ATTRS_MAX + 2];
    size_t count;
};

static void mods_fini(struct mods *m)
{
    for (size_t i = 0; i < m->count; i++)
        free((void *)(uintptr_t)m->rows[i].values);
    *m = (struct mods){.count = 0};
}

static void mods_put(struct mods *m, const char *attr, char *const *texts, size_t count)
{
    struct ldapc_value *values = sl_new_array(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (struct ldapc_value){.data = texts[i], .len = strlen(texts[i])};
    m->rows[m->count++] = (struct ldapc_mod){.op = LDAPC_REPLACE, .attr = attr, .values = values, .count = count};
}

/* All of a new entry. */
static void mods_add(struct mods *m, const struct pub_object *o)
{
    char *class = (char *)(uintptr_t)o->class;
    mods_put(m, "objectClass", &class, 1);
    mods_put(m, "cn", (char *const *)&o->cn, 1);
    for (size_t i = 0; i < o->attr_count; i++)
        if (o->attrs[i].values.count > 0)
            mods_put(m, o->attrs[i].name, o->attrs[i].values.items, o->attrs[i].values.count);
}

/* Every attribute that differs from `found`. */
static void mods_change(struct mods *m, const struct pub_object *o, const struct ldapc_entry *found)
{
    for (size_t i = 0; i < o->attr_count; i++)
        if (!pub_is_same_attr(&o->attrs[i], ldapc_entry_attr(found, o->attrs[i].name)))
            mods_put(m, o->attrs[i].name, o->attrs[i].values.items, o->attrs[i].values.count);
}

static enum sl_status modify_entry(struct pub_dir *d, const struct pub_object *o, const struct ldapc_entry *found,
                                   struct sl_error *e)
{
    struct mods m = {.count = 0};
    mods_change(&m, o, found);
    enum sl_status s = m.count ? ldapc_modify(d->dir, o->dn, m.rows, m.count, d->run->deadline, e) : SL_OK;
    mods_fini(&m);
    return s;
}

/*
 * The DN is there although the search did not show it (another replica, or an entry without a site code): taken over only when
 * it is ours or belongs to nobody.
 */
static enum sl_status take_over(struct pub_dir *d, const struct pub_object *o, struct sl_error *e)
{
    struct ldapc_entries there;
    enum sl_status s = ldapc_read(d->dir, o->dn, pub_plan_attributes, d->run->deadline, &there, e);
    if (s)
        return s;
    if (there.count == 0)
        s = sl_fail(e, SL_DENIED, "the entry is there but may not be read by this account");
    else if (!ldapc_entry_has(&there.items[0], "objectClass", o->class) ||
             (ldapc_entry_text(&there.items[0], SCHEMA_SITE_CODE) && !pub_is_ours(&d->run->site->site, &there.items[0])))
        s = sl_fail(e, SL_CONFLICT, "held by an object that is not of this site and class");
    else
        s = modify_entry(d, o, &there.items[0], e);
    ldapc_entries_fini(&there);
    return s;
}

/* The rule of Active Directory that has no words of its own. */
static void explain(const struct pub_dir *d, struct pub_change *c)
{
    if (c->code != NAMING_VIOLATION || d->probe.kind != LDAPC_SERVER_AD)
        return;
    struct sl_error server = *c->why;
    pub_change_fail(c, server.status, "sites and boundary ranges may stand below a container (CN=...) only, not below an "
                    "organizationalUnit: %.200s", server.text);
}

/* ---- all of them -------------------------------------------------------------------------------------------------------- */

static bool is_wanted_default(const struct pub_change *c)
{
    for (size_t i = 0; c->object && i < c->object->attr_count; i++) {
        const struct pub_attr *attr = &c->object->attrs[i];
        if (strcmp(attr->name, SCHEMA_DEFAULT_MP) == 0)
            return attr->values.count == 1 && strcmp(attr->values.items[0], "TRUE") == 0;
    }
    return false;
}

static enum pub_phase phase_of(const struct pub_change *c)
{
    if (is_wanted_default(c))
        return PUB_NAMES_DEFAULT;
    if (c->found && pub_says_default(c->found))
        return PUB_CLEARS_DEFAULT;
    return c->action == PUB_REMOVE_LINE ? PUB_REMOVES : PUB_PLAIN;
}

static bool has_to_be_written(const struct pub_change *c)
{
    return c->action == PUB_ADD_LINE || c->action == PUB_CHANGE_LINE || c->action == PUB_REMOVE_LINE;
}

/* The changes that are written together. */
struct group {
    struct pub_dir *d;
    struct pub_change **items;
    size_t count;
    struct mods mods; /* of the one that was described last */
};

static void describe_write(void *ctx, size_t index, struct ldapc_write *ret_write)
{
    struct group *g = ctx;
    const struct pub_change *c = g->items[index];
    mods_fini(&g->mods);
    if (c->action == PUB_REMOVE_LINE) {
        *ret_write = (struct ldapc_write){.op = LDAPC_WRITE_DELETE, .dn = c->found->dn};
        return;
    }
    if (c->found)
        mods_change(&g->mods, c->object, c->found);
    else
        mods_add(&g->mods, c->object);
    *ret_write = (struct ldapc_write){.op = c->found ? LDAPC_WRITE_MODIFY : LDAPC_WRITE_ADD, .dn = c->object->dn,
                                      .mods = g->mods.rows, .count = g->mods.count};
}

static void note_done(void *ctx, size_t index, enum sl_status status, const struct sl_error *why)
{
    struct group *g = ctx;
    struct pub_change *c = g->items[index];
    if (status == SL_OK)
        return;
    c->kind = ldapc_kind(g->d->dir);
    c->code = ldapc_code(g->d->dir);
    pub_change_fail(c, status, "%s", why->text);
}

/* Takes the changes of one phase, or of all with PUB_PHASE_COUNT, that are to be written. */
static void group_take(struct group *g, enum pub_phase phase)
{
    for (size_t i = 0; i < g->d->count; i++) {
        struct pub_change *c = &g->d->changes[i];
        if (phase_of(c) == phase && has_to_be_written(c)) {
            c->is_written = true;
            g->items[g->count++] = c;
        }
    }
}

static struct group group_new(struct pub_dir *d)
{
    return (struct group){.d = d, .items = sl_new_array(d->count + 1, sizeof(struct pub_change *))};
}

static void group_fini(struct group *g)
{
    mods_fini(&g->mods);
    free(g->items);
}

/* Idempotent whatever happened since: add on "there already" becomes modify, modify on "not there" becomes add. */
static void try_again(struct pub_dir *d, struct pub_change *c)
{
    struct sl_error e = {.status = SL_OK};
    struct mods m = {.count = 0};
    enum sl_status s;
    if (c->action == PUB_REMOVE_LINE && c->kind == LDAPC_ABSENT) {
        c->has_failed = false;
        return;
    }
    if (c->action == PUB_CHANGE_LINE && c->kind == LDAPC_ABSENT) {
        mods_add(&m, c->object);
        s = ldapc_add(d->dir, c->object->dn, m.rows, m.count, d->run->deadline, &e);
        mods_fini(&m);
    } else if (c->action == PUB_ADD_LINE && c->kind == LDAPC_EXISTS) {
        s = take_over(d, c->object, &e);
    } else {
        return;
    }
    c->has_failed = s != SL_OK;
    if (s)
        pub_change_fail(c, s, "%s", e.text);
}

/* All in one transaction, where the server has them and the administrator wants them; false when nothing was written. */
static bool write_at_once(struct pub_dir *d)
{
    struct group g = group_new(d);
    for (enum pub_phase phase = 0; phase < PUB_PHASE_COUNT; phase++)
        group_take(&g, phase);
    const struct ldapc_writes writes = {.count = g.count, .describe = describe_write, .ctx = &g};
    bool is_done = g.count > 1 && d->run->target->transactions && (d->probe.controls & LDAPC_CONTROL_TXN) &&
                   ldapc_write_atomic(d->dir, &writes, d->run->deadline, NULL) == SL_OK;
    group_fini(&g);
    return is_done;
}

/* S1.20: a default management point that could not be cleared stays the only one. */
static const struct pub_change *find_kept(const struct group *g)
{
    for (size_t i = 0; i < g->count; i++)
        if (g->items[i]->has_failed)
            return g->items[i];
    return NULL;
}

static void refuse_phase(struct group *g, const struct pub_change *kept)
{
    for (size_t i = 0; i < g->count; i++)
        pub_change_fail(g->items[i], SL_CONFLICT, "left as it is, since %s still says that it is the default", kept->found->dn);
}

/* Everything of a phase; what the server refused is looked at once more, one by one. */
static void write_phase(struct pub_dir *d, enum pub_phase phase, const struct pub_change **kept)
{
    struct group g = group_new(d);
    group_take(&g, phase);
    const struct ldapc_writes writes = {.count = g.count, .describe = describe_write, .done = note_done, .ctx = &g};
    if (phase == PUB_NAMES_DEFAULT && *kept) {
        refuse_phase(&g, *kept);
    } else if (g.count > 0) {
        (void)!ldapc_write_many(d->dir, &writes, d->run->deadline, NULL); /* told at each change */
        for (size_t i = 0; i < g.count; i++)
            if (g.items[i]->has_failed)
                try_again(d, g.items[i]);
        for (size_t i = 0; i < g.count; i++)
            if (g.items[i]->has_failed)
                explain(d, g.items[i]);
    }
    if (phase == PUB_CLEARS_DEFAULT)
        *kept = find_kept(&g);
    group_fini(&g);
}

/* A connection that was lost, or is not known any more, is made again. */
static enum sl_status reconnect(struct pub_dir *d, struct sl_error *e)
{
    enum ldapc_kind kind = ldapc_kind(d->dir);
    if (kind != LDAPC_UNREACHABLE && kind != LDAPC_TIMEOUT)
        return SL_OK;
    return ldapc_connect(d->dir, d->run->deadline, e);
}

void pub_write_all(struct pub_dir *d)
{
    const struct pub_change *kept = NULL;
    if (write_at_once(d) || reconnect(d, NULL) != SL_OK)
        return; /* reading back tells what is there */
    for (enum pub_phase phase = 0; phase < PUB_PHASE_COUNT; phase++)
        write_phase(d, phase, &kept);
}

/* ---- reading back ------------------------------------------------------------------------------------------------------- */

static void verify_change(struct pub_change *c, const struct pub_index *now)
{
    const struct ldapc_entry *entry = c->object ? pub_index_find(now, c->object->cn, c->object->dn)
                                                : pub_index_find(now, ldapc_entry_text(c->found, "cn"), c->found->dn);
    char *difference = c->object && entry ? pub_describe(c->object, entry) : sl_strdup("");
    bool is_right = c->object ? entry && difference[0] == '\0' : entry == NULL;
    if (!is_right && !c->has_failed)
        pub_change_fail(c, SL_CONFLICT, "read back after writing it is not as written: %.300s",
                        difference[0] ? difference : entry ? "still there" : "not there");
    c->has_failed = !is_right;
    free(difference);
}

/* What could not be read back is not known to be there. */
static void verify_none(struct pub_dir *d, const struct sl_error *why)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->changes[i].is_written && !d->changes[i].has_failed)
            pub_change_fail(&d->changes[i], why->status, "written, but not read back: %.300s", why->text);
}

enum sl_status pub_verify(struct pub_dir *d, struct sl_error *e)
{
    struct ldapc_entries now = {.count = 0};
    enum sl_status s = reconnect(d, e);
    if (s == SL_OK)
        s = pub_read_ours(d, &now, e);
    if (s) {
        verify_none(d, e);
        return s;
    }
    struct pub_index index = pub_index_new(&now);
    for (size_t i = 0; i < d->count; i++)
        if (d->changes[i].is_written)
            verify_change(&d->changes[i], &index);
    pub_index_fini(&index);
    ldapc_entries_fini(&now);
    return SL_OK;
}
