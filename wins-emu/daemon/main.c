#include "wins-emu/daemon/winsd.h"

int main(int argc, char **argv)
{
    return winsd_main(argc, argv);
}
