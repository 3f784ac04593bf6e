// What a process tells of its own end by a signal or by an exception that nobody has caught, and of where its threads are
// when its server asks.
#pragma once

namespace wodehaus::detail {

/// By this signal the server asks where the threads are.
int stack_signal() noexcept;

/// What takes locks, and so is done before a program with threads forks. Cheap after the first time.
void look_up_for_stacks() noexcept;
/// Installs the handlers, for this process and what is forked from it. They cost what follows nothing. What preload or a
/// worker installs itself takes precedence.
void handle_crashes_and_questions() noexcept;
/// In a fork of a program with threads: ends it, by SIGALRM, if one of them was in the unwinder at the fork and its lock
/// is held for ever. Then no exception could be thrown, and no stack told.
void end_if_unwinder_hangs() noexcept;
/// From now on this process tells: what it forks itself, and has the channel too, does not.
void tell_own_stacks() noexcept;

} // namespace wodehaus::detail
