#include "wins-emu/ctl/backup.h"

#include "common/base/assert.h"
#include "common/base/memory.h"
#include "wins-emu/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, PATH_LEN = 4096 };

struct backup {
    const char *db;
    char *part; /* the copy beside it */
    int fd;     /* the file that came with the request */
};

static void backup_free(void *data)
{
    struct backup *b = data;
    free(b->part);
    close(b->fd);
    free(b);
}

static enum sl_status send_part(const struct backup *b, struct sl_error *e)
{
    int in = open(b->part, O_RDONLY | O_CLOEXEC);
    ssize_t n = in < 0 ? -1 : 1;
    while (n > 0)
        n = sendfile(b->fd, in, NULL, CHUNK);
    enum sl_status status = n < 0 ? sl_fail(e, SL_IO, "writing the copy: %s", strerror(errno)) : SL_OK;
    if (in >= 0)
        close(in);
    return status;
}

static void back_up(struct wctl_change *c)
{
    const struct backup *b = c->data;
    struct sl_error e;
    enum sl_status status = wst_backup(b->db, b->part, &e);
    if (status == SL_OK)
        status = send_part(b, &e);
    unlink(b->part);
    wctl_change_done(c, status, true, &e);
}

/* A file alone takes all that is written without a wait. */
static enum sl_status take_file(struct host_reply *reply, int *ret_fd, struct sl_error *e)
{
    int fd = host_request_take_fd(reply);
    struct stat info;
    if (fd < 0)
        return sl_fail(e, SL_USAGE, "no file came with the request");
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        *ret_fd = fd;
        return SL_OK;
    }
    close(fd);
    return sl_fail(e, SL_USAGE, "what came with the request is not a plain file");
}

static void finish(struct wctl_change *c)
{
    host_reply_end(c->reply, SL_OUTCOME_OK, NULL, NULL);
}

void wctl_backup(const struct wctl_env *env, struct wctl_changes *changes, struct host_reply *reply)
{
    struct sl_error e;
    int fd = -1;
    enum sl_status status = take_file(reply, &fd, &e);
    if (status != SL_OK) {
        host_reply_fail(reply, status, &e);
        return;
    }
    struct backup *b = sl_new(sizeof *b);
    struct sl_text part = sl_text_new(PATH_LEN);
    sl_text_printf(&part, "%s" WST_COPY_ENDING, env->db);
    *b = (struct backup){.db = env->db, .part = sl_text_take(&part), .fd = fd};
    sl_assert(b->part);
    struct wctl_change *c = wctl_change_new(changes, "backup", NULL, reply, finish);
    c->data = b;
    c->free_data = backup_free;
    wctl_change_work(c, back_up);
}
