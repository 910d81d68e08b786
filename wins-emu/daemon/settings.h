/*
 * settings.h - the options of winsd and what they amount to; inside daemon/ only.
 */
#ifndef SL_WINS_DAEMON_SETTINGS_H
#define SL_WINS_DAEMON_SETTINGS_H

#include "common/cli/cli.h"
#include "wins-emu/net/net.h"

#define WINSD_JOURNAL_MAX INT64_C(100000000)
#define WINSD_NAMES_MAX INT64_C(1000000000)
#define WINSD_TIME_MAX_MS (INT64_C(3650) * 24 * 3600 * 1000)

/* The values as given; filled by the option table. */
struct winsd_values {
    struct cli_common common;
    bool foreground;
    char *db;
    struct sl_strings listen;
    char *control;
    int64_t workers;
    int64_t nbt_port;
    char *netbios_name;
    int64_t ttl_min_ms, ttl_max_ms;
    int64_t extinction_interval_ms, extinction_timeout_ms;
    int64_t tombstone_hold_ms, scavenge_period_ms;
    char *config;
    bool check_config, accept_missing_log;
    char *hook;
    int64_t journal_max, names_max;
    int log_level;
    char *metrics;
    char *user;
    struct wins_policy_options policy;
};

enum {
    WINSD_OPTION_COUNT = 0
#define WINSD_OPTION(...) +1
#define WINSD_CHECKED(...) +1
#define WINSD_POLICY(...) +1
#include "wins-emu/daemon/options.def"
#undef WINSD_OPTION
#undef WINSD_CHECKED
#undef WINSD_POLICY
};

extern const struct sl_option winsd_options[WINSD_OPTION_COUNT];

/* What they amount to, checked. */
struct winsd_settings {
    struct sl_endpoint listen[WNET_LISTEN_MAX];
    size_t listen_count;
    int passed[WNET_LISTEN_MAX]; /* with has_passed the sockets of the service manager, one of each address */
    bool has_passed;
    bool has_metrics;
    struct sl_endpoint metrics;
    unsigned workers;
    uint16_t nbt_port;
    size_t own_name_count;
    struct wins_own_name own_names[WINS_OWN_NAMES_MAX];
    uint32_t ttl_min_s, ttl_max_s;
    uint32_t extinction_interval_s, extinction_timeout_s;
    uint32_t tombstone_hold_s, scavenge_period_s;
};

/* Reads the configuration file, if one is given, below the command line, and checks every value. SL_USAGE names file and line or
 * option. */
enum sl_status winsd_settings_read(const struct cli_call *call, struct winsd_settings *ret_settings, struct sl_error *e) SL_MUST;
/* Checks the values as they are now, again: after a reload. `s` is what they amounted to before; its sockets stay. */
enum sl_status winsd_settings_again(const struct cli_call *call, struct winsd_settings *s, struct sl_error *e) SL_MUST;

#endif
