/*
 * Scripts of netsh: `netsh wins server [ADDR] add name name=N endchar=1A rectype=0 group=0 node=1 ip={A,B}`, or all values in the
 * order of the tags without any: `add name N "" 1A 0 0 1 {A,B}`.
 */
#include "common/files/reader.h"

#include <stdlib.h>
#include <string.h>

/* In the order of netsh's numbers. */
static const enum ff_kind groups[] = {FF_UNIQUE, FF_GROUP, FF_SGROUP, FF_MHOMED, FF_SGROUP};
enum { GROUP_INTERNET = 2, GROUP_DOMAIN = 4, RECTYPE_STATIC = 0, RECTYPE_DYNAMIC = 1, NODE_P = 1, NODE_H = 3, NETSH_NODE_H = 2 };

/* The tags of `add name`; the table is in this order. */
enum tag { TAG_NAME, TAG_SCOPE, TAG_ENDCHAR, TAG_RECTYPE, TAG_GROUP, TAG_NODE, TAG_IP, TAG_COUNT };
static const char *const tags[TAG_COUNT] = {"name", "scope", "endchar", "rectype", "group", "node", "ip"};

/* Commands that a script may hold besides; they add no name. */
static const char *const others[] = {"netsh", "wins", "server", "set", "add", "init", "show", "delete", "check", "reset", "dump",
                                     "pushd", "popd", "exit", "quit", "bye", "@echo", "echo", "pause"};
static const char *const comments[] = {"rem", "@rem", "::", ";"};

