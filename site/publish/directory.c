#include "site/publish/private.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A planned object beside what the directory holds, or an object of ours that is no longer planned. */
struct change {
    enum pub_action action; /* same, add, change, remove; failed for a DN that another holds */
    const struct pub_object *object; /* NULL to remove */
    const struct ldapc_entry *found; /* NULL to add */
    char *detail;
    size_t line;
    bool is_written;
    bool has_failed;
    struct sl_error why;
};

struct dir_run {
    struct pub_run *run;
    struct ldapc *dir;
    struct ldapc_probe probe;
    struct pub_plan plan;
    struct ldapc_entries found;
    struct change *changes;
    size_t count;
};

/* ---- what is there ---------------------------------------------------------------------------------------------------- */

static bool schema_allows(const char *class, const char *attribute, void *ctx)
{
    const struct dir_run *d = ctx;
    for (size_t i = 0; i < d->probe.missing_attributes.count; i++)
        if (sl_text_iequal(d->probe.missing_attributes.items[i], attribute))
            return false;
    for (size_t i = 0; i < d->probe.lacking.count; i++) {
        const char *slash = strchr(d->probe.lacking.items[i], '/');
        if (slash && strncmp(d->probe.lacking.items[i], class, strlen(class)) == 0 && slash[1] != '\0' &&
            (size_t)(slash - d->probe.lacking.items[i]) == strlen(class) && sl_text_iequal(slash + 1, attribute))
            return false;
    }
    return true;
}

static bool is_our_class(const struct ldapc_entry *entry)
{
    return ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SITE) ||
           ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_MANAGEMENT_POINT) ||
           ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE);
}

/*
 * Ours: of a class that we write, with our site code and our forest; where no forest is noted (a directory with the schema of SMS
 * 2003, or written before it was extended) our form of name decides.
 */
static bool is_ours(const struct dir_run *d, const struct ldapc_entry *entry)
{
    const struct sm_site *site = &d->run->site->site;
    const char *code = ldapc_entry_text(entry, SCHEMA_SITE_CODE), *forest = ldapc_entry_text(entry, SCHEMA_SOURCE_FOREST);
    const char *cn = ldapc_entry_text(entry, "cn");
    if (!is_our_class(entry) || code == NULL || !sl_text_iequal(code, site->code))
        return false;
    return forest ? sl_text_iequal(forest, site->forest) : cn && pub_is_our_name(site->code, cn);
}

static enum sl_status read_ours(struct dir_run *d, struct ldapc_entries *ret_found, struct sl_error *e)
{
    struct sl_text filter = sl_text_new(PUB_TEXT_MAX);
    sl_text_puts(&filter, "(");
    sl_text_puts(&filter, SCHEMA_SITE_CODE);
    sl_text_puts(&filter, "=");
    ldapc_escape_filter(&filter, d->run->site->site.code, strlen(d->run->site->site.code));
    sl_text_puts(&filter, ")");
    const struct ldapc_search search = {.base = d->probe.container_dn, .scope = LDAPC_ONE_LEVEL, .filter = sl_text_str(&filter),
                                        .attrs = pub_plan_attributes};
    enum sl_status s = ldapc_search(d->dir, &search, d->run->deadline, ret_found, e);
    sl_text_fini(&filter);
    if (s == SL_OK && ret_found->incomplete) {
        ldapc_entries_fini(ret_found);
        return sl_fail(e, SL_LIMIT, "%s: a limit of the server cut the list of what is published: raise it for this account",
                       ldapc_server(d->dir));
    }
    return s;
}

/* ---- differences ------------------------------------------------------------------------------------------------------ */

static bool has_value(const struct ldapc_attr *attr, const char *text)
{
    for (size_t i = 0; attr && i < attr->count; i++)
        if (attr->values[i].len == strlen(text) && memcmp(attr->values[i].data, text, attr->values[i].len) == 0)
            return true;
    return false;
}

