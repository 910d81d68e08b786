#include "config.h"

#include "locator/source/source.h"

#include "common/base/addr.h"
#include "common/base/assert.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const struct src_ops *ops;
    enum src_kind kind;
    const char *form;
} families[] = {
#define SRC_FAMILY_ROW(name, kind, form, text) {&src_##name, SRC_##kind, form},
    SRC_FAMILY_TABLE(SRC_FAMILY_ROW)
#undef SRC_FAMILY_ROW
};

static const struct {
    const char *word;
    enum sl_outcome outcome;
} results[] = {
#define SRC_RESULT_ROW(name, word, outcome, text) {word, SL_OUTCOME_##outcome},
    SRC_RESULT_TABLE(SRC_RESULT_ROW)
#undef SRC_RESULT_ROW
};

const char *src_result_word(enum src_result result)
{
    return result < SRC_RESULT_COUNT ? results[result].word : "";
}

enum sl_outcome src_result_outcome(enum src_result result)
{
    return result < SRC_RESULT_COUNT ? results[result].outcome : SL_OUTCOME_INTERNAL;
}

enum sl_status src_find(const char *uri, const struct src_ops **ret_ops, struct sl_error *e)
{
    const char *colon = strchr(uri, ':');
    size_t len = colon ? (size_t)(colon - uri) : 0;
    for (size_t i = 0; i < SL_COUNT(families); i++) {
        if (families[i].ops->opaque && colon && !strncmp(colon, "://", 3))
            continue;
        if (strlen(families[i].ops->scheme) == len && !strncasecmp(families[i].ops->scheme, uri, len)) {
            *ret_ops = families[i].ops;
            return SL_OK;
        }
    }
    struct sl_text known = sl_text_new(SRC_URI_MAX);
    for (size_t i = 0; i < SL_COUNT(families); i++)
        sl_text_printf(&known, "%s%s", i ? ", " : "", families[i].form);
    enum sl_status s = sl_fail(e, SL_USAGE, "source \"%.100s\": unknown scheme; known are %s", uri, sl_text_str(&known));
    sl_text_fini(&known);
    return s;
}

enum src_kind src_kind_of(const struct src_ops *ops)
{
    size_t i = 0;
    while (families[i].ops != ops)
        sl_assert(++i < SL_COUNT(families));
    return families[i].kind;
}

const char *src_override_find(const struct src_config *config, const char *host)
{
    for (size_t i = 0; i < config->override_count; i++)
        if (sl_text_iequal(config->overrides[i].host, host))
            return config->overrides[i].address;
    return NULL;
}

struct nb_name src_mp_name(size_t i, const char *site)
{
    static const char *const prefixes[SRC_MP_NAMES] = {"MP_", "NLB_"};
    char text[NB_NAME_LEN];
    struct nb_name name;
    (void)snprintf(text, sizeof text, "%s%s", prefixes[i], site);
    sl_assert(nb_name_make(text, NB_SMS, &name));
    return name;
}

/* Neither this network, nor multicast, nor reserved, nor the broadcast that stands for the members of a group. */
static bool is_host(uint32_t ip)
{
    return ip >> 24 != 0 && ip >> 29 != 7;
}

void src_mp_of_name(const char *site, struct src_answer *a)
{
    if (!is_host(a->addresses[0])) {
        src_say(a, SRC_NOT_FOUND, "what is registered for site %s is no host: %s", site, sl_ip4_text(a->addresses[0]).text);
        return;
    }
    (void)sl_text_copy(a->mp.site, sizeof a->mp.site, site);
    (void)sl_text_copy(a->mp.address, sizeof a->mp.address, sl_ip4_text(a->addresses[0]).text);
    (void)sl_text_copy(a->mp.name, sizeof a->mp.name, a->mp.address);
    a->mp.is_default = true;
}

static char **config_texts(struct src_config *c, size_t i)
{
    char **const texts[] = {&c->ldap.base,    &c->ldap.container, &c->ldap.bind_dn, &c->ldap.password_file,
                            &c->ldap.ca_file, &c->ldap.cert_file, &c->ldap.key_file};
    return i < SL_COUNT(texts) ? texts[i] : NULL;
}

struct src_config src_config_copy(const struct src_config *config)
{
    struct src_config copy = *config;
    struct src_override *overrides = sl_new_array(config->override_count + 1, sizeof *overrides);
    for (size_t i = 0; i < config->override_count; i++)
        overrides[i] = (struct src_override){sl_strdup(config->overrides[i].host), sl_strdup(config->overrides[i].address)};
    for (size_t i = 0; config_texts(&copy, i); i++)
        *config_texts(&copy, i) = sl_strdup(*config_texts(&copy, i));
    copy.overrides = overrides;
    copy.ldap.health = config->ldap.health ? ldapc_health_ref(config->ldap.health) : NULL;
    copy.cache = NULL;
    return copy;
}

