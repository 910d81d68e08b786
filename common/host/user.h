/*
 * user.h - becoming an ordinary user once what needs rights is done. Before any thread is started: rights belong to threads.
 */
#ifndef SL_COMMON_HOST_USER_H
#define SL_COMMON_HOST_USER_H

#include "common/base/error.h"

#include <sys/types.h>

/* A check of an option: SL_USAGE when there is no such user. */
enum sl_status host_user_check(const char *name, struct sl_error *e) SL_MUST;
/*
 * Gives a file to the user, if it is there, is a plain file and belongs to root; symbolic links are not followed. SL_USAGE when
 * there is no such user.
 */
enum sl_status host_user_give(const char *user, const char *path, struct sl_error *e) SL_MUST;
/*
 * Gives the user a socket of ours. One that shares its port (SO_REUSEPORT) shares it with every program of its owner, so that of
 * a daemon which starts as root others of root could bind beside it and take part of what comes. SL_USAGE when there is no such
 * user.
 */
enum sl_status host_user_give_socket(const char *user, int fd, struct sl_error *e) SL_MUST;
/* Finds a group by its name; SL_USAGE when there is none. */
enum sl_status host_user_group(const char *name, gid_t *ret_group, struct sl_error *e) SL_MUST;
/*
 * Becomes `user` with its main group and `group` (NULL: none), no other groups and no capability, for good; NULL: stays who it
 * is, and one who is not root gives up the capabilities that it was started with. SL_USAGE when there is no such user or group,
 * SL_DENIED when it may not.
 */
enum sl_status host_user_become(const char *user, const char *group, struct sl_error *e) SL_MUST;

#endif
