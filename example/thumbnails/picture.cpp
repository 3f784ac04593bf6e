// What a worker does.
#include "picture.hpp"

#include "decoder.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace {

constexpr std::uintmax_t largest_file = 512 << 20; // bytes

std::string read_whole(std::string const& file)
{
    std::error_code error;
    auto status = std::filesystem::status(file, error);
    if (error)
        throw bad_picture{error.message()};
    if (!is_regular_file(status)) // to open a pipe is to wait for its writer
        throw bad_picture{"not a regular file"};
    auto size = std::filesystem::file_size(file);
    if (size == 0)
        throw bad_picture{"the file is empty"};
    if (size > largest_file)
        throw bad_picture{"the file has more than " + std::to_string(largest_file >> 20) + " MiB"};

    std::string content(static_cast<std::size_t>(size), '\0');
    std::ifstream in{file, std::ios::binary};
    if (!in.read(content.data(), static_cast<std::streamsize>(content.size())))
        throw bad_picture{in.eof() ? "the file became shorter" : std::generic_category().message(errno)};
    return content;
}

void make_small(Magick::Image& image, std::uint32_t size)
{
    auto coarse = 4 * size;
    if (std::max(image.columns(), image.rows()) > coarse)
        image.scale(Magick::Geometry{coarse, coarse}); // quick, and leaves little to the fine filter
    Magick::Geometry bound{size, size};
    bound.greater(true); // a picture that is small already stays as it is
    image.resize(bound, Magick::LanczosFilter, 1.0);
}

// Nothing of what the file says beside its pixels goes into the thumbnail (least of all where it was taken), apart from
// what its colours mean.
void keep_colours_only(Magick::Image& image)
{
    constexpr std::size_t too_much = 64 << 10;
    bool is_for_print = image.colorSpace() == Magick::CMYKColorspace;
    auto profile = profile_of(image, "ICM");
    image.strip();
    if (is_for_print)
        image.colorSpace(Magick::RGBColorspace);
    else if (!profile.empty() && profile.size() < too_much)
        image.iccColorProfile(Magick::Blob{profile.data(), profile.size()});
}

Magick::Blob encode(Magick::Image& image)
{
    image.magick(is_opaque(image) ? "JPEG" : "PNG");
    image.quality(85);
    Magick::Blob bytes;
    image.write(&bytes);
    return bytes;
}

// Whoever looks finds the whole file or none.
void write_whole(std::filesystem::path const& file, Magick::Blob const& bytes)
{
    auto meanwhile = std::filesystem::path{file}.replace_extension(".part");
    std::ofstream out{meanwhile, std::ios::binary | std::ios::trunc};
    out.write(static_cast<char const*>(bytes.data()), static_cast<std::streamsize>(bytes.length()));
    out.close();
    if (!out)
        throw std::system_error{errno, std::generic_category(), "cannot write " + meanwhile.string()};
    std::filesystem::rename(meanwhile, file);
}

} // namespace

thumbnail make_thumbnail(picture const& job)
{
    auto content = read_whole(job.file);
    thumbnail made;
    made.bytes = content.size();
    auto [image, full_width, full_height] = decode(std::move(content), job.size);
    made.full_width = full_width;
    made.full_height = full_height;

    make_small(image, job.size);
    keep_colours_only(image);
    auto bytes = encode(image);
    auto file = std::filesystem::path{job.thumbnail + (image.magick() == "PNG" ? ".png" : ".jpg")};
    write_whole(file, bytes);

    made.file = file.filename();
    made.width = static_cast<std::uint32_t>(image.columns());
    made.height = static_cast<std::uint32_t>(image.rows());
    return made;
}

void remove_leftovers(picture const& job)
{
    std::error_code missing;
    for (auto extension : {".part", ".jpg", ".png"})
        std::filesystem::remove(job.thumbnail + extension, missing);
}
