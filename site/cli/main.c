#include "site/cli/sitectl.h"

int main(int argc, char **argv)
{
    return sctl_main(argc, argv);
}
