// Files with code in them: programs and shared objects.
#pragma once

#include <cstdint>
#include <string>

namespace wodehaus::detail {

/// Whether a file is one of the system's, which mostly have no more names than those that they export.
bool is_of_system(std::string const& file);

/// Whether this is an ELF file with no names but those that it exports.
bool is_stripped(std::string const& file);

/// An address, as tools write it: "0x1f".
std::string in_hex(std::uint64_t address);

} // namespace wodehaus::detail
