#include "common/wire/message.h"

#include <string.h>

enum {
    ADDRESS_LEN = 6,
    STATUS_NAME_LEN = NB_NAME_LEN + 2,
    RECORD_FIXED_LEN = 10, /* type, class, TTL, length */
    NAME_POINTER = 0xc000 | NB_HEADER_LEN,
};

const char *nb_rcode_word(uint8_t rcode)
{
    static const char *const words[] = {"ok", "FMT_ERR", "SRV_ERR", "NAM_ERR", "IMP_ERR", "RFS_ERR", "ACT_ERR", "CFT_ERR"};
    return rcode < SL_COUNT(words) ? words[rcode] : "rcode";
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

struct counts {
    uint16_t question, answer, authority, additional;
};

static struct counts get_header(struct nb_cursor *c, struct nb_message *m)
{
    m->id = nb_get16(c);
    m->flags = nb_get16(c);
    struct counts n = {.question = nb_get16(c)};
    n.answer = nb_get16(c);
    n.authority = nb_get16(c);
    n.additional = nb_get16(c);
    return n;
}

static enum sl_status check_counts(const struct counts *n, uint16_t flags, struct sl_error *e)
{
    if (n->question > 1 || (n->question == 0 && !nb_is_response(flags)))
        return sl_fail(e, SL_MALFORMED, "QDCOUNT: %u", n->question);
    if (n->answer > 1)
        return sl_fail(e, SL_MALFORMED, "ANCOUNT: %u", n->answer);
    if (n->authority > 0)
        return sl_fail(e, SL_MALFORMED, "NSCOUNT: %u", n->authority);
    if (n->additional > 1 || n->answer + n->additional > 1)
        return sl_fail(e, SL_MALFORMED, "ARCOUNT: %u with ANCOUNT %u", n->additional, n->answer);
    return SL_OK;
}

static enum sl_status get_question(struct nb_cursor *c, struct nb_message *m, struct sl_error *e)
{
    nb_get_name(c, &m->name);
    if (!nb_cursor_ok(c))
        return sl_fail(e, SL_MALFORMED, "question name: not a NetBIOS name, stopped at octet %zu", c->at);
    m->question_type = nb_get16(c);
    uint16_t class = nb_get16(c);
    if (!nb_cursor_ok(c))
        return sl_fail(e, SL_MALFORMED, "question: ends at octet %zu", c->at);
    if (class != NB_CLASS_IN)
        return sl_fail(e, SL_MALFORMED, "question class: %u", class);
    return SL_OK;
}

static enum sl_status get_record_name(struct nb_cursor *c, struct nb_message *m, struct sl_error *e)
{
    struct nb_name name;
    nb_get_name(c, m->has_question ? &name : &m->name);
    if (!nb_cursor_ok(c))
        return sl_fail(e, SL_MALFORMED, "record name: not a NetBIOS name, stopped at octet %zu", c->at);
    if (m->has_question && !nb_name_equal(&name, &m->name))
        return sl_fail(e, SL_MALFORMED, "record name: not the name of the question");
    return SL_OK;
}

static enum sl_status get_addresses(struct nb_cursor *c, struct nb_message *m, uint16_t len, struct sl_error *e)
{
    if (len % ADDRESS_LEN || len / ADDRESS_LEN > NB_ADDRESSES_MAX)
        return sl_fail(e, SL_MALFORMED, "record length: %u is not that of 0 to %d addresses", len, NB_ADDRESSES_MAX);
    m->rdata = NB_RDATA_ADDRESSES;
    m->count = (uint8_t)(len / ADDRESS_LEN);
    for (size_t i = 0; i < m->count; i++) {
        m->addresses[i].flags = nb_get16(c);
        m->addresses[i].address = nb_get32(c);
    }
    return SL_OK;
}

static enum sl_status get_status(struct nb_cursor *c, struct nb_message *m, uint16_t len, struct sl_error *e)
{
    m->rdata = NB_RDATA_STATUS;
    m->count = nb_get8(c);
    if (m->count > NB_STATUS_NAMES_MAX || len < 1 + m->count * STATUS_NAME_LEN)
        return sl_fail(e, SL_MALFORMED, "record length: %u for a node status of %u names", len, m->count);
    for (size_t i = 0; i < m->count; i++) {
        const uint8_t *octets = nb_take(c, NB_NAME_LEN);
        if (octets)
            memcpy(m->names[i].octets, octets, NB_NAME_LEN);
        m->names[i].flags = nb_get16(c);
    }
    nb_take(c, (size_t)(len - 1 - m->count * STATUS_NAME_LEN));
    return SL_OK;
}

static enum sl_status get_rdata(struct nb_cursor *c, struct nb_message *m, uint16_t len, struct sl_error *e)
{
    bool wack = nb_is_response(m->flags) && nb_opcode(m->flags) == NB_OP_WACK;
    if (m->record_type == NB_RR_NBSTAT)
        return get_status(c, m, len, e);
    if (m->record_type != NB_RR_NB && m->record_type != NB_RR_NULL)
        return sl_fail(e, SL_MALFORMED, "record type: 0x%04x", m->record_type);
    if (wack && len == 2) {
        m->rdata = NB_RDATA_WACK;
        m->wack_flags = nb_get16(c);
        return SL_OK;
    }
    if (m->record_type == NB_RR_NB)
        return get_addresses(c, m, len, e);
    if (len)
        return sl_fail(e, SL_MALFORMED, "record length: %u for a record without data", len);
    m->rdata = NB_RDATA_EMPTY;
    return SL_OK;
}

static enum sl_status get_record(struct nb_cursor *c, struct nb_message *m, struct sl_error *e)
{
    enum sl_status s = get_record_name(c, m, e);
    if (s)
        return s;
    m->record_type = nb_get16(c);
    uint16_t class = nb_get16(c);
    m->ttl_s = nb_get32(c);
    uint16_t len = nb_get16(c);
    if (nb_cursor_left(c) < len || !nb_cursor_ok(c))
        return sl_fail(e, SL_MALFORMED, "record: ends at octet %zu", c->size);
    if (class != NB_CLASS_IN)
        return sl_fail(e, SL_MALFORMED, "record class: %u", class);
    return get_rdata(c, m, len, e);
}

enum sl_status nb_message_parse(const void *octets, size_t len, struct nb_message *m, struct sl_error *e)
{
    struct nb_cursor c = nb_cursor_read(octets, len);
    struct counts n = get_header(&c, m);
    if (!nb_cursor_ok(&c))
        return sl_fail(e, SL_MALFORMED, "header: %zu octets", len);
    enum sl_status s = check_counts(&n, m->flags, e);
    if (s)
        return s;
    m->has_question = n.question > 0;
    m->record = n.answer ? NB_SECTION_ANSWER : n.additional ? NB_SECTION_ADDITIONAL : NB_SECTION_NONE;
    if (m->has_question && (s = get_question(&c, m, e)))
        return s;
    if (m->record != NB_SECTION_NONE)
        return get_record(&c, m, e);
    if (!m->has_question)
        memset(&m->name, 0, sizeof m->name);
    return SL_OK;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void put_header(struct nb_cursor *c, const struct nb_message *m)
{
    nb_put16(c, m->id);
    nb_put16(c, m->flags);
    nb_put16(c, m->has_question);
    nb_put16(c, m->record == NB_SECTION_ANSWER);
    nb_put16(c, 0);
    nb_put16(c, m->record == NB_SECTION_ADDITIONAL);
}

static void put_addresses(struct nb_cursor *c, const struct nb_message *m)
{
    nb_put16(c, (uint16_t)(m->count * ADDRESS_LEN));
    for (size_t i = 0; i < m->count; i++) {
        nb_put16(c, m->addresses[i].flags);
        nb_put32(c, m->addresses[i].address);
    }
}

static void put_status(struct nb_cursor *c, const struct nb_message *m)
{
    nb_put16(c, (uint16_t)(1 + m->count * STATUS_NAME_LEN + NB_STATUS_STATISTICS));
    nb_put8(c, m->count);
    for (size_t i = 0; i < m->count; i++) {
        nb_put(c, m->names[i].octets, NB_NAME_LEN);
        nb_put16(c, m->names[i].flags);
    }
    uint8_t *statistics = nb_take(c, NB_STATUS_STATISTICS);
    if (statistics)
        memset(statistics, 0, NB_STATUS_STATISTICS);
}

static void put_record(struct nb_cursor *c, const struct nb_message *m)
{
    if (m->has_question)
        nb_put16(c, NAME_POINTER);
    else
        nb_put_name(c, &m->name);
    nb_put16(c, m->record_type);
    nb_put16(c, NB_CLASS_IN);
    nb_put32(c, m->ttl_s);
    switch (m->rdata) {
    case NB_RDATA_ADDRESSES:
        put_addresses(c, m);
        break;
    case NB_RDATA_EMPTY:
        nb_put16(c, 0);
        break;
    case NB_RDATA_WACK:
        nb_put16(c, 2);
        nb_put16(c, m->wack_flags);
        break;
    case NB_RDATA_STATUS:
        put_status(c, m);
        break;
    }
}

size_t nb_message_build(const struct nb_message *m, void *buffer, size_t size)
{
    struct nb_cursor c = nb_cursor_write(buffer, size);
    put_header(&c, m);
    if (m->has_question) {
        nb_put_name(&c, &m->name);
        nb_put16(&c, m->question_type);
        nb_put16(&c, NB_CLASS_IN);
    }
    if (m->record != NB_SECTION_NONE)
        put_record(&c, m);
    return nb_cursor_ok(&c) ? c.at : 0;
}

/* --- making --------------------------------------------------------------------------------------------------------- */

void nb_make_query(struct nb_message *m, uint16_t id, uint16_t flags, const struct nb_name *name, uint16_t type)
{
    m->id = id;
    m->flags = flags;
    m->has_question = true;
    m->question_type = type;
    m->name = *name;
    m->record = NB_SECTION_NONE;
}

static void set_record(struct nb_message *m, enum nb_section section, uint16_t type, uint32_t ttl_s, enum nb_rdata rdata)
{
    m->record = section;
    m->record_type = type;
    m->ttl_s = ttl_s;
    m->rdata = rdata;
    m->count = 0;
}

void nb_make_request(struct nb_message *m, uint16_t id, uint16_t flags, const struct nb_name *name, uint32_t ttl_s,
                     struct nb_address address)
{
    nb_make_query(m, id, flags, name, NB_RR_NB);
    set_record(m, NB_SECTION_ADDITIONAL, NB_RR_NB, ttl_s, NB_RDATA_ADDRESSES);
    m->addresses[m->count++] = address;
}

static void set_answer(struct nb_message *m, uint16_t flags, uint16_t type, uint32_t ttl_s, enum nb_rdata rdata)
{
    m->flags = flags;
    m->has_question = false;
    set_record(m, NB_SECTION_ANSWER, type, ttl_s, rdata);
}

void nb_make_positive(struct nb_message *m, uint16_t flags, uint32_t ttl_s, const struct nb_address *addresses, size_t count)
{
    set_answer(m, flags, NB_RR_NB, ttl_s, NB_RDATA_ADDRESSES);
    m->count = (uint8_t)(count < NB_ADDRESSES_MAX ? count : NB_ADDRESSES_MAX);
    if (m->count)
        memmove(m->addresses, addresses, m->count * sizeof *addresses);
}

void nb_make_negative(struct nb_message *m, uint16_t flags)
{
    set_answer(m, flags, NB_RR_NULL, 0, NB_RDATA_EMPTY);
}

void nb_make_wack(struct nb_message *m, uint32_t ttl_s)
{
    uint16_t request = m->flags;
    set_answer(m, NB_REPLY_WACK, NB_RR_NB, ttl_s, NB_RDATA_WACK);
    m->wack_flags = request;
}

void nb_make_status(struct nb_message *m, const struct nb_status_name *names, size_t count)
{
    size_t name_len = 2 * NB_NAME_LEN + 2 + (m->name.scope_len ? m->name.scope_len + 1u : 0);
    size_t room = NB_DATAGRAM_MAX - NB_HEADER_LEN - name_len - RECORD_FIXED_LEN - 1 - NB_STATUS_STATISTICS;
    size_t most = room / STATUS_NAME_LEN;
    set_answer(m, (uint16_t)(NB_REPLY_STATUS | (count > most ? NB_TRUNCATED : 0)), NB_RR_NBSTAT, 0, NB_RDATA_STATUS);
    m->count = (uint8_t)(count < most ? count : most);
    if (m->count)
        memcpy(m->names, names, m->count * sizeof *names);
}
