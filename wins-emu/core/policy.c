#include "wins-emu/core/policy.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "wins-emu/core/pattern.h"
#include "wins-emu/core/rows.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 63, PIN_NETWORKS_MAX = 64, PREFIX_MAX = 32 };

struct network {
    uint32_t address, mask;
};

struct networks {
    struct network *items;
    size_t count;
};

struct pin {
    struct wins_pattern pattern;
    bool source;
    size_t count;
    struct network networks[PIN_NETWORKS_MAX];
};

/* Who may: nobody of `deny`, and only those of `allow` when there are any. */
struct access {
    struct networks allow, deny;
};

struct wins_policy {
    struct access registration, query;
    struct networks addresses; /* that P03 lets pass */
    struct pin *pins;
    size_t pin_count;
    struct wins_pattern *first_owner;
    size_t first_owner_count;
    struct wins_limits limits;
    size_t burst;
};

/* --- reading -------------------------------------------------------------------------------------------------------- */

static enum sl_status read_network(const char *text, struct network *ret_network, struct sl_error *e)
{
    char address[SL_IP4_TEXT_MAX];
    size_t len = strcspn(text, "/");
    uint64_t bits = PREFIX_MAX;
    uint32_t ip = 0;
    bool good = len < sizeof address;
    if (good) {
        memcpy(address, text, len);
        address[len] = '\0';
        good = sl_ip4_parse(address, &ip) && (!text[len] || sl_parse_u64(text + len + 1, PREFIX_MAX, &bits));
    }
    if (!good)
        return sl_fail(e, SL_USAGE, "\"%s\" is no network such as 10.0.0.0/8", text);
    uint32_t mask = bits ? UINT32_MAX << (PREFIX_MAX - bits) : 0;
    if (ip & ~mask)
        return sl_fail(e, SL_USAGE, "\"%s\": host bits are set; the network is %s/%d", text, sl_ip4_text(ip & mask).text,
                       (int)bits);
    *ret_network = (struct network){ip, mask};
    return SL_OK;
}

/* The next word of a text, cut off it; false at its end. */
static bool next_word(const char **text, char word[WORD_MAX + 1])
{
    *text += strspn(*text, " \t");
    size_t len = strcspn(*text, " \t"), kept = len < WORD_MAX ? len : WORD_MAX;
    memcpy(word, *text, kept);
    word[kept] = '\0';
    *text += len;
    return len > 0;
}

static enum sl_status read_pin(const char *text, struct pin *ret_pin, struct sl_error *e)
{
    struct pin pin = {0};
    char word[WORD_MAX + 1] = "";
    const char *rest = text;
    (void)next_word(&rest, word); /* an empty one is no pattern */
    enum sl_status status = wins_pattern_parse(word, &pin.pattern, e);
    while (status == SL_OK && next_word(&rest, word)) {
        if (strcmp(word, "source") == 0)
            pin.source = true;
        else if (pin.count == PIN_NETWORKS_MAX)
            return sl_fail(e, SL_USAGE, "\"%s\": more than %d networks", text, PIN_NETWORKS_MAX);
        else
            status = read_network(word, &pin.networks[pin.count++], e);
    }
    if (status == SL_OK && pin.count == 0)
        status = sl_fail(e, SL_USAGE, "\"%s\": a network is missing behind the pattern", text);
    if (status == SL_OK)
        *ret_pin = pin;
    return status;
}

enum sl_status wins_policy_check_network(const char *text, struct sl_error *e)
{
    struct network ignored;
    return read_network(text, &ignored, e);
}

enum sl_status wins_policy_check_pattern(const char *text, struct sl_error *e)
{
    struct wins_pattern ignored;
    return wins_pattern_parse(text, &ignored, e);
}

enum sl_status wins_policy_check_pin(const char *text, struct sl_error *e)
{
    struct pin ignored;
    return read_pin(text, &ignored, e);
}

/* --- life ----------------------------------------------------------------------------------------------------------- */

static enum sl_status read_networks(const struct sl_strings *texts, struct networks *ret_networks, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    ret_networks->items = sl_new_array(texts->count + 1, sizeof *ret_networks->items);
    for (; ret_networks->count < texts->count && status == SL_OK; ret_networks->count++)
        status = read_network(texts->items[ret_networks->count], &ret_networks->items[ret_networks->count], e);
    return status;
}

static enum sl_status read_pins(const struct sl_strings *texts, struct wins_policy *policy, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    policy->pins = sl_new_array(texts->count + 1, sizeof *policy->pins);
    for (; policy->pin_count < texts->count && status == SL_OK; policy->pin_count++)
        status = read_pin(texts->items[policy->pin_count], &policy->pins[policy->pin_count], e);
    return status;
}