static bool is_same_attr(const struct pub_attr *wanted, const struct ldapc_attr *found)
{
    if (wanted->values.count != (found ? found->count : 0))
        return false;
    for (size_t i = 0; i < wanted->values.count; i++)
        if (!has_value(found, wanted->values.items[i]))
            return false;
    return true;
}

static void tell_found(struct sl_text *out, const struct ldapc_attr *found)
{
    for (size_t i = 0; found && i < found->count; i++) {
        sl_text_puts(out, i ? ", " : "");
        sl_text_add(out, found->values[i].data, found->values[i].len);
    }
    if (found == NULL || found->count == 0)
        sl_text_puts(out, "none");
}

static void tell_wanted(struct sl_text *out, const struct pub_attr *wanted)
{
    for (size_t i = 0; i < wanted->values.count; i++)
        sl_text_printf(out, "%s%s", i ? ", " : "", wanted->values.items[i]);
    if (wanted->values.count == 0)
        sl_text_puts(out, "none");
}

/* "mSSMSDefaultMP: FALSE -> TRUE; ...", malloc'd; "" when nothing differs. */
static char *describe(const struct pub_object *object, const struct ldapc_entry *found)
{
    struct sl_text out = sl_text_new(PUB_TEXT_MAX);
    for (size_t i = 0; i < object->attr_count; i++) {
        const struct pub_attr *wanted = &object->attrs[i];
        const struct ldapc_attr *attr = found ? ldapc_entry_attr(found, wanted->name) : NULL;
        if (is_same_attr(wanted, attr))
            continue;
        sl_text_printf(&out, "%s%s: ", out.len ? "; " : "", wanted->name);
        if (found) {
            tell_found(&out, attr);
            sl_text_puts(&out, " -> ");
        }
        tell_wanted(&out, wanted);
    }
    if (sl_text_failed(&out)) {
        sl_text_reset(&out);
        sl_text_puts(&out, "too much to show");
    }
    char *text = sl_strdup(sl_text_str(&out));
    sl_text_fini(&out);
    return text;
}

/* The names first: a site has thousands of objects, and comparing DNs means parsing both. */
static bool is_entry_of(const struct ldapc_entry *entry, const struct pub_object *object)
{
    return ldapc_entry_has(entry, "cn", object->cn) && ldapc_dn_equal(entry->dn, object->dn);
}

static void add_change(struct dir_run *d, struct change change)
{
    d->changes = sl_resize(d->changes, d->count + 1, sizeof *d->changes);
    d->changes[d->count++] = change;
}

static void compare_object(struct dir_run *d, const struct pub_object *object)
{
    struct change change = {.action = PUB_ADD_LINE, .object = object};
    for (size_t i = 0; i < d->found.count && change.found == NULL; i++)
        if (is_entry_of(&d->found.items[i], object))
            change.found = &d->found.items[i];
    if (change.found && (!is_ours(d, change.found) || !ldapc_entry_has(change.found, "objectClass", object->class))) {
        change.action = PUB_FAILED_LINE;
        change.has_failed = true;
        (void)sl_fail(&change.why, SL_CONFLICT, "held by an object that is not of this site and class (source forest %s)",
                      ldapc_entry_text(change.found, SCHEMA_SOURCE_FOREST) ? ldapc_entry_text(change.found, SCHEMA_SOURCE_FOREST)
                                                                           : "not told");
        change.detail = sl_strdup(change.why.text);
    } else {
        change.detail = describe(object, change.found);
        if (change.found)
            change.action = change.detail[0] == '\0' ? PUB_SAME_LINE : PUB_CHANGE_LINE;
    }
    add_change(d, change);
}

static bool is_planned(const struct dir_run *d, const struct ldapc_entry *entry)
{
    for (size_t i = 0; i < d->plan.count; i++)
        if (is_entry_of(entry, &d->plan.objects[i]))
            return true;
    return false;
}

static bool says_default(const struct ldapc_entry *entry)
{
    return ldapc_entry_has(entry, SCHEMA_DEFAULT_MP, "TRUE");
}

