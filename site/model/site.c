#include "site/model/site.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void sm_site_fini(struct sm_site *site)
{
    free(site->code);
    free(site->domain);
    free(site->forest);
    free(site->server);
    free(site->assignment_server);
    free(site->database);
    free(site->root_key);
    free(site->certificate);
    *site = (struct sm_site){0};
}

void sm_mp_fini(struct sm_mp *mp)
{
    free(mp->host);
    free(mp->address);
    free(mp->certificate);
    for (size_t i = 0; i < mp->member_count; i++)
        free(mp->members[i]);
    free(mp->members);
    for (size_t i = 0; i < mp->key_count; i++) {
        free(mp->keys[i].owner);
        free(mp->keys[i].key);
        free(mp->keys[i].certificate);
    }
    free(mp->keys);
    *mp = (struct sm_mp){0};
}

void sm_dp_fini(struct sm_dp *dp)
{
    free(dp->host);
    free(dp->url);
    free(dp->boundaries);
    *dp = (struct sm_dp){0};
}

void sm_manifest_fini(struct sm_manifest *m)
{
    for (size_t i = 0; i < m->count; i++)
        free(m->files[i].path);
    free(m->files);
    *m = (struct sm_manifest){0};
}

void sm_advertisement_fini(struct sm_advertisement *a)
{
    free(a->id);
    free(a->package);
    free(a->program);
    for (size_t i = 0; i < a->client_count; i++)
        free(a->clients[i]);
    free(a->clients);
    *a = (struct sm_advertisement){0};
}

void sm_target_fini(struct sm_target *target)
{
    free(target->uri);
    free(target->base);
    free(target->container);
    free(target->bind_dn);
    free(target->password_file);
    free(target->sasl);
    free(target->ca);
    free(target->cert);
    free(target->key);
    free(target->tsig_key);
    free(target->slp);
    *target = (struct sm_target){0};
}

void sm_snapshot_free(struct sm_snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    sm_site_fini(&snapshot->site);
    for (size_t i = 0; i < snapshot->mp_count; i++)
        sm_mp_fini(&snapshot->mps[i]);
    for (size_t i = 0; i < snapshot->package_count; i++) {
        free(snapshot->packages[i].id);
        free(snapshot->packages[i].dps);
    }
    for (size_t i = 0; i < snapshot->dp_count; i++)
        sm_dp_fini(&snapshot->dps[i]);
    for (size_t i = 0; i < snapshot->boundary_count; i++)
        sm_boundary_fini(&snapshot->boundaries[i]);
    for (size_t i = 0; i < snapshot->target_count; i++)
        sm_target_fini(&snapshot->targets[i]);
    for (size_t i = 0; i < snapshot->role_count; i++) {
        free(snapshot->roles[i].host);
        free(snapshot->roles[i].role);
    }
    for (size_t i = 0; i < snapshot->advertisement_count; i++)
        sm_advertisement_fini(&snapshot->advertisements[i]);
    free(snapshot->roles);
    free(snapshot->advertisements);
    free(snapshot->mps);
    free(snapshot->packages);
    free(snapshot->dps);
    free(snapshot->boundaries);
    free(snapshot->targets);
    sl_strings_fini(&snapshot->caps);
    free(snapshot->slp);
    free(snapshot);
}

const struct sm_mp *sm_default_mp(const struct sm_snapshot *snapshot)
{
    const struct sm_mp *found = NULL;
    for (size_t i = 0; i < snapshot->mp_count; i++)
        if (snapshot->mps[i].is_default) {
            sl_assert(found == NULL); /* S1.08 is a constraint of the database */
            found = &snapshot->mps[i];
        }
    return found;
}

const struct sm_dp *sm_find_dp(const struct sm_snapshot *snapshot, const char *host)
{
    for (size_t i = 0; i < snapshot->dp_count; i++)
        if (sl_text_iequal(snapshot->dps[i].host, host))
            return &snapshot->dps[i];
    return NULL;
}

static const struct {
    const char *scheme;
    enum sm_target_kind kind;
} schemes[] = {
#define SCHEME_ROW(scheme, kind, place) {scheme, SM_TARGET_##kind},
    SM_TARGET_TABLE(SCHEME_ROW)
#undef SCHEME_ROW
};

/* The row of a target's scheme, or how many there are. */
static size_t find_scheme(const struct sm_target *target)
{
    size_t i = 0;
    while (i < SL_COUNT(schemes) && strncasecmp(target->uri, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
        i++;
    return i;
}

enum sm_target_kind sm_target_kind(const struct sm_target *target)
{
    size_t i = find_scheme(target);
    return i < SL_COUNT(schemes) ? schemes[i].kind : SM_TARGET_UNKNOWN;
}

const char *sm_target_place(const struct sm_target *target)
{
    size_t i = find_scheme(target);
    return target->uri + (i < SL_COUNT(schemes) ? strlen(schemes[i].scheme) : 0);
}

bool sm_target_is_registry(const struct sm_target *target)
{
    return sm_target_kind(target) == SM_TARGET_REGISTRY;
}
