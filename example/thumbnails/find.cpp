#include "find.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 21> extensions{".jpg", ".jpeg", ".jpe", ".jfif", ".png",  ".webp", ".gif",
                                                      ".tif", ".tiff", ".bmp", ".dib",  ".heic", ".heif", ".avif",
                                                      ".jxl", ".pbm",  ".pgm", ".ppm",  ".pnm",  ".pam",  ".pcx"};

bool is_picture(fs::path const& file)
{
    auto extension = file.extension().string();
    for (char& each : extension)
        if (each >= 'A' && each <= 'Z')
            each = static_cast<char>(each - 'A' + 'a');
    return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

bool is_same(fs::path const& one, fs::path const& other)
{
    std::error_code missing;
    return fs::equivalent(one, other, missing);
}

void search(fs::path const& folder, fs::path const& without, pictures_found& found)
{
    std::vector<fs::path> files, folders;
    std::error_code error;
    for (fs::directory_iterator each{folder, error}, end; !error && each != end; each.increment(error)) {
        std::error_code unknown;
        if (each->symlink_status(unknown).type() == fs::file_type::directory)
            folders.push_back(each->path());
        else if (is_picture(each->path()))
            files.push_back(each->path());
    }
    if (error)
        found.unreadable.emplace_back(folder, error.message());
    std::sort(files.begin(), files.end());
    found.files.insert(found.files.end(), files.begin(), files.end());

    std::sort(folders.begin(), folders.end());
    for (auto const& each : folders)
        if (each.filename() != thumbnails_folder && !is_same(each, without))
            search(each, without, found);
}

} // namespace

pictures_found find_pictures(fs::path const& folder, fs::path const& without)
{
    pictures_found found;
    search(folder, without, found);
    return found;
}