/* Objects of ours that are no longer planned. */
static void compare_rest(struct dir_run *d, bool is_default)
{
    for (size_t i = 0; i < d->found.count; i++) {
        const struct ldapc_entry *entry = &d->found.items[i];
        if (says_default(entry) == is_default && is_ours(d, entry) && !is_planned(d, entry))
            add_change(d, (struct change){.action = PUB_REMOVE_LINE, .found = entry, .detail = sl_strdup("")});
    }
}

/* What is not ours is left alone, but clients may take it for ours. */
static void warn_of_others(struct dir_run *d)
{
    for (size_t i = 0; i < d->found.count && !pub_is_removal(d->run); i++)
        if (says_default(&d->found.items[i]) && !is_ours(d, &d->found.items[i]))
            pub_warn(d->run, "%s: %s is not ours and also says that it is the default management point of site %s",
                     d->run->target->uri, d->found.items[i].dn, d->run->site->site.code);
}

/*
 * In the order of writing. S1.20: whatever still says that it is the default management point is removed before all else, and
 * the plan changes those that stay before it makes another the default. Other removals come last.
 */
static void compare(struct dir_run *d)
{
    compare_rest(d, true);
    for (size_t i = 0; i < d->plan.count; i++)
        compare_object(d, &d->plan.objects[i]);
    compare_rest(d, false);
}

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

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

static enum sl_status add_entry(struct dir_run *d, const struct pub_object *o, struct sl_error *e)
{
    struct mods m = {.count = 0};
    char *class = (char *)(uintptr_t)o->class;
    mods_put(&m, "objectClass", &class, 1);
    mods_put(&m, "cn", &o->cn, 1);
    for (size_t i = 0; i < o->attr_count; i++)
        if (o->attrs[i].values.count > 0)
            mods_put(&m, o->attrs[i].name, o->attrs[i].values.items, o->attrs[i].values.count);
    enum sl_status s = ldapc_add(d->dir, o->dn, m.rows, m.count, d->run->deadline, e);
    mods_fini(&m);
    return s;
}

/* Replaces every attribute that differs from `found` (NULL: every one). */
static enum sl_status modify_entry(struct dir_run *d, const struct pub_object *o, const struct ldapc_entry *found,
                                   struct sl_error *e)
{
    struct mods m = {.count = 0};
    for (size_t i = 0; i < o->attr_count; i++)
        if (!is_same_attr(&o->attrs[i], ldapc_entry_attr(found, o->attrs[i].name)))
            mods_put(&m, o->attrs[i].name, o->attrs[i].values.items, o->attrs[i].values.count);
    enum sl_status s = m.count ? ldapc_modify(d->dir, o->dn, m.rows, m.count, d->run->deadline, e) : SL_OK;
    mods_fini(&m);
    return s;
}

/*
 * The DN is there although the search did not show it (another replica, or an entry without a site code): taken over only when
 * it is ours or belongs to nobody.
 */
static enum sl_status take_over(struct dir_run *d, const struct pub_object *o, struct sl_error *e)
{
    struct ldapc_entries there;
    enum sl_status s = ldapc_read(d->dir, o->dn, pub_plan_attributes, d->run->deadline, &there, e);
    if (s)
        return s;
    if (there.count == 0)
        s = sl_fail(e, SL_DENIED, "the entry is there but may not be read by this account");
    else if (!ldapc_entry_has(&there.items[0], "objectClass", o->class) ||
             (ldapc_entry_text(&there.items[0], SCHEMA_SITE_CODE) && !is_ours(d, &there.items[0])))
        s = sl_fail(e, SL_CONFLICT, "held by an object that is not of this site and class");
    else
        s = modify_entry(d, o, &there.items[0], e);
    ldapc_entries_fini(&there);
    return s;
}

/* Idempotent whatever happened since: add on "there already" becomes modify, modify on "not there" becomes add. */
static enum sl_status upsert(struct dir_run *d, const struct change *c, struct sl_error *e)
{
    enum sl_status s = c->found ? modify_entry(d, c->object, c->found, e) : add_entry(d, c->object, e);
    if (s && c->found && ldapc_kind(d->dir) == LDAPC_ABSENT)
        return add_entry(d, c->object, e);
    if (s && !c->found && ldapc_kind(d->dir) == LDAPC_EXISTS)
        return take_over(d, c->object, e);
    return s;
}

