// The contact sheet: a page with all thumbnails, and with what failed.
#pragma once

#include "picture.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

struct sheet_entry {
    std::filesystem::path file;
    std::optional<thumbnail> made;
    std::string why; ///< there is no thumbnail; empty if it was not tried
};

struct contact_sheet {
    std::filesystem::path folder;     ///< where the pictures are
    std::vector<sheet_entry> entries; ///< folder by folder
    std::chrono::duration<double> elapsed{};

    std::size_t made() const;
    std::size_t failed() const;
    std::size_t left_out() const { return entries.size() - made() - failed(); }
    std::string name(sheet_entry const& entry) const; ///< its path below `folder`
};

/// Writes the page into the folder that has the thumbnails' folder. The old page stays until the new one is whole.
std::filesystem::path write(contact_sheet const& sheet, std::filesystem::path const& output);
