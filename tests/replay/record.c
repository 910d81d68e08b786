/* Records in a story: those that are there from the start, and those that are looked at. */
#include "tests/replay/words.h"

#include "common/base/addr.h"

#include <string.h>

void story_read_members(struct story *s, struct described *d)
{
    while (story_at_address(s)) {
        uint8_t i = d->record.member_count;
        if (i == WINS_MEMBERS_MAX)
            story_fail(s, "more than %d members", WINS_MEMBERS_MAX);
        d->member_has_owner[i] = strchr(story_peek(s), '@') != NULL;
        d->member_has_expires[i] = strchr(story_peek(s), '+') != NULL;
        d->record.members[i] = story_next_member(s, 0, 0);
        d->record.member_count++;
    }
}

static bool read_record_option(struct story *s, struct described *d)
{
    struct wins_record *r = &d->record;
    if (story_take(s, "static"))
        return r->is_static = true;
    if (story_take(s, "owner"))
        r->owner = story_next_address(s), d->has_owner = true;
    else if (story_take(s, "version"))
        r->version = story_next_number(s, "version"), d->has_version = true;
    else if (story_take(s, "node"))
        r->node = (enum wins_node)story_next_of(s, "node", story_node_word, 4), d->has_node = true;
    else if (story_take(s, "by"))
        r->registered_by = story_next_address(s), d->has_by = true;
    else if (story_take(s, "expires"))
        r->expires_s = story_take(s, "never") ? 0 : WORLD_START_S + story_next_ms(s) / 1000, d->has_expires = true;
    else
        return false;
    return true;
}

/* STATE TYPE MEMBER... [OPTION VALUE]... */
static struct described read_record(struct story *s, const struct nb_name *name)
{
    struct described d = {.record.name = *name};
    d.record.state = (enum wins_state)story_next_of(s, "state", story_state_word, WINS_STATE_COUNT);
    d.record.type = (enum wins_type)story_next_of(s, "type", story_type_word, WINS_TYPE_COUNT);
    story_read_members(s, &d);
    while (read_record_option(s, &d))
        ;
    story_no_more(s);
    return d;
}

void story_given(struct story *s)
{
    struct nb_name name = story_next_name(s);
    struct described d = read_record(s, &name);
    struct wins_record *r = &d.record;
    if (!d.has_owner)
        r->owner = s->world.config.rules.self;
    if (!d.has_node)
        r->node = WINS_NODE_P;
    if (!d.has_expires && !r->is_static)
        r->expires_s = WORLD_START_S + s->world.config.rules.ttl_max_s;
    for (size_t i = 0; i < r->member_count; i++) {
        if (!d.member_has_owner[i])
            r->members[i].owner = r->owner;
        if (!d.member_has_expires[i])
            r->members[i].expires_s = r->expires_s;
    }
    if (s->world.eng)
        story_fail(s, "given comes before anything happens");
    tbl_put(s->world.table, r);
    fake_store_put(s->world.store, r);
}

static void compare_members(struct story *s, const struct described *want, const struct wins_record *r, const char *where)
{
    if (r->member_count != want->record.member_count)
        story_fail(s, "%s: %u addresses, expected %u", where, r->member_count, want->record.member_count);
    for (size_t i = 0; i < r->member_count; i++) {
        const struct wins_member *w = &want->record.members[i];
        int at = wins_record_find(r, w->address);
        if (at < 0)
            story_fail(s, "%s: address %s is not there", where, sl_ip4_text(w->address).text);
        const struct wins_member *m = &r->members[at];
        if (want->member_has_owner[i] && m->owner != w->owner)
            story_fail(s, "%s: owner of %s is %s", where, sl_ip4_text(w->address).text, sl_ip4_text(m->owner).text);
        if (want->member_has_expires[i] && m->expires_s != w->expires_s)
            story_fail(s, "%s: %s expires %lld s after the start", where, sl_ip4_text(w->address).text,
                       (long long)m->expires_s - WORLD_START_S);
    }
}

static void compare_record(struct story *s, const struct described *want, const struct wins_record *r, const char *where)
{
    const struct wins_record *w = &want->record;
    if (r->state != w->state || r->type != w->type || r->is_static != w->is_static)
        story_fail(s, "%s: is %s %s%s", where, wins_state_word(r->state), wins_type_word(r->type), r->is_static ? " static" : "");
    if (want->has_version && r->version != w->version)
        story_fail(s, "%s: version %llu, expected %llu", where, (unsigned long long)r->version, (unsigned long long)w->version);
    if (want->has_owner && r->owner != w->owner)
        story_fail(s, "%s: owner %s", where, sl_ip4_text(r->owner).text);
    if (want->has_by && r->registered_by != w->registered_by)
        story_fail(s, "%s: registered by %s", where, sl_ip4_text(r->registered_by).text);
    if (want->has_node && r->node != w->node)
        story_fail(s, "%s: node %s", where, wins_node_word(r->node));
    if (want->has_expires && r->expires_s != w->expires_s)
        story_fail(s, "%s: expires %lld s after the start", where, r->expires_s ? (long long)r->expires_s - WORLD_START_S : -1);
    compare_members(s, want, r, where);
}

void story_state(struct story *s)
{
    struct nb_name name = story_next_name(s);
    const struct tbl_entry *entry = tbl_find(s->world.table, &name);
    const struct wins_record *stored = fake_store_find(s->world.store, &name);
    if (story_take(s, "absent")) {
        story_no_more(s);
        if (entry || stored)
            story_fail(s, "%s is %s", nb_name_text(&name).text, entry ? "in the table" : "on the disk");
        return;
    }
    struct described want = read_record(s, &name);
    if (!entry || !stored)
        story_fail(s, "%s is not %s", nb_name_text(&name).text, entry ? "on the disk" : "in the table");
    struct wins_record r;
    tbl_unpack(entry, &r);
    compare_record(s, &want, &r, "table");
    compare_record(s, &want, stored, "disk");
}
