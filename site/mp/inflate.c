#include "site/mp/private.h"

#include <zlib.h>

enum { CHUNK = 1 << 14 };

/* Up to the end of the stream, of the octets or of the room, whichever comes first. What follows the stream is not looked at. */
static int inflate_all(z_stream *z, struct sl_text *out)
{
    unsigned char chunk[CHUNK];
    int rc = Z_OK;
    while (rc == Z_OK && !sl_text_failed(out)) {
        z->next_out = chunk;
        z->avail_out = sizeof chunk;
        rc = inflate(z, Z_NO_FLUSH);
        sl_text_add(out, chunk, sizeof chunk - z->avail_out);
    }
    return rc;
}

enum sl_status mp_inflate(const void *octets, size_t len, struct sl_text *out, struct sl_error *e)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)octets, .avail_in = (uInt)len};
    if (len > CCM_ENVELOPE_MAX)
        return sl_fail(e, SL_LIMIT, "more than %d octets", CCM_ENVELOPE_MAX);
    if (inflateInit(&z) != Z_OK)
        return sl_fail(e, SL_NOMEM, "zlib");
    int rc = inflate_all(&z, out);
    (void)inflateEnd(&z);
    if (sl_text_failed(out))
        return sl_fail(e, SL_LIMIT, "more than %zu octets when decompressed", out->limit);
    return rc == Z_STREAM_END ? SL_OK : sl_fail(e, SL_MALFORMED, "no whole zlib stream");
}
