// Pages on disk.
#pragma once

#include <filesystem>
#include <string>

/// Puts a file where another may be: whoever looks finds the old one or the new one. Throws `std::system_error`.
void replace(std::filesystem::path const& file, std::string const& content);
