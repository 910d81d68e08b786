/*
 * files.h - what the fuzz targets of the file formats have in common.
 */
#ifndef SL_TESTS_FUZZ_FILES_H
#define SL_TESTS_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Reads the octets as a file of that format; each row is written again and must read the same. */
void fuzz_file(const char *format, const uint8_t *octets, size_t len);

#endif
