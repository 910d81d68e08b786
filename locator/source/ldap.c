#include "locator/source/ldap.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char modified[] = "modifyTimestamp"; /* operational, every server has it (RFC 4512 3.4) */

static enum sl_status ldap_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct ldapc *dir;
    enum sl_status s = ldapc_new(uri, &config->ldap, &dir, e);
    for (size_t i = 0; s == SL_OK && i < config->override_count; i++)
        ldapc_pin(dir, config->overrides[i].host, config->overrides[i].address);
    if (s == SL_OK)
        *ret_source = dir;
    return s;
}

static void say_ldap_failure(struct ldapc *dir, enum sl_status status, const struct sl_error *e, struct src_answer *a)
{
    src_say_failed(a, status, e);
    if (status == SL_USAGE) /* connected, so it is the base DN that is missing */
        a->result = SRC_AMBIGUOUS;
    if (ldapc_kind(dir) == LDAPC_DENIED)
        a->result = SRC_UNREADABLE;
}

/* One search of the container; one without `classes` is content with what the server sends. */
static bool search_container(struct ldapc *dir, struct ldapc_search search, const char *asked, struct sl_deadline deadline,
                             struct src_answer *a, struct ldapc_entries *ret_entries)
{
    struct sl_error e = {.status = SL_OK};
    const char *container;
    src_note(a, "%s", asked);
    enum sl_status s = ldapc_container(dir, deadline, &container, &e);
    if (s == SL_OK) {
        search.base = container;
        s = ldapc_search(dir, &search, deadline, ret_entries, &e);
    }
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        say_ldap_failure(dir, s, &e, a);
        return false;
    }
    const char *more = ret_entries->incomplete ? ", cut by a limit of the server" : "";
    if (ret_entries->base_absent)
        src_note_end(a, "no container %s", container);
    else
        src_note_end(a, "%zu entr%s%s", ret_entries->count, ret_entries->count == 1 ? "y" : "ies", more);
    if (ret_entries->incomplete && search.classes)
        src_warn(a, "%s: the answer was cut by a limit of the server", ldapc_server(dir));
    return true;
}

bool src_ldap_search(struct ldapc *dir, const char *filter, const char *const *attrs, const char *asked,
                     struct sl_deadline deadline, struct src_answer *a, struct ldapc_entries *ret_entries)
{
    const struct ldapc_search search = {
        .filter = filter, .attrs = attrs, .classes = ldapc_published_classes, .split_by = ldapc_published_split};
    return search_container(dir, search, asked, deadline, a, ret_entries);
}

static void copy_text(const struct ldapc_entry *entry, const char *attr, char *out, size_t size)
{
    const char *text = ldapc_entry_text(entry, attr);
    if (text && strlen(text) < size)
        (void)sl_text_copy(out, size, text);
}

/* The numeric address of a management point; what is none is left out, with a warning. */
static void copy_address(const struct ldapc_entry *entry, char *out, size_t size, struct src_answer *a)
{
    struct lm_address ignored;
    copy_text(entry, SCHEMA_MP_ADDRESS, out, size);
    if (!out[0] || (!strchr(out, '/') && lm_address_parse(out, &ignored, NULL) == SL_OK))
        return;
    src_warn(a, "%s: %s: \"%.40s\" is no address", entry->dn, SCHEMA_MP_ADDRESS, out);
    out[0] = '\0';
}

/* Copies the host that an attribute names, if it names one; false, with a warning, when it names something else. */
static bool copy_host(const struct ldapc_entry *entry, const char *attr, char *out, size_t size, struct src_answer *a)
{
    const struct ldapc_attr *values = ldapc_entry_attr(entry, attr);
    const char *text = ldapc_entry_text(entry, attr);
    if (text && !text[0])
        return true;
    if (text && sl_is_host(text)) {
        (void)sl_text_copy(out, size, text);
        return true;
    }
    if (values && values->count)
        src_warn(a, "%.120s: %s: \"%.50s\" is no host: the object does not count", entry->dn, attr, values->values[0].data);
    return !values || !values->count;
}

