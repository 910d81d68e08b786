#include "wins-emu/daemon/settings.h"

#include "common/base/assert.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/conf/conf.h"
#include "common/host/page.h"
#include "common/host/service.h"
#include "common/host/unix.h"
#include "common/host/user.h"
#include "wins-emu/daemon/hook.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The only words are those of --log-level. */
static const char *const words_of_WORD[] = {SL_LOG_LEVEL_TABLE(SL_LOG_LEVEL_WORD) NULL};
#define words_of_FLAG NULL
#define words_of_STRING NULL
#define words_of_STRINGS NULL
#define words_of_INT NULL
#define words_of_DURATION NULL

/* ---- values that are checked where they stand ---- */

static enum sl_status check_db(const char *text, struct sl_error *e)
{
    return text[0] ? SL_OK : sl_fail(e, SL_USAGE, "\"\" is no file");
}

static enum sl_status check_listen(const char *text, struct sl_error *e)
{
    struct sl_endpoint endpoint;
    enum sl_status status = sl_endpoint_parse(text, NB_PORT, &endpoint, e);
    return status == SL_OK ? wnet_check(&endpoint, e) : status;
}

static enum sl_status check_netbios_name(const char *text, struct sl_error *e)
{
    struct nb_name name;
    return text[0] && nb_name_make(text, NB_WORKSTATION, &name) ? SL_OK
                                                                : sl_fail(e, SL_USAGE, "\"%s\": 1 to 15 octets are needed", text);
}

const struct sl_option winsd_options[WINSD_OPTION_COUNT] = {
#define WINSD_OPTION(opt, kind, field, argument, def, least, most, bits, text)                                                  \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct winsd_values, field), .arg = (argument), .fallback = (def), \
     .min = (least), .max = (most), .flags = (bits), .help = (text), .words = words_of_##kind},
#define WINSD_POLICY(opt, kind, field, argument, def, most, checked, text)                                                     \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct winsd_values, field), .arg = (argument),                  \
     .fallback = (def), .max = (most), .flags = SL_OPT_IN_FILE | SL_OPT_LIVE, .help = (text), .check = (checked)},
#define WINSD_CHECKED(opt, kind, field, argument, def, bits, checked, text)                                                    \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct winsd_values, field), .arg = (argument),                  \
     .fallback = (def), .flags = (bits), .help = (text), .check = (checked)},
#include "wins-emu/daemon/options.def"
#undef WINSD_OPTION
#undef WINSD_CHECKED
#undef WINSD_POLICY
};

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

/* A mistake that shows only when options are looked at together: told where the option stands, in the file or by its name. */
static enum sl_status SL_PRINTF(4, 5) wrong(const struct cli_call *call, const char *option, struct sl_error *e, const char *fmt,
                                            ...)
{
    const struct winsd_values *v = call->values;
    va_list args;
    va_start(args, fmt);
    enum sl_status status = conf_wrong(cli_given(call, option) ? NULL : v->config, option, e, fmt, args);
    va_end(args);
    return status;
}

/* Sockets that the service manager has bound stand for --listen. */
static enum sl_status read_passed(const struct cli_call *call, struct winsd_settings *s, size_t count, struct sl_error *e)
{
    const struct winsd_values *v = call->values;
    if (v->listen.count)
        return wrong(call, "listen", e, "the service manager passes sockets, so --listen must not be given");
    if (count > WNET_LISTEN_MAX)
        return sl_fail(e, SL_USAGE, "the service manager passes more than %d sockets", WNET_LISTEN_MAX);
    for (size_t i = 0; i < count; i++) {
        enum sl_status status = wnet_passed(s->passed[i], &s->listen[i], e);
        if (status != SL_OK)
            return sl_fail_in(e, status, "socket %zu of the service manager", i + 1);
    }
    s->listen_count = count;
    s->has_passed = true;
    return SL_OK;
}

