#include "locator/cli/program.h"

int main(int argc, char **argv)
{
    return cli_main(&lc_program, argc, argv);
}
