#include "locator/source/pack.h"

#include "common/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char version[] = "3";

enum { NUMBER_MAX = 24, STRINGS_MAX = 100000 };

enum kind { TEXT, I64, U16, BOOL };

struct member {
    enum kind kind;
    size_t offset, size;
};

#define MEMBER(kind, type, name) {kind, offsetof(type, name), sizeof(((type *)0)->name)}

static const struct member mp_members[] = {
    MEMBER(TEXT, struct lm_mp, site),          MEMBER(TEXT, struct lm_mp, name),
    MEMBER(TEXT, struct lm_mp, address),       MEMBER(BOOL, struct lm_mp, is_default),
    MEMBER(U16, struct lm_mp, srv_port),       MEMBER(I64, struct lm_mp, build),
    MEMBER(TEXT, struct lm_mp, forest),        MEMBER(TEXT, struct lm_mp, version),
    MEMBER(U16, struct lm_mp, http_port),      MEMBER(U16, struct lm_mp, https_port),
    MEMBER(I64, struct lm_mp, ssl_state),      MEMBER(I64, struct lm_mp, security_mask),
    MEMBER(TEXT, struct lm_mp, root_site),     MEMBER(TEXT, struct lm_mp, command_site),
};

static const struct member answer_members[] = {
    MEMBER(TEXT, struct src_answer, text),     MEMBER(TEXT, struct src_answer, rule),
    MEMBER(TEXT, struct src_answer, server),   MEMBER(TEXT, struct src_answer, owner),
    MEMBER(I64, struct src_answer, age_s),     MEMBER(I64, struct src_answer, ttl_s),
    MEMBER(TEXT, struct src_answer, reason),   MEMBER(TEXT, struct src_answer, site),
    MEMBER(TEXT, struct src_answer, resident), MEMBER(TEXT, struct src_answer, assigned_by),
    MEMBER(BOOL, struct src_answer, group),    MEMBER(TEXT, struct src_answer, node),
    MEMBER(TEXT, struct src_answer, replicated_from),
};

static const struct member object_members[] = {
    MEMBER(TEXT, struct lm_object, assignment), MEMBER(TEXT, struct lm_object, mp_name),
    MEMBER(I64, struct lm_object, device),      MEMBER(I64, struct lm_object, is_default),
    MEMBER(TEXT, struct lm_object, health),     MEMBER(TEXT, struct lm_object, guid),
    MEMBER(TEXT, struct lm_object, boundary_kind), MEMBER(TEXT, struct lm_object, low),
    MEMBER(TEXT, struct lm_object, high),       MEMBER(TEXT, struct lm_object, boundary),
    MEMBER(TEXT, struct lm_object, why_unused), MEMBER(I64, struct lm_object, age_s),
    MEMBER(TEXT, struct lm_object, replicated_from),
};

/* ---- writing ---------------------------------------------------------------------------------------------------------- */

static void put_text(struct sl_text *out, const char *text)
{
    sl_text_add(out, text, strlen(text) + 1);
}

static void put_number(struct sl_text *out, int64_t number)
{
    char text[NUMBER_MAX];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put_text(out, text);
}

static void put_members(struct sl_text *out, const void *base, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const void *at = (const char *)base + members[i].offset;
        if (members[i].kind == TEXT)
            put_text(out, at);
        else if (members[i].kind == I64)
            put_number(out, *(const int64_t *)at);
        else
            put_number(out, members[i].kind == U16 ? *(const uint16_t *)at : *(const bool *)at);
    }
}

static void put_mp(struct sl_text *out, const struct lm_mp *mp)
{
    put_members(out, mp, mp_members, SL_COUNT(mp_members));
    put_number(out, (int64_t)mp->fsp_count);
    for (size_t i = 0; i < mp->fsp_count; i++)
        put_text(out, mp->fsps[i]);
}

