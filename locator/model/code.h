/*
 * code.h - site codes and profiles: the small vocabulary of the locator.
 *
 * A site code is three characters A-Z 0-9, a digit allowed first (sms.md 2.1). It is compared and shown in upper case; people
 * may type it in lower case. A profile is the product generation whose rules count (features.md 4.2).
 */
#ifndef SL_LOCATOR_MODEL_CODE_H
#define SL_LOCATOR_MODEL_CODE_H

#include "common/base/error.h"

enum { LM_CODE_LEN = 3, LM_CODE_SIZE = LM_CODE_LEN + 1 };

/* profile, word, what it stands for */
#define LM_PROFILE_TABLE(X)                                                                                            \
    X(SMS2003, "sms2003", "Systems Management Server 2003")                                                            \
    X(CM2007, "cm2007", "Configuration Manager 2007")                                                                  \
    X(CB, "cb", "Configuration Manager current branch")

enum lm_profile {
#define LM_PROFILE_ENUM(name, word, text) LM_##name,
    LM_PROFILE_TABLE(LM_PROFILE_ENUM)
#undef LM_PROFILE_ENUM
        LM_PROFILE_COUNT
};

/* The words of the profiles in the order of the enum, NULL-terminated. */
extern const char *const lm_profile_words[];

/* Checks a site code and copies it in upper case; SL_USAGE names what is wrong. */
enum sl_status lm_code_parse(const char *text, char ret_code[LM_CODE_SIZE], struct sl_error *e) SL_MUST;

#endif
