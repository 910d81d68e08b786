/* What is read from wins.dat is written so that it reads the same again. */
#include "tests/fuzz/files.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "winsdat";

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    fuzz_file(fuzz_corpus, octets, len);
    return 0;
}
