/*
 * settings.h - the command line and configuration file of sited, checked.
 */
#ifndef SL_SITE_DAEMON_SETTINGS_H
#define SL_SITE_DAEMON_SETTINGS_H

#include "common/base/addr.h"
#include "common/cli/cli.h"
#include "site/http/web.h"
#include "site/nbname/nbname.h"

/* As parsed. */
struct sited_values {
    struct cli_common common; /* first */
    bool foreground, check_config;
    int log_level;
    char *db, *control, *role, *site, *config, *content, *replica, *state, *slp_path, *user, *metrics, *control_group, *intake;
    char *dp_name, *tls_cert, *tls_key, *client_ca, *mp_ca, *mp_cert;
    struct sl_strings http, https, nbt_address, mplist_allow;
    int64_t nbt_port, publish_interval_ms, selftest_interval_ms, exchange_interval_ms;
    int64_t verify_interval_ms, verify_rate_mib;
    int64_t certificate_days, outbox_reports, outbox_mib, report_days;
    int64_t http_connections, http_client_connections, web_idle_ms, web_headers_ms, web_body_ms;
};

/* word, help */
#define SITED_ROLE_TABLE(X)                                                                                            \
    X(SERVER, "server")                                                                                                \
    X(MP, "mp")                                                                                                        \
    X(DP, "dp")                                                                                                        \
    X(SLP, "slp")

enum sited_role {
#define SITED_ROLE_ENUM(name, word) SITED_##name,
    SITED_ROLE_TABLE(SITED_ROLE_ENUM)
#undef SITED_ROLE_ENUM
        SITED_ROLE_COUNT
};

/* As meant. */
struct sited_settings {
    bool roles[SITED_ROLE_COUNT];
    struct sl_endpoint http[WEB_ADDRESSES_MAX], https[WEB_ADDRESSES_MAX];
    size_t http_count, https_count;
    struct sl_endpoint nbt[NBN_ADDRESSES_MAX];
    size_t nbt_count;
    bool has_metrics;
    struct sl_endpoint metrics;
};

enum {
#define SITED_OPTION(opt, kind, field, argument, def, least, most, bits, text) SITED_ROW_##field,
#define SITED_CHECKED(opt, kind, field, argument, def, checked, bits, text) SITED_ROW_##field,
#include "site/daemon/options.def"
#undef SITED_OPTION
#undef SITED_CHECKED
    SITED_OPTION_COUNT
};

/* The rows of options.def. */
extern const struct sl_option sited_options[SITED_OPTION_COUNT];
/* The word of a role. */
const char *sited_role_word(enum sited_role role);
/* True when a role is among them that is of no use without HTTP. */
bool sited_is_http(const struct sited_settings *settings);
/* Adds the words of the roles, and the addresses as they are told. */
void sited_settings_list(const struct sited_settings *settings, struct sl_strings *roles, struct sl_strings *http,
                         struct sl_strings *nbt);
/* True when we have that address; ctx is a struct sited_settings. */
bool sited_is_our_address(const char *address, void *ctx);
/* The first address of our own HTTP, as a client on this machine reaches it; false without one, and for who is no site server. */
bool sited_own_url(const struct sited_settings *settings, char *out, size_t size);
/* Reads the configuration file into the call's values, if one is given, and checks everything. */
enum sl_status sited_settings_read(const struct cli_call *call, struct sited_settings *ret_settings, struct sl_error *e) SL_MUST;

#endif
