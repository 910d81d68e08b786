/*
 * memory-http.c - the floor of an HTTP server: libmicrohttpd answering every request with the same octets from memory.
 *
 *   memory-http ADDRESS PORT FILE TYPE     until its standard input ends; set up like site/http
 */
#include "common/base/addr.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, WORKERS = 2 };

static enum MHD_Result answer(void *ctx, struct MHD_Connection *conn, const char *url, const char *method, const char *version,
                              const char *upload, size_t *upload_len, void **con_cls)
{
    static const int seen = 0; /* its address marks a request whose headers were seen */
    (void)url;
    (void)method;
    (void)version;
    (void)upload;
    if (*con_cls == NULL) {
        *con_cls = (void *)(uintptr_t)&seen;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    return MHD_queue_response(conn, 200, ctx);
}

int main(int argc, char **argv)
{
    struct sl_endpoint at;
    uint64_t port;
    char *octets = sl_new_array(FILE_MAX, 1), end;
    FILE *file = argc == 5 ? fopen(argv[3], "r") : NULL;
    if (file == NULL || !sl_parse_u64(argv[2], UINT16_MAX, &port) ||
        sl_endpoint_parse(argv[1], (uint16_t)port, &at, NULL) != SL_OK)
        return 2;
    size_t len = fread(octets, 1, FILE_MAX, file);
    fclose(file);
    struct MHD_Response *response = MHD_create_response_from_buffer(len, octets, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", argv[4]);
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, response,
                                                 MHD_OPTION_SOCK_ADDR, &at.any, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)WORKERS,
                                                 MHD_OPTION_END);
    if (daemon == NULL)
        return 1;
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &end, 1) > 0)
        continue;
    MHD_stop_daemon(daemon);
    MHD_destroy_response(response);
    free(octets);
    return 0;
}
