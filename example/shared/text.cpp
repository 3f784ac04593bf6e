#include "shared/text.hpp"

#include <cstdint>
#include <cstdio>

namespace {

// The bytes of the character at the beginning; 0 if that is not UTF-8, or is nothing that one can see.
std::size_t character(std::string_view text)
{
    auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    auto first = at(0);
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size)
        return 0;
    std::uint32_t code = first & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((at(i) & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at(i) & 0x3fu);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool is_surrogate = code >= 0xd800 && code < 0xe000;
    bool is_control = code < 0xa0 || (code >= 0x2028 && code < 0x202f) || (code >= 0x2066 && code < 0x206a);
    return code < least[size] || code > 0x10ffff || is_surrogate || is_control ? 0 : size;
}

std::string hexadecimal(char const* form, char byte)
{
    char text[8];
    std::snprintf(text, sizeof text, form, static_cast<unsigned>(static_cast<unsigned char>(byte)));
    return text;
}

} // namespace

std::string printable(std::string_view bytes)
{
    std::string text;
    while (!bytes.empty()) {
        auto size = character(bytes);
        if (size == 0)
            text += hexadecimal("\\x%02x", bytes.front());
        else
            text += bytes.substr(0, size);
        bytes.remove_prefix(size == 0 ? 1 : size);
    }
    return text;
}

std::string html(std::string_view bytes)
{
    std::string text;
    for (char each : printable(bytes))
        switch (each) {
        case '&':
            text += "&amp;";
            break;
        case '<':
            text += "&lt;";
            break;
        case '>':
            text += "&gt;";
            break;
        case '"':
            text += "&quot;";
            break;
        case '\'':
            text += "&#39;";
            break;
        default:
            text += each;
        }
    return text;
}

std::string url(std::string_view path)
{
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    std::string reference;
    for (char each : path)
        if (plain.find(each) != plain.npos)
            reference += each;
        else
            reference += hexadecimal("%%%02X", each);
    return reference;
}

std::string counted(std::size_t count, std::string const& one, std::string const& many)
{
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}
