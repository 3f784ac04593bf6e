// Runs a kept job again, in this process and alone: `program --wodehaus-replay FILE`.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace wodehaus::detail {

inline constexpr char const replay_argument[] = "--wodehaus-replay";

/// Given what follows that argument: a file, which is replayed; a folder, whose kept jobs are listed; or nothing: how it
/// is used, and a list of the current folder. Gives the status to exit with: 0 if the worker returned, 1 if the job
/// failed again, 2 if it could not be tried, or the list not be written. A worker that calls `exit` has failed, and ends
/// the process with 1.
int replay(std::vector<std::string> const& arguments, std::function<void()> const& preload);

} // namespace wodehaus::detail
