// Cgroups of processes. Without a stream of the standard library, which a small program of workers would grow by.
#include "worker/memory_groups.hpp"

#include "wire/descriptor.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
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

constexpr int most_tries = 1000; // a group that a worker has divided cannot be removed at all

std::string name_of_group(int parent, int child)
{
    return "wodehaus-" + std::to_string(parent) + '-' + std::to_string(child);
}

/// The parent in such a name.
std::optional<int> parent_in(std::string_view name)
{
    constexpr std::string_view prefix = "wodehaus-";
    if (!name.starts_with(prefix))
        return std::nullopt;
    name.remove_prefix(prefix.size());
    int parent = 0, child = 0;
    auto const* end = name.data() + name.size();
    auto [at, error] = std::from_chars(name.data(), end, parent);
    if (error != std::errc{} || at == end || *at != '-')
        return std::nullopt;
    auto [last, second_error] = std::from_chars(at + 1, end, child);
    return second_error == std::errc{} && last == end ? std::optional{parent} : std::nullopt;
}

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

std::optional<std::uint64_t> number_in_text(std::string_view text, std::string_view word)
{
    std::optional<std::uint64_t> number;
    for_each_piece(text, '\n', [&](std::string_view line) {
        if (line.starts_with(word) && line.substr(word.size()).starts_with(' '))
            number = std::strtoull(std::string{line.substr(word.size() + 1)}.c_str(), nullptr, 10);
    });
    return number;
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

std::optional<std::string> own_cgroup(std::string const& proc)
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
    return number_in_text(content(file), word);
}

std::uint64_t memory_in(std::string const& group)
{
    auto text = content(group + "/memory.stat"); // read once: the kernel adds it up each time
    return number_in_text(text, "anon").value_or(0) + number_in_text(text, "shmem").value_or(0);
}

memory_groups::memory_groups(std::string const& proc, std::string const& cgroups)
{
    auto own = own_cgroup(proc);
    if (!own || *own == "/")
        return;
    auto last = own->rfind('/');
    if (parent_in(own->substr(last + 1)))
        return; // a server within a worker: its processes stay within what that one may have
    auto around = cgroups + own->substr(0, last);
    bool can_kill = ::access((around + "/cgroup.kill").c_str(), W_OK) == 0; // since Linux 5.14
    if (can_kill && is_delegated(around) && divides_memory(around))
        folder_ = around;
}

std::optional<std::string> memory_groups::enter(std::uint64_t bytes) const
{
    if (folder_.empty())
        return std::nullopt;
    auto group = folder_ + '/' + name_of_group(::getppid(), ::getpid());
    ::rmdir(group.c_str()); // what has this name was left by another of this number
    if (::mkdir(group.c_str(), 0755) != 0)
        return std::nullopt;
    constexpr std::uint64_t beyond_all = std::uint64_t{1} << 60;
    auto most = bytes < beyond_all ? std::to_string(bytes + bytes / 16 + (16u << 20)) : "max";
    write_to(group + "/memory.swap.max", "0"); // there is no such file without swap
    if (write_to(group + "/memory.max", most) && write_to(group + "/memory.oom.group", "1") &&
        write_to(group + "/cgroup.procs", "0"))
        return group;
    ::rmdir(group.c_str());
    return std::nullopt;
}

std::optional<bool> memory_groups::end(int pid) noexcept
try {
    if (folder_.empty())
        return std::nullopt;
    auto group = folder_ + '/' + name_of_group(::getpid(), pid);
    auto kills = number_in(group + "/memory.events", "oom_kill");
    if (!kills)
        return std::nullopt;
    if (number_in(group + "/cgroup.events", "populated") != 0)
        write_to(group + "/cgroup.kill", "1");
    dying_.push_back({group});
    remove_dead();
    return *kills > 0;
} catch (std::exception const&) {
    return std::nullopt; // no memory for a path; the group stays until this process is dead
}

void memory_groups::remove_dead() noexcept
{
    std::erase_if(dying_, [](dying& each) {
        return ::rmdir(each.group.c_str()) == 0 || errno != EBUSY || ++each.tries == most_tries;
    });
}

void memory_groups::remove_all() noexcept
try {
    if (folder_.empty())
        return;
    for (int i = 0; i < 100 && !dying_.empty(); ++i) {
        remove_dead();
        if (!dying_.empty())
            std::this_thread::sleep_for(std::chrono::milliseconds{1}); // that a group is empty is told to none who waits
    }
    std::unique_ptr<DIR, int (*)(DIR*)> folder{::opendir(folder_.c_str()), ::closedir};
    while (auto const* each = folder ? ::readdir(folder.get()) : nullptr)
        if (auto parent = parent_in(each->d_name); parent && ::kill(*parent, 0) != 0 && errno == ESRCH)
            ::rmdir((folder_ + '/' + each->d_name).c_str()); // refused where there is a process in it
} catch (std::exception const&) {
    // no memory for a path: the next run does it
}

} // namespace wodehaus::detail
