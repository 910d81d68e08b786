#include "site/nbname/private.h"

#include <string.h>
#include <sys/socket.h>

bool nbn_holds(const struct nbn_socket *s, const struct nb_name *name)
{
    for (const struct nbn_claim *c = s->names->claims; c; c = c->next)
        if (c->from == s && c->is_wanted && c->phase != NBN_REFUSED && c->phase != NBN_RELEASING &&
            nb_name_equal(&c->question.name, name))
            return true;
    return false;
}

static void send_answer(const struct nbn_socket *s, const struct nb_message *m, const struct sl_endpoint *to)
{
    uint8_t octets[NB_DATAGRAM_MAX];
    size_t len = nb_message_build(m, octets, sizeof octets);
    if (len > 0) /* an answer that cannot be sent is as good as one lost on the way: who asked asks again */
        (void)sendto(s->fd, octets, len, MSG_DONTWAIT, &to->any, to->len);
}

/* As an end node: no RA, the request's RD. C01 to C03 of the registry's challenge rest on these two answers. */
static void answer_query(const struct nbn_socket *s, struct nb_message *m, const struct sl_endpoint *from)
{
    const struct nb_address own = {.flags = NB_NODE_MASK, .address = sl_endpoint_ip4_of(&s->endpoint)};
    uint16_t word = (uint16_t)(NB_RESPONSE | NB_AUTHORITATIVE | (m->flags & NB_RECURSION_DESIRED));
    if (nbn_holds(s, &m->name))
        nb_make_positive(m, word, 0, &own, 1);
    else if (m->flags & NB_BROADCAST)
        return;
    else
        nb_make_negative(m, word | NB_NAM_ERR);
    send_answer(s, m, from);
}

/* Q09, Q10: the names of this address, for "*" and for a name among them; silence for others. */
static void answer_status(const struct nbn_socket *s, struct nb_message *m, const struct sl_endpoint *from)
{
    struct nb_status_name names[NB_STATUS_NAMES_MAX];
    size_t count = 0;
    for (const struct nbn_claim *c = s->names->claims; c && count < SL_COUNT(names); c = c->next) {
        bool is_listed = !nbn_holds(s, &c->question.name) || c->from != s;
        for (size_t i = 0; i < count && !is_listed; i++)
            is_listed = memcmp(names[i].octets, c->question.name.octets, NB_NAME_LEN) == 0;
        if (is_listed)
            continue;
        memcpy(names[count].octets, c->question.name.octets, NB_NAME_LEN);
        names[count++].flags = NB_NODE_MASK | NB_NAME_ACTIVE;
    }
    if (!nb_name_is_wildcard(&m->name) && !nbn_holds(s, &m->name))
        return;
    nb_make_status(m, names, count);
    send_answer(s, m, from);
}

void nbn_answer(const struct nbn_socket *s, const uint8_t *octets, size_t len, const struct sl_endpoint *from)
{
    struct nb_message m;
    if (nb_message_parse(octets, len, &m, NULL) != SL_OK || nb_is_response(m.flags) || nb_opcode(m.flags) != NB_OP_QUERY)
        return;
    if (m.question_type == NB_RR_NB)
        answer_query(s, &m, from);
    else if (m.question_type == NB_RR_NBSTAT)
        answer_status(s, &m, from);
}
