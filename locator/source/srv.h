/*
 * srv.h - inside the sources only: what SRV records of management points mean, wherever they were read.
 *
 * CM2007 publishes the default management point alone, current branch every one (sms.md 4). So each record speaks of a default
 * one, but in profile cb, where the choice is by name. Priority and weight are not used: the product does not.
 */
#ifndef SL_LOCATOR_SOURCE_SRV_H
#define SL_LOCATOR_SOURCE_SRV_H

#include "locator/net/dnsc.h"
#include "locator/source/source.h"

/* True for the name of a host; warns of anything else, with `what` it was asked for. */
bool src_srv_check_target(const char *target, const char *what, struct src_answer *a);
/* "_mssms_mp_ps1._tcp", what the domain follows behind a dot. */
void src_srv_label(const char *site, char *out, size_t size);
/*
 * Chooses among the records that name a host (the others are taken out, with a warning) and says so in `a`, with the time to
 * live; ends the note of the question. *ret_index is the record chosen; false when there was none, which is left to the caller
 * to say.
 */
bool src_srv_choose(struct dnsc_srv_list *list, const struct src_question *q, struct src_answer *a, size_t *ret_index);
/* Gives the management point its address, or warns that its host has none; ends the note. NULL: none. */
void src_srv_address(const char *address, struct src_answer *a);

#endif
