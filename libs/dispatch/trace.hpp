// Stacks in words: what a failure tells of where its process was.
#pragma once

#include "launch/symbolizer.hpp"
#include "worker/stack_message.hpp"

#include <functional>
#include <string>
#include <vector>

namespace wodehaus::detail {

/// What is known of a place by now; null: nothing.
using names_of = std::function<finding const*(file_place const&)>;

/// All places of these stacks that may have a name.
std::vector<file_place> places_of(std::vector<thread_stack> const& stacks);

/// A paragraph for each thread, the one that crashed first. `remark` goes below, if there is one.
std::string describe_stacks(std::vector<thread_stack> const& stacks, names_of const& names, std::string const& remark);

/// Where the crash is for the program's author: the innermost function of the program itself, "render at page.cpp:12".
/// Empty if it is not known.
std::string describe_place(thread_stack const& stack, names_of const& names);

/// What has happened to a process that was killed by a signal of its own: "by a null pointer (address 0x8)". Empty if the
/// signal says it all.
std::string describe_cause(thread_stack const& stack);

} // namespace wodehaus::detail
