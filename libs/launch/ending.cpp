// The end of a process in words.
#include "launch/launch.hpp"

#include <array>
#include <cstdio>
#include <cstring>
#include <memory>

#include <sys/wait.h>

namespace wodehaus::detail {

std::string signal_name(int number)
{
    char const* name = ::sigabbrev_np(number);
    return name ? std::string{"SIG"} + name : "signal " + std::to_string(number);
}

bool is_exiting(int pid)
{
    constexpr unsigned exiting = 0x4; // PF_EXITING, of its flags
    std::string path = "/proc/" + std::to_string(pid) + "/stat";
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"), &std::fclose};
    std::array<char, 1024> text{};
    if (!file || std::fread(text.data(), 1, text.size() - 1, file.get()) == 0)
        return true;
    char const* behind_name = std::strrchr(text.data(), ')'); // which may contain anything
    char state = 'Z';
    unsigned flags = 0;
    if (behind_name && std::sscanf(behind_name + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
        return true;
    return state == 'Z' || state == 'X' || (flags & exiting) != 0;
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

std::string describe_failed_start(failed_start const& what)
{
    if (!what.threw.empty())
        return "preload failed: it threw " + what.threw;
    if (!what.given_up.empty())
        return what.program + " " + what.given_up;
    if (what.greeted)
        return "preload failed: its process " + what.end;
    if (what.is_fork)
        return "a fork of " + what.program + " " + what.end + " before preload; was a thread throwing as it was forked?";
    return what.program + " " + what.end + " without saying hello; does its main begin with wodehaus::init(argc, argv)?";
}

std::string describe_last_output(std::string const& lines)
{
    return lines.empty() ? "" : "; its last output: " + lines.substr(0, lines.size() - 1);
}

} // namespace wodehaus::detail
