#include "locator/model/rule.h"

#include "common/base/error.h"

#include <string.h>

enum {
    SMS2003 = 1 << LM_SMS2003,
    CM2007 = 1 << LM_CM2007,
    CB = 1 << LM_CB,
    ALL = SMS2003 | CM2007 | CB,
};

#define OWN "own rule of this project"
#define CC180189 "Understanding SMS 2003 Management Points (technet cc180189)"
#define CM07_LOOKUP "Configuration Manager 2007 help, service location"
#define CM07_ROAM "Configuration Manager 2007 help, client roaming"
#define CM07_ASSIGN "Configuration Manager 2007 help, site assignment"
#define CM07_RTK "Configuration Manager 2007 help, trusted root key"
#define KB2002059 "Microsoft KB 2002059"
#define SDK "Configuration Manager 2007 SDK, ContentLocationRequest"

const struct lm_rule lm_rules[] = {
    {"J1", ALL, "the first source that has an answer decides", CM07_LOOKUP ": methods in order, the first that answers"},
    {"J2", ALL, "a published site without a default management point decides too: the answer is no", CC180189 ", S1.26"},
    {"J3", ALL, "a source that says no leaves it to the next one", CM07_LOOKUP ": a failing method falls through"},
    {"J4", ALL, "a source that could not be asked to the end decides nothing", OWN ": \"could not ask\" is not \"no\" (X02)"},
    {"J5", ALL, "what ranks below the deciding source does not count", CM07_LOOKUP ": methods in order"},
    {"J6", ALL, "a source that knows nothing of the kind is not asked", OWN},
    {"J7", ALL, "an answer that is not trusted enough decides nothing", OWN " (X13)"},
    {"J8", ALL, "a suspect answer, reported by a caller, is passed over: for the next by name (Q12), else for a lower-ranked one",
     OWN " (X23)"},
    {"J9", ALL, "a suspect answer without another is given all the same, with a warning", OWN " (X23)"},
    {"T0", ALL, "the management point has proven itself with the site's trusted root key", CM07_RTK},
    {"T1", ALL, "a management point that gives no certificate has not proven itself", OWN ", Q6"},
    {"T2", ALL, "its certificate must name a host and a site", OWN ", Q6"},
    {"T3", ALL, "its certificate must be signed by the trusted root key", CM07_RTK},
    {"T4", ALL, "its certificate must be for the site that is asked about", OWN},
    {"T5", ALL, "its certificate must be for the host, or the address where only that is known, that is asked", OWN},
    {"T6", ALL, "its certificate must be valid now", OWN},
    {"T7", ALL, "it must give a proof", OWN ", Q6"},
    {"T8", ALL, "its proof must be a signature over our nonce, its host name and its site code", OWN ", Q6"},
    {"S1.08", SMS2003 | CM2007, "a site has exactly one default management point", CC180189},
    {"S1.09", ALL, "a legacy client talks to client access points, never to a management point", CC180189},
    {"S1.16", ALL, "a distribution point is chosen at random among those of the best locality", CC180189},
    {"S1.19", ALL, "without the schema the management point must be in the registry", CC180189},
    {"S1.20", ALL, "one default at any instant: a live directory whose site has none is read again first, longer if replicated",
     CC180189},
    {"S1.21", SMS2003 | CM2007, "clients talk to the default management point only", CC180189},
    {"S1.23", SMS2003 | CM2007, "further management points outside the cluster are not used", CC180189},
    {"S1.26", SMS2003 | CM2007, "a site without a default management point has none for its clients", CC180189},
    {"Q7", ALL, "the registry is asked for MP_<code>, then for NLB_<code>", OWN ", after technet cc179878"},
    {"Q12", ALL, "several default ones: the first by name (that proves itself, if asked to); none: profile cb takes the first",
     OWN},
    {"F1", ALL, "a directory serves the clients of its own forest only", CM07_LOOKUP ": client in the same forest"},
    {"B1", ALL, "a boundary that is an Active Directory site holds the clients of that site",
     "public scripts that query mSSMSRoamingBoundaries"},
    {"B2", ALL, "a subnet holds a client when the client's address and mask are that subnet", SDK},
    {"B3", ALL, "without the client's mask: the longest subnet that fits, with a warning", OWN},
    {"B4", ALL, "a range holds the addresses from low to high, both included, compared unsigned",
     "public script that compares ranges"},
    {"B5", ALL, "in the boundaries of several sites: the first valid one by code, with a warning", KB2002059},
    {"B6", ALL, "a secondary site assigns its clients to its parent", CM07_ASSIGN},
    {"B7", ALL, "a site is valid when its version is not below the client's, three parts counted", KB2002059},
    {"R1", ALL, "in its assigned site, or in no boundary, a client asks the default management point of that site", CM07_ROAM},
    {"R2", ALL, "in a secondary site below it: the proxy management point there, if it has one", CM07_ROAM},
    {"R3", ALL, "in any other site of the directory (global roaming): the resident management point there", CM07_ROAM},
    {"R4", ALL, "without a directory (regional roaming) a client keeps asking its default management point", CM07_ROAM},
    {"R5", ALL, "a list without distribution points: the assigned management point is asked; no second fallback",
     "a Microsoft engineer's notes (minfangl, 2011)"},
    {"K1", ALL, "a kept answer within its TTL and the greatest age wanted counts as if its source had just said it",
     OWN " (X18)"},
    {"K2", ALL, "when nobody could be asked, an old answer is given, as degraded", OWN " (X18)"},
    {"C1", ALL, "two answers agree when their addresses do, else when their names do", OWN},
};

const size_t lm_rule_count = SL_COUNT(lm_rules);
