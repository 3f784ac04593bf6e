// What a process says of itself, for a log or a terminal.
#pragma once

#include <string>
#include <string_view>

namespace wodehaus::detail {

/// Without line breaks, and with question marks for what a terminal would obey.
std::string in_one_line(std::string_view text);
void put_in_one_line(std::string& text);

} // namespace wodehaus::detail
