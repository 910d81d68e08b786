#include "site/daemon/sited.h"

int main(int argc, char **argv)
{
    return sited_main(argc, argv);
}
