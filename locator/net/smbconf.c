#include "locator/net/smbconf.h"

#include "common/base/addr.h"
#include "common/base/text.h"
#include "locator/net/hostconf.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *loc_smb_path(void)
{
    const char *path = secure_getenv("SMB_CONF_PATH");
    return path && path[0] ? path : "/etc/samba/smb.conf";
}

/* True when the text up to `len` is the parameter, in which case and blanks do not count. */
static bool is_parameter(const char *text, size_t len, const char *name)
{
    for (; len; text++, len--) {
        if (*text == ' ' || *text == '\t')
            continue;
        if (tolower((unsigned char)*text) != *name++)
            return false;
    }
    return !*name;
}

struct smb {
    struct sl_strings servers;
    bool in_global;
    bool is_wins;        /* the parameter that goes on is `wins server` */
    unsigned goes_on_in; /* the line after one that ended with a backslash; an empty one ends the parameter */
};

static void add_servers(struct loc_hostconf *file, char *value)
{
    struct smb *smb = file->ctx;
    for (char *one = strsep(&value, " \t,;"); one; one = strsep(&value, " \t,;")) {
        const char *colon = strchr(one, ':');
        const char *server = colon && colon[1] ? colon + 1 : one;
        if (!one[0] || smb->servers.count == LOC_SMB_SERVERS_MAX)
            continue;
        if (sl_is_host(server))
            sl_strings_add(&smb->servers, server);
        else
            loc_hostconf_warn(file, "wins server: \"%.60s\" is no host: it does not count", one);
    }
}

static void take_parameter(struct loc_hostconf *file, char *line, char *equals)
{
    struct smb *smb = file->ctx;
    size_t len = (size_t)(equals - line);
    smb->is_wins = smb->in_global && is_parameter(line, len, "winsserver");
    if (smb->in_global && is_parameter(line, len, "include"))
        loc_hostconf_warn(file, "include: what is in that file is not looked for");
    if (!smb->is_wins)
        return;
    sl_strings_fini(&smb->servers);
    smb->servers = (struct sl_strings){.count = 0};
    add_servers(file, equals + 1);
}

static void take_line(struct loc_hostconf *file, char *line)
{
    struct smb *smb = file->ctx;
    bool went_on = smb->goes_on_in == file->line, is_comment = line[0] == '#' || line[0] == ';';
    char *end = line + strlen(line) - 1, *equals = strchr(line, '=');
    if (*end == '\\' && (went_on || !is_comment)) {
        smb->goes_on_in = file->line + 1;
        *end = '\0';
    }
    if (went_on && smb->is_wins)
        add_servers(file, line);
    else if (went_on || is_comment)
        return;
    else if (line[0] == '[' && strchr(line, ']'))
        smb->in_global = !strncasecmp(line, "[global]", 8);
    else if (line[0] != '[' && equals && equals != line)
        take_parameter(file, line, equals);
    else
        loc_hostconf_warn(file, "\"%.60s\" is no section, parameter or comment: it does not count", line);
}

void loc_smb_wins_servers(const char *path, struct sl_strings *servers, struct sl_strings *warnings)
{
    struct smb smb = {.in_global = false};
    struct loc_hostconf file = {.path = path, .warnings = warnings, .ctx = &smb, .take = take_line};
    loc_hostconf_read(&file);
    for (size_t i = 0; i < smb.servers.count; i++)
        sl_strings_add(servers, smb.servers.items[i]);
    sl_strings_fini(&smb.servers);
}
