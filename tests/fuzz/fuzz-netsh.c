/* What is read from a netsh script is written so that it reads the same again. */
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "netsh";

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    fuzz_file(fuzz_corpus, octets, len);
    return 0;
}
