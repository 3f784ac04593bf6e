// How often the kernel has killed a process for want of memory: by that a SIGKILL of its is told from somebody else's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace wodehaus::detail {

class oom_kills {
public:
    explicit oom_kills(std::string proc = "/proc", std::string cgroups = "/sys/fs/cgroup")
        : proc_(std::move(proc)), cgroups_(std::move(cgroups))
    {
    }

    /// The count when a process is born, looked up once in a second at most; nothing if it cannot be had.
    std::optional<std::uint64_t> at_birth();
    /// A process that was born at this count was killed by SIGKILL: was it by the kernel? Each of the kernel's kills
    /// explains one.
    bool has_killed(std::uint64_t at_birth);

private:
    std::optional<std::uint64_t> read() const;

    std::string proc_, cgroups_;
    std::optional<std::uint64_t> last_;
    std::optional<std::chrono::steady_clock::time_point> looked_at_;
    std::uint64_t explained_ = 0; ///< up to this count
};

} // namespace wodehaus::detail
