// What the ways have in common in which somebody runs a worker by hand: a kept job again, or under a fuzzer.
#pragma once

#include "worker/kept_job.hpp"

#include <functional>
#include <string>

namespace wodehaus::detail {

/// What the process exits with.
enum by_hand_status : int { returned = 0, failed_again = 1, not_tried = 2 };

/// A line on standard error, after this library's name.
[[gnu::format(printf, 1, 2)]] void say(char const* format, ...);

/// As a terminal may have it: what a worker has thrown, or printed, can be anything.
std::string printable(std::string text);

/// Runs it here; of what it throws somebody is told. Gives whether it returned.
bool preload_by_hand(std::function<void()> const& preload);

/// Null if this program does not have it. By its place in the program where this build kept the job, else by its name
/// and types.
registration const* worker_of(kept_job const& about);

} // namespace wodehaus::detail
