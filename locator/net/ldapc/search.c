#include "locator/net/ldapc/internal.h"

#include "common/base/memory.h"
#include "ldap-schema/names.h"

#include <ldap.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const ldapc_published_classes[] = {SCHEMA_CLASS_SITE, SCHEMA_CLASS_MANAGEMENT_POINT,
                                               SCHEMA_CLASS_SERVER_LOCATOR_POINT, SCHEMA_CLASS_ROAMING_BOUNDARY_RANGE, NULL};
const char *const ldapc_published_split = SCHEMA_RANGED_IP_LOW;

enum { ATTRS_MAX = 512, FILTER_MAX = 64 << 10, RANGE_NAME_MAX = 256, REQUESTS_MAX = 4096 };

/* Values that the server did not send with the others (ldapc_name_length). */
struct gap {
    size_t entry, attr; /* where in the result */
    uint64_t next;      /* of the first value that is missing */
};

/* One search, which may be several requests. */
struct gather {
    const struct ldapc_search *search;
    struct ldapc_entries *found;
    struct gap *gaps;
    size_t gap_count;
    size_t requests;
    bool is_limited; /* by the server, in the last request */
};

/* ---- entries -------------------------------------------------------------------------------------------------------- */

static size_t count_values(const struct berval *values)
{
    size_t count = 0;

    while (values != NULL && values[count].bv_val != NULL)
        count++;
    return count;
}

static bool store_attr(struct ldapc_entries *found, struct ldapc_attr *attr, const struct berval *name, size_t name_len,
                       const struct berval *values)
{
    size_t count = count_values(values);

    attr->name = ldapc_entries_copy(found, name->bv_val, name_len);
    attr->values = ldapc_entries_alloc(found, (count + 1) * sizeof *attr->values);
    if (attr->name == NULL || attr->values == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        attr->values[i] = (struct ldapc_value){.data = ldapc_entries_copy(found, values[i].bv_val, values[i].bv_len),
                                               .len = values[i].bv_len};
        if (attr->values[i].data == NULL)
            return false;
    }
    attr->count = count;
    return true;
}

static void note_gap(struct gather *g, size_t attr, uint64_t next)
{
    if (next == 0)
        return;
    g->gaps = sl_resize(g->gaps, g->gap_count + 1, sizeof *g->gaps);
    g->gaps[g->gap_count++] = (struct gap){.entry = g->found->count, .attr = attr, .next = next};
}

/* Copies the attributes of an entry; one without values stands beside its parts and says nothing. -1 without memory. */
static int store_attrs(LDAP *ld, LDAPMessage *msg, BerElement *ber, struct gather *g, struct ldapc_attr *attrs)
{
    struct berval name, *values = NULL;
    int count = 0;
    bool fine = true;

    while (fine && count < ATTRS_MAX && ldap_get_attribute_ber(ld, msg, ber, &name, &values) == LDAP_SUCCESS &&
           name.bv_val != NULL) {
        uint64_t next;
        size_t len = ldapc_name_length(name.bv_val, name.bv_len, &next);

        if (count_values(values) > 0) {
            note_gap(g, (size_t)count, next);
            fine = store_attr(g->found, &attrs[count++], &name, len, values);
        }
        ldap_memfree(values);
        values = NULL;
    }
    return fine ? count : -1;
}

/* Copies one entry; false without memory or when it cannot be decoded. */
static bool store_entry(LDAP *ld, LDAPMessage *msg, struct gather *g)
{
    struct ldapc_attr attrs[ATTRS_MAX];
    struct ldapc_entry *entry = ldapc_entries_next(g->found);
    struct berval dn;
    BerElement *ber = NULL;
    int count = -1;

    if (entry != NULL && ldap_get_dn_ber(ld, msg, &ber, &dn) == LDAP_SUCCESS) {
        entry->dn = ldapc_entries_copy(g->found, dn.bv_val, dn.bv_len);
        count = entry->dn != NULL ? store_attrs(ld, msg, ber, g, attrs) : -1;
    }
    ber_free(ber, 0);
    if (count > 0) {
        entry->attrs = ldapc_entries_alloc(g->found, (size_t)count * sizeof *attrs);
        if (entry->attrs == NULL)
            return false;
        memcpy(entry->attrs, attrs, (size_t)count * sizeof *attrs);
    }
    if (count < 0)
        return false;
    g->found->incomplete = g->found->incomplete || count == ATTRS_MAX;
    entry->count = (size_t)count;
    g->found->count++;
    return true;
}