static enum sl_status write_change(struct dir_run *d, const struct change *c, struct sl_error *e)
{
    if (c->action != PUB_REMOVE_LINE)
        return upsert(d, c, e);
    enum sl_status s = ldapc_delete(d->dir, c->found->dn, d->run->deadline, e);
    return s && ldapc_kind(d->dir) == LDAPC_ABSENT ? SL_OK : s;
}

/* The rule of Active Directory that has no words of its own. */
static void explain(const struct dir_run *d, struct sl_error *e)
{
    enum { NAMING_VIOLATION = 64 };
    if (ldapc_code(d->dir) != NAMING_VIOLATION || d->probe.kind != LDAPC_SERVER_AD)
        return;
    struct sl_error server = *e;
    (void)sl_fail(e, server.status, "sites and boundary ranges may stand below a container (CN=...) only, not below an "
                  "organizationalUnit: %.200s", server.text);
}

static bool is_wanted_default(const struct change *c)
{
    for (size_t i = 0; c->object && i < c->object->attr_count; i++) {
        const struct pub_attr *attr = &c->object->attrs[i];
        if (strcmp(attr->name, SCHEMA_DEFAULT_MP) == 0)
            return attr->values.count == 1 && strcmp(attr->values.items[0], "TRUE") == 0;
    }
    return false;
}

/* S1.20: a default management point that could not be cleared stays the only one. */
static void write_all(struct dir_run *d)
{
    const struct change *kept = NULL;
    for (size_t i = 0; i < d->count; i++) {
        struct change *c = &d->changes[i];
        if (c->action == PUB_SAME_LINE || c->action == PUB_FAILED_LINE)
            continue;
        c->is_written = true;
        if (kept && is_wanted_default(c)) {
            (void)sl_fail(&c->why, SL_CONFLICT, "left as it is, since %s still says that it is the default", kept->found->dn);
            c->has_failed = true;
            continue;
        }
        c->has_failed = write_change(d, c, &c->why) != SL_OK;
        if (c->has_failed)
            explain(d, &c->why);
        if (c->has_failed && c->found && says_default(c->found) && !is_wanted_default(c))
            kept = c;
    }
}

static void verify_change(struct change *c, const struct ldapc_entries *now)
{
    const struct ldapc_entry *entry = NULL;
    for (size_t i = 0; i < now->count && entry == NULL; i++)
        if (c->object ? is_entry_of(&now->items[i], c->object) : ldapc_dn_equal(now->items[i].dn, c->found->dn))
            entry = &now->items[i];
    char *difference = c->object && entry ? describe(c->object, entry) : sl_strdup("");
    bool is_right = c->object ? entry && difference[0] == '\0' : entry == NULL;
    if (!is_right && !c->has_failed)
        (void)sl_fail(&c->why, SL_CONFLICT, "read back after writing it is not as written: %.300s",
                      difference[0] ? difference : entry ? "still there" : "not there");
    c->has_failed = !is_right;
    free(difference);
}

/* What a read says counts more than what the write said: a write that timed out may have been carried out. */
static enum sl_status verify(struct dir_run *d, struct sl_error *e)
{
    struct ldapc_entries now = {.count = 0};
    if (ldapc_kind(d->dir) == LDAPC_UNREACHABLE || ldapc_kind(d->dir) == LDAPC_TIMEOUT) {
        enum sl_status s = ldapc_connect(d->dir, d->run->deadline, e);
        if (s)
            return s;
    }
    enum sl_status s = read_ours(d, &now, e);
    for (size_t i = 0; s == SL_OK && i < d->count; i++)
        if (d->changes[i].is_written)
            verify_change(&d->changes[i], &now);
    if (s == SL_OK)
        ldapc_entries_fini(&now);
    return s;
}

/* ---- the container ---------------------------------------------------------------------------------------------------- */