bool src_ldap_mp(const struct ldapc_entry *entry, struct lm_mp *ret_mp, struct src_answer *a)
{
    struct lm_mp mp = lm_mp_unknown();
    struct sl_error e = {.status = SL_OK};
    const char *code = ldapc_entry_text(entry, SCHEMA_SITE_CODE), *build = ldapc_entry_text(entry, SCHEMA_VERSION);
    const struct ldapc_attr *capabilities = ldapc_entry_attr(entry, SCHEMA_CAPABILITIES);
    if (code && lm_code_parse(code, mp.site, &e) != SL_OK)
        src_warn(a, "%s: %s", entry->dn, sl_error_text(&e));
    copy_address(entry, mp.address, sizeof mp.address, a);
    (void)sl_text_copy(mp.name, sizeof mp.name, mp.address);
    if (!copy_host(entry, SCHEMA_MP_NAME, mp.name, sizeof mp.name, a) ||
        !copy_host(entry, SCHEMA_DNS_HOST_NAME, mp.name, sizeof mp.name, a))
        return false;
    copy_text(entry, SCHEMA_SOURCE_FOREST, mp.forest, sizeof mp.forest);
    mp.is_default = ldapc_entry_has(entry, SCHEMA_DEFAULT_MP, "TRUE");
    if (build)
        (void)sl_parse_i64(build, 0, INT32_MAX, &mp.build);
    if (capabilities && capabilities->count &&
        lm_mp_capabilities(capabilities->values[0].data, capabilities->values[0].len, &mp, &e) != SL_OK)
        src_warn(a, "%s: %s", entry->dn, sl_error_text(&e));
    *ret_mp = mp;
    return true;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

int64_t src_ldap_age(const struct ldapc_entry *entry, int64_t now_s)
{
    const char *text = ldapc_entry_text(entry, modified); /* "20240131235959Z" */
    int year, month, day, hour, minute, second;
    if (!text || sscanf(text, "%4d%2d%2d%2d%2d%2d", &year, &month, &day, &hour, &minute, &second) != 6)
        return SRC_AGE_UNKNOWN;
    int64_t then_s = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return now_s > then_s ? now_s - then_s : 0;
}

static bool has_any_object(struct ldapc *dir, struct sl_deadline deadline, struct src_answer *a, bool *ret_any)
{
    static const char *const nothing[] = {"1.1", NULL};
    char filter[SRC_TEXT_MAX];
    struct ldapc_entries found = {.count = 0};
    (void)snprintf(filter, sizeof filter, "(|(objectClass=%s)(objectClass=%s))", SCHEMA_CLASS_SITE,
                   SCHEMA_CLASS_MANAGEMENT_POINT);
    const struct ldapc_search search = {.filter = filter, .attrs = nothing};
    if (!search_container(dir, search, "any site or management point", deadline, a, &found))
        return false;
    *ret_any = found.count > 0;
    ldapc_entries_fini(&found);
    return true;
}

/* Turns what a probe found into the reason; asks once more when the container can be read. */
static void say_probed(struct ldapc *dir, const struct ldapc_probe *probe, const char *missing, struct sl_deadline deadline,
                       struct src_answer *a)
{
    bool any;
    if (probe->schema == LDAPC_SCHEMA_NONE) {
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.19");
        src_say(a, SRC_NO_SCHEMA, "the schema of %s is not extended", ldapc_server(dir));
    } else if (probe->container == LDAPC_CONTAINER_UNREADABLE) {
        const char *why = probe->container_why;
        src_say(a, SRC_UNREADABLE, "%s may not be read%s%s", probe->container_dn, why ? ": " : "", why ? why : "");
    } else if (probe->container == LDAPC_CONTAINER_ABSENT) {
        src_say(a, SRC_NOTHING, "there is no %s", probe->container_dn);
    } else if (has_any_object(dir, deadline, a, &any)) { /* else it has said why not */
        if (any)
            src_say(a, SRC_NOT_FOUND, "%s is not published in %s", missing, probe->container_dn);
        else
            src_say(a, SRC_NOTHING, "nothing is published in %s", probe->container_dn);
    }
}

void src_ldap_say_absent(struct ldapc *dir, const char *missing, struct sl_deadline deadline, struct src_answer *a)
{
    struct ldapc_probe probe = {.kind = LDAPC_SERVER_OTHER};
    struct sl_error e = {.status = SL_OK};
    src_note(a, "probe: schema and container");
    enum sl_status s = ldapc_probe(dir, LDAPC_PROBE_ALL, deadline, &probe, &e);
    if (s != SL_OK) {
        src_note_end(a, "%s", sl_error_text(&e));
        say_ldap_failure(dir, s, &e, a);
        return;
    }
    src_note_end(a, "schema %s, container %s", ldapc_schema_word(probe.schema), ldapc_container_word(probe.container));
    say_probed(dir, &probe, missing, deadline, a);
    ldapc_probe_fini(&probe);
}

void src_ldap_say_unreadable(struct ldapc *dir, const char *missing, struct sl_deadline deadline, struct src_answer *a)
{
    if (a->result == SRC_UNREADABLE)
        src_ldap_say_absent(dir, missing, deadline, a);
}

/* Chooses among the management points of the site that a search found; true when the site itself was among the entries. */
static void choose(const struct ldapc_entries *found, const struct src_question *q, const char *site,
                   const struct src_origins *origins, struct src_answer *a, struct lm_choice *ret_choice, bool *ret_site_seen)
{
    struct lm_mp *mps = sl_new_array(found->count + 1, sizeof *mps);
    const struct ldapc_entry **entries = sl_new_array(found->count + 1, sizeof *entries);
    size_t count = 0;
    *ret_site_seen = false;
    for (size_t i = 0; i < found->count; i++) {
        const struct ldapc_entry *entry = &found->items[i];
        if (ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SITE)) {
            *ret_site_seen = true;
            continue;
        }
        if (!src_ldap_mp(entry, &mps[count], a))
            continue;
        if (mps[count].name[0])
            entries[count++] = entry;
        else
            src_warn(a, "%s names no host: it does not count", entry->dn);
    }
    *ret_choice = lm_choose_mp(mps, count, q->profile);
    if (ret_choice->kind >= LM_CHOICE_ONE) {
        a->age_s = src_ldap_age(entries[ret_choice->index], q->now_s);
        src_ldap_origin(origins, entries[ret_choice->index], a->replicated_from);
        src_take_choice(a, mps, count, *ret_choice, q->profile);
        (void)sl_text_copy(a->owner, sizeof a->owner, a->mp.forest);
        (void)sl_text_copy(a->mp.site, sizeof a->mp.site, site);
    }
    free(mps);
    free(entries);
}

