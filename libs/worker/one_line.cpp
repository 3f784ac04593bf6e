// What a process says of itself, for a log or a terminal.
#include "worker/one_line.hpp"

namespace wodehaus::detail {

std::string in_one_line(std::string_view text)
{
    std::string line;
    for (char each : text) {
        bool is_space = each == ' ' || (each >= '\t' && each <= '\r');
        bool is_control = static_cast<unsigned char>(each) < ' ' || each == '\x7f';
        if (!is_space)
            line += is_control ? '?' : each;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    if (!line.empty() && line.back() == ' ')
        line.pop_back();
    return line;
}

} // namespace wodehaus::detail