/* A word; quotes and braces hold blanks together. */
static char *command_word(char **p)
{
    char *word = *p + strspn(*p, " \t");
    if (!*word)
        return NULL;
    char *end = word;
    for (char close = '\0'; *end && (close || !strchr(" \t", *end)); end++) {
        if (close)
            close = *end == close ? '\0' : close;
        else
            close = *end == '"' ? '"' : *end == '{' ? '}' : '\0';
    }
    *p = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

static bool is_in(const char *const *words, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (sl_text_iequal(words[i], word))
            return true;
    return false;
}

/* ---- the parameters ---------------------------------------------------------------------------------------------- */

static char *unquote(char *text)
{
    size_t len = strlen(text);
    if (len < 2 || text[0] != '"' || text[len - 1] != '"')
        return text;
    text[len - 1] = '\0';
    return text + 1;
}

/* The tag that a word begins with, and its value; -1 when it begins with none. */
static int split_tag(char *word, char **ret_value)
{
    char *equals = word[0] == '"' ? NULL : strchr(word, '=');
    int tag = -1;
    if (!equals)
        return -1;
    *equals = '\0';
    for (int i = 0; i < TAG_COUNT; i++)
        tag = sl_text_iequal(tags[i], word) || (i == TAG_NODE && sl_text_iequal("nodetype", word)) ? i : tag;
    if (tag < 0)
        *equals = '=';
    *ret_value = equals + 1;
    return tag;
}

/* The values of a command, with their tags or all of them without; an empty one, but for a name, was not given. */
static enum sl_status parse_values(char *p, char *values[TAG_COUNT], struct sl_error *e)
{
    size_t bare = 0;
    bool tagged = false;
    for (char *word = command_word(&p); word; word = command_word(&p)) {
        char *value = word;
        int tag = split_tag(word, &value);
        tagged = tagged || tag >= 0;
        if (tag < 0 && (tagged || bare == TAG_COUNT))
            return sl_fail(e, SL_MALFORMED, "\"%s\" is no parameter of \"add name\"", word);
        if (tag < 0)
            tag = (int)bare++;
        if (values[tag])
            return sl_fail(e, SL_MALFORMED, "%s= stands there twice", tags[tag]);
        value = unquote(value);
        values[tag] = value[0] || tag == TAG_NAME ? value : NULL;
    }
    if (bare && (tagged || bare < TAG_COUNT))
        return sl_fail(e, SL_MALFORMED,
                       "\"add name\" without tags needs all of name, scope, endchar, rectype, group, node and ip");
    return values[TAG_NAME] && values[TAG_IP] ? SL_OK : sl_fail(e, SL_MALFORMED, "\"add name\" needs name= and ip=");
}

static enum sl_status parse_number(char *const values[TAG_COUNT], enum tag tag, uint64_t max, uint64_t fallback,
                                   uint64_t *ret_value, struct sl_error *e)
{
    *ret_value = fallback;
    if (!values[tag] || sl_parse_u64(values[tag], max, ret_value))
        return SL_OK;
    return sl_fail(e, SL_MALFORMED, "%s=%s: want 0 to %u", tags[tag], values[tag], (unsigned)max);
}

static enum sl_status parse_addresses(char *text, struct ff_row *row, struct sl_error *e)
{
    size_t len = strlen(text);
    if (len >= 2 && text[0] == '{' && text[len - 1] == '}') {
        text[len - 1] = '\0';
        text++;
    }
    for (char *p = text; *p; p++)
        if (*p == ',')
            *p = ' ';
    enum sl_status status = SL_OK;
    for (char *word = ff_word(&text); word && status == SL_OK; word = ff_word(&text))
        status = ff_add_address(row, word, e);
    return status;
}

static enum sl_status parse_numbers(char *const values[TAG_COUNT], struct ff_row *row, uint64_t *ret_group, struct sl_error *e)
{
    static const uint8_t nodes[] = {0, NODE_P, NODE_H};
    uint64_t rectype, node;
    enum sl_status status = parse_number(values, TAG_RECTYPE, RECTYPE_DYNAMIC, RECTYPE_STATIC, &rectype, e);
    if (status == SL_OK)
        status = parse_number(values, TAG_GROUP, GROUP_DOMAIN, 0, ret_group, e);
    if (status == SL_OK)
        status = parse_number(values, TAG_NODE, NETSH_NODE_H, NODE_P, &node, e);
    if (status != SL_OK)
        return status;
    row->is_static = rectype == RECTYPE_STATIC;
    row->kind = groups[*ret_group];
    row->node = nodes[node];
    return parse_addresses(values[TAG_IP], row, e);
}

/* ---- the name ---------------------------------------------------------------------------------------------------- */

/* The type that goes without saying; NULL when there is none. */
static const char *default_type(uint64_t group)
{
    return group == GROUP_DOMAIN ? "1c" : group == GROUP_INTERNET ? "20" : NULL;
}

static enum sl_status emit(struct ff_reader *r, char *const values[TAG_COUNT], uint64_t group, struct ff_row *row,
                           struct sl_error *e)
{
    const char *type = values[TAG_ENDCHAR] ? values[TAG_ENDCHAR] : default_type(group);
    const char *scope = values[TAG_SCOPE] ? values[TAG_SCOPE] : "";
    if (type && (strncmp(type, "0x", 2) == 0 || strncmp(type, "0X", 2) == 0))
        type += 2;
    if (!type && row->kind == FF_GROUP)
        return sl_fail(e, SL_MALFORMED, "a group needs endchar=");
    if (!type && scope[0])
        return sl_fail(e, SL_MALFORMED, "a name with a scope needs endchar=");
    if (!type)
        return ff_emit_machine(r, values[TAG_NAME], row, e);
    char text[FF_LINE_MAX + 8];
    snprintf(text, sizeof text, "%s#%s%s%s%s", values[TAG_NAME], strlen(type) == 1 ? "0" : "", type, scope[0] ? "." : "", scope);
    return nb_name_parse(text, &row->name, e) == SL_OK ? ff_emit(r, row, e) : SL_MALFORMED;
}

static enum sl_status add_name(struct ff_reader *r, char *p, struct sl_error *e)
{
    char *values[TAG_COUNT] = {0};
    struct ff_row row = {0};
    uint64_t group;
    enum sl_status status = parse_values(p, values, e);
    if (status == SL_OK)
        status = parse_numbers(values, &row, &group, e);
    return status == SL_OK ? emit(r, values, group, &row, e) : status;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static enum sl_status parse_line(struct ff_reader *r, struct sl_error *e)
{
    char *p = r->line, *word = command_word(&p);
    if (!word || word[0] == '#' || is_in(comments, SL_COUNT(comments), word))
        return SL_OK;
    if (!is_in(others, SL_COUNT(others), word))
        return sl_fail(e, SL_MALFORMED, "\"%s\" is no command of netsh wins", word);
    for (bool add = false; word; word = command_word(&p)) {
        if (add && sl_text_iequal(word, "name"))
            return add_name(r, p, e);
        add = sl_text_iequal(word, "add");
    }
    return SL_OK;
}

enum sl_status ff_netsh_read(struct ff_reader *r, struct sl_error *e)
{
    bool more;
    enum sl_status status;
    while ((status = ff_next_line(r, &more, e)) == SL_OK && more) {
        status = parse_line(r, e);
        if (status != SL_OK)
            break;
    }
    return status;
}

/* A special group of type 1C is what netsh calls a domain name. */
static unsigned group_number(const struct ff_row *row)
{
    static const unsigned numbers[FF_KIND_COUNT] = {[FF_GROUP] = 1, [FF_SGROUP] = GROUP_INTERNET, [FF_MHOMED] = 3};
    bool domain = row->kind == FF_SGROUP && nb_name_suffix(&row->name) == NB_DOMAIN_GROUP;
    return domain ? GROUP_DOMAIN : numbers[row->kind];
}

enum sl_status ff_netsh_write(struct sl_text *out, const struct ff_row *row, struct sl_error *e)
{
    if (memchr(row->name.scope, '"', row->name.scope_len))
        return sl_fail(e, SL_UNSUPPORTED, "%s: netsh has no quotes in scopes", nb_name_text(&row->name).text);
    sl_text_puts(out, "netsh wins server add name name=\"");
    ff_put_bare_name(out, &row->name);
    sl_text_printf(out, "\" endchar=%02x", nb_name_suffix(&row->name));
    if (row->name.scope_len)
        sl_text_printf(out, " scope=\"%s\"", strchr(nb_name_text(&row->name).text, '.') + 1);
    sl_text_printf(out, " rectype=%d group=%u node=%d ip={", row->is_static ? RECTYPE_STATIC : RECTYPE_DYNAMIC, group_number(row),
                   row->node > NODE_P ? NETSH_NODE_H : row->node);
    ff_put_addresses(out, row, ",");
    sl_text_puts(out, "}\n");
    return SL_OK;
}
