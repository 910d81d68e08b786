/* What is read from a name service message is written so that it reads the same again. */
#include "tests/fuzz/fuzz.h"
#include "tests/lib/alike.h"

#include "common/base/assert.h"
#include "common/wire/message.h"

const char fuzz_corpus[] = "nbns";

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    struct nb_message first, second;
    uint8_t written[4096];
    if (nb_message_parse(octets, len, &first, NULL) != SL_OK)
        return 0;
    size_t size = nb_message_build(&first, written, sizeof written);
    sl_assert(size > 0);
    sl_assert(nb_message_parse(written, size, &second, NULL) == SL_OK);
    sl_assert(alike_messages(&first, &second));
    return 0;
}
