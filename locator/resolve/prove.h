/*
 * prove.h - asks a management point for its proof (X13), and says whether an answer is trusted enough. The proof itself and its
 * rules T1 to T8 are in locator/net/proof.h.
 *
 * A management point is asked when the answer comes from anywhere but an authenticated directory and a root key is pinned for
 * the site; of several that may be meant (Q12) one after the other, until one proves itself, or, where an answer may be suspect
 * (J8), all of them. Its proof makes the answer `proven`.
 * A wrong one makes it `refuted`. When it gives no proof at all, the answer is `refuted` where proof is demanded (`least` is
 * proven, the default with a pinned key) and else stays `unproven`: the product's own management points cannot speak our proof.
 * One that cannot be reached has refuted nothing: where proof is demanded the answer is a failure (proof-not-obtained), else it
 * stays `unproven`. Without a pinned key nobody is asked and nothing is ever refuted.
 */
#ifndef SL_LOCATOR_RESOLVE_PROVE_H
#define SL_LOCATOR_RESOLVE_PROVE_H

#include "locator/net/proof.h"
#include "locator/resolve/reach.h"
#include "locator/source/source.h"

enum { RESOLVE_ROOTS_MAX = 8 };

/* What is demanded of the answers to one question. */
struct resolve_trust {
    enum lm_trust least; /* LM_TRUST_REFUTED: any */
    bool others_too;     /* reports are heeded, so those who come next by name are asked for their proof, too */
    size_t root_count;   /* keys pinned for the site; any of them will do, so that old and new may stand side by side */
    struct proof_public roots[RESOLVE_ROOTS_MAX];
    struct src_config config;
};

/*
 * Looks at what a source has said to `q`: asks for the proof if it is to be asked, sets a->trust, adds notes and warnings, and
 * turns an answer that is not trusted enough into SRC_REFUTED or SRC_TRUST_TOO_LOW. Blocks until the deadline at most.
 */
void resolve_prove(const struct resolve_trust *trust, const struct src_question *q, struct sl_deadline deadline,
                   struct src_answer *a);

#endif
