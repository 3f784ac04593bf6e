// The tests of a child once more, where the kernel has no pidfds.
#include "test/kit/filter.hpp"
#include "test/kit/framework.hpp"

#include <cstdio>

int main(int argc, char** argv)
{
    if (!kit::refuse_calls({SYS_pidfd_open}, ENOSYS)) {
        std::puts("skipped: no call can be refused here");
        return 0;
    }
    return kit::run_framework(argc, argv);
}
