// options::memory by the kernel's own account: a cgroup for each process and all that it starts, where cgroups of
// version 2 are delegated to this program. What RLIMIT_DATA does not count (children together, shared memory, files in
// memory) is bounded, too, and the kernel tells whom it has killed for it. As systemd's CGROUP_DELEGATION asks, groups are
// made only below a group that bears its mark of delegation: beside the one that this process is in, since one with
// processes of its own cannot divide its memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wodehaus::detail {

/// The group of version 2 that this process is in: a path that begins with a slash, below where they are mounted.
std::optional<std::string> own_memory_group(std::string const& proc = "/proc");

/// The number behind this word, at the beginning of a line of a file.
std::optional<std::uint64_t> number_in(std::string const& file, std::string_view word);

/// This process goes into a group of its own, where there may be one, as `memory_groups::enter` says. 0: no limit.
void enter_memory_group(std::uint64_t bytes) noexcept;
/// Removes the groups that nobody is in.
void remove_memory_groups() noexcept;

/// The groups of a server's processes. Each is named after its process's id, so that the server need not be told.
class memory_groups {
public:
    /// Looks for a place for them.
    explicit memory_groups(std::string const& proc = "/proc", std::string const& cgroups = "/sys/fs/cgroup");

    /// Whether there is one.
    explicit operator bool() const noexcept { return !folder_.empty(); }

    /// This process goes into a group of its own that may have so many bytes, and a little for what the kernel needs:
    /// what is private is to meet RLIMIT_DATA first, which the program hears of. False if there is none for it, and then
    /// all is as it was. The move may take the kernel some 10 ms.
    bool enter(std::uint64_t bytes) const noexcept;

    // For the server.
    /// Whether the kernel has killed in this process's group for want of memory.
    bool has_killed(int pid) const;
    /// Kills what is left of this process's group, and removes it; what is not dead yet, with the next one.
    void remove(int pid);
    /// Removes what is left, for which it waits a moment, and groups that servers have left behind which were killed.
    void remove_all();

private:
    std::string group_of(int pid) const;
    void remove_dead();

    std::string folder_;
    std::vector<int> dying_;
};

} // namespace wodehaus::detail
