// What a process tells of its own end by a signal, or by an exception that nobody has caught.
#pragma once

namespace wodehaus::detail {

/// From now on a crash of this process, and of what is forked from it, is told by the process that calls
/// `tell_own_crashes`. Costs what follows nothing. What preload or a worker installs itself takes precedence.
void prepare_to_tell_crashes() noexcept;
/// Of this process: not of what it forks itself, for that has the channel, too.
void tell_own_crashes() noexcept;

} // namespace wodehaus::detail