void src_config_fini(struct src_config *config)
{
    for (size_t i = 0; i < config->override_count; i++) {
        free(config->overrides[i].host);
        free(config->overrides[i].address);
    }
    free((void *)(uintptr_t)config->overrides);
    for (size_t i = 0; config_texts(config, i); i++)
        free(*config_texts(config, i));
    ldapc_health_unref(config->ldap.health);
}

void src_answer_init(struct src_answer *a)
{
    memset(a, 0, sizeof *a);
    a->result = SRC_FAILED;
    a->age_s = a->ttl_s = SRC_AGE_UNKNOWN;
    a->mp = lm_mp_unknown();
    a->trust = LM_TRUST_UNPROVEN;
}

void src_answer_fini(struct src_answer *a)
{
    lm_objects_fini(&a->objects);
}

static void set_text(char *out, size_t size, const char *fmt, va_list args) SL_PRINTF(3, 0);

/* Formats text that may quote the network: control characters are escaped, what is too long is cut. */
static void set_text(char *out, size_t size, const char *fmt, va_list args)
{
    char raw[SL_ERROR_TEXT_MAX];
    int len = vsnprintf(raw, sizeof raw, fmt, args);
    if (len < 0)
        len = 0;
    sl_text_escape(out, size, raw, (size_t)len < sizeof raw ? (size_t)len : sizeof raw - 1);
}

void src_say(struct src_answer *a, enum src_result result, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    set_text(a->text, sizeof a->text, fmt, args);
    va_end(args);
    a->result = result;
}

enum src_result src_result_of(enum sl_status status)
{
    if (status == SL_DENIED)
        return SRC_REFUSED;
    if (status == SL_UNTRUSTED)
        return SRC_UNTRUSTED;
    return status == SL_USAGE ? SRC_MISUSED : SRC_FAILED;
}

void src_say_failed(struct src_answer *a, enum sl_status status, const struct sl_error *e)
{
    src_say(a, src_result_of(status), "%s", sl_error_text(e));
}

void src_take_choice(struct src_answer *a, struct lm_mp *mps, size_t count, struct lm_choice chosen, enum lm_profile profile)
{
    enum lm_choice_kind kind = chosen.kind;
    a->mp = mps[chosen.index];
    a->other_count = 0;
    while (kind != LM_CHOICE_ONE && count > 1 && a->other_count < SRC_OTHERS_MAX) {
        mps[chosen.index] = mps[--count];
        chosen = lm_choose_mp(mps, count, profile);
        if (chosen.kind < LM_CHOICE_ONE || (kind == LM_CHOICE_SEVERAL && chosen.kind == LM_CHOICE_BY_NAME))
            return;
        a->others[a->other_count++] = mps[chosen.index];
    }
}

void src_take_other(struct src_answer *a, size_t index)
{
    char site[LM_CODE_SIZE];
    memcpy(site, a->mp.site, sizeof site);
    a->mp = a->others[index];
    memcpy(a->mp.site, site, sizeof site);
    (void)sl_text_copy(a->owner, sizeof a->owner, a->mp.forest);
    a->age_s = SRC_AGE_UNKNOWN;
    a->replicated_from[0] = '\0';
    a->other_count -= index + 1;
    memmove(a->others, a->others + index + 1, a->other_count * sizeof a->others[0]);
}

void src_warn(struct src_answer *a, const char *fmt, ...)
{
    if (a->warning_count == SRC_WARNINGS_MAX)
        return;
    va_list args;
    va_start(args, fmt);
    set_text(a->warnings[a->warning_count++], sizeof a->warnings[0], fmt, args);
    va_end(args);
}

void src_note(struct src_answer *a, const char *fmt, ...)
{
    if (a->note_count < SRC_NOTES_MAX)
        a->note_count++;
    struct src_note *note = &a->notes[a->note_count - 1];
    va_list args;
    va_start(args, fmt);
    set_text(note->asked, sizeof note->asked, fmt, args);
    va_end(args);
    note->result[0] = '\0';
    note->ms = -sl_clock_mono_ms(); /* completed by src_note_end */
}

void src_note_end(struct src_answer *a, const char *fmt, ...)
{
    struct src_note *note = &a->notes[a->note_count - 1];
    va_list args;
    va_start(args, fmt);
    set_text(note->result, sizeof note->result, fmt, args);
    va_end(args);
    note->ms += sl_clock_mono_ms();
}
