#include "locator/net/ldapc.h"

const char *const ldapc_sasl_words[] = {
#define SASL_WORD(name, word, mechanism, plus, password, layer) word,
    LDAPC_SASL_TABLE(SASL_WORD)
#undef SASL_WORD
    NULL};
