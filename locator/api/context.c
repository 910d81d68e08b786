#include "locator/api/private.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "locator/resolve/ask.h"

#include <stdlib.h>
#include <string.h>

/* Options that are a string, kept as it is. */
static const struct {
    enum locator_option option;
    size_t offset;
} strings[] = {
    {LOCATOR_BASE, offsetof(struct locator, config.ldap.base)},
    {LOCATOR_CONTAINER, offsetof(struct locator, config.ldap.container)},
    {LOCATOR_BIND_DN, offsetof(struct locator, config.ldap.bind_dn)},
    {LOCATOR_PASSWORD_FILE, offsetof(struct locator, config.ldap.password_file)},
    {LOCATOR_CA_FILE, offsetof(struct locator, config.ldap.ca_file)},
    {LOCATOR_CERT_FILE, offsetof(struct locator, config.ldap.cert_file)},
    {LOCATOR_KEY_FILE, offsetof(struct locator, config.ldap.key_file)},
};

/* Options that are a number within bounds. */
static const struct {
    enum locator_option option;
    size_t offset;
    int64_t min, max;
} numbers[] = {
    {LOCATOR_TIMEOUT_MS, offsetof(struct locator, timeout_ms), 1, LOCATOR_TIMEOUT_MAX_MS},
    {LOCATOR_TOTAL_TIMEOUT_MS, offsetof(struct locator, total_timeout_ms), 1, LOCATOR_TIMEOUT_MAX_MS},
    {LOCATOR_STRICT, offsetof(struct locator, strict), 0, 1},
    {LOCATOR_SEED, offsetof(struct locator, seed), 0, INT64_MAX},
    {LOCATOR_MP_PORT, offsetof(struct locator, mp_port), 0, UINT16_MAX},
    {LOCATOR_NOW_S, offsetof(struct locator, now_s), 0, INT64_MAX},
    {LOCATOR_STARTTLS, offsetof(struct locator, starttls), 0, 1},
    {LOCATOR_SEQUENTIAL, offsetof(struct locator, sequential), 0, 1},
    {LOCATOR_NO_SCHEMA, offsetof(struct locator, no_schema), 0, 1},
    {LOCATOR_ROAMING, offsetof(struct locator, roaming), 0, 1},
    {LOCATOR_MAX_AGE_MS, offsetof(struct locator, max_age_ms), 0, INT64_MAX},
};

static int failed(struct locator *l, enum sl_status status)
{
    (void)status; /* recorded in l->error */
    sl_assert(l->error.status != SL_OK);
    return -1;
}

/* Index of a word in a NULL-terminated list, -1 when it is not there. */
static int word_index(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (sl_text_iequal(words[i], word))
            return i;
    return -1;
}

struct locator *locator_new(void)
{
    struct locator *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->magic = LOCATOR_MAGIC;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->refs = 1;
    l->profile = LM_CM2007;
    l->trust_least = -1;
    l->timeout_ms = LOCATOR_TIMEOUT_DEFAULT_MS;
    l->total_timeout_ms = LOCATOR_TOTAL_TIMEOUT_DEFAULT_MS;
    l->config.ldap.health = ldapc_health_new();
    return l;
}

static char **string_at(struct locator *l, size_t i)
{
    return (char **)((char *)l + strings[i].offset);
}

void api_leave(struct locator *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool last = --l->refs == 0;
    (void)pthread_mutex_unlock(&l->lock);
    if (!last)
        return;
    sl_strings_fini(&l->sources);
    sl_strings_fini(&l->notes);
    sl_strings_fini(&l->origins);
    ldapc_health_unref(l->config.ldap.health);
    cache_free(l->cache);
    for (size_t i = 0; i < l->config.override_count; i++) {
        free(l->overrides[i].host);
        free(l->overrides[i].address);
    }
    free(l->overrides);
    free(l->pins);
    for (size_t i = 0; i < SL_COUNT(strings); i++)
        free(*string_at(l, i));
    (void)pthread_mutex_destroy(&l->lock);
    l->magic = 0;
    free(l);
}

void locator_free(struct locator *l)
{
    if (!l)
        return;
    SL_CHECK_MAGIC(l, LOCATOR_MAGIC);
    api_leave(l);
}

