#include "site/publish/directory.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what is there ---------------------------------------------------------------------------------------------------- */

static bool schema_allows(const char *class, const char *attribute, void *ctx)
{
    const struct pub_dir *d = ctx;
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

/* What the directory calls the default one while it is not, or not ours: clients take it all the same. */
static void warn_of_others(struct pub_dir *d)
{
    const struct sm_mp *wanted = sm_default_mp(d->run->site);
    for (size_t i = 0; i < d->found.count && !pub_is_removal(d->run); i++) {
        const struct ldapc_entry *entry = &d->found.items[i];
        const char *host = ldapc_entry_text(entry, SCHEMA_MP_NAME);
        bool is_ours = pub_is_ours(&d->run->site->site, entry);
        bool is_other = host == NULL || wanted == NULL || !sl_text_iequal(host, wanted->host);
        if (pub_says_default(entry) && (!is_ours || (d->run->order->is_check && is_other)))
            pub_warn_of(d->run, "two-defaults",
                        "%s: %s is not %s and also says that it is the default management point of site %s",
                        d->run->target->uri, entry->dn, is_ours ? "the default one" : "ours", d->run->site->site.code);
    }
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
static enum sl_status make_container(struct pub_dir *d, const char *dn, struct sl_error *e)
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
static enum sl_status have_container(struct pub_dir *d, struct sl_error *e)
{
    enum sl_status s = SL_OK;
    if (d->probe.container != LDAPC_CONTAINER_ABSENT || pub_is_removal(d->run))
        return SL_OK;
    if (!pub_is_diff(d->run))
        s = make_container(d, d->probe.container_dn, e);
    if (s == SL_OK)
        pub_line_add(d->run, PUB_ADD_LINE, d->probe.container_dn, "the container");
    pub_differs(d->run);
    return s;
}

/* ---- one target ------------------------------------------------------------------------------------------------------- */

/* A handle, not yet connected. SL_USAGE for what no connection could be made of. */
static enum sl_status open_target(const struct sm_target *t, struct ldapc_health *health, struct ldapc **ret_dir,
                                  struct sl_error *e)
{
    struct ldapc_options options = {.base = t->base, .container = t->container, .bind_dn = t->bind_dn, .starttls = t->starttls,
                                    .password_file = t->password_file, .ca_file = t->ca, .cert_file = t->cert,
                                    .key_file = t->key, .timeout_ms = t->timeout_ms, .health = health};
    while (t->sasl && ldapc_sasl_words[options.sasl] && strcmp(ldapc_sasl_words[options.sasl], t->sasl) != 0)
        options.sasl++;
    if (ldapc_sasl_words[options.sasl] == NULL)
        return sl_fail(e, SL_USAGE, "target %s: unknown SASL mechanism \"%s\"", t->uri, t->sasl);
    return ldapc_new(t->uri, &options, ret_dir, e);
}

enum sl_status pub_directory_check(const struct sm_target *target, struct sl_error *e)
{
    struct ldapc *dir = NULL;
    enum sl_status status = open_target(target, NULL, &dir, e);
    ldapc_free(dir);
    return status;
}

static enum sl_status connect_to(struct pub_dir *d, struct sl_error *e)
{
    enum sl_status s = open_target(d->run->target, d->run->env ? d->run->env->health : NULL, &d->dir, e);
    if (s == SL_OK)
        s = ldapc_connect(d->dir, d->run->deadline, e);
    if (s == SL_OK && ldapc_detour(d->dir)[0] != '\0')
        pub_warn(d->run, "%s", ldapc_detour(d->dir));
    if (s == SL_OK)
        s = ldapc_probe(d->dir, LDAPC_PROBE_ALL, d->run->deadline, &d->probe, e);
    return s;
}

/* S1.19. False when nothing can be published here. */
static bool has_schema(struct pub_dir *d)
{
    enum ldapc_schema schema = d->probe.schema;
    if (schema != LDAPC_SCHEMA_NONE && schema != LDAPC_SCHEMA_PARTLY)
        return true;
    bool is_none = schema == LDAPC_SCHEMA_NONE;
    const char *reason = is_none ? "schema-not-extended" : "schema-partly-extended";
    const char *how = is_none ? "not extended" : "extended in part only";
    if (pub_is_removal(d->run) || pub_is_prune(d->run) || d->run->mode == PUB_LIST)
        pub_result_set(d->run, SL_OUTCOME_OK, reason, "%s: nothing of ours can be here", ldapc_server(d->dir));
    else if (d->run->has_other)
        pub_result_set(d->run, SL_OUTCOME_DEGRADED, reason, "%s: the schema is %s; passed over, another target serves",
                       ldapc_server(d->dir), how);
    else
        pub_result_set(d->run, SL_OUTCOME_CONFLICT, reason,
                       "%s: the schema is %s, and without it the management point must be in a name registry or the DNS, but the "
                       "site has no such target (S1.19)",
                       ldapc_server(d->dir), how);
    return false;
}

static bool can_read_container(struct pub_dir *d)
{
    const char *why = d->probe.container_why;
    if (d->probe.container != LDAPC_CONTAINER_UNREADABLE)
        return true;
    pub_result_set(d->run, SL_OUTCOME_DENIED, "container-unreadable", "%s: %s cannot be read%s%s", ldapc_server(d->dir),
                   d->probe.container_dn, why ? ": " : "", why ? why : "");
    return false;
}

static void show(struct pub_dir *d)
{
    for (size_t i = 0; i < d->count; i++) {
        struct pub_change *c = &d->changes[i];
        c->line = d->run->report->line_count;
        if (c->action != PUB_SAME_LINE)
            pub_differs(d->run);
        pub_line_add(d->run, c->action, c->object ? c->object->dn : c->found->dn, "%s", c->detail);
    }
}

static void conclude(struct pub_dir *d)
{
    size_t failures = 0, differences = 0, written = 0;
    const struct pub_change *first = NULL;
    for (size_t i = 0; i < d->count; i++) {
        const struct pub_change *c = &d->changes[i];
        differences += c->action != PUB_SAME_LINE;
        written += c->is_written && !c->has_failed;
        if (!c->has_failed)
            continue;
        failures++;
        first = first ? first : c;
        if (c->line < d->run->report->line_count)
            pub_line_fail(d->run, c->line, c->why->text);
    }
    bool would_create = d->probe.container == LDAPC_CONTAINER_ABSENT && d->run->mode == PUB_DIFF;
    if (failures > 0 && written + (d->count - differences) > 0)
        pub_result_set(d->run, SL_OUTCOME_PARTIAL, "partial", "%zu of %zu objects failed, first %s: %s", failures, d->count,
                       first->object ? first->object->dn : first->found->dn, first->why->text);
    else if (failures > 0)
        pub_result_fail(d->run, first->why->status, first->why);
    else if (pub_is_diff(d->run) && (differences > 0 || would_create))
        pub_result_set(d->run, SL_OUTCOME_NEGATIVE, "differs", "%s", "");
}

/* What differs, or for pruning what is to go. */
static enum sl_status compare(struct pub_dir *d, struct sl_error *e)
{
    if (pub_is_prune(d->run))
        return pub_compare_stale(d, e);
    enum sl_status s = pub_read_ours(d, &d->found, e);
    if (s)
        return s;
    pub_compare(d);
    warn_of_others(d);
    return SL_OK;
}

/* With probe and schema as they should be: plan, diff, apply, read back. */
static enum sl_status publish(struct pub_dir *d, struct sl_error *e)
{
    enum sl_status s = pub_is_prune(d->run) ? SL_OK : have_container(d, e);
    if (s == SL_OK)
        s = compare(d, e);
    if (s)
        return s;
    show(d);
    if (!pub_is_diff(d->run)) {
        pub_write_all(d);
        s = pub_verify(d, e);
    }
    conclude(d);
    return s;
}

static void dir_fini(struct pub_dir *d)
{
    for (size_t i = 0; i < d->count; i++) {
        free(d->changes[i].detail);
        free(d->changes[i].why);
    }
    free(d->changes);
    pub_plan_fini(&d->plan);
    ldapc_entries_fini(&d->found);
    ldapc_probe_fini(&d->probe);
    ldapc_free(d->dir);
}

/* One server. */
static void publish_to(struct pub_run *run)
{
    struct pub_dir d = {.run = run};
    struct sl_error e = {.status = SL_OK};
    enum sl_status s = connect_to(&d, &e);
    if (s == SL_OK && has_schema(&d) && can_read_container(&d)) {
        if (!pub_is_removal(run))
            pub_plan_make(run->site, d.probe.container_dn, schema_allows, &d, &d.plan);
        s = run->mode == PUB_LIST ? pub_list_all(&d, &e) : publish(&d, &e);
    }
    if (s == SL_LIMIT)
        pub_result_set(run, SL_OUTCOME_UNREACHABLE, "incomplete", "%s", sl_error_text(&e));
    else if (s)
        pub_result_fail(run, s, &e);
    for (size_t i = 0; i < d.plan.warnings.count; i++)
        pub_warn(run, "%s: %s", run->target->uri, d.plan.warnings.items[i]);
    dir_fini(&d);
}

/* How the servers of a list went, as far as they were asked. */
struct tally {
    size_t good, bad;
    bool differs;
    enum sl_outcome outcome; /* of the first that failed */
    char *reason;
    struct sl_text messages;
};

static void count_result(struct tally *t, const struct pub_result *r, const char *server)
{
    t->differs = t->differs || r->outcome == SL_OUTCOME_NEGATIVE;
    if (r->outcome == SL_OUTCOME_OK || r->outcome == SL_OUTCOME_NEGATIVE || r->outcome == SL_OUTCOME_DEGRADED) {
        t->good++;
        return;
    }
    if (t->bad++ == 0) {
        t->outcome = r->outcome;
        t->reason = sl_strdup(r->reason);
    }
    sl_text_printf(&t->messages, "%s%s: %s", t->messages.len ? "; " : "", server,
                   r->message[0] ? r->message : sl_outcome_word(r->outcome));
}

/*
 * A list of servers is one tree that they replicate among themselves. Replication may lose a write, and says nothing: so each is
 * written to, and read back, by itself (facts directory.md 5).
 */
static void publish_to_each(struct pub_run *run, const struct ldapc_uri *uri)
{
    const struct sm_target *whole = run->target;
    const struct sl_deadline all = run->deadline;
    struct tally t = {.messages = sl_text_new(PUB_TEXT_MAX)};
    for (size_t i = 0; i < uri->count && !pub_is_stopping(run); i++) {
        struct sl_text text = sl_text_new(PUB_TEXT_MAX);
        struct sm_target one = *whole;
        sl_text_puts(&text, uri->servers[i].uri);
        one.uri = sl_text_take(&text);
        one.base = uri->base ? uri->base : whole->base;
        run->target = &one;
        /* One that is silent leaves the others their share. */
        run->deadline = sl_deadline_min(all, sl_deadline_in(sl_deadline_left_ms(all) / (int)(uri->count - i)));
        pub_result_set(run, SL_OUTCOME_OK, "", "%s", "");
        publish_to(run);
        count_result(&t, run->result, uri->servers[i].uri);
        free(one.uri);
    }
    run->target = whole;
    run->deadline = all;
    if (t.bad > 0)
        pub_result_set(run, t.good > 0 ? SL_OUTCOME_PARTIAL : t.outcome, t.good > 0 ? "partial" : t.reason, "%s",
                       sl_text_str(&t.messages));
    else
        pub_result_set(run, t.differs ? SL_OUTCOME_NEGATIVE : SL_OUTCOME_OK, t.differs ? "differs" : "", "%s", "");
    sl_text_fini(&t.messages);
    free(t.reason);
}

void pub_directory(struct pub_run *run)
{
    struct ldapc_uri uri;
    struct sl_error e = {.status = SL_OK};
    if (ldapc_uri_parse(run->target->uri, &uri, &e) != SL_OK) {
        pub_result_fail(run, SL_USAGE, &e);
        return;
    }
    if (uri.count > 1)
        publish_to_each(run, &uri);
    else
        publish_to(run);
    ldapc_uri_fini(&uri);
}
