#include "locator/model/code.h"

#include "common/base/text.h"

#include <string.h>

const char *const lm_profile_words[] = {
#define LM_PROFILE_WORD(name, word, text) word,
    LM_PROFILE_TABLE(LM_PROFILE_WORD)
#undef LM_PROFILE_WORD
        NULL,
};

enum sl_status lm_code_parse(const char *text, char ret_code[LM_CODE_SIZE], struct sl_error *e)
{
    char code[LM_CODE_SIZE];
    if (!sl_text_copy(code, sizeof code, text) || strlen(code) != LM_CODE_LEN)
        return sl_fail(e, SL_USAGE, "site code \"%.16s\": three characters A-Z 0-9 are wanted", text);
    sl_text_upper(code);
    if (strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != LM_CODE_LEN)
        return sl_fail(e, SL_USAGE, "site code \"%.16s\": only A-Z and 0-9 may occur", text);
    memcpy(ret_code, code, sizeof code);
    return SL_OK;
}
