// Looks for what is left.
#include "test/soak/remains.hpp"

#include <cerrno>
#include <cstring>
#include <iterator>

#include <sys/wait.h>

namespace soak {

namespace fs = std::filesystem;

namespace {

constexpr char mark[] = "WODEHAUS_SOAK";

std::string this_mark()
{
    char const* value = std::getenv(mark);
    return std::string{mark} + "=" + (value ? value : "");
}

std::string text_of(std::string const& path)
{
    std::ifstream in{path, std::ios::binary};
    std::string text;
    std::getline(in, text, '\n'); // unlike an iterator it does not throw if the process is gone meanwhile
    return text;
}

// Of the whole machine, since a process may have made a session of its own.
std::vector<std::string> marked_processes()
{
    std::vector<std::string> found;
    auto mine = this_mark() + '\0';
    for (auto& entry : fs::directory_iterator{"/proc"}) {
        int pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0 || pid == ::getpid() || text_of(entry.path() / "environ").find(mine) == std::string::npos)
            continue;
        auto process = kit::state_of(pid);
        if (process.alive())
            found.push_back("process " + std::to_string(pid) + " (" + process.name + "), state " + process.state +
                            ", parent " + std::to_string(process.parent) + ", group " + std::to_string(process.group) +
                            ", session " + std::to_string(process.session));
    }
    return found;
}

std::size_t entries_of(fs::path const& folder)
{
    return static_cast<std::size_t>(std::distance(fs::directory_iterator{folder}, {}));
}

// Memory that is shared by a file without a name.
std::size_t shared_mappings()
{
    std::ifstream in{"/proc/self/maps"};
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);)
        count += line.find("/memfd:") != line.npos || line.find("/dev/shm/") != line.npos;
    return count;
}

} // namespace

void mark_descendants(char** argv)
{
    if (std::getenv(mark))
        return;
    ::setenv(mark, std::to_string(::getpid()).c_str(), 1);
    ::execv("/proc/self/exe", argv);
    std::fprintf(stderr, "soak: cannot start anew: %s\n", std::strerror(errno));
    std::exit(EXIT_FAILURE);
}

remains::remains(std::string folder)
    : folder_(std::move(folder)), threads_(entries_of("/proc/self/task")), mappings_(shared_mappings())
{
}

std::vector<std::string> remains::find() const
{
    std::vector<std::string> left;
    siginfo_t child{};
    while (::waitid(P_ALL, 0, &child, WEXITED | WNOHANG | __WALL) == 0) { // these are gone before, not within a second
        left.push_back(child.si_pid ? "the zombie " + std::to_string(child.si_pid) : "a child");
        if (!child.si_pid)
            break;
    }
    kit::within_a_second([this] { return look().empty(); });
    for (auto& what : look())
        left.push_back(what);
    return left;
}

std::vector<std::string> remains::look() const
{
    auto left = marked_processes();
    for (auto& [number, what] : kit::descriptors())
        if (!descriptors_.count(number))
            left.push_back("descriptor " + std::to_string(number) + ", " + what);
    if (auto count = entries_of("/proc/self/task"); count > threads_)
        left.push_back(std::to_string(count - threads_) + " threads");
    if (auto count = shared_mappings(); count > mappings_)
        left.push_back(std::to_string(count - mappings_) + " pieces of shared memory");
    for (auto& entry : fs::directory_iterator{folder_})
        left.push_back("file " + entry.path().string());
    return left;
}

} // namespace soak
