// What a process says of itself, for a log or a terminal.
#pragma once

#include <string>
#include <string_view>

namespace wodehaus::detail {

/// What a terminal would obey, line breaks included.
inline bool is_control(char each) noexcept
{
    return static_cast<unsigned char>(each) < ' ' || each == '\x7f';
}

/// Without line breaks, and with question marks for what a terminal would obey.
std::string in_one_line(std::string_view text);
void put_in_one_line(std::string& text);

} // namespace wodehaus::detail
