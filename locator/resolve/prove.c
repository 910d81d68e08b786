#include "config.h"

#include "locator/resolve/prove.h"

#include "common/base/memory.h"
#include "common/base/random.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MPCERT_PATH "/SMS_MP/.sms_aut?MPCERT"

enum { HTTP_OK = 200, DAY_MAX = 16, NONCE_SHOWN = 16 };

/* ---- the exchange --------------------------------------------------------------------------------------------------- */

/* One management point being asked. */
struct asking {
    const struct resolve_trust *trust;
    struct src_answer *a;
    struct proof_question q;
    uint8_t nonce[PROOF_NONCE_LEN];
    char nonce_text[PROOF_NONCE_TEXT];
    struct httpc_reply reply;
};

/* Asks for certificate and proof in one request; true with an HTTP answer. */
static bool fetch(struct asking *k, struct sl_deadline deadline, struct sl_error *e)
{
    struct src_answer *a = k->a;
    char url[SRC_URI_MAX], header[sizeof PROOF_NONCE_HEADER + PROOF_NONCE_TEXT + LM_CODE_SIZE + 4];
    struct httpc_request request = {.url = url, .header = header, .wanted = PROOF_HEADER, .reply_max = 4 * PROOF_CERTIFICATE_MAX};
    sl_random_os(k->nonce, sizeof k->nonce);
    proof_nonce_text(k->nonce, k->nonce_text);
    (void)snprintf(header, sizeof header, PROOF_NONCE_HEADER ": %s %s", k->nonce_text, k->q.site);
    if (!resolve_url(&k->trust->config, &a->mp, MPCERT_PATH, url, sizeof url)) {
        (void)sl_fail(e, SL_MALFORMED, "the management point's name is no host name");
        return false;
    }
    const char *host = strstr(url, "://") + strlen("://");
    src_note(a, "MPCERT %.*s, nonce %.*s...", (int)strcspn(host, "/"), host, NONCE_SHOWN, k->nonce_text);
    enum sl_status s = resolve_reach(&k->trust->config, &a->mp, &request, deadline, &k->reply, e);
    if (s != SL_OK)
        src_note_end(a, "%s", sl_error_text(e));
    else
        src_note_end(a, "HTTP status %d, %zu octets, %s proof", k->reply.status, k->reply.body.len,
                     k->reply.header[0] ? "with a" : "no");
    return s == SL_OK;
}

/* ---- the verdict ---------------------------------------------------------------------------------------------------- */

static const char *day_text(char out[DAY_MAX], int64_t at_s)
{
    time_t when = (time_t)at_s;
    struct tm tm;
    if (gmtime_r(&when, &tm) == NULL || strftime(out, DAY_MAX, "%Y-%m-%d", &tm) == 0)
        out[0] = '\0';
    return out;
}

/* By whichever of the pinned keys it is signed. */
static enum proof_verdict check_certificate(struct asking *k, struct proof_certificate *c)
{
    size_t len = k->reply.status == HTTP_OK ? k->reply.body.len : 0;
    enum proof_verdict v = PROOF_OTHER_KEY;
    for (size_t i = 0; i < k->trust->root_count && v == PROOF_OTHER_KEY; i++) {
        k->q.root = &k->trust->roots[i];
        v = proof_check_certificate(&k->q, sl_text_str(&k->reply.body), len, c);
    }
    return v;
}

static enum proof_verdict judge_certificate(struct asking *k, struct proof_certificate *c)
{
    char print[PROOF_PRINT_MAX], until[DAY_MAX];
    src_note(k->a, "certificate: site %s, host %s, pinned root key", k->q.site, k->q.name);
    enum proof_verdict v = check_certificate(k, c);
    proof_public_print(k->q.root, print);
    if (v == PROOF_PROVEN)
        src_note_end(k->a, "of %s, site %s, until %s, signed by %.16s...", c->host, c->site, day_text(until, c->until_s), print);
    else if (v == PROOF_NO_CERTIFICATE || v == PROOF_BAD_CERTIFICATE || v == PROOF_OTHER_KEY)
        src_note_end(k->a, "%s", proof_verdict_word(v));
    else
        src_note_end(k->a, "%s: of %s, site %s, until %s", proof_verdict_word(v), c->host, c->site, day_text(until, c->until_s));
    return v;
}

