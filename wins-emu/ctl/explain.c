#include "wins-emu/ctl/explain.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/clock.h"
#include "common/base/text.h"
#include "wins-emu/engine/answer.h"

#include <inttypes.h>
#include <string.h>

enum {
    LIST_TEXT_MAX = WINS_MEMBERS_MAX * SL_IP4_TEXT_MAX,
    RECORD_TEXT_MAX = 256 + LIST_TEXT_MAX,
    OUTCOMES_TEXT_MAX = 1024,
};

/* What is asked, and what comes of it. */
struct explanation {
    const struct wctl_env *env;
    const struct wins_policy *policy;
    const char *op, *as;
    struct wins_request request;
    bool found;
    struct wins_record record;
    enum wins_rule rule, then;
    const char *answer;
    const char *effect;
    struct sl_text addresses; /* of the answer, or of the holder that would be challenged */
    struct sl_text outcomes;  /* of the challenge, by what the holder does */
};

static const char *effect_word(enum wins_effect effect, bool new_version)
{
    switch (effect) {
    case WINS_TOUCH:
        return "lease-extended";
    case WINS_STORE:
        return new_version ? "stored-with-new-version" : "stored";
    case WINS_REMOVE:
        return "deleted";
    case WINS_CHALLENGE:
        return "challenge";
    case WINS_KEEP:
        break;
    }
    return "none";
}

static void add_address(struct explanation *x, uint32_t address)
{
    sl_text_printf(&x->addresses, "%s%s", x->addresses.len ? "\n" : "", sl_ip4_text(address).text);
}

/* What each conduct of the holder would lead to (C01 to C05). */
static void add_outcomes(struct explanation *x, int64_t now_s)
{
    const struct nb_address same[] = {{.address = x->record.members[0].address}, {.address = x->request.address}};
    const struct {
        const char *conduct;
        struct wins_challenge challenge;
    } rows[] = {
        {"the holder is silent or denies", {.reply = WINS_REPLY_SILENT}},
        {"the holder answers", {.reply = WINS_REPLY_POSITIVE, .addresses = same, .count = 1}},
        {"the holder answers and has that address too", {.reply = WINS_REPLY_POSITIVE, .addresses = same, .count = 2}},
        {"the record changes meanwhile", {.reply = WINS_REPLY_SILENT, .version = x->record.version + 1}},
    };
    for (size_t i = 0; i < SL_COUNT(rows); i++) {
        struct wins_challenge challenge = rows[i].challenge;
        struct wins_decision d;
        challenge.owner = x->record.owner;
        if (!challenge.version)
            challenge.version = x->record.version;
        wins_judge(&x->record, &x->request, &challenge, x->env->rules, now_s, &d);
        sl_text_printf(&x->outcomes, "%s%s: %s, %s", i ? "\n" : "", rows[i].conduct, wins_rule_id(d.rule),
                       wins_rule_text(d.rule));
    }
}

static void take_decision(struct explanation *x, const struct wins_decision *d)
{
    bool challenge = d->effect == WINS_CHALLENGE;
    x->rule = d->rule;
    x->then = d->then;
    x->answer = challenge ? "WACK" : nb_rcode_word((uint8_t)d->rcode);
    x->effect = effect_word(d->effect, d->new_version);
    for (size_t i = 0; challenge && i < x->record.member_count; i++)
        add_address(x, x->record.members[i].address);
}

static void explain_change(struct explanation *x)
{
    struct wins_decision d;
    const struct wins_record *record = x->found ? &x->record : NULL;
    const struct wins_config *rules = x->env->rules;
    int64_t now_s = sl_clock_real_s();
    if (strcmp(x->op, "release") == 0)
        wins_release(record, &x->request, rules, now_s, &d);
    else if (!wins_policy_register(x->policy, record, tbl_count(x->env->table), &x->request, rules, now_s, &d))
        wins_register(record, &x->request, rules, now_s, &d);
    take_decision(x, &d);
    if (d.effect == WINS_CHALLENGE)
        add_outcomes(x, now_s);
}

