/* Every frame read from a control stream is written as the same octets. */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "common/base/frame.h"

#include <string.h>

const char fuzz_corpus[] = "frame";

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    static struct sl_frame frame;
    const char *at = (const char *)octets;
    for (size_t used; sl_frame_get(at, len, &frame, &used, NULL) == SL_OK && used; at += used, len -= used) {
        struct sl_text again = sl_text_new(SL_FRAME_MAX);
        sl_frame_put(&again, frame.kind, frame.strings, frame.count);
        sl_assert(!sl_text_failed(&again) && again.len == used && memcmp(sl_text_str(&again), at, used) == 0);
        sl_text_fini(&again);
    }
    return 0;
}
