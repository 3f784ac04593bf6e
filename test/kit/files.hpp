// Files that tests read.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kit {

/// All that is in a file; empty if there is none.
inline std::string content_of(std::filesystem::path const& file)
{
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace kit
