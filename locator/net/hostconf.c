#include "locator/net/hostconf.h"

#include "common/base/addr.h"
#include "common/base/file.h"
#include "common/base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RESOLV_CONF "/etc/resolv.conf"

enum { WARNING_MAX = 320 };

static void add_warning(struct sl_strings *warnings, const char *text)
{
    char escaped[WARNING_MAX];
    if (!warnings || warnings->count >= LOC_HOSTCONF_WARNINGS_MAX)
        return;
    sl_text_escape(escaped, sizeof escaped, text, strlen(text));
    sl_strings_add(warnings, escaped);
}

void loc_hostconf_warn(struct loc_hostconf *file, const char *fmt, ...)
{
    char text[WARNING_MAX];
    int len = snprintf(text, sizeof text, "%.160s:%u: ", file->path, file->line);
    va_list args;
    va_start(args, fmt);
    if (len > 0)
        (void)vsnprintf(text + len, sizeof text - (size_t)len, fmt, args);
    va_end(args);
    add_warning(file->warnings, text);
}

static void warn_unread(const struct loc_hostconf *file, const char *why)
{
    char text[WARNING_MAX];
    (void)snprintf(text, sizeof text, "%.280s: it does not count", why);
    add_warning(file->warnings, text);
}

/* Hands out a line without the blanks around it; one that did not fit is passed over to its end. */
static void take_line(struct loc_hostconf *file, char *line, FILE *in)
{
    size_t len = strlen(line);
    int octet = 0;
    file->line++;
    if (len == LOC_HOSTCONF_LINE_MAX - 1 && line[len - 1] != '\n') {
        while (octet != EOF && octet != '\n')
            octet = fgetc(in);
        loc_hostconf_warn(file, "longer than %d octets: it does not count", LOC_HOSTCONF_LINE_MAX - 2);
        return;
    }
    while (len && strchr(" \t\r\n", line[len - 1]))
        line[--len] = '\0';
    line += strspn(line, " \t");
    if (line[0])
        file->take(file, line);
}

void loc_hostconf_read(struct loc_hostconf *file)
{
    char line[LOC_HOSTCONF_LINE_MAX];
    struct sl_error e = {.status = SL_OK};
    FILE *in;
    file->line = 0;
    if (access(file->path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return;
    if (sl_file_open(file->path, &in, &e) != SL_OK) {
        warn_unread(file, sl_error_text(&e));
        return;
    }
    while (fgets(line, sizeof line, in))
        take_line(file, line, in);
    if (ferror(in)) {
        (void)sl_fail(&e, SL_IO, "%s: %s", file->path, strerror(errno));
        warn_unread(file, sl_error_text(&e));
    }
    (void)fclose(in);
}

/* ---- resolv.conf ------------------------------------------------------------------------------------------------------ */

/* A numeric address, of IPv6 perhaps with the interface behind '%'. */
static bool is_server(char *text)
{
    struct in6_addr octets;
    if (inet_pton(AF_INET, text, &octets) == 1)
        return true;
    text[strcspn(text, "%")] = '\0';
    return inet_pton(AF_INET6, text, &octets) == 1;
}

/* The domain without the dot at its end; the root is one, too. */
static bool is_domain(char *text)
{
    size_t len = strlen(text);
    if (!strcmp(text, "."))
        return true;
    if (len && text[len - 1] == '.')
        text[len - 1] = '\0';
    return sl_is_host_name(text, NULL);
}

static bool is_any(char *text)
{
    return text[0] != '\0';
}

static void check_resolver_line(struct loc_hostconf *file, char *line)
{
    static const struct {
        const char *keyword, *wanted;
        bool (*fits)(char *value);
    } rows[] = {{"nameserver", "a numeric address", is_server},
                {"search", "a domain", is_domain},
                {"domain", "a domain", is_domain},
                {"options", "an option", is_any},
                {"sortlist", "an address", is_any}};
    size_t row = 0, count = 0;
    char shown[LOC_HOSTCONF_LINE_MAX];
    char *keyword = strsep(&line, " \t");
    if (keyword[0] == '#' || keyword[0] == ';')
        return;
    while (row < SL_COUNT(rows) && strcmp(keyword, rows[row].keyword) != 0)
        row++;
    if (row == SL_COUNT(rows)) {
        loc_hostconf_warn(file, "\"%.60s\" is no keyword of resolv.conf(5): it does not count", keyword);
        return;
    }
    for (char *value = strsep(&line, " \t"); value; value = strsep(&line, " \t")) {
        if (!value[0])
            continue;
        if (value[0] == '#' || value[0] == ';')
            break;
        count++;
        (void)sl_text_copy(shown, sizeof shown, value);
        if (!rows[row].fits(value))
            loc_hostconf_warn(file, "%s: \"%.60s\" is not %s", keyword, shown, rows[row].wanted);
    }
    if (!count)
        loc_hostconf_warn(file, "%s: %s is missing", keyword, rows[row].wanted);
}

void loc_hostconf_check_resolver(struct sl_strings *warnings)
{
    struct loc_hostconf file = {.path = RESOLV_CONF, .warnings = warnings, .take = check_resolver_line};
    loc_hostconf_read(&file);
}
