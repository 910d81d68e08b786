#include "wins-emu/net/holder.h"

#include "common/base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { INODE_TEXT_MAX = 40, COMM_MAX = 32, INODE_FIELD = 10, LINE_MAX_ = 512 };

/* One line of /proc/net/udp: number, ADDRESS:PORT (hexadecimal, the address as it lies in memory), eight fields, inode. */
static bool parse_line(char *line, uint32_t *ret_address, unsigned *ret_port, uint64_t *ret_inode)
{
    char *fields[INODE_FIELD], *rest = NULL;
    size_t count = 0;
    for (char *f = strtok_r(line, " ", &rest); f && count < INODE_FIELD; f = strtok_r(NULL, " ", &rest))
        fields[count++] = f;
    if (count < INODE_FIELD)
        return false;
    uint8_t address[4], port[2];
    size_t len;
    char *colon = strchr(fields[1], ':');
    if (!colon)
        return false;
    *colon = '\0';
    if (!sl_parse_hex(fields[1], address, sizeof address, &len) || len != sizeof address ||
        !sl_parse_hex(colon + 1, port, sizeof port, &len) || len != sizeof port)
        return false;
    uint32_t in_memory = (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 | (uint32_t)address[2] << 8 | address[3];
    *ret_address = ntohl(in_memory);
    *ret_port = (unsigned)port[0] << 8 | port[1];
    return sl_parse_u64(fields[INODE_FIELD - 1], UINT64_MAX, ret_inode);
}

/* The inode of the socket that is bound there, or to every address; 0 when there is none. */
static uint64_t inode_of(const struct sl_endpoint *endpoint)
{
    FILE *in = fopen("/proc/net/udp", "re");
    if (!in)
        return 0;
    char line[LINE_MAX_];
    uint64_t found = 0;
    while (!found && fgets(line, sizeof line, in)) {
        uint32_t address;
        unsigned port;
        uint64_t inode;
        if (parse_line(line, &address, &port, &inode) && port == sl_endpoint_port(endpoint) &&
            (!address || address == sl_endpoint_ip4_of(endpoint)))
            found = inode;
    }
    fclose(in);
    return found;
}

static bool has_descriptor(int process, const char *wanted)
{
    int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool found = false;
    for (const struct dirent *entry; !found && (entry = readdir(dir));) {
        char target[INODE_TEXT_MAX];
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        if (n < 0)
            continue;
        target[n] = '\0';
        found = strcmp(target, wanted) == 0;
    }
    closedir(dir);
    return found;
}

static void read_comm(int process, char out[COMM_MAX])
{
    char raw[COMM_MAX / 2];
    int fd = openat(process, "comm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, raw, sizeof raw);
    if (fd >= 0)
        close(fd);
    size_t len = n > 0 ? (size_t)n : 0;
    if (len && raw[len - 1] == '\n')
        len--;
    sl_text_escape(out, COMM_MAX, raw, len);
}

/* Looks through one process; true when it has the socket and *ret_text names it. */
static bool is_holder(int proc, const char *pid, const char *wanted, struct wnet_holder_text *ret_text)
{
    int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0)
        return false;
    bool found = has_descriptor(process, wanted);
    if (found) {
        char comm[COMM_MAX];
        read_comm(process, comm);
        snprintf(ret_text->text, sizeof ret_text->text, "held by %s (pid %.20s)", comm, pid);
    }
    close(process);
    return found;
}

struct wnet_holder_text wnet_holder(const struct sl_endpoint *endpoint)
{
    struct wnet_holder_text text = {"held by another program"};
    uint64_t inode = inode_of(endpoint);
    DIR *dir = inode ? opendir("/proc") : NULL;
    if (!dir)
        return text;
    char wanted[INODE_TEXT_MAX];
    snprintf(wanted, sizeof wanted, "socket:[%" PRIu64 "]", inode);
    sl_text_copy(text.text, sizeof text.text, "held by another program, whose name this user may not see");
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint64_t pid;
        if (sl_parse_u64(entry->d_name, INT32_MAX, &pid) && is_holder(dirfd(dir), entry->d_name, wanted, &text))
            break;
    }
    closedir(dir);
    return text;
}
