// Files with code in them.
#include "launch/code_file.hpp"

#include "wire/descriptor.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <iterator>
#include <vector>

#include <fcntl.h>
#include <link.h>
#include <unistd.h>

namespace wodehaus::detail {

bool is_of_system(std::string const& file)
{
    return file.starts_with("/lib/") || file.starts_with("/lib64/") || file.starts_with("/usr/lib/");
}

bool is_stripped(std::string const& file)
{
    ElfW(Ehdr) header{};
    descriptor from{::open(file.c_str(), O_RDONLY | O_CLOEXEC)};
    constexpr unsigned char own_class = sizeof(void*) == 8 ? ELFCLASS64 : ELFCLASS32;
    if (!from || ::pread(from.get(), &header, sizeof header, 0) != sizeof header ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != own_class ||
        header.e_shentsize != sizeof(ElfW(Shdr)))
        return false;
    std::vector<ElfW(Shdr)> sections(header.e_shnum);
    auto size = sections.size() * sizeof(ElfW(Shdr));
    auto got = ::pread(from.get(), sections.data(), size, static_cast<off_t>(header.e_shoff));
    return got == static_cast<ssize_t>(size) &&
           std::none_of(sections.begin(), sections.end(), [](auto const& each) { return each.sh_type == SHT_SYMTAB; });
}

std::string in_hex(std::uint64_t address)
{
    char text[2 + 16] = {'0', 'x'};
    auto end = std::to_chars(text + 2, std::end(text), address, 16).ptr;
    return {text, end};
}

} // namespace wodehaus::detail
