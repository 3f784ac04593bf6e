// How long others may take for what they must do. Long: a busy machine is no failure.
#pragma once

#include <chrono>

namespace wodehaus::detail {

inline constexpr std::chrono::seconds patience_for_hello{10};
inline constexpr std::chrono::seconds patience_for_preload{60};
inline constexpr std::chrono::seconds patience_for_orphans{1}; // that were killed already

} // namespace wodehaus::detail
