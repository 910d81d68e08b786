#include "site/model/site.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- words -------------------------------------------------------------------------------------------------------------- */

static const char *const kind_words[SM_SITE_KIND_COUNT] = {
#define KIND_WORD(name, word) word,
    SM_SITE_KIND_TABLE(KIND_WORD)
#undef KIND_WORD
};

enum sm_site_kind sm_site_kind_parse(const char *word)
{
    return (enum sm_site_kind)sl_word_find(kind_words, SM_SITE_KIND_COUNT, word);
}

const char *sm_site_kind_word(enum sm_site_kind kind)
{
    return kind_words[kind];
}

static const char *const mp_kind_words[SM_MP_KIND_COUNT] = {
#define MP_KIND_WORD(name, word) word,
    SM_MP_KIND_TABLE(MP_KIND_WORD)
#undef MP_KIND_WORD
};

enum sm_mp_kind sm_mp_kind_parse(const char *word)
{
    return (enum sm_mp_kind)sl_word_find(mp_kind_words, SM_MP_KIND_COUNT, word);
}

const char *sm_mp_kind_word(const struct sm_mp *mp)
{
    return mp_kind_words[mp->is_nlb ? SM_MP_NLB : SM_MP_SINGLE];
}

static const char *const data_words[SM_DATA_COUNT] = {
#define DATA_WORD(name, word) word,
    SM_DATA_TABLE(DATA_WORD)
#undef DATA_WORD
};

enum sm_data sm_data_parse(const char *word)
{
    return (enum sm_data)sl_word_find(data_words, SM_DATA_COUNT, word);
}

const char *sm_data_word(enum sm_data data)
{
    return data_words[data];
}

/* ---- roles -------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *word, *title;
    enum { SITE, OWN, OPEN } where;
} roles[] = {
#define ROLE_ROW(word, title, where) {word, title, where},
    SM_ROLE_TABLE(ROLE_ROW)
#undef ROLE_ROW
};

static size_t find_role(const char *word)
{
    size_t i = 0;
    while (i < SL_COUNT(roles) && strcmp(roles[i].word, word) != 0)
        i++;
    return i;
}

const char *sm_role_title(const char *role)
{
    size_t i = find_role(role);
    return i < SL_COUNT(roles) ? roles[i].title : "";
}

enum sl_status sm_check_role(const char *role, struct sl_error *e)
{
    size_t len = strlen(role), i = find_role(role);
    if (len == 0 || len > SM_ROLE_MAX || strspn(role, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
        return sl_fail(e, SL_USAGE, "role \"%s\": must be 1 to %d characters out of a-z, 0-9 and -", role, SM_ROLE_MAX);
    if (i < SL_COUNT(roles) && roles[i].where == SITE)
        return sl_fail(e, SL_USAGE, "role %s: a site has exactly one %s, named by: sitectl init", role, roles[i].title);
    if (i < SL_COUNT(roles) && roles[i].where == OWN)
        return sl_fail(e, SL_USAGE, "role %s: add a %s with: sitectl %s add", role, roles[i].title, role);
    return SL_OK;
}

/* ---- advertisements ----------------------------------------------------------------------------------------------------- */

static enum sl_status check_text(const char *what, const char *text, size_t max, struct sl_error *e)
{
    size_t len = strlen(text);
    bool bad = len == 0 || len > max || text[0] == ' ' || text[len - 1] == ' ';
    for (const char *c = text; *c != '\0'; c++)
        bad = bad || (unsigned char)*c < ' ' || *c == 0x7f;
    return bad ? sl_fail(e, SL_USAGE, "%s \"%s\": must be 1 to %zu characters, none of them a control character, and no blank at "
                                      "its ends", what, text, max)
               : SL_OK;
}

enum sl_status sm_advertisement_make(const char *id, const char *package, const char *program, const char *const *clients,
                                     size_t client_count, struct sm_advertisement *ret_ad, struct sl_error *e)
{
    enum sl_status status = sm_check_package_id(id, e);
    if (status != SL_OK)
        return sl_fail_in(e, status, "advertisement");
    status = sm_check_package_id(package, e);
    if (status == SL_OK)
        status = check_text("program", program, SM_PROGRAM_MAX, e);
    for (size_t i = 0; i < client_count && status == SL_OK; i++)
        status = check_text("client", clients[i], SM_CLIENT_MAX, e);
    if (status != SL_OK)
        return status;
    *ret_ad = (struct sm_advertisement){.id = sl_strdup(id), .package = sl_strdup(package), .program = sl_strdup(program),
                                        .clients = sl_new_array(client_count + 1, sizeof *ret_ad->clients),
                                        .client_count = client_count};
    for (size_t i = 0; i < client_count; i++)
        ret_ad->clients[i] = sl_strdup(clients[i]);
    return SL_OK;
}

/* ---- management points -------------------------------------------------------------------------------------------------- */

const struct sm_mp *sm_find_mp(const struct sm_snapshot *snapshot, const char *host)
{
    for (size_t i = 0; i < snapshot->mp_count; i++)
        if (sl_text_iequal(snapshot->mps[i].host, host))
            return &snapshot->mps[i];
    return NULL;
}

struct sm_boundary *sm_find_boundary(const struct sm_snapshot *snapshot, enum sm_boundary_kind kind, const char *value)
{
    for (size_t i = 0; i < snapshot->boundary_count; i++)
        if (snapshot->boundaries[i].kind == kind && sl_text_iequal(snapshot->boundaries[i].value, value))
            return &snapshot->boundaries[i];
    return NULL;
}

bool sm_mp_is_used(const struct sm_snapshot *snapshot, const struct sm_mp *mp)
{
    const struct sm_mp *main = sm_default_mp(snapshot);
    bool is_used = mp == main;
    for (size_t i = 0; main != NULL && i < main->member_count; i++)
        is_used = is_used || sl_text_iequal(main->members[i], mp->host);
    return is_used;
}

enum sl_status sm_designate(struct sm_snapshot *snapshot, const char *host, struct sl_error *e)
{
    const struct sm_mp *wanted = host != NULL ? sm_find_mp(snapshot, host) : NULL;
    if (host != NULL && wanted == NULL)
        return sl_fail(e, SL_USAGE, "no management point \"%s\"; add it with: sitectl mp add %s --address IP", host, host);
    for (size_t i = 0; i < snapshot->mp_count; i++)
        snapshot->mps[i].is_default = &snapshot->mps[i] == wanted;
    return SL_OK;
}

enum sl_status sm_choose_cluster(const struct sm_snapshot *snapshot, const char *host, const struct sm_mp **ret_mp,
                                 struct sl_error *e)
{
    const struct sm_mp *found = NULL;
    size_t count = 0;
    for (size_t i = 0; i < snapshot->mp_count; i++) {
        const struct sm_mp *mp = &snapshot->mps[i];
        if (!mp->is_nlb || (host != NULL && !sl_text_iequal(mp->host, host)))
            continue;
        found = mp;
        count++;
    }
    if (count != 1)
        return host != NULL  ? sl_fail(e, SL_USAGE, "%s is no cluster of this site", host)
               : count == 0 ? sl_fail(e, SL_USAGE, "the site has no cluster; make one with: sitectl mp set HOST --kind nlb")
                            : sl_fail(e, SL_USAGE, "the site has %zu clusters: say which", count);
    if (found->member_count == 0)
        return sl_fail(e, SL_CONFLICT, "cluster %s has no members; say which with: sitectl mp set %s --members HOST,...",
                       found->host, found->host);
    *ret_mp = found;
    return SL_OK;
}
