/*
 * trust.h - how far an answer is to be trusted (design: "Trust is a field of each answer").
 */
#ifndef SL_LOCATOR_MODEL_TRUST_H
#define SL_LOCATOR_MODEL_TRUST_H

/* trust, word of an answer, word of --trust for the least that is accepted, meaning; in rising order */
#define LM_TRUST_TABLE(X)                                                                                              \
    X(REFUTED, "refuted", "any", "the management point was asked for a proof, and it was wrong or missing")            \
    X(UNPROVEN, "unproven", "unproven", "nobody vouches for it")                                                       \
    X(PROVEN, "proven", "proven", "the management point has proven itself with the site's pinned root key")            \
    X(DIRECTORY, "directory", "directory", "an authenticated directory said so over a protected connection")

enum lm_trust {
#define LM_TRUST_ENUM(name, word, least, text) LM_TRUST_##name,
    LM_TRUST_TABLE(LM_TRUST_ENUM)
#undef LM_TRUST_ENUM
        LM_TRUST_COUNT
};

/* The words of --trust in the order of the enum, NULL-terminated. */
extern const char *const lm_trust_least_words[];
/* The word of an answer. */
const char *lm_trust_word(enum lm_trust trust);

#endif
