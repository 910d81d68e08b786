#include "tests/fuzz/files.h"
#include "tests/lib/alike.h"

#include "common/base/assert.h"
#include "common/files/files.h"

/* Rows of one name in one format; LMHOSTS has an address a line. */
struct copy {
    struct ff_row row;
    size_t rows;
};

static enum sl_status take_copy(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    struct copy *copy = ctx;
    (void)place;
    (void)e;
    if (copy->rows++ == 0)
        copy->row = *row;
    else
        copy->row.addresses[copy->row.address_count++] = row->addresses[0];
    return SL_OK;
}

/* Times of dynamic rows and the node M are not kept by all formats: they are equal after the first writing. */
static enum sl_status check(void *ctx, const struct ff_row *row, const struct ff_place *place, struct sl_error *e)
{
    const struct ff_format *format = ctx;
    struct copy copy = {0};
    struct sl_text text = sl_text_new(FF_ROW_TEXT_MAX);
    (void)place;
    sl_text_puts(&text, format->head);
    if (ff_write(format, &text, row, e) == SL_OK) {
        sl_assert(!sl_text_failed(&text));
        FILE *in = fmemopen(text.data, text.len, "r");
        sl_assert(in);
        sl_assert(ff_read_stream(format, in, "copy", take_copy, &copy, NULL) == SL_OK);
        sl_assert(alike_rows(&copy.row, row));
        fclose(in);
    }
    sl_text_fini(&text);
    return SL_OK;
}

void fuzz_file(const char *name, const uint8_t *octets, size_t len)
{
    const struct ff_format *format = ff_format_find(name);
    FILE *in = fmemopen((void *)(uintptr_t)octets, len, "r");
    sl_assert(in);
    enum sl_status status = ff_read_stream(format, in, "input", check, (void *)(uintptr_t)format, NULL);
    sl_assert(status == SL_OK || status == SL_MALFORMED);
    fclose(in);
}
