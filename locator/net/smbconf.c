#include "locator/net/smbconf.h"

#include "common/base/file.h"
#include "common/base/text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
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

static void take_servers(char *value, struct sl_strings *servers)
{
    sl_strings_fini(servers);
    *servers = (struct sl_strings){.count = 0};
    for (char *one = strsep(&value, " \t,;"); one; one = strsep(&value, " \t,;")) {
        const char *colon = strchr(one, ':');
        if (one[0] && servers->count < LOC_SMB_SERVERS_MAX)
            sl_strings_add(servers, colon && colon[1] ? colon + 1 : one);
    }
}

static void take_line(char *line, bool *in_global, struct sl_strings *servers)
{
    line += strspn(line, " \t");
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '[') {
        *in_global = !strncasecmp(line, "[global]", 8);
        return;
    }
    char *equals = strchr(line, '=');
    if (*in_global && equals && line[0] != '#' && line[0] != ';' && is_parameter(line, (size_t)(equals - line), "winsserver"))
        take_servers(equals + 1, servers);
}

void loc_smb_wins_servers(const char *path, struct sl_strings *servers)
{
    struct sl_strings found = {.count = 0};
    char line[LOC_SMB_LINE_MAX];
    bool in_global = false;
    FILE *in;
    if (sl_file_open(path, &in, NULL) != SL_OK)
        return;
    while (fgets(line, sizeof line, in))
        take_line(line, &in_global, &found);
    (void)fclose(in);
    for (size_t i = 0; i < found.count; i++)
        sl_strings_add(servers, found.items[i]);
    sl_strings_fini(&found);
}
