#include "locator/net/ldapc.h"

const char *const ldapc_sasl_words[] = {"none", "external", "gssapi", NULL};