void src_ldap_say_foreign(const char *what, const char *forest, const struct src_question *q, struct src_answer *a)
{
    (void)sl_text_copy(a->rule, sizeof a->rule, "F1");
    src_say(a, SRC_NOT_FOUND, "%s is of forest %s, which does not serve clients of forest %s", what, forest, q->forest);
}

/* True when the client is of another forest than the site; without the site's forest it is taken to be of the same. */
static bool is_foreign(const struct src_question *q, struct src_answer *a)
{
    const char *forest = a->mp.forest;
    if (!q->forest[0] || sl_text_iequal(forest, q->forest))
        return false;
    if (!forest[0]) {
        src_warn(a, "%s says no forest: taken to be that of the client", a->mp.name);
        return false;
    }
    src_ldap_say_foreign(a->mp.name, forest, q, a);
    a->mp = lm_mp_unknown();
    return true;
}

static void say_choice(const struct lm_choice *choice, const struct src_question *q, const char *site, struct src_answer *a)
{
    if (choice->kind >= LM_CHOICE_ONE && is_foreign(q, a))
        return;
    switch (choice->kind) {
    case LM_CHOICE_SEVERAL:
        (void)sl_text_copy(a->rule, sizeof a->rule, "Q12");
        src_warn(a, "%zu default management points are published for site %s: the first by name is taken", choice->defaults,
                 site);
        src_say(a, SRC_ANSWER, "%s is the first of %zu default management points", a->mp.name, choice->defaults);
        break;
    case LM_CHOICE_BY_NAME:
        (void)sl_text_copy(a->rule, sizeof a->rule, "Q12");
        src_say(a, SRC_ANSWER, "%s is the first by name; none is the default", a->mp.name);
        break;
    case LM_CHOICE_ONE:
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.21");
        src_say(a, SRC_ANSWER, "%s is the default management point", a->mp.name);
        break;
    case LM_CHOICE_NOTHING:
    case LM_CHOICE_NO_DEFAULT:
        (void)sl_text_copy(a->rule, sizeof a->rule, "S1.26");
        src_say(a, SRC_NO_DEFAULT, "site %s is published and has no default management point", site);
        break;
    }
}

