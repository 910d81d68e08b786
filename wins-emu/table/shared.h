/*
 * shared.h - one immutable object that the readers of the table see and one thread replaces (liburcu).
 *
 * A reader gets it between tbl_read_lock and tbl_read_unlock and may use it in between only; it is the old one or the new one.
 */
#ifndef SL_WINS_TABLE_SHARED_H
#define SL_WINS_TABLE_SHARED_H

/* Zero is an empty one. */
struct tbl_shared {
    void *object;
};

/* The object of now, NULL when there is none. */
const void *tbl_shared_get(const struct tbl_shared *shared);
/*
 * Puts another object, or NULL, in its place and returns the old one when no reader has it any more. Waits for the readers: not
 * between tbl_read_lock and tbl_read_unlock; by one thread at a time, which is a reader too.
 */
void *tbl_shared_swap(struct tbl_shared *shared, void *object);

#endif