static enum sl_status read_first_owner(const struct sl_strings *texts, struct wins_policy *policy, struct sl_error *e)
{
    enum sl_status status = SL_OK;
    policy->first_owner = sl_new_array(texts->count + 1, sizeof *policy->first_owner);
    for (; policy->first_owner_count < texts->count && status == SL_OK; policy->first_owner_count++)
        status = wins_pattern_parse(texts->items[policy->first_owner_count], &policy->first_owner[policy->first_owner_count], e);
    return status;
}

static bool is_empty(const struct wins_policy_options *o)
{
    return !(o->allow_register.count + o->deny_register.count + o->allow_query.count + o->deny_query.count + o->pin.count +
             o->allow_address.count + o->first_owner.count) &&
           !o->query_rate && !o->register_rate && !o->burst;
}

enum sl_status wins_policy_new(const struct wins_policy_options *o, struct wins_policy **ret_policy, struct sl_error *e)
{
    if (is_empty(o)) {
        *ret_policy = NULL;
        return SL_OK;
    }
    struct wins_policy *p = sl_new(sizeof *p);
    p->limits.per_s[WINS_LIMITED_QUERY] = (uint32_t)o->query_rate;
    p->limits.per_s[WINS_LIMITED_CHANGE] = (uint32_t)o->register_rate;
    p->burst = (size_t)o->burst;
    enum sl_status status = read_networks(&o->allow_register, &p->registration.allow, e);
    if (status == SL_OK)
        status = read_networks(&o->deny_register, &p->registration.deny, e);
    if (status == SL_OK)
        status = read_networks(&o->allow_query, &p->query.allow, e);
    if (status == SL_OK)
        status = read_networks(&o->deny_query, &p->query.deny, e);
    if (status == SL_OK)
        status = read_networks(&o->allow_address, &p->addresses, e);
    if (status == SL_OK)
        status = read_pins(&o->pin, p, e);
    if (status == SL_OK)
        status = read_first_owner(&o->first_owner, p, e);
    if (status != SL_OK) {
        wins_policy_free(p);
        return status;
    }
    *ret_policy = p;
    return SL_OK;
}

void wins_policy_free(struct wins_policy *policy)
{
    if (!policy)
        return;
    free(policy->registration.allow.items);
    free(policy->registration.deny.items);
    free(policy->query.allow.items);
    free(policy->query.deny.items);
    free(policy->addresses.items);
    free(policy->pins);
    free(policy->first_owner);
    free(policy);
}

/* --- matching ------------------------------------------------------------------------------------------------------- */

static bool within(const struct network *networks, size_t count, uint32_t address)
{
    for (size_t i = 0; i < count; i++) {
        if ((address & networks[i].mask) == networks[i].address)
            return true;
    }
    return false;
}

static bool may(const struct access *access, uint32_t source)
{
    if (within(access->deny.items, access->deny.count, source))
        return false;
    return !access->allow.count || within(access->allow.items, access->allow.count, source);
}

static bool is_first_owners(const struct wins_policy *p, const struct nb_name *name)
{
    for (size_t i = 0; i < p->first_owner_count; i++) {
        if (wins_pattern_matches(&p->first_owner[i], name))
            return true;
    }
    return false;
}

bool wins_policy_protects(const struct wins_policy *p, const struct nb_name *name)
{
    for (size_t i = 0; i < p->pin_count; i++) {
        if (wins_pattern_matches(&p->pins[i].pattern, name))
            return true;
    }
    return is_first_owners(p, name);
}

/* --- rows ----------------------------------------------------------------------------------------------------------- */

enum { NET_LOOPBACK = 127, NET_MULTICAST = 224, NET_SHIFT = 24 };

static bool may_not_register(const struct wins_case *c)
{
    return c->policy && !may(&c->policy->registration, c->request->source);
}

/* A challenge would go there: nowhere, to everybody, or to ourselves. */
static bool special_address(const struct wins_case *c)
{
    uint32_t net = c->request->address >> NET_SHIFT;
    if (net == NET_LOOPBACK)
        return c->request->source >> NET_SHIFT != NET_LOOPBACK;
    return net == 0 || net >= NET_MULTICAST;
}

static bool refused_address(const struct wins_case *c)
{
    const struct networks *allowed = c->policy ? &c->policy->addresses : NULL;
    return special_address(c) && !(allowed && within(allowed->items, allowed->count, c->request->address));
}

/* How far the best of the pins that match the name is satisfied. */
enum pinned { PINNED_NOT, PINNED_ELSEWHERE, PINNED_FROM_ELSEWHERE, PINNED_HERE };

