/*
 * publish.h - a batch that is on disk goes into the table. Private to wins-emu/engine.
 */
#ifndef SL_WINS_ENGINE_PUBLISH_H
#define SL_WINS_ENGINE_PUBLISH_H

#include "wins-emu/engine/batch.h"

/* Puts every change of the batch into the table and with `tells` tells ops->changed of it, then ops->noted, in their order. */
void eng_publish(struct tbl *table, const struct eng_ops *ops, bool tells, const struct eng_batch *batch);

#endif
