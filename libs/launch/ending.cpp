// The end of a process in words.
#include "launch/launch.hpp"

#include <cstring>

#include <sys/wait.h>

namespace wodehaus::detail {

std::string signal_name(int number)
{
    char const* name = ::sigabbrev_np(number);
    return name ? std::string{"SIG"} + name : "signal " + std::to_string(number);
}

std::string describe_ending(ending const& how)
{
    if (!how.known)
        return "is gone (" + how.note + ")";
    if (WIFSIGNALED(how.status)) {
        char const* words = ::sigdescr_np(WTERMSIG(how.status));
        return "was killed by " + signal_name(WTERMSIG(how.status)) + (words ? " (" + std::string{words} + ")" : "");
    }
    return "exited with status " + std::to_string(WEXITSTATUS(how.status));
}

} // namespace wodehaus::detail
