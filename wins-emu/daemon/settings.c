#include "wins-emu/daemon/settings.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/conf/conf.h"

#include <stdlib.h>
#include <unistd.h>

const struct sl_option winsd_options[WINSD_OPTION_COUNT] = {
#define WINSD_OPTION(opt, kind, field, argument, def, least, most, bits, text)                                                  \
    {.name = (opt), .type = SL_OPT_##kind, .offset = offsetof(struct winsd_values, field), .arg = (argument), .fallback = (def), \
     .min = (least), .max = (most), .flags = (bits), .help = (text)},
#include "wins-emu/daemon/options.def"
#undef WINSD_OPTION
};

static bool is_given(const char *option, void *ctx)
{
    return cli_given(ctx, option);
}

static enum sl_status read_listen(const struct winsd_values *v, struct winsd_settings *s, struct sl_error *e)
{
    if (!v->listen.count)
        return sl_fail(e, SL_USAGE, "--listen ADDR is needed: the address that clients have as their WINS server");
    if (v->listen.count > WNET_LISTEN_MAX)
        return sl_fail(e, SL_USAGE, "--listen: more than %d addresses", WNET_LISTEN_MAX);
    for (size_t i = 0; i < v->listen.count; i++) {
        enum sl_status status = sl_endpoint_parse(v->listen.items[i], s->nbt_port, &s->listen[i], e);
        if (status == SL_OK)
            status = wnet_check(&s->listen[i], e);
        if (status != SL_OK)
            return sl_fail_in(e, status, "--listen");
    }
    s->listen_count = v->listen.count;
    return SL_OK;
}

/* A NetBIOS node has its name as workstation, messenger and server service (wins.md 2.8). */
static enum sl_status read_own_names(const struct winsd_values *v, struct winsd_settings *s, struct sl_error *e)
{
    static const uint8_t suffixes[] = {NB_WORKSTATION, 0x03, NB_SERVER};
    if (!v->netbios_name)
        return SL_OK;
    char *name = sl_strdup(v->netbios_name);
    sl_text_upper(name);
    bool good = name[0] != '\0';
    for (size_t i = 0; i < SL_COUNT(suffixes); i++)
        good = nb_name_make(name, suffixes[i], &s->own_names[s->own_name_count++].name) && good;
    free(name);
    return good ? SL_OK : sl_fail(e, SL_USAGE, "--netbios-name \"%s\": 1 to 15 octets are needed", v->netbios_name);
}

static uint32_t seconds(int64_t ms)
{
    return (uint32_t)(ms / 1000);
}

static enum sl_status read_times(const struct winsd_values *v, struct winsd_settings *s, struct sl_error *e)
{
    if (v->ttl_min_ms > v->ttl_max_ms)
        return sl_fail(e, SL_USAGE, "--ttl-min is longer than --ttl-max");
    s->ttl_min_s = seconds(v->ttl_min_ms);
    s->ttl_max_s = seconds(v->ttl_max_ms);
    s->extinction_interval_s = seconds(v->extinction_interval_ms);
    s->extinction_timeout_s = seconds(v->extinction_timeout_ms);
    s->tombstone_hold_s = seconds(v->tombstone_hold_ms);
    s->scavenge_period_s = seconds(v->scavenge_period_ms);
    return SL_OK;
}

static unsigned core_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WNET_WORKERS_MAX ? WNET_WORKERS_MAX : (unsigned)n;
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
    enum sl_status status = read_listen(v, &s, e);
    if (status == SL_OK)
        status = read_own_names(v, &s, e);
    if (status == SL_OK)
        status = read_times(v, &s, e);
    if (status == SL_OK)
        *ret_settings = s;
    return status;
}
