// Who is told where the user has said nothing.
#include <wodehaus/logger.hpp>

#include <cstdio>

namespace wodehaus {

void errors_to_stderr::operator()(level importance, std::string_view line) const
{
    if (importance == level::error)
        std::fprintf(stderr, "wodehaus: %.*s\n", static_cast<int>(line.size()), line.data());
}

} // namespace wodehaus
