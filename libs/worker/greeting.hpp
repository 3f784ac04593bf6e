// What a new process says before it takes jobs.
#pragma once

#include <functional>

namespace wodehaus::detail {

/// Who it is, before preload.
void say_hello() noexcept;
/// What preload throws is told to the server, and ends the process.
void run_preload(std::function<void()> const& preload);
/// That it can take jobs, and its name.
void say_ready();

} // namespace wodehaus::detail
