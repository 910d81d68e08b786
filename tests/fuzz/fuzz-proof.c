/*
 * What a stranger hands a client and a management point: certificate, proof and nonce. None of them is ever believed without the
 * key: the pinned one signed nothing of the corpus. Input: one octet that says which, then the text.
 */
#include "tests/fuzz/fuzz.h"

#include "common/base/assert.h"
#include "locator/net/proof.h"

#include <string.h>

const char fuzz_corpus[] = "proof";

enum { NOW = 1800000000 };

/* The key that is pinned: nobody has the private half. */
static const char root_text[] = "3059301306072A8648CE3D020106082A8648CE3D03010703420004"
                                "0A3D7A7FB3D2FF7EBABF0B4735C58294F861C098D6C469EC056C2F64379A7B94"
                                "E91B5D5141A867B7E12DAF5DFC48A61D8614E9B26C70909B420E0479BC1D73E9";

static void try_certificate(const struct proof_question *q, const char *text, size_t len)
{
    struct proof_certificate c;
    enum proof_verdict v = proof_check_certificate(q, text, len, &c);
    sl_assert(v == PROOF_NO_CERTIFICATE || v == PROOF_BAD_CERTIFICATE || v == PROOF_OTHER_KEY);
    if (v == PROOF_OTHER_KEY)
        sl_assert(c.host[0] && strlen(c.site) <= LM_CODE_LEN && proof_check(q, &c, "1 00") == PROOF_WRONG_PROOF);
}

static void try_proof(const struct proof_question *q, const char *text)
{
    struct proof_certificate c = {.host = "mp1.example.org", .site = "PS1", .key = *q->root};
    enum proof_verdict v = proof_check(q, &c, text);
    sl_assert(v == PROOF_NO_PROOF || v == PROOF_BAD_PROOF || v == PROOF_WRONG_PROOF);
}

static void try_nonce(const char *text)
{
    uint8_t nonce[PROOF_NONCE_LEN];
    char site[LM_CODE_SIZE], again[PROOF_NONCE_TEXT];
    if (!proof_nonce_read(text, nonce, site))
        return;
    proof_nonce_text(nonce, again);
    sl_assert(sl_text_iequal(site, "") || strlen(site) == LM_CODE_LEN);
    sl_assert(strlen(text) == strlen(again) + (site[0] ? 1 + LM_CODE_LEN : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t len)
{
    static const uint8_t nonce[PROOF_NONCE_LEN] = {1};
    struct proof_public root, read;
    char text[4096];
    if (len < 1 || len > sizeof text)
        return 0;
    sl_assert(proof_public_read(root_text, strlen(root_text), &root, NULL) == SL_OK);
    struct proof_question q = {.root = &root, .site = "PS1", .name = "mp1.example.org", .nonce = nonce, .now_s = NOW};
    memcpy(text, octets + 1, len - 1);
    text[len - 1] = '\0';
    if (octets[0] == 'c')
        try_certificate(&q, (const char *)octets + 1, len - 1);
    else if (octets[0] == 'p')
        try_proof(&q, text);
    else if (octets[0] == 'n')
        try_nonce(text);
    else
        (void)!proof_public_read((const char *)octets + 1, len - 1, &read, NULL);
    return 0;
}
