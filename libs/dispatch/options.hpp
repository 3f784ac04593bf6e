// Which options make sense.
#pragma once

#include <wodehaus/options.hpp>

namespace wodehaus::detail {

/// Throws `std::invalid_argument` that names the first member that does not.
void check(options const& how);

/// Those that a launch leaves no choice, as it has them.
options effective(options how);

} // namespace wodehaus::detail
