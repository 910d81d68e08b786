#include "locator/api/private.h"

#include "common/base/file.h"

#include <stdio.h>
#include <string.h>

enum sl_status api_pin_read(const char *file, struct proof_public *ret_key, struct sl_error *e)
{
    char text[PROOF_PEM_MAX + 1];
    FILE *in;
    if (sl_file_open(file, &in, e) != SL_OK)
        return sl_fail_in(e, SL_USAGE, "trusted root key");
    size_t len = fread(text, 1, sizeof text, in);
    bool failed = ferror(in) != 0;
    (void)fclose(in);
    if (failed)
        return sl_fail(e, SL_USAGE, "trusted root key %s: it cannot be read", file);
    enum sl_status s = proof_public_read(text, len, ret_key, e);
    return s == SL_OK ? s : sl_fail_in(e, SL_USAGE, "trusted root key %s", file);
}

/* Takes the keys that are pinned for exactly this site, "" for any. */
static void take_pinned(const struct locator *l, const char *site, struct resolve_trust *t)
{
    for (size_t i = 0; i < l->pin_count && t->root_count < RESOLVE_ROOTS_MAX; i++)
        if (!strcmp(l->pins[i].site, site))
            t->roots[t->root_count++] = l->pins[i].key;
}

struct src_config api_config(const struct locator *l)
{
    struct src_config config = l->config;
    config.ldap.timeout_ms = l->timeout_ms;
    config.mp_port = (uint16_t)l->mp_port;
    config.cache = l->cache;
    return config;
}

struct resolve_trust api_trust(const struct locator *l, const struct src_question *q)
{
    struct resolve_trust t = {.least = LM_TRUST_UNPROVEN, .others_too = l->cache != NULL, .config = api_config(l)};
    if (q->what == SRC_MP)
        take_pinned(l, q->site, &t);
    if (q->what == SRC_MP && !t.root_count)
        take_pinned(l, "", &t);
    if (t.root_count)
        t.least = LM_TRUST_PROVEN;
    if (l->trust_least >= 0)
        t.least = (enum lm_trust)l->trust_least;
    return t;
}
