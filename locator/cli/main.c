#include "locator/cli/program.h"

#include <unistd.h>

/*
 * Sources that were not waited for may still be at work, loading a library even: their threads go with the process, past the
 * destructors of the libraries that they use. cli_main has written everything.
 */
int main(int argc, char **argv)
{
    _exit(cli_main(&lc_program, argc, argv));
}