static void explain_query(struct explanation *x)
{
    struct nb_message m;
    uint8_t octets[NB_DATAGRAM_MAX], answer[NB_DATAGRAM_MAX];
    const struct wins_config *rules = x->env->rules;
    bool status = strcmp(x->op, "status") == 0;
    nb_make_query(&m, 1, status ? NB_ASK_STATUS : NB_ASK_QUERY, &x->request.name, status ? NB_RR_NBSTAT : NB_RR_NB);
    size_t len = nb_message_build(&m, octets, sizeof octets), answer_len = 0;
    struct wins_peer from = {.address = x->request.source}; /* no port: it is not one of our sockets */
    enum eng_route route = eng_answer(x->env->table, rules, x->policy, from, rules->self, octets, len, answer, &answer_len,
                                      &x->rule);
    x->effect = effect_word(WINS_KEEP, false);
    x->answer = "none";
    if (route != ENG_ROUTE_REPLY || nb_message_parse(answer, answer_len, &m, NULL) != SL_OK)
        return;
    x->answer = nb_rcode_word(nb_rcode(m.flags));
    for (size_t i = 0; m.rdata == NB_RDATA_ADDRESSES && i < m.count; i++)
        add_address(x, m.addresses[i].address);
}

static void record_text(const struct explanation *x, struct sl_text *out)
{
    const struct wins_record *r = &x->record;
    sl_text_printf(out, "%s%s %s, version %" PRIu64 ", owner %s,", r->is_static ? "static " : "", wins_state_word(r->state),
                   wins_type_word(r->type), r->version, sl_ip4_text(r->owner).text);
    for (size_t i = 0; i < r->member_count; i++)
        sl_text_printf(out, " %s", sl_ip4_text(r->members[i].address).text);
}

static void reply_with(const struct explanation *x, struct host_reply *reply)
{
    static const char *const columns[] = {"name:text",   "op:text",     "as:text",     "address:text",
                                          "rule:text",   "meaning:text", "then:text",   "then_meaning:text",
                                          "answer:text", "effect:text", "addresses:list", "outcomes:list",
                                          "record:text"};
    struct sl_text record = sl_text_new(RECORD_TEXT_MAX);
    if (x->found)
        record_text(x, &record);
    const struct nb_name_text name = nb_name_text(&x->request.name);
    const struct sl_ip4_text address = sl_ip4_text(x->request.address);
    bool then = x->then != WINS_RULE_NONE;
    const char *const cells[] = {
        name.text,
        x->op,
        x->as,
        address.text,
        wins_rule_id(x->rule),
        wins_rule_text(x->rule),
        then ? wins_rule_id(x->then) : NULL,
        then ? wins_rule_text(x->then) : NULL,
        x->answer,
        x->effect,
        sl_text_str(&x->addresses),
        sl_text_str(&x->outcomes),
        x->found ? sl_text_str(&record) : NULL,
    };
    host_reply_columns(reply, columns, SL_COUNT(columns), true);
    host_reply_row(reply, cells, SL_COUNT(cells));
    host_reply_end(reply, SL_OUTCOME_OK, NULL, NULL);
    sl_text_fini(&record);
}

static void look_up(struct explanation *x)
{
    const struct tbl_entry *entry = tbl_find(x->env->table, &x->request.name);
    x->found = entry != NULL;
    if (entry)
        tbl_unpack(entry, &x->record);
}

/* The record and the policy of now. */
static void explain(struct explanation *x)
{
    tbl_read_lock();
    x->policy = tbl_shared_get(x->env->policy);
    look_up(x);
    if (strcmp(x->op, "query") == 0 || strcmp(x->op, "status") == 0)
        explain_query(x);
    else
        explain_change(x);
    tbl_read_unlock();
}

void wctl_explain(const struct wctl_env *env, const struct nb_name *name, const struct host_request *request,
                  struct host_reply *reply)
{
    const char *as = host_request_option(request, "as", 0), *op = host_request_option(request, "op", 0);
    const char *from = host_request_option(request, "from", 0);
    struct explanation x = {.env = env, .op = op ? op : "register", .as = as ? as : "unique"};
    if (request->arg_count < 2 || !sl_ip4_parse(request->args[1], &x.request.address)) {
        host_reply_end(reply, SL_OUTCOME_USAGE, NULL, "a name and an IPv4 address are needed");
        return;
    }
    x.request.name = *name;
    x.request.source = x.request.address;
    if (from && !sl_ip4_parse(from, &x.request.source)) {
        host_reply_end(reply, SL_OUTCOME_USAGE, NULL, "--from: an IPv4 address is needed");
        return;
    }
    x.request.ttl_s = env->rules->ttl_max_s;
    x.request.type =
        wins_request_type(nb_name_suffix(name), strcmp(x.as, "group") == 0, strcmp(x.as, "mhomed") == 0);
    x.addresses = sl_text_new(LIST_TEXT_MAX);
    x.outcomes = sl_text_new(OUTCOMES_TEXT_MAX);
    explain(&x);
    reply_with(&x, reply);
    sl_text_fini(&x.addresses);
    sl_text_fini(&x.outcomes);
}