static enum proof_verdict judge_proof(struct asking *k, const struct proof_certificate *c)
{
    src_note(k->a, "proof: nonce %.*s..., host %s, site %s", NONCE_SHOWN, k->nonce_text, c->host, c->site);
    enum proof_verdict v = proof_check(&k->q, c, k->reply.header);
    src_note_end(k->a, "%s", proof_verdict_word(v));
    return v;
}

/* The rule that decided stands behind the one of the choice, or in its place. */
static void put_rule(struct src_answer *a, enum proof_verdict v)
{
    char before[sizeof a->rule];
    memcpy(before, a->rule, sizeof before);
    bool both = v == PROOF_PROVEN && before[0];
    (void)snprintf(a->rule, sizeof a->rule, "%.8s%s%s", both ? before : "", both ? " " : "", proof_verdict_rule(v));
}

static void conclude(struct asking *k, enum proof_verdict v)
{
    struct src_answer *a = k->a;
    bool is_demanded = k->trust->least >= LM_TRUST_PROVEN;
    if (v != PROOF_PROVEN && !k->reply.header[0] && !is_demanded) {
        src_warn(a, "%s is unproven: it gives no proof (%s)", a->mp.name, proof_verdict_word(v));
        return; /* it has claimed nothing */
    }
    put_rule(a, v);
    a->trust = v == PROOF_PROVEN ? LM_TRUST_PROVEN : LM_TRUST_REFUTED;
    if (v == PROOF_PROVEN)
        return;
    (void)sl_text_copy(a->reason, sizeof a->reason, proof_verdict_word(v));
    src_say(a, SRC_ANSWER, "%s does not prove itself: %s", a->mp.name, proof_verdict_text(v));
}

static void unreached(struct asking *k, const struct sl_error *e)
{
    struct src_answer *a = k->a;
    enum src_result result = src_result_of(e->status);
    if (k->trust->least >= LM_TRUST_PROVEN)
        src_say(a, result == SRC_FAILED ? SRC_UNPROVED : result,
                "%s cannot be asked for its proof: %s", a->mp.name, sl_error_text(e));
    else
        src_warn(a, "%s is unproven: it cannot be asked for its proof: %s", a->mp.name, sl_error_text(e));
}

static void prove(const struct resolve_trust *trust, const struct src_question *q, struct sl_deadline deadline,
                  struct src_answer *a)
{
    struct asking *k = sl_new(sizeof *k);
    struct proof_certificate *c = sl_new(sizeof *c);
    struct sl_error e = {.status = SL_OK};
    *k = (struct asking){.trust = trust, .a = a};
    k->q = (struct proof_question){
        .root = trust->roots, .site = q->site, .name = a->mp.name, .nonce = k->nonce, .now_s = q->now_s};
    if (fetch(k, deadline, &e)) {
        enum proof_verdict v = judge_certificate(k, c);
        conclude(k, v == PROOF_PROVEN ? judge_proof(k, c) : v);
        httpc_reply_fini(&k->reply);
    } else {
        unreached(k, &e);
    }
    free(c);
    free(k);
}

/* What was said of one management point, to be set aside while another is asked. */
struct verdict {
    struct lm_mp mp;
    enum src_result result;
    enum lm_trust trust;
    char text[SL_ERROR_TEXT_MAX], reason[SRC_REASON_MAX], rule[sizeof ((struct src_answer *)NULL)->rule];
};

static struct verdict set_aside(const struct src_answer *a)
{
    struct verdict v = {.mp = a->mp, .result = a->result, .trust = a->trust};
    memcpy(v.text, a->text, sizeof v.text);
    memcpy(v.reason, a->reason, sizeof v.reason);
    memcpy(v.rule, a->rule, sizeof v.rule);
    return v;
}

