#include "config.h"

#include "locator/model/mp.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "common/xml/xml.h"

#include <string.h>
#include <strings.h>

struct lm_mp lm_mp_unknown(void)
{
    return (struct lm_mp){.ssl_state = -1, .security_mask = -1};
}

/* The content of the first element of this name, at the root or below; NULL when absent. */
static const char *element_text(struct sx_doc *doc, const char *name)
{
    struct sx_node *node = sx_find(sx_root(doc), name);
    return node ? sx_content(node) : NULL;
}

static void read_port(struct sx_doc *doc, const char *name, uint16_t *ret_port)
{
    uint64_t port;
    const char *text = element_text(doc, name);
    if (text && sl_parse_u64(text, UINT16_MAX, &port) && port)
        *ret_port = (uint16_t)port;
}

static void read_code(const char *text, char *ret_code)
{
    char code[LM_CODE_SIZE];
    if (text && lm_code_parse(text, code, NULL) == SL_OK)
        memcpy(ret_code, code, sizeof code);
}

/* CCM/CommandLine holds installer properties: "... SMSSITECODE=P01 ..."; one fixture has it as an attribute of CCM. */
static void read_command_line(struct sx_doc *doc, char *ret_code)
{
    static const char key[] = "SMSSITECODE=";
    const char *line = element_text(doc, "CommandLine");
    struct sx_node *ccm = line ? NULL : sx_find(sx_root(doc), "CCM");
    if (ccm)
        line = sx_attr(ccm, "CommandLine");
    const char *at = line ? strcasestr(line, key) : NULL;
    char code[LM_CODE_SIZE] = "";
    if (at)
        (void)sl_text_copy(code, sizeof code, at + sizeof key - 1);
    read_code(code, ret_code);
}

static void read_ssl_state(struct sx_doc *doc, int64_t *ret_state)
{
    struct sx_node *parent = sx_find(sx_root(doc), "Capabilities");
    for (struct sx_node *p = parent ? sx_child(parent, "Property") : NULL; p; p = sx_next(p, "Property")) {
        const char *name = sx_attr(p, "Name"), *value = sx_attr(p, "Value");
        if (name && value && sl_text_iequal(name, "SSLState"))
            (void)sl_parse_i64(value, 0, UINT32_MAX, ret_state);
    }
}

/* A name that is none spoils the document: it was made by somebody else. Nothing at all is only no name. */
static enum sl_status check_fsps(struct sx_doc *doc, struct sl_error *e)
{
    struct sx_node *parent = sx_find(sx_root(doc), "FSP");
    for (struct sx_node *n = parent ? sx_child(parent, "FSPServer") : NULL; n; n = sx_next(n, "FSPServer"))
        if (sx_content(n) && sx_content(n)[0] && !sl_is_host(sx_content(n)))
            return sl_fail(e, SL_MALFORMED, "mSSMSCapabilities: FSPServer \"%.60s\" is no host", sx_content(n));
    return SL_OK;
}

static void read_fsps(struct sx_doc *doc, struct lm_mp *mp)
{
    struct sx_node *parent = sx_find(sx_root(doc), "FSP");
    for (struct sx_node *n = parent ? sx_child(parent, "FSPServer") : NULL; n; n = sx_next(n, "FSPServer"))
        if (mp->fsp_count < LM_FSPS_MAX && sx_content(n) && sx_content(n)[0])
            (void)sl_text_copy(mp->fsps[mp->fsp_count++], LM_NAME_MAX, sx_content(n));
}

static void read_forest(struct sx_doc *doc, struct lm_mp *mp)
{
    struct sx_node *node = sx_find(sx_root(doc), "Forest");
    const char *value = node ? sx_attr(node, "Value") : NULL;
    if (value && !mp->forest[0] && strlen(value) < sizeof mp->forest)
        (void)sl_text_copy(mp->forest, sizeof mp->forest, value);
}

