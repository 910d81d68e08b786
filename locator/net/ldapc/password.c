#include "locator/net/ldapc/internal.h"

#include "common/base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum sl_status ldapc_read_password(const char *path, char *out, size_t size, struct sl_error *e)
{
    FILE *f;

    if (sl_file_open(path, &f, e) != SL_OK)
        return sl_fail_in(e, SL_USAGE, "password file");
    bool got = fgets(out, (int)size, f) != NULL;
    int why = ferror(f) ? errno : 0; /* a folder can be opened */

    fclose(f);
    if (why != 0)
        return sl_fail(e, SL_USAGE, "password file %s: %s", path, strerror(why));
    if (got && strlen(out) == size - 1)
        return sl_fail(e, SL_USAGE, "password file %s: its first line is longer than %zu octets", path, size - 2);
    if (got)
        out[strcspn(out, "\r\n")] = '\0';
    /* an empty password would be an anonymous bind that looks like a real one (RFC 4513 section 5.1.2) */
    if (!got || out[0] == '\0')
        return sl_fail(e, SL_USAGE, "password file %s: its first line is empty", path);
    return SL_OK;
}
