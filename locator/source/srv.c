#include "locator/source/srv.h"

#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void src_srv_label(const char *site, char *out, size_t size)
{
    (void)snprintf(out, size, "_mssms_mp_%s._tcp", site);
}

bool src_srv_check_target(const char *target, const char *what, struct src_answer *a)
{
    if (sl_is_host(target))
        return true;
    src_warn(a, "%.80s: the target \"%.60s\" of an SRV record is no host: it does not count", what, target);
    return false;
}

/* Takes out what does not name a host. */
static void drop_others(struct dnsc_srv_list *list, const struct src_question *q, struct src_answer *a)
{
    char label[SRC_TEXT_MAX];
    size_t kept = 0;
    src_srv_label(q->site, label, sizeof label);
    for (size_t i = 0; i < list->count; i++)
        if (src_srv_check_target(list->items[i].target, label, a))
            list->items[kept++] = list->items[i];
    list->count = kept;
}

static void to_mps(const struct dnsc_srv_list *list, const struct src_question *q, struct lm_mp *mps)
{
    for (size_t i = 0; i < list->count; i++) {
        mps[i] = lm_mp_unknown();
        (void)sl_text_copy(mps[i].site, sizeof mps[i].site, q->site);
        (void)sl_text_copy(mps[i].name, sizeof mps[i].name, list->items[i].target);
        mps[i].srv_port = list->items[i].port;
        mps[i].is_default = q->profile != LM_CB;
    }
}

bool src_srv_choose(struct dnsc_srv_list *list, const struct src_question *q, struct src_answer *a, size_t *ret_index)
{
    drop_others(list, q, a);
    if (!list->count) {
        src_note_end(a, "no such record");
        return false;
    }
    struct lm_mp *mps = sl_new_array(list->count, sizeof *mps);
    to_mps(list, q, mps);
    struct lm_choice choice = lm_choose_mp(mps, list->count, q->profile);
    src_take_choice(a, mps, list->count, choice, q->profile);
    free(mps);
    a->ttl_s = list->items[choice.index].ttl_s;
    src_note_end(a, "%s port %u", a->mp.name, a->mp.srv_port);
    if (choice.kind == LM_CHOICE_SEVERAL) {
        (void)sl_text_copy(a->rule, sizeof a->rule, "Q12");
        src_warn(a, "%zu SRV records for site %s: the first by name is taken", choice.defaults, q->site);
    }
    src_say(a, SRC_ANSWER, "%s is published in the DNS", a->mp.name);
    *ret_index = choice.index;
    return true;
}

void src_srv_address(const char *address, struct src_answer *a)
{
    if (!address) {
        src_note_end(a, "no address");
        src_warn(a, "%s: the SRV record's target has no address", a->mp.name);
        return;
    }
    src_note_end(a, "%s", address);
    (void)sl_text_copy(a->mp.address, sizeof a->mp.address, address);
}