/* Opens the context for a change; false, with the error set, while a call runs in it. */
static bool change_begin(struct locator *l)
{
    SL_CHECK_MAGIC(l, LOCATOR_MAGIC);
    (void)pthread_mutex_lock(&l->lock);
    if (!l->runs)
        return true;
    (void)sl_fail(&l->error, SL_USAGE, "a call runs in this context: nothing can be set before it has ended");
    (void)pthread_mutex_unlock(&l->lock);
    return false;
}

static int change_end(struct locator *l, int result)
{
    (void)pthread_mutex_unlock(&l->lock);
    return result;
}

const char *locator_error(const struct locator *l)
{
    return l && l->error.status != SL_OK ? l->error.text : "";
}

static int add_source(struct locator *l, const char *uri, const char *origin)
{
    const struct src_ops *ops;
    if (l->sources.count == RESOLVE_SOURCES_MAX)
        return failed(l, sl_fail(&l->error, SL_LIMIT, "more than %d sources", RESOLVE_SOURCES_MAX));
    if (strlen(uri) >= SRC_URI_MAX)
        return failed(l, sl_fail(&l->error, SL_USAGE, "source \"%.60s...\": longer than %d octets", uri, SRC_URI_MAX - 1));
    if (src_find(uri, &ops, &l->error) != SL_OK)
        return -1;
    if (ops == &src_cache && !l->cache && api_set_cache(l, "") != 0)
        return -1;
    sl_strings_add(&l->sources, uri);
    sl_strings_add(&l->origins, origin);
    return 0;
}

int locator_add_source(struct locator *l, const char *uri)
{
    return change_begin(l) ? change_end(l, add_source(l, uri, "")) : -1;
}

int locator_add_source_from(struct locator *l, const char *uri, const char *origin)
{
    return change_begin(l) ? change_end(l, add_source(l, uri, origin)) : -1;
}

static int add_address(struct locator *l, const char *host, const char *address)
{
    struct lm_address parsed;
    if (!host[0])
        return failed(l, sl_fail(&l->error, SL_USAGE, "address %.60s: no host that it is for", address));
    if (lm_address_parse(address, &parsed, &l->error) != SL_OK)
        return -1;
    if (parsed.prefix_len >= 0)
        return failed(l, sl_fail(&l->error, SL_USAGE, "address \"%.60s\": a prefix length makes no sense here", address));
    size_t n = l->config.override_count;
    l->overrides = sl_resize(l->overrides, n + 1, sizeof *l->overrides);
    l->overrides[n] = (struct src_override){sl_strdup(host), sl_strdup(address)};
    l->config.overrides = l->overrides;
    l->config.override_count = n + 1;
    return 0;
}

int locator_add_address(struct locator *l, const char *host, const char *address)
{
    return change_begin(l) ? change_end(l, add_address(l, host, address)) : -1;
}

static int add_root_key(struct locator *l, const char *site, const char *file)
{
    struct api_pin pin = {.site = ""};
    if (l->pin_count == LOCATOR_PINS_MAX)
        return failed(l, sl_fail(&l->error, SL_LIMIT, "more than %d trusted root keys", LOCATOR_PINS_MAX));
    if (site && lm_code_parse(site, pin.site, &l->error) != SL_OK)
        return -1;
    if (api_pin_read(file, &pin.key, &l->error) != SL_OK)
        return -1;
    size_t same = 0;
    for (size_t i = 0; i < l->pin_count; i++)
        same += !strcmp(l->pins[i].site, pin.site);
    if (same == RESOLVE_ROOTS_MAX)
        return failed(l, sl_fail(&l->error, SL_LIMIT, "more than %d trusted root keys for one site", RESOLVE_ROOTS_MAX));
    l->pins = sl_resize(l->pins, l->pin_count + 1, sizeof *l->pins);
    l->pins[l->pin_count++] = pin;
    return 0;
}

int locator_add_root_key(struct locator *l, const char *site, const char *file)
{
    return change_begin(l) ? change_end(l, add_root_key(l, site, file)) : -1;
}

static int add_client_address(struct locator *l, const char *address)
{
    struct lm_address parsed;
    if (l->client.address_count == LM_CLIENT_ADDRESSES_MAX)
        return failed(l, sl_fail(&l->error, SL_LIMIT, "more than %d addresses of the client", LM_CLIENT_ADDRESSES_MAX));
    if (lm_address_parse(address, &parsed, &l->error) != SL_OK)
        return -1;
    l->client.addresses[l->client.address_count++] = parsed;
    return 0;
}

int locator_add_client_address(struct locator *l, const char *address)
{
    return change_begin(l) ? change_end(l, add_client_address(l, address)) : -1;
}

