/*
 * pattern.h - names by pattern, NAME#XX: "*" stands for any octets, "?" for one, a letter in lower case for both (names are
 * registered in upper case, but typed as it comes), any other octet for itself, the type "*" for every type. Trailing padding is
 * left out; a pattern holds in every scope.
 */
#ifndef SL_WINS_CORE_PATTERN_H
#define SL_WINS_CORE_PATTERN_H

#include "common/base/error.h"
#include "common/wire/name.h"

enum { WINS_PATTERN_MAX = 31 };

struct wins_pattern {
    char text[WINS_PATTERN_MAX + 1];
    bool any_suffix;
    uint8_t suffix;
};

/* SL_USAGE for a text that is none. */
enum sl_status wins_pattern_parse(const char *text, struct wins_pattern *ret_pattern, struct sl_error *e) SL_MUST;
/* True for a name that it stands for. */
bool wins_pattern_matches(const struct wins_pattern *pattern, const struct nb_name *name);

#endif
