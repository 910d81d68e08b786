/* The sum of a row: what a disk has changed in it is found, whatever SQLite thinks of the page. */
#include "wins-emu/store/state.h"

#include <endian.h>
#include <string.h>

static const uint64_t ODD = UINT64_C(0x9e3779b97f4a7c15);

/* One to one in `word` and in what was there, so that one changed word always changes it. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * ODD;
    return sum ^ sum >> 32;
}

static uint64_t mix_octets(uint64_t sum, const uint8_t *octets, size_t len)
{
    sum = mix(sum, len);
    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t left = len - at;
        memcpy(&word, octets + at, left < sizeof word ? left : sizeof word);
        sum = mix(sum, le64toh(word));
    }
    return sum;
}

uint32_t wst_row_sum(const struct wst_row *row)
{
    uint64_t sum = mix_octets(0, row->key, row->key_len);
    for (size_t i = 0; i < WST_ROW_NUMBERS; i++)
        sum = mix(sum, (uint64_t)row->numbers[i]);
    uint32_t folded = (uint32_t)mix_octets(sum, row->members, row->members_len);
    return folded ? folded : 1;
}