/* Reads what the site has and says so; false when it has no default management point and another look could show one. */
static bool look_for_mp(struct ldapc *dir, const struct src_question *q, const char *site, struct sl_deadline deadline,
                        struct src_origins *origins, struct src_answer *a)
{
    static const char *const attrs[] = {"objectClass",     SCHEMA_SITE_CODE,     SCHEMA_MP_NAME,       SCHEMA_MP_ADDRESS,
                                        SCHEMA_DEFAULT_MP, SCHEMA_DNS_HOST_NAME, SCHEMA_CAPABILITIES,  SCHEMA_VERSION,
                                        SCHEMA_SOURCE_FOREST, modified, SRC_ENTRY_CSN, SRC_METADATA, NULL};
    char filter[SRC_TEXT_MAX], asked[SRC_TEXT_MAX], missing[16];
    struct ldapc_entries found = {.count = 0};
    struct lm_choice choice;
    bool site_seen;
    (void)snprintf(filter, sizeof filter, "(&(%s=%s)(|(objectClass=%s)(objectClass=%s)))", SCHEMA_SITE_CODE, site,
                   SCHEMA_CLASS_MANAGEMENT_POINT, SCHEMA_CLASS_SITE);
    (void)snprintf(asked, sizeof asked, "management points of %s", site);
    (void)snprintf(missing, sizeof missing, "site %s", site);
    if (!src_ldap_search(dir, filter, attrs, asked, deadline, a, &found)) {
        src_ldap_say_unreadable(dir, missing, deadline, a);
        return true;
    }
    src_ldap_origins_learn(dir, &found, deadline, a, origins);
    choose(&found, q, site, origins, a, &choice, &site_seen);
    if (choice.kind < LM_CHOICE_ONE && found.incomplete)
        src_say(a, SRC_CUT, "%s: the answer was cut by a limit of the server", ldapc_server(dir));
    else if (choice.kind != LM_CHOICE_NOTHING || site_seen)
        say_choice(&choice, q, site, a);
    else
        src_ldap_say_absent(dir, missing, deadline, a);
    ldapc_entries_fini(&found);
    return a->result != SRC_NO_DEFAULT || choice.kind == LM_CHOICE_NOTHING || ldapc_is_dump(dir);
}

