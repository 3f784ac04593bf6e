// How long a new process may take to say what it must say. Long: a busy machine is no failure.
#pragma once

#include <chrono>

namespace wodehaus::detail {

inline constexpr std::chrono::seconds patience_for_hello{10};
inline constexpr std::chrono::seconds patience_for_preload{60};

} // namespace wodehaus::detail
