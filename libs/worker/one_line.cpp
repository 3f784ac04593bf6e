// What a process says of itself, for a log or a terminal.
#include "worker/one_line.hpp"

namespace wodehaus::detail {

void put_in_one_line(std::string& text)
{
    std::size_t size = 0;
    auto ends_with_space = [&] { return size == 0 || text[size - 1] == ' '; };
    for (char each : text) {
        bool is_space = each == ' ' || (each >= '\t' && each <= '\r');
        if (!is_space)
            text[size++] = is_control(each) ? '?' : each;
        else if (!ends_with_space())
            text[size++] = ' ';
    }
    text.resize(size > 0 && ends_with_space() ? size - 1 : size);
}

std::string in_one_line(std::string_view text)
{
    std::string line{text};
    put_in_one_line(line);
    return line;
}

} // namespace wodehaus::detail