static enum pinned pinned(const struct wins_case *c)
{
    enum pinned best = PINNED_NOT;
    for (size_t i = 0; c->policy && i < c->policy->pin_count; i++) {
        const struct pin *pin = &c->policy->pins[i];
        if (!wins_pattern_matches(&pin->pattern, &c->request->name))
            continue;
        bool source = pin->source || c->request->type == WINS_GROUP; /* whose address is asked for by nobody */
        enum pinned this = PINNED_ELSEWHERE;
        if (within(pin->networks, pin->count, c->request->address))
            this = source && !within(pin->networks, pin->count, c->request->source) ? PINNED_FROM_ELSEWHERE : PINNED_HERE;
        if (this > best)
            best = this;
    }
    return best;
}

static bool pinned_elsewhere(const struct wins_case *c)
{
    return pinned(c) == PINNED_ELSEWHERE;
}

static bool pinned_from_elsewhere(const struct wins_case *c)
{
    return pinned(c) == PINNED_FROM_ELSEWHERE;
}

/*
 * Of a group every member is an owner, so that the lock is about unique and multi-homed names. These it keeps from becoming a
 * group, whatever address the request claims.
 */
static bool locked(const struct wins_case *c)
{
    const struct wins_record *r = c->record;
    if (!c->policy || !r || r->state != WINS_ACTIVE || wins_type_is_group(r->type))
        return false;
    bool expired = r->expires_s && r->expires_s <= c->now_s;
    bool owner = !wins_type_is_group(c->request->type) && wins_record_find(r, c->request->address) >= 0;
    return !expired && !owner && is_first_owners(c->policy, &c->request->name);
}

/* Whether the request would add a record where none is; *ret_decision says how. */
static bool would_add(const struct wins_request *request, const struct wins_config *config, int64_t now_s,
                      struct wins_decision *ret_decision)
{
    wins_register(NULL, request, config, now_s, ret_decision);
    return ret_decision->rule == WINS_R08;
}

static bool one_too_many(const struct wins_case *c)
{
    struct wins_decision ignored;
    bool full = c->config->names_max && c->names >= c->config->names_max;
    return full && !c->record && would_add(c->request, c->config, c->now_s, &ignored);
}

bool wins_policy_register(const struct wins_policy *policy, const struct wins_record *record, size_t names,
                          const struct wins_request *request, const struct wins_config *config, int64_t now_s,
                          struct wins_decision *ret_decision)
{
    static const struct wins_row rows[] = {
        {WINS_P02, may_not_register, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_P03, refused_address, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_P04, pinned_elsewhere, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_P05, pinned_from_elsewhere, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_P06, locked, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_P09, one_too_many, NB_RFS_ERR, WINS_KEEP, NULL},
        {WINS_RULE_NONE, wins_case_always, NB_OK, WINS_KEEP, NULL},
    };
    struct wins_case c = {.record = record, .request = request, .config = config, .policy = policy, .names = names,
                          .now_s = now_s};
    wins_decide(rows, SL_COUNT(rows), &c, ret_decision);
    return ret_decision->rule != WINS_RULE_NONE;
}

enum wins_query_next wins_policy_query(const struct wins_policy *policy, uint32_t source, struct nb_message *m,
                                       enum wins_rule *ret_rule)
{
    if (may(&policy->query, source))
        return WINS_QUERY_LOOKUP;
    *ret_rule = WINS_P01;
    if (m->question_type != NB_RR_NB || m->flags & NB_BROADCAST)
        return WINS_QUERY_DROP;
    nb_make_negative(m, NB_REPLY_NEGATIVE | NB_RFS_ERR);
    return WINS_QUERY_ANSWER;
}

const struct wins_limits *wins_policy_limits(const struct wins_policy *policy)
{
    return &policy->limits;
}

enum { BURST_STEP = 100, BURST_STEPS = 10, BURST_STEP_S = 5 * 60 };

bool wins_policy_burst(const struct wins_policy *policy, const struct wins_request *request, const struct wins_config *config,
                       int64_t now_s, size_t backlog, uint64_t granted, struct wins_decision *ret_decision)
{
    if (!policy->burst || backlog <= policy->burst || wins_policy_protects(policy, &request->name))
        return false;
    if (!would_add(request, config, now_s, ret_decision))
        return false;
    ret_decision->rule = WINS_B01;
    ret_decision->effect = WINS_KEEP;
    ret_decision->new_version = false;
    ret_decision->ttl_s = (uint32_t)(BURST_STEP_S * (1 + granted / BURST_STEP % BURST_STEPS));
    return true;
}
