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
std::optional<std::string> own_cgroup(std::string const& proc = "/proc");

/// The number behind this word, at the beginning of a line of a file.
std::optional<std::uint64_t> number_in(std::string const& file, std::string_view word);

/// What is in a group, without the files that the kernel can drop: memory of its processes, what they share, and files in
/// memory.
std::uint64_t memory_in(std::string const& group);

/// The groups of this process's children. Each is named after its parent and itself, so that neither need tell the other,
/// and nobody takes a group for left behind whose parent lives.
class memory_groups {
public:
    /// Looks for a place for them.
    explicit memory_groups(std::string const& proc = "/proc", std::string const& cgroups = "/sys/fs/cgroup");

    /// Whether there is one, and where.
    explicit operator bool() const noexcept { return !folder_.empty(); }
    std::string const& folder() const noexcept { return folder_; }

    /// In a child: it goes into a group of its own that may have so many bytes, and a little for what the kernel needs,
    /// since what is private is to meet RLIMIT_DATA first, which the program hears of. Gives its path; nothing if there is
    /// none for it, and then all is as it was. The move may take the kernel some 10 ms.
    std::optional<std::string> enter(std::uint64_t bytes) const;

    /// In the parent, of a child that has ended and is not reaped, so that its number is its own: whether the kernel has
    /// killed in its group for want of memory; nothing if it had none. What is left in the group is killed, and the group
    /// removed, at the latest with those after it.
    std::optional<bool> end(int pid) noexcept;
    /// Removes what is left of those, for which it waits a moment, and the empty groups whose parent is dead.
    void remove_all() noexcept;

private:
    struct dying {
        std::string group;
        int tries = 0;
    };
    void remove_dead() noexcept;

    std::string folder_;
    std::vector<dying> dying_;
};

} // namespace wodehaus::detail
