// How much memory a process may have: options::memory, beyond what it has when it can take jobs.
#pragma once

#include <cstdint>

namespace wodehaus::detail {

class memory_groups;

/// From now on this process, and each that it forks, may have so many bytes more of private writable memory than it has
/// now. 0: no limit.
void limit_memory(std::uint64_t bytes) noexcept;
/// After `limit_memory`, in each process for itself: where it may have a group of its own, that is limited, too.
void enter_memory_group(memory_groups const& groups) noexcept;
/// Whether it keeps more than half of that. Costs some microseconds, where there is a limit.
bool has_grown() noexcept;

/// For its lifetime there is a little more, to tell that there was too little.
class last_reserve {
public:
    last_reserve() noexcept;
    ~last_reserve();
    last_reserve(last_reserve const&) = delete;
    last_reserve& operator=(last_reserve const&) = delete;
};

} // namespace wodehaus::detail
