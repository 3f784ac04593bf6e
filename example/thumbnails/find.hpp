// Which pictures there are.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

struct pictures_found {
    std::vector<std::filesystem::path> files;                              ///< folder by folder, in order
    std::vector<std::pair<std::filesystem::path, std::string>> unreadable; ///< folders, and why
};

/// Finds all pictures below a folder. A picture is what has the name of one, whatever is in it: what that is comes out
/// where it can do no harm. Links to folders are not followed, since they may lead in circles; `without` is left out,
/// and so are the thumbnails of any contact sheet.
pictures_found find_pictures(std::filesystem::path const& folder, std::filesystem::path const& without);

/// The folder beside a contact sheet that has its thumbnails.
inline constexpr char const thumbnails_folder[] = "contact-thumbnails";