/* The DN behind the first RDN, or NULL. Escaped commas are passed over. */
static const char *parent_of(const char *dn)
{
    for (const char *at = dn; *at; at++) {
        if (*at == '\\' && at[1])
            at++;
        else if (*at == ',')
            return at + 1 + strspn(at + 1, " ");
    }
    return NULL;
}

/* By the attribute of the first RDN: "ou=a", "OU = a". */
static bool is_unit(const char *dn)
{
    size_t len = strcspn(dn, " =");
    return len == 2 && strncasecmp(dn, "ou", len) == 0;
}

/* Creates a container and, as far as they are missing, those above it up to the base. */
static enum sl_status make_container(struct dir_run *d, const char *dn, struct sl_error *e)
{
    const char *parent = parent_of(dn);
    struct ldapc_value class = {.data = is_unit(dn) ? "organizationalUnit" : "container"};
    class.len = strlen(class.data);
    const struct ldapc_mod attr = {.attr = "objectClass", .values = &class, .count = 1};
    enum sl_status s = ldapc_add(d->dir, dn, &attr, 1, d->run->deadline, e);
    if (s && ldapc_kind(d->dir) == LDAPC_ABSENT && parent && !ldapc_dn_equal(dn, d->probe.base_dn) &&
        !ldapc_dn_equal(parent, d->probe.base_dn)) {
        s = make_container(d, parent, e);
        if (s == SL_OK)
            s = ldapc_add(d->dir, dn, &attr, 1, d->run->deadline, e);
    }
    return s && ldapc_kind(d->dir) == LDAPC_EXISTS ? SL_OK : s;
}

/* SL_OK: it is there now, or would be. */
static enum sl_status have_container(struct dir_run *d, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    if (d->probe.container != LDAPC_CONTAINER_ABSENT || pub_is_removal(d->run))
        return SL_OK;
    if (!pub_is_diff(d->run))
        s = make_container(d, d->probe.container_dn, e);
    if (s == SL_OK)
        pub_line_add(d->run, PUB_ADD_LINE, d->probe.container_dn, "the container");
    return s;
}

/* ---- one target ------------------------------------------------------------------------------------------------------- */

enum sl_status pub_directory_open(const struct sm_target *t, struct ldapc **ret_dir, struct sl_error *e)
{
    struct ldapc_options options = {.base = t->base, .container = t->container, .bind_dn = t->bind_dn, .starttls = t->starttls,
                                    .password_file = t->password_file, .ca_file = t->ca, .timeout_ms = t->timeout_ms};
    for (int i = 0; t->sasl && ldapc_sasl_words[i]; i++)
        if (strcmp(ldapc_sasl_words[i], t->sasl) == 0)
            options.sasl = i;
    return ldapc_new(t->uri, &options, ret_dir, e);
}

static enum sl_status connect_to(struct dir_run *d, struct sl_error *e)
{
    enum sl_status s = pub_directory_open(d->run->target, &d->dir, e);
    if (s == SL_OK)
        s = ldapc_connect(d->dir, d->run->deadline, e);
    if (s == SL_OK)
        s = ldapc_probe(d->dir, LDAPC_PROBE_ALL, d->run->deadline, &d->probe, e);
    return s;
}

/* S1.19. False when nothing can be published here. */
static bool has_schema(struct dir_run *d)
{
    enum ldapc_schema schema = d->probe.schema;
    if (schema != LDAPC_SCHEMA_NONE && schema != LDAPC_SCHEMA_PARTLY)
        return true;
    bool is_none = schema == LDAPC_SCHEMA_NONE;
    const char *reason = is_none ? "schema-not-extended" : "schema-partly-extended";
    const char *how = is_none ? "not extended" : "extended in part only";
    if (pub_is_removal(d->run))
        pub_result_set(d->run, SL_OUTCOME_OK, reason, "%s: nothing of ours can be here", ldapc_server(d->dir));
    else if (d->run->has_registry)
        pub_result_set(d->run, SL_OUTCOME_DEGRADED, reason, "%s: the schema is %s; passed over, the name registry serves",
                       ldapc_server(d->dir), how);
    else
        pub_result_set(d->run, SL_OUTCOME_CONFLICT, reason,
                       "%s: the schema is %s, and without it the management point must be in a name registry, but the site "
                       "has no wins:// target (S1.19)",
                       ldapc_server(d->dir), how);
    return false;
}

