// Cgroups of processes. Without a stream of the standard library, which a small program of workers would grow by.
#include "worker/memory_groups.hpp"

#include "wire/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <memory>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::string_view prefix = "wodehaus-";

std::string content(std::string const& file)
{
    std::string text;
    descriptor from{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    char some[1024];
    for (ssize_t got; from && (got = ::read(from.get(), some, sizeof some)) > 0;)
        text.append(some, static_cast<std::size_t>(got));
    return text;
}

bool write_to(std::string const& file, std::string_view text) noexcept
{
    descriptor to{::open(file.c_str(), O_WRONLY | O_CLOEXEC)};
    return to && ::write(to.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// What is between two of these.
template <class F>
void for_each_piece(std::string_view text, char between, F f)
{
    while (!text.empty()) {
        auto end = std::min(text.find(between), text.size());
        f(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

bool is_delegated(std::string const& group) noexcept
{
    for (auto const* mark : {"user.delegate", "trusted.delegate"}) {
        char value = 0;
        if (::getxattr(group.c_str(), mark, &value, 1) == 1 && value == '1')
            return true;
    }
    return false;
}

bool divides_memory(std::string const& group)
{
    auto file = group + "/cgroup.subtree_control";
    auto controllers = content(file);
    if (!controllers.empty() && controllers.back() == '\n')
        controllers.pop_back();
    bool found = false;
    for_each_piece(controllers, ' ', [&](std::string_view each) { found = found || each == "memory"; });
    return found || write_to(file, "+memory");
}

} // namespace

std::optional<std::string> own_memory_group(std::string const& proc)
{
    std::optional<std::string> group;
    auto groups = content(proc + "/self/cgroup");
    for_each_piece(groups, '\n', [&](std::string_view line) {
        if (line.starts_with("0::/"))
            group = line.substr(3);
    });
    return group;
}

std::optional<std::uint64_t> number_in(std::string const& file, std::string_view word)
{
    std::optional<std::uint64_t> number;
    auto text = content(file);
    for_each_piece(text, '\n', [&](std::string_view line) {
        if (line.starts_with(word) && line.substr(word.size()).starts_with(' '))
            number = std::strtoull(std::string{line.substr(word.size() + 1)}.c_str(), nullptr, 10);
    });
    return number;
}

void enter_memory_group(std::uint64_t bytes) noexcept
try {
    if (bytes != 0)
        memory_groups{}.enter(bytes);
} catch (std::exception const&) {
    // no memory for a path: RLIMIT_DATA is there
}

void remove_memory_groups() noexcept
try {
    memory_groups{}.remove_all();
} catch (std::exception const&) {
    // the next run does it
}

memory_groups::memory_groups(std::string const& proc, std::string const& cgroups)
{
    auto own = own_memory_group(proc);
    if (!own || *own == "/")
        return;
    auto last = own->rfind('/');
    if (own->substr(last + 1).starts_with(prefix))
        return; // a server within a worker: its processes stay within what that one may have
    auto around = cgroups + own->substr(0, last);
    if (is_delegated(around) && divides_memory(around))
        folder_ = around;
}

std::string memory_groups::group_of(int pid) const
{
    return folder_ + '/' + std::string{prefix} + std::to_string(pid);
}

// What has this name already was left by a process which is dead, or it is not ours to use. Twice, since a server may take
// a group for left behind that nobody is in yet.
bool memory_groups::enter(std::uint64_t bytes) const noexcept
try {
    if (folder_.empty())
        return false;
    auto group = group_of(::getpid());
    auto most = std::to_string(bytes + bytes / 16 + (16u << 20));
    for (int i = 0; i < 2; ++i) {
        ::rmdir(group.c_str());
        if (::mkdir(group.c_str(), 0755) != 0)
            return false;
        write_to(group + "/memory.swap.max", "0"); // there is none without swap
        if (write_to(group + "/memory.max", most) && write_to(group + "/memory.oom.group", "1") &&
            write_to(group + "/cgroup.procs", "0"))
            return true;
        ::rmdir(group.c_str());
    }
    return false;
} catch (std::exception const&) {
    return false;
}

bool memory_groups::has_killed(int pid) const
{
    return !folder_.empty() && number_in(group_of(pid) + "/memory.events", "oom_kill").value_or(0) > 0;
}

void memory_groups::remove(int pid)
{
    if (folder_.empty())
        return;
    write_to(group_of(pid) + "/cgroup.kill", "1"); // there is none before Linux 5.14
    dying_.push_back(pid);
    remove_dead();
}

void memory_groups::remove_dead()
{
    std::erase_if(dying_, [this](int pid) { return ::rmdir(group_of(pid).c_str()) == 0 || errno != EBUSY; });
}

void memory_groups::remove_all()
{
    if (folder_.empty())
        return;
    for (int i = 0; i < 100 && !dying_.empty(); ++i) {
        remove_dead();
        if (!dying_.empty())
            std::this_thread::sleep_for(std::chrono::milliseconds{1}); // a group tells of its end only to who polls it
    }
    dying_.clear();
    std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(folder_.c_str()), ::closedir};
    while (auto const* each = folder ? ::readdir(folder.get()) : nullptr)
        if (std::string_view{each->d_name}.starts_with(prefix))
            ::rmdir((folder_ + '/' + each->d_name).c_str()); // refused where there is a process in it
}

} // namespace wodehaus::detail
