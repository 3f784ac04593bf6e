// Sends signals to processes.
#include "test/soak/hits.hpp"

#include "test/kit/processes.hpp"

#include <algorithm>
#include <csignal>

#include <sys/syscall.h>

namespace soak {

namespace {

std::vector<int> children_of(int pid)
{
    std::vector<int> found;
    std::error_code gone;
    std::filesystem::directory_iterator at{"/proc/" + std::to_string(pid) + "/task", gone};
    for (; !gone && at != std::filesystem::directory_iterator{}; at.increment(gone)) {
        std::ifstream in{at->path() / "children"};
        for (int child = 0; in >> child;)
            found.push_back(child);
    }
    std::sort(found.begin(), found.end());
    return found;
}

// A child that is being started shares our memory until it is another program (vfork), and we wait for that. Stopped
// before, it would stop us.
bool is_still_this_program(int pid)
{
    auto arguments_of = [](std::string const& process) {
        std::ifstream in{"/proc/" + process + "/cmdline"};
        std::string all;
        std::getline(in, all);
        return all;
    };
    return arguments_of(std::to_string(pid)) == arguments_of("self");
}

} // namespace

hits::~hits()
{
    for (auto& [number, process] : hit_)
        ::close(process);
}

bool hits::send(int signal, target to, unsigned which, int number)
{
    int parent = ::getpid();
    auto candidates = children_of(parent);
    if (to == target::grandchild && !candidates.empty())
        candidates = children_of(parent = candidates.front());
    if (candidates.empty())
        return false;
    int pid = candidates[which % candidates.size()];
    int process = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    if (process < 0)
        return false;
    bool is_ours = kit::state_of(pid).parent == parent;
    bool is_ready = signal != SIGSTOP || to != target::started_child || !is_still_this_program(pid);
    bool sent = is_ours && is_ready && ::syscall(SYS_pidfd_send_signal, process, signal, nullptr, 0) == 0;
    if (sent)
        hit_.emplace(number, process);
    else
        ::close(process);
    return sent;
}

void hits::go_on(int number)
{
    if (auto found = hit_.find(number); found != hit_.end())
        ::syscall(SYS_pidfd_send_signal, found->second, SIGCONT, nullptr, 0);
}

} // namespace soak
