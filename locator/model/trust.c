#include "locator/model/trust.h"

#include <stddef.h>

const char *const lm_trust_least_words[] = {
#define LM_TRUST_LEAST(name, word, least, text) least,
    LM_TRUST_TABLE(LM_TRUST_LEAST)
#undef LM_TRUST_LEAST
    NULL,
};

static const char *const words[] = {
#define LM_TRUST_WORD(name, word, least, text) word,
    LM_TRUST_TABLE(LM_TRUST_WORD)
#undef LM_TRUST_WORD
};

const char *lm_trust_word(enum lm_trust trust)
{
    return trust < LM_TRUST_COUNT ? words[trust] : "";
}
