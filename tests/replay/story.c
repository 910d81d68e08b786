#include "tests/replay/story.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "tests/replay/words.h"

#include <stdio.h>
#include <string.h>

enum { LINE_MAX_LEN = 8192, POLICY_TEXT_MAX = 256 };

static void config_own_name(struct story *s)
{
    struct wins_config *c = &s->world.config.rules;
    if (c->own_name_count == WINS_OWN_NAMES_MAX)
        story_fail(s, "more than %d own names", WINS_OWN_NAMES_MAX);
    c->own_names[c->own_name_count].name = story_next_name(s);
    c->own_names[c->own_name_count++].group = story_take(s, "group");
}

/* The rest of the line is one text of the list. */
static void config_policy(struct story *s)
{
    struct wins_policy_options *o = &s->world.policy_options;
    const struct {
        const char *word;
        struct sl_strings *list;
    } lists[] = {
        {"allow-register", &o->allow_register}, {"deny-register", &o->deny_register}, {"allow-query", &o->allow_query},
        {"deny-query", &o->deny_query},         {"pin", &o->pin},                     {"first-owner", &o->first_owner},
        {"allow-address", &o->allow_address},
    };
    const char *word = story_next(s, "list of the policy");
    char text[POLICY_TEXT_MAX] = "";
    for (size_t used = 0; story_more(s) && used < sizeof text;)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "", story_next(s, "text"));
    const struct {
        const char *word;
        int64_t *number;
    } numbers[] = {{"query-rate", &o->query_rate}, {"register-rate", &o->register_rate}, {"burst", &o->burst}};
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        if (strcmp(numbers[i].word, word) == 0 && sl_parse_i64(text, 0, WINS_LIMIT_RATE_MAX, numbers[i].number))
            return;
    }
    for (size_t i = 0; i < SL_COUNT(lists); i++) {
        if (strcmp(lists[i].word, word) == 0) {
            sl_strings_add(lists[i].list, text);
            return;
        }
    }
    story_fail(s, "\"%s\" is no list of the policy", word);
}

static void do_config(struct story *s)
{
    struct wins_config *c = &s->world.config.rules;
    if (s->world.eng)
        story_fail(s, "config comes before anything happens");
    if (story_take(s, "self"))
        c->self = story_next_address(s);
    else if (story_take(s, "ttl-min"))
        c->ttl_min_s = story_next_s(s);
    else if (story_take(s, "ttl-max"))
        c->ttl_max_s = story_next_s(s);
    else if (story_take(s, "extinction-interval"))
        c->extinction_interval_s = story_next_s(s);
    else if (story_take(s, "extinction-timeout"))
        c->extinction_timeout_s = story_next_s(s);
    else if (story_take(s, "tombstone-hold"))
        c->tombstone_hold_s = story_next_s(s);
    else if (story_take(s, "scavenge-period"))
        s->world.config.scavenge_period_s = story_next_s(s);
    else if (story_take(s, "names-max"))
        c->names_max = story_next_number(s, "number of names");
    else if (story_take(s, "own-name"))
        config_own_name(s);
    else if (story_take(s, "policy"))
        config_policy(s);
    else
        story_fail(s, "\"%s\" is no setting", story_peek(s));
    story_no_more(s);
}

static void do_queue(struct story *s)
{
    s->world.queue_full = story_take(s, "full");
    if (!s->world.queue_full)
        eng_set_backlog(world_engine(&s->world), (size_t)story_next_number(s, "number of requests"));
    story_no_more(s);
}

static void do_at(struct story *s)
{
    int64_t to_ms = story_next_ms(s);
    story_no_more(s);
    if (to_ms < s->world.now_ms)
        story_fail(s, "the clock does not go back");
    world_go(&s->world, to_ms);
}

static void admin_add(struct story *s, bool refused)
{
    struct nb_name name = story_next_name(s);
    struct described d = {.record = {.name = name, .node = WINS_NODE_P}};
    d.record.type = (enum wins_type)story_next_of(s, "type", story_type_word, WINS_TYPE_COUNT);
    story_read_members(s, &d);
    story_no_more(s);
    struct sl_error e;
    struct eng *eng = world_engine(&s->world);
    bool failed = eng_admin_add(eng, world_now(&s->world), &d.record, world_done, &s->world, &e) != SL_OK;
    if (failed != refused)
        story_fail(s, "%s", failed ? sl_error_text(&e) : "it was not refused");
}

static void admin_scavenge(struct story *s)
{
    struct sl_error e;
    story_no_more(s);
    if (eng_scavenge(world_engine(&s->world), world_now(&s->world), world_scavenged, &s->world, &e) != SL_OK)
        story_fail(s, "%s", sl_error_text(&e));
    world_go(&s->world, s->world.now_ms + ENG_SLICE_GAP_MS);
}

