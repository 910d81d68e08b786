/* ldif:FILE - a dump of a directory, asked as the directory itself would be. */
#include "common/files/ldif.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "ldap-schema/names.h"
#include "locator/source/dump.h"
#include "locator/source/ldap.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct ldif {
    struct src_dump dump;
    struct ldapc_options options; /* own copies of base and container */
};

static void ldif_free(void *source)
{
    struct ldif *l = source;
    free(l->options.base);
    free(l->options.container);
    free(l);
}

static enum sl_status ldif_open(const char *uri, const struct src_config *config, void **ret_source, struct sl_error *e)
{
    struct src_dump dump;
    enum sl_status s = src_dump_parse(uri, &dump, e);
    if (s != SL_OK)
        return s;
    struct ldif *l = sl_new(sizeof *l);
    l->dump = dump;
    l->options.base = sl_strdup(config->ldap.base);
    l->options.container = sl_strdup(config->ldap.container);
    *ret_source = l;
    return SL_OK;
}

/* The entries being read, and the line of each. */
struct load {
    struct ldapc_entries entries;
    unsigned *lines;
    size_t room;
    struct sl_deadline deadline;
};

static enum sl_status take_entry(void *ctx, const struct ff_ldif_entry *entry, struct sl_error *e)
{
    struct load *load = ctx;
    struct ldapc_pair *pairs = sl_new_array(entry->count + 1, sizeof *pairs);
    for (size_t i = 0; i < entry->count; i++)
        pairs[i] = (struct ldapc_pair){entry->values[i].attr, entry->values[i].data, entry->values[i].len};
    if (load->entries.count == load->room) {
        load->room = load->room ? load->room * 2 : 256;
        load->lines = sl_resize(load->lines, load->room, sizeof *load->lines);
    }
    load->lines[load->entries.count] = entry->line;
    enum sl_status s = ldapc_entries_put(&load->entries, entry->dn, pairs, entry->count, e);
    free(pairs);
    return s == SL_OK && sl_deadline_passed(load->deadline) ? sl_fail(e, SL_TIMEOUT, "no time left to read on") : s;
}

/* True when the entry is the object that the answer speaks of. */
static bool is_answer(const struct ldapc_entry *entry, const struct src_question *q, const struct src_answer *a)
{
    struct src_answer ignored;
    struct lm_mp mp;
    const char *code = ldapc_entry_text(entry, SCHEMA_SITE_CODE);
    if (q->what == SRC_SITE)
        return code && !strcasecmp(code, a->site) && ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_SITE);
    if (!code || strcasecmp(code, a->mp.site) || !ldapc_entry_has(entry, "objectClass", SCHEMA_CLASS_MANAGEMENT_POINT))
        return false;
    src_answer_init(&ignored);
    return src_ldap_mp(entry, &mp, &ignored) && !strcmp(mp.name, a->mp.name) && mp.is_default == a->mp.is_default;
}

static void find_place(const struct load *load, const struct ldapc_entries *entries, const struct src_question *q,
                       const char *path, struct src_answer *a)
{
    for (size_t i = 0; a->result == SRC_ANSWER && i < entries->count; i++)
        if (is_answer(&entries->items[i], q, a)) {
            src_dump_place(a, path, load->lines[i]);
            return;
        }
}

/* Asks the directory that was read. */
static void ask_entries(struct ldif *l, struct load *load, const struct src_question *q, struct sl_deadline deadline,
                        struct src_answer *a)
{
    int64_t age_s = a->age_s;
    struct ldapc *dir;
    struct sl_error e = {.status = SL_OK};
    struct ldapc_entries entries = load->entries; /* the same octets: the handle keeps them */
    enum sl_status s = ldapc_new_dump(l->dump.path, &load->entries, &l->options, &dir, &e);
    if (s != SL_OK) {
        src_dump_say_failed(a, s, &e);
        return;
    }
    src_note_end(a, "%zu entr%s%s", entries.count, entries.count == 1 ? "y" : "ies",
                 entries.incomplete ? ", cut when it was made" : "");
    src_ldap_question(dir, q, deadline, a);
    a->age_s = age_s;
    find_place(load, &entries, q, l->dump.path, a);
    ldapc_free(dir);
}

static void ldif_ask(void *source, const struct src_question *q, struct sl_deadline deadline, struct src_answer *a)
{
    struct ldif *l = source;
    struct load load = {.deadline = deadline};
    struct sl_error e = {.status = SL_OK};
    bool cut = false;
    src_dump_begin(&l->dump, q, a);
    enum sl_status s = ff_ldif_read(l->dump.path, take_entry, &load, &cut, &e);
    load.entries.incomplete = load.entries.incomplete || cut;
    if (s == SL_OK)
        ask_entries(l, &load, q, deadline, a);
    else
        src_dump_say_failed(a, s, &e);
    ldapc_entries_fini(&load.entries);
    free(load.lines);
}

const struct src_ops src_ldif = {
    .scheme = "ldif",
    .answers = SRC_MP | SRC_SITE | SRC_OBJECTS,
    .open = ldif_open,
    .ask = ldif_ask,
    .free = ldif_free,
};
