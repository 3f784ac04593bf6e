// Makes each worker a fuzz target of LLVM's libFuzzer: `program --wodehaus-fuzz WORKER [libFuzzer's own options]`.
#pragma once

#include <functional>
#include <string_view>

namespace wodehaus::detail {

inline constexpr char const fuzz_argument[] = "--wodehaus-fuzz";

/// Whether this is what asks for it: `--wodehaus-fuzz`, with the worker next, or `--wodehaus-fuzz=WORKER`.
bool asks_to_fuzz(std::string_view argument) noexcept;

/// Given the program's arguments, the first of which asks for it. Gives the status to exit with; the fuzzer, where the
/// program has it, may end the process itself. Without a worker it lists those that there are.
int fuzz(int argc, char** argv, std::function<void()> const& preload);

} // namespace wodehaus::detail