bool ldapc_entries_take(struct ldapc_entries *entries, LDAP *ld, LDAPMessage *msg)
{
    struct gather g = {.found = entries};
    bool fine = store_entry(ld, msg, &g);

    free(g.gaps);
    return fine;
}

/* ---- one request, page by page -------------------------------------------------------------------------------------- */

/* The search request of one page; `cookie` is where the last one ended. */
static int send_search(struct ldapc_op *op, const struct ldapc_search *search, const char *filter, struct berval *cookie)
{
    static const int scopes[] = {
        [LDAPC_SUBTREE] = LDAP_SCOPE_SUBTREE, [LDAPC_ONE_LEVEL] = LDAP_SCOPE_ONELEVEL, [LDAPC_BASE] = LDAP_SCOPE_BASE};
    LDAPControl *page = NULL, *controls[2] = {NULL, NULL};
    size_t size = search->page_size > 0 ? search->page_size : LDAPC_PAGE;
    LDAP *ld = op->dir->ld;

    if (search->scope != LDAPC_BASE) {
        int code = ldap_create_page_control(ld, (ber_int_t)size, cookie, 0, &page);

        if (code != LDAP_SUCCESS)
            return code;
        controls[0] = page;
    }
    int code = ldap_search_ext(ld, op->dn, scopes[search->scope], filter, (char **)(uintptr_t)search->attrs, 0, controls, NULL,
                               NULL, LDAP_NO_LIMIT, &op->id);

    if (page != NULL)
        ldap_control_free(page);
    return code;
}

/* Takes the cookie of the next page out of the controls of a result; an empty one is the end. */
static void next_cookie(LDAP *ld, LDAPControl **controls, struct berval *cookie)
{
    LDAPControl *page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
    ber_int_t estimate;

    ber_memfree(cookie->bv_val);
    *cookie = (struct berval){0};
    if (page != NULL)
        ldap_parse_pageresponse_control(ld, page, &estimate, cookie);
}

/* A limit and an absent base are results of a search. */
static enum sl_status judge_search(struct ldapc_op *op, enum sl_status s, struct gather *g)
{
    if (op->dir->kind == LDAPC_LIMITED)
        g->is_limited = true;
    else if (op->dir->kind == LDAPC_ABSENT)
        g->found->base_absent = true;
    else
        return s;
    if (op->e != NULL)
        *op->e = (struct sl_error){0};
    return SL_OK;
}

/* Reads the messages of one page; an empty cookie is the end. */
static enum sl_status read_page(struct ldapc_op *op, struct gather *g, struct berval *cookie)
{
    size_t max = g->search->max_entries > 0 ? g->search->max_entries : LDAPC_ENTRIES_MAX;
    LDAPControl **controls = NULL;
    LDAPMessage *msg;
    enum sl_status s;
    int code;

    while ((s = ldapc_op_next(op, &msg)) == SL_OK) {
        int type = ldap_msgtype(msg);

        if (type == LDAP_RES_SEARCH_RESULT)
            break;
        if (type == LDAP_RES_SEARCH_ENTRY && g->found->count >= max)
            g->found->incomplete = true;
        else if (type == LDAP_RES_SEARCH_ENTRY && !store_entry(op->dir->ld, msg, g))
            s = sl_fail(op->e, SL_NOMEM, "%s: %s \"%s\": result too large", ldapc_server(op->dir), op->verb, op->dn);
        ldap_msgfree(msg);
        if (s != SL_OK)
            return s;
    }
    if (s == SL_OK)
        s = judge_search(op, ldapc_op_result(op, msg, &controls, &code), g);
    next_cookie(op->dir->ld, controls, cookie);
    if (g->found->incomplete || g->is_limited)
        cookie->bv_len = 0;
    ldap_controls_free(controls);
    return s;
}

