// One body, every way of having processes.
#pragma once

#include "test/kit/nothing_left.hpp"
#include "test/kit/sanitizer.hpp"

#include <wodehaus/options.hpp>

#include <stdexcept>
#include <string_view>

namespace kit {

struct way {
    char const* name;
    wodehaus::launch launch;
    std::size_t jobs_per_process;
    std::size_t prefetch;

    bool kept() const { return jobs_per_process != 1; }
    wodehaus::options operator()(wodehaus::options how = {}) const
    {
        how.launch = launch;
        how.jobs_per_process = jobs_per_process;
        if (kept())
            how.prefetch = prefetch;
        return how;
    }
};

inline constexpr way zygote_fresh{"zygote, fresh", wodehaus::launch::zygote, 1, 0};
inline constexpr way zygote_kept{"zygote, kept", wodehaus::launch::zygote, 0, 0};
inline constexpr way zygote_ahead{"zygote, kept, prefetch 3", wodehaus::launch::zygote, 0, 3};
inline constexpr way exec_fresh{"exec, fresh", wodehaus::launch::exec, 1, 0};
inline constexpr way exec_kept{"exec, kept", wodehaus::launch::exec, 0, 0};
inline constexpr way exec_ahead{"exec, kept, prefetch 3", wodehaus::launch::exec, 0, 3};

inline constexpr way fork_fresh{"fork, fresh", wodehaus::launch::fork, 1, 0};
inline constexpr way fork_kept{"fork, kept", wodehaus::launch::fork, 0, 0};
inline constexpr way fork_ahead{"fork, kept, prefetch 3", wodehaus::launch::fork, 0, 3};
inline constexpr way in_process{"in_process", wodehaus::launch::in_process, 0, 0};

/// All that contain a crash.
inline constexpr way all_ways[] = {zygote_fresh, zygote_kept, zygote_ahead, exec_fresh, exec_kept,
                                   exec_ahead,   fork_fresh,  fork_kept,    fork_ahead};
inline constexpr way threads_too[] = {zygote_fresh, zygote_kept, zygote_ahead, exec_fresh, exec_kept,
                                      exec_ahead,   fork_fresh,  fork_kept,    fork_ahead, in_process};
inline constexpr way all_launches[] = {zygote_fresh, exec_fresh, fork_fresh};
/// Those that can be used while other threads of the server allocate.
#ifdef KIT_ADDRESS_SANITIZER
inline constexpr way launches_beside_threads[] = {zygote_fresh, exec_fresh};
#else
inline constexpr auto& launches_beside_threads = all_launches;
#endif
/// Those that start a program, which may be another one.
inline constexpr way both_launches[] = {zygote_fresh, exec_fresh};

/// For a program whose arguments say how it is to be a server.
inline way way_named(std::string_view name)
{
    for (way const& one : threads_too)
        if (name == one.name)
            return one;
    throw std::invalid_argument{"no such way"};
}
inline wodehaus::output output_named(std::string_view name)
{
    return name == "log"       ? wodehaus::output::log
           : name == "discard" ? wodehaus::output::discard
                               : wodehaus::output::inherit;
}

/// Calls the body with each way, and looks after each what is left.
template <class Ways, class Body>
void each(Ways const& ways, Body body)
{
    for (way const& one : ways) {
        BOOST_TEST_INFO_SCOPE(one.name);
        BOOST_TEST_CHECKPOINT(one.name);
        nothing_left guard;
        body(one);
    }
}
template <class Body>
void each_way(Body body)
{
    each(all_ways, body);
}
template <class Body>
void each_way_and_in_process(Body body)
{
    each(threads_too, body);
}
template <class Body>
void each_launch(Body body)
{
    each(all_launches, body);
}

} // namespace kit
