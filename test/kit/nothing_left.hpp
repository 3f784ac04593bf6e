// After each test: no child, no process, no descriptor more than before.
#pragma once

#include "test/kit/processes.hpp"

#include <boost/test/unit_test.hpp>

#include <sys/wait.h>

namespace kit {

/// A fixture, or a guard within a test.
class nothing_left {
public:
    nothing_left() = default;
    nothing_left(nothing_left const&) = delete;
    nothing_left& operator=(nothing_left const&) = delete;
    ~nothing_left()
    {
        siginfo_t child{};
        while (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | __WALL) == 0) { // reaped, not to be told of it again
            BOOST_CHECK_MESSAGE(!child.si_pid, "a zombie is left: " << child.si_pid);
            BOOST_CHECK_MESSAGE(child.si_pid, "a child is left");
            if (!child.si_pid)
                break;
        }
        if (!within_a_second([] { return others_in_session().empty(); }))
            for (auto& left : others_in_session())
                BOOST_ERROR("a process is left: " << left.pid << " (" << left.name << "), state " << left.state
                                                  << ", parent " << left.parent);
        for (auto& [number, what] : descriptors())
            BOOST_CHECK_MESSAGE(before_.count(number), "a descriptor is left: " << number << ", " << what);
    }

private:
    std::map<int, std::string> before_ = descriptors();
};

} // namespace kit