static int set_word(struct locator *l, const char *const *words, const char *value, const char *what, int *ret_index)
{
    int index = word_index(words, value);
    if (index < 0)
        return failed(l, sl_fail(&l->error, SL_USAGE, "unknown %s \"%.32s\"", what, value));
    *ret_index = index;
    return 0;
}

/* Copies a text of limited length; NULL empties it. */
static int set_copy(struct locator *l, char *out, size_t size, const char *value, const char *what)
{
    if (sl_text_copy(out, size, value ? value : ""))
        return 0;
    return failed(l, sl_fail(&l->error, SL_USAGE, "%s: longer than %zu octets", what, size - 1));
}

/* "4.00.6487.2000": numbers and dots. */
static int set_version(struct locator *l, const char *value)
{
    if (value && (!value[0] || value[strspn(value, "0123456789.")]))
        return failed(l, sl_fail(&l->error, SL_USAGE, "version \"%.32s\": numbers and dots are wanted", value));
    return set_copy(l, l->client_version, sizeof l->client_version, value, "version");
}

static int set_client_type(struct locator *l, const char *value)
{
    static const char *const types[] = {"advanced", "legacy", NULL};
    int index = 0;
    if (value && set_word(l, types, value, "client type", &index))
        return -1;
    l->legacy = index == 1;
    return 0;
}

static int set_text(struct locator *l, enum locator_option option, const char *value)
{
    for (size_t i = 0; i < SL_COUNT(strings); i++) {
        if (strings[i].option != option)
            continue;
        free(*string_at(l, i));
        *string_at(l, i) = sl_strdup(value);
        return 0;
    }
    int index = LM_CM2007;
    switch (option) {
    case LOCATOR_PROFILE:
        if (value && set_word(l, lm_profile_words, value, "profile", &index))
            return -1;
        l->profile = (enum lm_profile)index;
        return 0;
    case LOCATOR_TRUST_LEAST:
        index = -1;
        if (value && set_word(l, lm_trust_least_words, value, "trust", &index))
            return -1;
        l->trust_least = index;
        return 0;
    case LOCATOR_SASL:
        l->config.sasl_told = value != NULL;
        return set_word(l, ldapc_sasl_words, value ? value : "none", "SASL mechanism", &l->config.ldap.sasl);
    case LOCATOR_CLIENT_AD_SITE:
        return set_copy(l, l->client.ad_site, sizeof l->client.ad_site, value, "AD site");
    case LOCATOR_CLIENT_FOREST:
        return set_copy(l, l->client_forest, sizeof l->client_forest, value, "forest");
    case LOCATOR_CLIENT_VERSION:
        return set_version(l, value);
    case LOCATOR_CLIENT_TYPE:
        return set_client_type(l, value);
    case LOCATOR_CACHE_FILE:
        return api_set_cache(l, value);
    default:
        return failed(l, sl_fail(&l->error, SL_USAGE, "option %d takes no text", (int)option));
    }
}

int locator_set_text(struct locator *l, enum locator_option option, const char *value)
{
    return change_begin(l) ? change_end(l, set_text(l, option, value)) : -1;
}

static int set_number(struct locator *l, enum locator_option option, int64_t value)
{
    for (size_t i = 0; i < SL_COUNT(numbers); i++) {
        if (numbers[i].option != option)
            continue;
        if (value < numbers[i].min || value > numbers[i].max)
            return failed(l, sl_fail(&l->error, SL_USAGE, "option %d: %lld is not within %lld and %lld", (int)option,
                                     (long long)value, (long long)numbers[i].min, (long long)numbers[i].max));
        *(int64_t *)(void *)((char *)l + numbers[i].offset) = value;
        l->has_seed |= option == LOCATOR_SEED;
        l->config.ldap.starttls = l->starttls;
        return 0;
    }
    return failed(l, sl_fail(&l->error, SL_USAGE, "option %d takes no number", (int)option));
}

int locator_set_number(struct locator *l, enum locator_option option, int64_t value)
{
    return change_begin(l) ? change_end(l, set_number(l, option, value)) : -1;
}

void api_set_notes(struct locator *l, struct sl_strings *notes)
{
    struct sl_strings before = *notes;
    if (change_begin(l)) {
        before = l->notes;
        l->notes = *notes;
        (void)change_end(l, 0);
    }
    sl_strings_fini(&before);
    *notes = (struct sl_strings){.count = 0};
}