enum sl_status lm_mp_capabilities(const char *xml, size_t len, struct lm_mp *mp, struct sl_error *e)
{
    if (len > LM_CAPABILITIES_MAX)
        return sl_fail(e, SL_LIMIT, "mSSMSCapabilities: %zu octets, at most %d are read", len, LM_CAPABILITIES_MAX);
    struct sx_doc *doc;
    enum sl_status s = sx_parse(xml, len, SX_BARE_AMPERSAND, &doc, e);
    if (s != SL_OK)
        return sl_fail_in(e, s, "mSSMSCapabilities");
    s = check_fsps(doc, e);
    if (s != SL_OK) {
        sx_free(doc);
        return s;
    }
    const char *version = element_text(doc, "Version");
    if (version && strlen(version) < sizeof mp->version)
        (void)sl_text_copy(mp->version, sizeof mp->version, version);
    read_port(doc, "HTTPPort", &mp->http_port);
    read_port(doc, "HTTPSPort", &mp->https_port);
    read_code(element_text(doc, "RootSiteCode"), mp->root_site);
    read_command_line(doc, mp->command_site);
    read_ssl_state(doc, &mp->ssl_state);
    read_fsps(doc, mp);
    read_forest(doc, mp);
    const char *mask = element_text(doc, "SecurityModeMaskEx");
    if (mask)
        (void)sl_parse_i64(mask, 0, UINT32_MAX, &mp->security_mask);
    sx_free(doc);
    return SL_OK;
}

bool lm_mp_is_https(const struct lm_mp *mp, uint16_t forced)
{
    if (mp->ssl_state >= 0)
        return mp->ssl_state & 1;
    if (mp->http_port)
        return false;
    return (mp->security_mask >= 0 && mp->security_mask & 1) || (forced ? forced : mp->srv_port) == LM_HTTPS_PORT;
}

uint16_t lm_mp_port(const struct lm_mp *mp, uint16_t forced)
{
    bool https = lm_mp_is_https(mp, forced);
    uint16_t said = https ? mp->https_port : mp->http_port;
    if (forced || said)
        return forced ? forced : said;
    return mp->srv_port ? mp->srv_port : https ? LM_HTTPS_PORT : LM_HTTP_PORT;
}

/* The part of a version up to the next dot as a number, 0 when it is none; moves on behind the dot. */
static uint64_t next_part(const char **at)
{
    uint64_t number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (number < UINT32_MAX)
            number = number * 10 + (uint64_t)(**at - '0');
    if (**at == '.')
        (*at)++;
    return number;
}

bool lm_version_is_older(const char *site, const char *client)
{
    enum { PARTS = 3 };
    if (!site[0] || !client[0])
        return false;
    for (int i = 0; i < PARTS; i++) {
        uint64_t a = next_part(&site), b = next_part(&client);
        if (a != b)
            return a < b;
    }
    return false;
}

/* True when `a` comes before `b`: by name without regard to case, then by address, so that every client chooses the same. */
static bool before(const struct lm_mp *a, const struct lm_mp *b)
{
    int order = strcasecmp(a->name, b->name);
    return order ? order < 0 : strcmp(a->address, b->address) < 0;
}

struct lm_choice lm_choose_mp(const struct lm_mp *mps, size_t count, enum lm_profile profile)
{
    size_t defaults = 0, first_default = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        if (before(&mps[i], &mps[first]))
            first = i;
        if (mps[i].is_default && (!defaults++ || before(&mps[i], &mps[first_default])))
            first_default = i;
    }
    if (defaults)
        return (struct lm_choice){defaults > 1 ? LM_CHOICE_SEVERAL : LM_CHOICE_ONE, first_default, defaults};
    if (!count)
        return (struct lm_choice){.kind = LM_CHOICE_NOTHING};
    if (profile == LM_CB)
        return (struct lm_choice){.kind = LM_CHOICE_BY_NAME, .index = first};
    return (struct lm_choice){.kind = LM_CHOICE_NO_DEFAULT};
}