/* Asks, and adds what comes to the result. */
static enum sl_status ask(struct ldapc_op *op, struct gather *g, const struct ldapc_search *search, const char *filter)
{
    struct berval cookie = {0};
    enum sl_status s;

    g->requests++;
    g->is_limited = false;
    op->dir->kind = LDAPC_FINE;
    op->dir->code = 0;
    do {
        int sent = send_search(op, search, filter, &cookie);

        s = sent == LDAP_SUCCESS ? read_page(op, g, &cookie) : ldapc_op_fail_code(op, sent, NULL);
    } while (s == SL_OK && cookie.bv_len > 0);
    ber_memfree(cookie.bv_val);
    return s;
}

/* ---- values by range ------------------------------------------------------------------------------------------------ */

static bool append_values(struct ldapc_entries *found, struct ldapc_attr *attr, const struct ldapc_attr *more)
{
    struct ldapc_value *values = ldapc_entries_alloc(found, (attr->count + more->count) * sizeof *values);

    if (values == NULL)
        return false;
    memcpy(values, attr->values, attr->count * sizeof *values);
    for (size_t i = 0; i < more->count; i++) {
        struct ldapc_value *value = &values[attr->count + i];

        *value = (struct ldapc_value){.data = ldapc_entries_copy(found, more->values[i].data, more->values[i].len),
                                      .len = more->values[i].len};
        if (value->data == NULL)
            return false;
    }
    attr->values = values;
    attr->count += more->count;
    return true;
}

/* Reads the part that begins at gap->next; afterwards that is where the next one begins, 0 at the end. */
static enum sl_status read_part(struct ldapc_op *op, struct gather *g, struct gap *gap)
{
    struct ldapc_attr *attr = &g->found->items[gap->entry].attrs[gap->attr];
    struct ldapc_op one = *op;
    struct ldapc_entries part = {0};
    char name[RANGE_NAME_MAX];
    const char *const names[] = {name, NULL};
    const struct ldapc_search read = {.scope = LDAPC_BASE, .attrs = names};
    struct gather parts = {.search = &read, .found = &part};

    one.dn = g->found->items[gap->entry].dn;
    snprintf(name, sizeof name, "%s;range=%" PRIu64 "-*", attr->name, gap->next);
    enum sl_status s = ask(&one, &parts, &read, "(objectClass=*)");
    const struct ldapc_attr *more = s == SL_OK && part.count == 1 ? ldapc_entry_attr(&part.items[0], attr->name) : NULL;

    if (more != NULL && !append_values(g->found, attr, more))
        s = sl_fail(op->e, SL_NOMEM, "%s: read \"%s\": result too large", ldapc_server(op->dir), one.dn);
    if (more == NULL)
        g->found->incomplete = true;
    gap->next = more != NULL && parts.gap_count == 1 && parts.gaps[0].next > gap->next ? parts.gaps[0].next : 0;
    free(parts.gaps);
    ldapc_entries_fini(&part);
    return s;
}

static enum sl_status fill_gaps(struct ldapc_op *op, struct gather *g)
{
    enum sl_status s = SL_OK;

    for (size_t i = 0; i < g->gap_count && s == SL_OK; i++) {
        while (s == SL_OK && g->gaps[i].next != 0)
            s = read_part(op, g, &g->gaps[i]);
    }
    return s;
}

/* ---- around a size limit -------------------------------------------------------------------------------------------- */

/* Takes back what was added since. */
static void forget(struct gather *g, size_t entries, size_t gaps)
{
    g->found->count = entries;
    g->gap_count = gaps;
}

/* Asks for the entries of a class with `split_by` from `low` to `high`; by halves where the server still cuts the answer. */
static enum sl_status ask_between(struct ldapc_op *op, struct gather *g, const char *class, int64_t low, int64_t high)
{
    const char *by = g->search->split_by;
    struct sl_text filter = sl_text_new(FILTER_MAX);
    size_t entries = g->found->count, gaps = g->gap_count;