static void put_list(struct sl_text *out, const struct sl_strings *list)
{
    put_number(out, (int64_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        put_text(out, list->items[i]);
}

static void put_object(struct sl_text *out, const struct lm_object *o)
{
    put_number(out, (int64_t)o->kind);
    put_text(out, o->dn ? o->dn : "");
    put_mp(out, &o->mp);
    put_members(out, o, object_members, SL_COUNT(object_members));
    put_list(out, &o->site_boundaries);
    put_list(out, &o->roaming_boundaries);
}

void src_pack(const struct src_answer *a, struct sl_text *out)
{
    put_text(out, version);
    put_number(out, (int64_t)a->result);
    put_number(out, (int64_t)a->trust);
    put_members(out, a, answer_members, SL_COUNT(answer_members));
    put_mp(out, &a->mp);
    put_number(out, (int64_t)a->other_count);
    for (size_t i = 0; i < a->other_count; i++)
        put_mp(out, &a->others[i]);
    put_number(out, (int64_t)a->warning_count);
    for (size_t i = 0; i < a->warning_count; i++)
        put_text(out, a->warnings[i]);
    put_number(out, (int64_t)a->address_count);
    for (size_t i = 0; i < a->address_count; i++)
        put_number(out, a->addresses[i]);
    put_number(out, (int64_t)a->objects.count);
    for (size_t i = 0; i < a->objects.count && !sl_text_failed(out); i++)
        put_object(out, &a->objects.items[i]);
}

/* ---- reading ---------------------------------------------------------------------------------------------------------- */

struct reader {
    const char *at, *end;
    bool bad; /* sticky */
};

static const char *get_text(struct reader *r)
{
    const char *text = r->at, *nul = r->bad ? NULL : memchr(r->at, '\0', (size_t)(r->end - r->at));
    if (!nul) {
        r->bad = true;
        return "";
    }
    r->at = nul + 1;
    return text;
}

static int64_t get_number(struct reader *r, int64_t min, int64_t max)
{
    int64_t number = 0;
    r->bad = !sl_parse_i64(get_text(r), min, max, &number) || r->bad;
    return r->bad ? 0 : number;
}

static void get_copy(struct reader *r, char *out, size_t size)
{
    r->bad = !sl_text_copy(out, size, get_text(r)) || r->bad;
}

static void get_members(struct reader *r, void *base, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *at = (char *)base + members[i].offset;
        if (members[i].kind == TEXT)
            get_copy(r, at, members[i].size);
        else if (members[i].kind == I64)
            *(int64_t *)at = get_number(r, INT64_MIN, INT64_MAX);
        else if (members[i].kind == U16)
            *(uint16_t *)at = (uint16_t)get_number(r, 0, UINT16_MAX);
        else
            *(bool *)at = get_number(r, 0, 1) != 0;
    }
}

static void get_mp(struct reader *r, struct lm_mp *mp)
{
    get_members(r, mp, mp_members, SL_COUNT(mp_members));
    mp->fsp_count = (size_t)get_number(r, 0, LM_FSPS_MAX);
    for (size_t i = 0; i < mp->fsp_count; i++)
        get_copy(r, mp->fsps[i], sizeof mp->fsps[i]);
}

static void get_list(struct reader *r, struct sl_strings *list)
{
    int64_t count = get_number(r, 0, STRINGS_MAX);
    for (int64_t i = 0; i < count && !r->bad; i++)
        sl_strings_add(list, get_text(r));
}

static void get_object(struct reader *r, struct lm_objects *list)
{
    struct lm_object *o = lm_objects_add(list, (enum lm_object_kind)get_number(r, 0, LM_OBJECT_COUNT - 1));
    if (!o) {
        r->bad = true;
        return;
    }
    const char *dn = get_text(r);
    o->dn = dn[0] ? sl_strdup(dn) : NULL;
    get_mp(r, &o->mp);
    get_members(r, o, object_members, SL_COUNT(object_members));
    get_list(r, &o->site_boundaries);
    get_list(r, &o->roaming_boundaries);
}

bool src_unpack(const void *octets, size_t len, struct src_answer *a)
{
    struct reader r = {.at = octets, .end = (const char *)octets + len};
    if (!len || strcmp(get_text(&r), version) != 0 || r.bad)
        return false;
    a->result = (enum src_result)get_number(&r, 0, SRC_RESULT_COUNT - 1);
    a->trust = (enum lm_trust)get_number(&r, 0, LM_TRUST_COUNT - 1);
    get_members(&r, a, answer_members, SL_COUNT(answer_members));
    get_mp(&r, &a->mp);
    a->other_count = (size_t)get_number(&r, 0, SRC_OTHERS_MAX);
    for (size_t i = 0; i < a->other_count; i++)
        get_mp(&r, &a->others[i]);
    a->warning_count = (size_t)get_number(&r, 0, SRC_WARNINGS_MAX);
    for (size_t i = 0; i < a->warning_count; i++)
        get_copy(&r, a->warnings[i], sizeof a->warnings[i]);
    a->address_count = (size_t)get_number(&r, 0, SRC_ADDRESSES_MAX);
    for (size_t i = 0; i < a->address_count; i++)
        a->addresses[i] = (uint32_t)get_number(&r, 0, UINT32_MAX);
    int64_t objects = get_number(&r, 0, LM_OBJECTS_MAX);
    for (int64_t i = 0; i < objects && !r.bad; i++)
        get_object(&r, &a->objects);
    return !r.bad && r.at == r.end;
}