static void admin_end(struct story *s, enum eng_end how, bool refused)
{
    struct nb_name name = story_next_name(s);
    struct world *w = &s->world;
    struct sl_error e;
    bool found = true;
    story_no_more(s);
    bool failed = eng_admin_end(world_engine(w), world_now(w), &name, how, world_done, w, &found, &e) != SL_OK;
    if (failed != refused)
        story_fail(s, "%s", failed ? sl_error_text(&e) : "it was not refused");
    if (!found)
        story_fail(s, "there is no %s", nb_name_text(&name).text);
}

static void admin_refused(struct story *s)
{
    if (story_take(s, "release"))
        admin_end(s, ENG_END_RELEASE, true);
    else if (story_take(s, "add"))
        admin_add(s, true);
    else
        story_fail(s, "\"%s\" is never refused", story_peek(s));
}

static void do_admin(struct story *s)
{
    if (story_take(s, "add")) {
        admin_add(s, false);
    } else if (story_take(s, "refused")) {
        admin_refused(s);
    } else if (story_take(s, "release")) {
        admin_end(s, ENG_END_RELEASE, false);
    } else if (story_take(s, "tombstone")) {
        admin_end(s, ENG_END_TOMBSTONE, false);
    } else if (story_take(s, "delete")) {
        struct nb_name name = story_next_name(s);
        story_no_more(s);
        if (!eng_admin_delete(world_engine(&s->world), world_now(&s->world), &name, world_done, &s->world))
            story_fail(s, "there is no %s", nb_name_text(&name).text);
    } else if (story_take(s, "scavenge")) {
        admin_scavenge(s);
    } else {
        story_fail(s, "\"%s\" is no operation", story_peek(s));
    }
    world_settle(&s->world);
}

static void do_hold(struct story *s)
{
    story_no_more(s);
    s->world.holding = true;
}

static void do_commit(struct story *s)
{
    story_no_more(s);
    s->world.holding = false;
    world_settle(&s->world);
}

static void do_disk(struct story *s)
{
    bool fails = story_take(s, "fails");
    if (!fails && !story_take(s, "works"))
        story_fail(s, "the disk fails or works");
    story_no_more(s);
    fake_store_fails(s->world.store, fails);
}

static void do_clock(struct story *s)
{
    bool fast = story_take(s, "fast"), right = !fast && story_take(s, "right");
    if (!fast && !right)
        story_fail(s, "the clock is fast by a time, or right");
    s->world.clock_error_s = fast ? story_next_ms(s) / 1000 : 0;
    story_no_more(s);
}

static void do_restart(struct story *s)
{
    story_no_more(s);
    world_restart(&s->world);
}

static void run_line(struct story *s, char *text)
{
    static const struct {
        const char *word;
        void (*run)(struct story *s);
    } statements[] = {
        {"config", do_config}, {"given", story_given}, {"at", do_at},     {"from", story_from},     {"expect", story_expect},
        {"state", story_state},   {"admin", do_admin}, {"hold", do_hold}, {"commit", do_commit}, {"disk", do_disk},
        {"queue", do_queue},
        {"restart", do_restart}, {"clock", do_clock},
    };
    char *save = NULL;
    s->at = s->word_count = 0;
    for (char *word = strtok_r(text, " \t\n", &save); word; word = strtok_r(NULL, " \t\n", &save)) {
        if (s->word_count == STORY_WORDS_MAX)
            story_fail(s, "more than %d words", STORY_WORDS_MAX);
        s->words[s->word_count++] = word;
    }
    if (!story_more(s) || story_peek(s)[0] == '#')
        return;
    for (size_t i = 0; i < SL_COUNT(statements); i++) {
        if (story_take(s, statements[i].word)) {
            statements[i].run(s);
            return;
        }
    }
    story_fail(s, "\"%s\" is no statement", story_peek(s));
}

/* Nothing happened that the story does not tell. */
static void check_end(struct story *s)
{
    const struct world_packet *p = world_sent(&s->world, NULL);
    if (p)
        story_fail(s, "at the end: a packet to %s was not expected", sl_ip4_text(p->to.address).text);
    if (s->world.done || s->world.failed)
        story_fail(s, "at the end: an operation ended that was not expected");
    for (int i = 0; i < WINS_RULE_COUNT; i++) {
        enum wins_rule rule = (enum wins_rule)i;
        if (rule != WINS_Q16 && world_decided(&s->world, rule) != s->expected[rule])
            story_fail(s, "at the end: rule %s decided %llu times, expected were %llu", wins_rule_id(rule),
                 (unsigned long long)world_decided(&s->world, rule), (unsigned long long)s->expected[rule]);
    }
}

bool story_run(const char *path, uint64_t used[WINS_RULE_COUNT])
{
    struct story s = {.path = path};
    char text[LINE_MAX_LEN];
    volatile bool good = false;
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return false;
    }
    world_init(&s.world);
    if (setjmp(s.end) == 0) {
        while (fgets(text, sizeof text, f)) {
            s.line++;
            run_line(&s, text);
        }
        if (ferror(f) || !s.line)
            story_fail(&s, "there is nothing to read");
        check_end(&s);
        good = true;
    }
    for (int i = 0; i < WINS_RULE_COUNT; i++)
        used[i] += s.expected[i];
    world_fini(&s.world);
    fclose(f);
    return good;
}
