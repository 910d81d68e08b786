/*
 * import.h - what becomes of a name that an administrator imports beside the record that is there. Pure; private to
 * wins-emu/engine but for the words.
 *
 *   the imported name is | the record that is there                        | result
 *   ---------------------+-------------------------------------------------+-----------------------------------------------
 *   never allowed        | any (R02 to R06, R20)                           | refused, with the rule
 *   static or dynamic    | none                                            | added
 *   static or dynamic    | released or a tombstone                         | replaced
 *   static               | static, the same type, node and addresses       | unchanged
 *   static               | anything else                                   | replaced
 *   dynamic              | static                                          | conflict: the administrator's word stays
 *   dynamic              | active special group, so is the imported one    | addresses added (replaced), or unchanged
 *   dynamic              | active, the same type and all the addresses     | unchanged
 *   dynamic              | active, otherwise                               | conflict: the live registration stays
 *
 * What is added or replaced gets a new version id (wins.md 2.11) and is ours.
 */
#ifndef SL_WINS_ENGINE_IMPORT_H
#define SL_WINS_ENGINE_IMPORT_H

#include "wins-emu/engine/engine.h"

/* Of `in` counts what eng_import says. `old` is NULL when there is no record. *ret_record is written for added and replaced. */
enum eng_imported eng_import_decide(const struct wins_record *old, const struct wins_record *in, const struct wins_config *config,
                                    int64_t now_s, struct wins_record *ret_record, enum wins_rule *ret_rule);

#endif
