// What a process has used.
#include "worker/usage.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace wodehaus::detail {

namespace {

usage_message usage_of(int whom) noexcept
{
    rusage used{};
    ::getrusage(static_cast<__rusage_who>(whom), &used);
    auto nanoseconds = [](timeval const& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000; };
    return {nanoseconds(used.ru_utime), nanoseconds(used.ru_stime), static_cast<std::uint64_t>(used.ru_maxrss) * 1024};
}

} // namespace

// As its reaping will tell it.
usage_message usage_of_process() noexcept
{
    auto own = usage_of(RUSAGE_SELF), its_children = usage_of(RUSAGE_CHILDREN);
    return {own.user_time + its_children.user_time, own.system_time + its_children.system_time,
            std::max(own.peak_memory, its_children.peak_memory)};
}

usage_message usage_of_thread() noexcept
{
    return usage_of(RUSAGE_THREAD);
}

} // namespace wodehaus::detail
