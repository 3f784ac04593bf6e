// Files that tests read.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace kit {

/// All that is in a file. Throws if there is none.
inline std::string content_of(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    if (!in)
        throw std::runtime_error{"there is no " + file.string()};
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline std::string content_if_any(std::filesystem::path const& file)
{
    return std::filesystem::exists(file) ? content_of(file) : "";
}

} // namespace kit