bool src_ldap_wait_for_default(size_t looks, struct sl_deadline deadline, struct src_answer *a)
{
    enum { LEAST_MS = 30, MARGIN_MS = 30 };
    static const int again_ms[] = {LEAST_MS, 90, 180, /* several writers: */ 300, 300, 300, 300, 500, 500, 500, 1000, 1000};
    struct pollfd canceled = {.fd = sl_deadline_fd(deadline), .events = POLLIN};
    int64_t left_ms = sl_deadline_left_ms(deadline) - MARGIN_MS - 2 * a->notes[a->note_count - 1].ms; /* for one more look */
    if (looks >= (a->several_writers ? SL_COUNT(again_ms) : SRC_LDAP_QUICK_LOOKS) || left_ms < LEAST_MS)
        return false;
    bool is_quick = looks < SRC_LDAP_QUICK_LOOKS;
    src_note(a, "again: %s (S1.20)", is_quick ? "a designation may be under way" : "its servers may be merging");
    bool is_canceled = poll(&canceled, 1, (int)(left_ms < again_ms[looks] ? left_ms : again_ms[looks])) > 0;
    src_note_end(a, "no default so far");
    return !is_canceled;
}

void src_ldap_ask_mp(struct ldapc *dir, const struct src_question *q, const char *site, struct sl_deadline deadline,
                     struct src_answer *a)
{
    struct src_origins origins = {.asked = false};
    size_t looks = 0, warnings = a->warning_count;
    while (!look_for_mp(dir, q, site, deadline, &origins, a) && src_ldap_wait_for_default(looks++, deadline, a)) {
        a->warning_count = warnings; /* said again by the next look */
        a->rule[0] = '\0';
    }
    src_ldap_origins_fini(&origins);
}

bool src_ldap_supposed(const struct src_question *q, struct src_answer *a)
{
    if (!q->no_schema)
        return false;
    src_note(a, "nothing: a directory without the schema is supposed");
    src_note_end(a, "schema none");
    (void)sl_text_copy(a->rule, sizeof a->rule, "S1.19");
    src_say(a, SRC_NO_SCHEMA, "the schema of %s is supposed not to be extended", a->server);
    return true;
}

void src_ldap_ask(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    struct sl_error e = {.status = SL_OK};
    (void)snprintf(a->server, sizeof a->server, "%s", ldapc_server(dir));
    if (src_ldap_supposed(q, a))
        return;
    src_note(a, "connect and bind");
    enum sl_status s = ldapc_connect(dir, deadline, &e);
    src_note_end(a, "%s", s == SL_OK ? "bound" : sl_error_text(&e));
    if (s != SL_OK) {
        src_say_failed(a, s, &e);
        return;
    }
    a->trust = ldapc_is_trusted(dir) ? LM_TRUST_DIRECTORY : LM_TRUST_UNPROVEN;
    (void)snprintf(a->server, sizeof a->server, "%s", ldapc_server(dir));
    if (ldapc_detour(dir)[0] != '\0')
        src_warn(a, "%s", ldapc_detour(dir));
    src_ldap_question(dir, q, deadline, a);
}

void src_ldap_question(struct ldapc *dir, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    if (src_ldap_supposed(q, a))
        return;
    if (q->what == SRC_SITE)
        src_ldap_ask_site(dir, q, deadline, a);
    else if (q->what == SRC_OBJECTS)
        src_ldap_ask_objects(dir, q, deadline, a);
    else
        src_ldap_ask_mp(dir, q, q->site, deadline, a);
}

static void ldap_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    src_ldap_ask(source, q, deadline, a);
}

static void ldap_cancel(void *source)
{
    ldapc_cancel(source);
}

static void ldap_free(void *source)
{
    ldapc_free(source);
}

/* One behaviour under three schemes. */
#define LDAP_OPS(name)                                                                                                 \
    const struct src_ops src_##name = {                                                                                \
        .scheme = #name,                                                                                               \
        .answers = SRC_MP | SRC_SITE | SRC_OBJECTS,                                                                    \
        .open = ldap_open,                                                                                             \
        .ask = ldap_ask,                                                                                               \
        .cancel = ldap_cancel,                                                                                         \
        .free = ldap_free,                                                                                             \
    }

LDAP_OPS(ldap);
LDAP_OPS(ldaps);
LDAP_OPS(ldapi);
