// How often the kernel has killed a process for want of memory.
#include "launch/oom_kills.hpp"

#include "worker/memory_groups.hpp"

#include <algorithm>

namespace wodehaus::detail {

// Its own cgroup tells of no others; where there is none with such a count, the whole machine does.
std::optional<std::uint64_t> oom_kills::read() const
{
    if (auto group = own_cgroup(proc_))
        if (auto count = number_in(cgroups_ + *group + "/memory.events", "oom_kill"))
            return count;
    return number_in(proc_ + "/vmstat", "oom_kill");
}

std::optional<std::uint64_t> oom_kills::at_birth()
{
    auto now = std::chrono::steady_clock::now();
    if (!looked_at_ || now - *looked_at_ >= std::chrono::seconds{1}) {
        looked_at_ = now;
        last_ = read();
    }
    return last_;
}

bool oom_kills::has_killed(std::uint64_t at_birth)
{
    auto known = std::max(at_birth, explained_);
    auto now = read();
    if (!now || *now <= known)
        return false;
    explained_ = known + 1;
    return true;
}

} // namespace wodehaus::detail