static void put_back(struct src_answer *a, const struct verdict *v)
{
    a->mp = v->mp;
    a->result = v->result;
    a->trust = v->trust;
    memcpy(a->text, v->text, sizeof a->text);
    memcpy(a->reason, v->reason, sizeof a->reason);
    memcpy(a->rule, v->rule, sizeof a->rule);
}

static bool is_proven_or_open(const struct src_answer *a)
{
    return a->result == SRC_ANSWER && a->trust != LM_TRUST_REFUTED;
}

/* Leaves of those who come next the ones that are trusted as much as the answer; `before` is what was said without a proof. */
static void prove_others(const struct resolve_trust *trust, const struct src_question *q, struct sl_deadline deadline,
                         const struct verdict *before, struct src_answer *a)
{
    const struct verdict first = set_aside(a);
    size_t warnings = a->warning_count, count = a->other_count, kept = 0;
    for (size_t i = 0; i < count; i++) {
        int share_ms = sl_deadline_left_ms(deadline) / (int)(count + 1 - i);
        put_back(a, before);
        a->mp = a->others[i];
        prove(trust, q, sl_deadline_min(deadline, sl_deadline_in(share_ms)), a);
        if (a->result == SRC_ANSWER && a->trust == first.trust)
            a->others[kept++] = a->mp;
    }
    put_back(a, &first);
    a->warning_count = warnings;
    a->other_count = kept;
}

/* Q12: of those that may be meant the first by name that proves itself; of those that do not, the first is told. */
static void prove_any(const struct resolve_trust *trust, const struct src_question *q, struct sl_deadline deadline,
                      struct src_answer *a)
{
    const struct verdict before = set_aside(a);
    struct verdict first = before;
    size_t left = a->other_count + 1;
    for (; left; left--) {
        int share_ms = sl_deadline_left_ms(deadline) / (int)left;
        prove(trust, q, sl_deadline_min(deadline, sl_deadline_in(share_ms)), a);
        if (is_proven_or_open(a) || left == 1)
            break;
        src_warn(a, "%s", a->text);
        first = left == a->other_count + 1 ? set_aside(a) : first;
        put_back(a, &before);
        a->mp = a->others[a->other_count + 1 - left];
        src_say(a, SRC_ANSWER, "%s is the next by name", a->mp.name);
    }
    if (a->other_count && !is_proven_or_open(a))
        put_back(a, &first);
    size_t tried = a->other_count + 1 - left;
    a->other_count = trust->others_too && is_proven_or_open(a) ? a->other_count - tried : 0;
    memmove(a->others, a->others + tried, a->other_count * sizeof a->others[0]);
    prove_others(trust, q, deadline, &before, a);
}

/* ---- enough? -------------------------------------------------------------------------------------------------------- */

/* Refuses an answer that is trusted less than what is demanded. */
static void weigh(const struct resolve_trust *trust, struct src_answer *a)
{
    if (a->trust >= trust->least)
        return;
    if (a->trust == LM_TRUST_REFUTED)
        a->result = SRC_REFUTED; /* why, has been said */
    else
        src_say(a, SRC_TRUST_TOO_LOW, "the answer is %s, and at least %s is demanded", lm_trust_word(a->trust),
                lm_trust_least_words[trust->least]);
}

void resolve_prove(const struct resolve_trust *trust, const struct src_question *q, struct sl_deadline deadline,
                   struct src_answer *a)
{
    if (a->result != SRC_ANSWER)
        return;
    bool is_open = q->what == SRC_MP && a->trust == LM_TRUST_UNPROVEN;
    if (is_open && trust->root_count && trust->least <= LM_TRUST_PROVEN)
        prove_any(trust, q, deadline, a);
    else if (is_open && trust->least == LM_TRUST_UNPROVEN)
        src_warn(a, "the answer is unproven: no trusted root key is pinned for site %s", q->site);
    if (a->result != SRC_ANSWER)
        return;
    if (a->trust == LM_TRUST_REFUTED && trust->least == LM_TRUST_REFUTED)
        src_warn(a, "%s", a->text);
    weigh(trust, a);
}
