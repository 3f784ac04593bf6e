// What a function is called, without what it returns and takes.
#pragma once

#include <string_view>

namespace wodehaus::detail {

/// The qualified name in a demangled one, which for a template begins with what it returns: of
/// "std::string shop::render<int>(int)" it is "shop::render<int>". What lies in a function has that one's parameters in
/// its name: "shop::draw(int)::{lambda(char)#1}::operator()". Of what is not understood, some of it.
std::string_view function_name(std::string_view demangled);

} // namespace wodehaus::detail
