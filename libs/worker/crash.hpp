// What a process tells of its own end by a signal or by an exception that nobody has caught, and of where its threads are
// when its server asks.
#pragma once

namespace wodehaus::detail {

/// By this signal the server asks where the threads are.
int stack_signal() noexcept;

/// Installs the handlers, for this process and what is forked from it. They cost what follows nothing. What preload or a
/// worker installs itself takes precedence.
void prepare_to_tell_stacks() noexcept;
/// From now on this process tells: what it forks itself, and has the channel too, does not.
void tell_own_stacks() noexcept;

} // namespace wodehaus::detail