    sl_text_printf(&filter, "(&%s(objectClass=%s)", g->search->filter != NULL ? g->search->filter : "(objectClass=*)", class);
    if (low != INT32_MIN || high != INT32_MAX)
        sl_text_printf(&filter, "(%s>=%" PRId64 ")(%s<=%" PRId64 ")", by, low, by, high);
    sl_text_puts(&filter, ")");
    enum sl_status s = ask(op, g, g->search, sl_text_str(&filter));

    sl_text_fini(&filter);
    if (s != SL_OK || !g->is_limited)
        return s;
    if (by == NULL || low == high || g->requests >= REQUESTS_MAX) {
        g->found->incomplete = true;
        return SL_OK;
    }
    int64_t middle = low + (high - low) / 2;

    forget(g, entries, gaps);
    s = ask_between(op, g, class, low, middle);
    return s == SL_OK ? ask_between(op, g, class, middle + 1, high) : s;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The first `cut` entries are of the answer that was cut, the others of the classes: entries that are in both are kept once. One
 * that is of no class shows that the classes are not all.
 */
static void drop_doubles(struct gather *g, size_t cut)
{
    struct ldapc_entries *found = g->found;
    size_t count = found->count - cut, kept = 0;
    const char **names = sl_new_array(count + 1, sizeof *names);

    for (size_t i = 0; i < count; i++)
        names[i] = found->items[cut + i].dn;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < cut; i++) {
        if (bsearch(&found->items[i].dn, names, count, sizeof *names, compare_names) == NULL)
            found->items[kept++] = found->items[i];
    }
    found->incomplete = found->incomplete || kept > 0;
    memmove(found->items + kept, found->items + cut, count * sizeof *found->items);
    found->count = kept + count;
    free(names);
}

/* The whole, asked for class by class after a limit cut it. */
static enum sl_status ask_classes(struct ldapc_op *op, struct gather *g)
{
    size_t cut = g->found->count;
    enum sl_status s = SL_OK;

    for (const char *const *class = g->search->classes; s == SL_OK && *class != NULL; class++)
        s = ask_between(op, g, *class, INT32_MIN, INT32_MAX);
    if (s == SL_OK)
        s = fill_gaps(op, g);
    if (s == SL_OK)
        drop_doubles(g, cut);
    return s;
}

static enum sl_status run(struct ldapc_op *op, struct gather *g)
{
    const struct ldapc_search *search = g->search;
    enum sl_status s = ask(op, g, search, search->filter != NULL ? search->filter : "(objectClass=*)");

    if (s == SL_OK && g->is_limited && search->classes != NULL && !g->found->incomplete)
        return ask_classes(op, g);
    g->found->incomplete = g->found->incomplete || g->is_limited;
    return s == SL_OK ? fill_gaps(op, g) : s;
}

enum sl_status ldapc_search(struct ldapc *dir, const struct ldapc_search *search, struct sl_deadline deadline,
                            struct ldapc_entries *ret_entries, struct sl_error *e)
{
    const char *base = search->base != NULL ? search->base : "";
    struct ldapc_op op = {.dir = dir, .verb = "search", .dn = base, .deadline = deadline, .e = e};
    struct ldapc_entries found = {0};
    struct gather g = {.search = search, .found = &found};

    if (dir->dump != NULL)
        return ldapc_dump_search(dir, search, ret_entries, e);
    enum sl_status s = ldapc_op_begin(&op);

    s = ldapc_op_end(&op, s == SL_OK ? run(&op, &g) : s);
    free(g.gaps);
    if (s == SL_OK)
        *ret_entries = found;
    else
        ldapc_entries_fini(&found);
    return s;
}

enum sl_status ldapc_read(struct ldapc *dir, const char *dn, const char *const *attrs, struct sl_deadline deadline,
                          struct ldapc_entries *ret_entries, struct sl_error *e)
{
    return ldapc_search(dir, &(struct ldapc_search){.base = dn, .scope = LDAPC_BASE, .attrs = attrs}, deadline, ret_entries, e);
}
