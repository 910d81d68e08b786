#include "wins-emu/ctl/filter.h"

#include "common/base/addr.h"

#include <string.h>

static const struct wctl_filter nothing = {.type = -1, .state = -1, .is_static = -1, .suffix = -1};

static int parse_word(const char *text, const char *(*word)(int value), int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp(word(i), text) == 0)
            return i;
    return -1;
}

static const char *type_word(int value)
{
    return wins_type_word((enum wins_type)value);
}

static const char *state_word(int value)
{
    return wins_state_word((enum wins_state)value);
}

static bool parse_suffix(const char *text, struct wctl_filter *f)
{
    uint8_t octet;
    size_t len;
    if (!sl_parse_hex(text, &octet, sizeof octet, &len) || len != sizeof octet)
        return false;
    f->suffix = octet;
    return true;
}

static bool parse_prefix(const char *text, struct wctl_filter *f)
{
    f->prefix_len = strlen(text);
    if (f->prefix_len >= sizeof f->prefix)
        return false;
    memcpy(f->prefix, text, f->prefix_len);
    return true;
}

static bool parse_type(const char *text, struct wctl_filter *f)
{
    f->type = parse_word(text, type_word, WINS_TYPE_COUNT);
    return f->type >= 0;
}

static bool parse_state(const char *text, struct wctl_filter *f)
{
    f->state = parse_word(text, state_word, WINS_STATE_COUNT);
    return f->state >= 0;
}

static bool parse_owner(const char *text, struct wctl_filter *f)
{
    f->has_owner = true;
    return sl_ip4_parse(text, &f->owner);
}

static bool parse_static(const char *text, struct wctl_filter *f)
{
    (void)text;
    f->is_static = 1;
    return true;
}

static bool parse_dynamic(const char *text, struct wctl_filter *f)
{
    (void)text;
    f->is_static = 0;
    return true;
}

static const struct {
    const char *option;
    bool (*parse)(const char *text, struct wctl_filter *f);
} filters[] = {
    {"type", parse_type}, {"state", parse_state}, {"static", parse_static}, {"dynamic", parse_dynamic},
    {"suffix", parse_suffix}, {"owner", parse_owner}, {"prefix", parse_prefix},
};

enum sl_status wctl_filter_parse(const struct host_request *request, struct wctl_filter *ret_filter, struct sl_error *e)
{
    struct wctl_filter f = nothing;
    if (host_request_option(request, "static", 0) && host_request_option(request, "dynamic", 0))
        return sl_fail(e, SL_USAGE, "--static and --dynamic exclude each other");
    for (size_t i = 0; i < SL_COUNT(filters); i++) {
        const char *text = host_request_option(request, filters[i].option, 0);
        if (text && !filters[i].parse(text, &f))
            return sl_fail(e, SL_USAGE, "--%s \"%s\" is nothing to choose names by", filters[i].option, text);
    }
    *ret_filter = f;
    return SL_OK;
}

bool wctl_filter_matches(const struct wctl_filter *f, const struct wins_record *r)
{
    return (f->type < 0 || f->type == (int)r->type) && (f->state < 0 || f->state == (int)r->state) &&
           (f->is_static < 0 || r->is_static == (f->is_static != 0)) &&
           (f->suffix < 0 || f->suffix == nb_name_suffix(&r->name)) &&
           (!f->has_owner || f->owner == r->owner) && memcmp(f->prefix, r->name.octets, f->prefix_len) == 0;
}

bool wctl_filter_is_empty(const struct wctl_filter *f)
{
    return f->type < 0 && f->state < 0 && f->is_static < 0 && f->suffix < 0 && !f->has_owner && f->prefix_len == 0;
}

void wctl_filter_text(const struct host_request *request, struct sl_text *out)
{
    for (size_t i = 0; i < SL_COUNT(filters); i++) {
        const char *text = host_request_option(request, filters[i].option, 0);
        if (text)
            sl_text_printf(out, "%s%s=%s", out->len ? " " : "", filters[i].option, text);
    }
}
