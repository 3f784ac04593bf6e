// What the kernel knows of processes, and of what this one holds. Without Boost.Test: for programs, too.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

namespace kit {

struct process_state {
    int pid = 0, parent = 0, group = 0, session = 0;
    char state = '?'; // as in /proc/PID/stat: R runs, S sleeps, Z is dead and not reaped
    std::string name;

    bool alive() const { return pid && state != 'Z' && state != 'X'; }
};

/// What the kernel says of a process; nothing (pid 0) if there is none.
inline process_state state_of(int pid)
{
    std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
    std::string text; // getline, unlike an iterator, does not throw if the process is gone meanwhile
    std::getline(in, text, '\0');
    process_state found;
    auto open = text.find('('), close = text.rfind(')'); // a name may contain anything
    if (close == text.npos)
        return found;
    found.pid = pid;
    found.name = text.substr(open + 1, close - open - 1);
    std::sscanf(text.c_str() + close + 1, " %c %d %d %d", &found.state, &found.parent, &found.group, &found.session);
    return found;
}

/// All living processes of our session but ourselves. A dead one that an idle init does not reap does not count. Nothing
/// is found if the session is not ours alone, as under a shell.
inline std::vector<process_state> others_in_session()
{
    std::vector<process_state> found;
    if (::getsid(0) != ::getpid())
        return found;
    for (auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        int pid = std::atoi(entry.path().filename().c_str());
        if (pid <= 0 || pid == ::getpid())
            continue;
        auto process = state_of(pid);
        if (process.alive() && process.session == ::getpid())
            found.push_back(process);
    }
    return found;
}

/// Open descriptors and what they are.
inline std::map<int, std::string> descriptors()
{
    std::map<int, std::string> found;
    for (auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
        std::error_code gone; // the one that reads the directory
        auto target = std::filesystem::read_symlink(entry.path(), gone);
        if (!gone && target != "/proc/" + std::to_string(::getpid()) + "/fd")
            found[std::atoi(entry.path().filename().c_str())] = target;
    }
    return found;
}

/// Calls `done` until it gives true, for a second at most. For what nobody can be asked to tell: the death of a process
/// that is not our child.
template <class Done>
bool within_a_second(Done done)
{
    for (auto end = std::chrono::steady_clock::now() + std::chrono::seconds{1}; !done();) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        ::usleep(1000);
    }
    return true;
}

} // namespace kit