static enum sl_status read_listen(const struct cli_call *call, struct winsd_settings *s, struct sl_error *e)
{
    const struct winsd_values *v = call->values;
    size_t passed = host_service_sockets(s->passed, WNET_LISTEN_MAX);
    if (passed)
        return read_passed(call, s, passed, e);
    if (!v->listen.count)
        return sl_fail(e, SL_USAGE, "--listen ADDR is needed: the address that clients have as their WINS server");
    if (v->listen.count > WNET_LISTEN_MAX)
        return wrong(call, "listen", e, "--listen: more than %d addresses", WNET_LISTEN_MAX);
    for (size_t i = 0; i < v->listen.count; i++) {
        enum sl_status status = sl_endpoint_parse(v->listen.items[i], s->nbt_port, &s->listen[i], e);
        if (status != SL_OK)
            return status;
        for (size_t k = 0; k < i; k++)
            if (sl_endpoint_equal(&s->listen[k], &s->listen[i]))
                return wrong(call, "listen", e, "listen: %s is given twice", sl_endpoint_text(&s->listen[i]).text);
    }
    s->listen_count = v->listen.count;
    return SL_OK;
}

/* The first label of the host's name, as much of it as a NetBIOS name holds; empty when the host has none. */
static char *host_netbios_name(void)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (gethostname(name, sizeof name - 1) != 0)
        name[0] = '\0';
    name[strcspn(name, ".")] = '\0';
    name[NB_NAME_LEN - 1] = '\0';
    return sl_strdup(name);
}

/* A NetBIOS node has its name as workstation, messenger and server service (wins.md 2.8). */
static void set_own_names(const struct winsd_values *v, struct winsd_settings *s)
{
    static const uint8_t suffixes[] = {NB_WORKSTATION, 0x03, NB_SERVER};
    char *name = v->netbios_name ? sl_strdup(v->netbios_name) : host_netbios_name();
    sl_text_upper(name);
    for (size_t i = 0; i < SL_COUNT(suffixes) && name[0]; i++)
        sl_assert(nb_name_make(name, suffixes[i], &s->own_names[s->own_name_count++].name));
    free(name);
}

static uint32_t seconds(int64_t ms)
{
    return (uint32_t)(ms / 1000);
}

static enum sl_status read_times(const struct cli_call *call, struct winsd_settings *s, struct sl_error *e)
{
    const struct winsd_values *v = call->values;
    if (v->ttl_min_ms > v->ttl_max_ms)
        return wrong(call, conf_line(v->config, "ttl-min") ? "ttl-min" : "ttl-max", e, "--ttl-min is longer than --ttl-max");
    s->ttl_min_s = seconds(v->ttl_min_ms);
    s->ttl_max_s = seconds(v->ttl_max_ms);
    s->extinction_interval_s = seconds(v->extinction_interval_ms);
    s->extinction_timeout_s = seconds(v->extinction_timeout_ms);
    s->tombstone_hold_s = seconds(v->tombstone_hold_ms);
    s->scavenge_period_s = seconds(v->scavenge_period_ms);
    return SL_OK;
}

static enum sl_status read_metrics(const struct winsd_values *v, struct winsd_settings *s, struct sl_error *e)
{
    s->has_metrics = v->metrics != NULL;
    return v->metrics ? sl_endpoint_parse(v->metrics, 0, &s->metrics, e) : SL_OK;
}

static unsigned core_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WNET_WORKERS_MAX ? WNET_WORKERS_MAX : (unsigned)n;
}

enum sl_status winsd_settings_again(const struct cli_call *call, struct winsd_settings *s, struct sl_error *e)
{
    return read_times(call, s, e);
}

enum sl_status winsd_settings_read(const struct cli_call *call, struct winsd_settings *ret_settings, struct sl_error *e)
{
    struct winsd_values *v = call->values;
    if (v->config) {
        enum sl_status status = conf_load(v->config, winsd_options, WINSD_OPTION_COUNT, v, is_given, (void *)(uintptr_t)call, e);
        if (status != SL_OK)
            return status;
    }
    struct winsd_settings s = {.workers = v->workers ? (unsigned)v->workers : core_count(), .nbt_port = (uint16_t)v->nbt_port};
    enum sl_status status = read_listen(call, &s, e);
    if (status == SL_OK)
        status = read_metrics(v, &s, e);
    if (status == SL_OK)
        status = winsd_settings_again(call, &s, e);
    if (status != SL_OK)
        return status;
    set_own_names(v, &s);
    *ret_settings = s;
    return SL_OK;
}
