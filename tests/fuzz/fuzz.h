/*
 * fuzz.h - what a fuzz target gives. With --enable-fuzzing libFuzzer runs it; else tests/fuzz/main.c runs its corpus and
 * mutations of it.
 */
#ifndef SL_TESTS_FUZZ_FUZZ_H
#define SL_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* The folder of the target below tests/fuzz/corpus. */
extern const char fuzz_corpus[];
/* Feeds the octets to the code; aborts when its property does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len);

#endif