static bool can_read_container(struct dir_run *d)
{
    const char *why = d->probe.container_why;
    if (d->probe.container != LDAPC_CONTAINER_UNREADABLE)
        return true;
    pub_result_set(d->run, SL_OUTCOME_DENIED, "container-unreadable", "%s: %s cannot be read%s%s", ldapc_server(d->dir),
                   d->probe.container_dn, why ? ": " : "", why ? why : "");
    return false;
}

static void show(struct dir_run *d)
{
    for (size_t i = 0; i < d->count; i++) {
        struct change *c = &d->changes[i];
        c->line = d->run->report->line_count;
        pub_line_add(d->run, c->action, c->object ? c->object->dn : c->found->dn, "%s", c->detail);
    }
}

static void conclude(struct dir_run *d)
{
    size_t failures = 0, differences = 0, written = 0;
    const struct change *first = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct change *c = &d->changes[i];
        differences += c->action != PUB_SAME_LINE;
        written += c->is_written && !c->has_failed;
        if (!c->has_failed)
            continue;
        failures++;
        first = first ? first : c;
        if (c->line < d->run->report->line_count)
            pub_line_fail(d->run, c->line, c->why.text);
    }
    bool would_create = d->probe.container == LDAPC_CONTAINER_ABSENT && !pub_is_removal(d->run);
    if (failures > 0 && written + (d->count - differences) > 0)
        pub_result_set(d->run, SL_OUTCOME_PARTIAL, "partial", "%zu of %zu objects failed, first %s: %s", failures, d->count,
                       first->object ? first->object->dn : first->found->dn, first->why.text);
    else if (failures > 0)
        pub_result_set(d->run, sl_status_outcome(first->why.status), sl_outcome_word(sl_status_outcome(first->why.status)), "%s",
                       first->why.text);
    else if (pub_is_diff(d->run) && (differences > 0 || would_create))
        pub_result_set(d->run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
}

/* With probe and schema as they should be: plan, diff, apply, read back. */
static enum sl_status publish(struct dir_run *d, struct sl_error *e)
{
    enum sl_status s = have_container(d, e);
    if (s == SL_OK)
        s = read_ours(d, &d->found, e);
    if (s)
        return s;
    if (!pub_is_removal(d->run))
        pub_plan_make(d->run->site, d->probe.container_dn, schema_allows, d, &d->plan);
    compare(d);
    warn_of_others(d);
    show(d);
    if (!pub_is_diff(d->run)) {
        write_all(d);
        s = verify(d, e);
    }
    if (s == SL_OK)
        conclude(d);
    return s;
}

static void dir_run_fini(struct dir_run *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->changes[i].detail);
    free(d->changes);
    pub_plan_fini(&d->plan);
    ldapc_entries_fini(&d->found);
    ldapc_probe_fini(&d->probe);
    ldapc_free(d->dir);
}

static const char *reason_of(enum sl_status s)
{
    enum sl_outcome outcome = sl_status_outcome(s);
    return outcome == SL_OUTCOME_UNREACHABLE ? "could-not-ask" : sl_outcome_word(outcome);
}

void pub_directory(struct pub_run *run)
{
    struct dir_run d = {.run = run};
    struct sl_error e = {.status = SL_OK};
    enum sl_status s = connect_to(&d, &e);
    if (s == SL_OK && has_schema(&d) && can_read_container(&d))
        s = publish(&d, &e);
    if (s)
        pub_result_set(run, sl_status_outcome(s), reason_of(s), "%s", sl_error_text(&e));
    for (size_t i = 0; i < d.plan.warnings.count; i++)
        pub_warn(run, "%s: %s", run->target->uri, d.plan.warnings.items[i]);
    dir_run_fini(&d);
}
