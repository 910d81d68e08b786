/*
 * settings.h - the options of winsd and what they amount to; inside daemon/ only.
 */
#ifndef SL_WINS_DAEMON_SETTINGS_H
#define SL_WINS_DAEMON_SETTINGS_H

#include "common/cli/cli.h"
#include "wins-emu/net/net.h"

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
    char *config;
    bool check_config;
};

enum {
    WINSD_OPTION_COUNT = 0
#define WINSD_OPTION(...) +1
#include "wins-emu/daemon/options.def"
#undef WINSD_OPTION
};

extern const struct sl_option winsd_options[WINSD_OPTION_COUNT];

/* What they amount to, checked. */
struct winsd_settings {
    struct sl_endpoint listen[WNET_LISTEN_MAX];
    size_t listen_count;
    unsigned workers;
    uint16_t nbt_port;
    size_t own_name_count;
    struct wins_own_name own_names[WINS_OWN_NAMES_MAX];
};

/* Reads the configuration file, if one is given, below the command line, and checks every value. SL_USAGE names file and line or
 * option. */
enum sl_status winsd_settings_read(const struct cli_call *call, struct winsd_settings *ret_settings, struct sl_error *e) SL_MUST;

#endif
