// GraphicsMagick, on a short leash: without threads and signal handlers, with limits, for few formats.
#include "decoder.hpp"

#include "picture.hpp"
#include "webp.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <magick/api.h>

namespace {

// A header of a few bytes can announce a picture that fills the machine. JPEGs are decoded at a fraction of their size,
// so they may have more pixels than there is memory for.
constexpr std::int64_t most_pixels = 256 << 20, most_memory = 1 << 30, longest_side = 65'535;

// What may be decoded. GraphicsMagick goes by the content, whatever the file's name, and among the formats that it
// knows are PostScript, which starts another program, and scripts, which open other files.
constexpr std::array<std::string_view, 16> formats{"JPEG", "PNG",  "WEBP", "GIF", "TIFF", "BIGTIFF", "BMP", "HEIC",
                                                   "HEIF", "AVIF", "JXL",  "PBM", "PGM",  "PPM",     "PAM", "PCX"};

class problem { // GraphicsMagick's C functions want a place to report to
public:
    problem() { MagickLib::GetExceptionInfo(&info_); }
    problem(problem const&) = delete;
    problem& operator=(problem const&) = delete;
    ~problem() { MagickLib::DestroyExceptionInfo(&info_); }
    operator MagickLib::ExceptionInfo*() { return &info_; }

private:
    MagickLib::ExceptionInfo info_;
};

std::string format_of(std::string const& content)
{
    std::array<char, MaxTextExtent> name{};
    MagickLib::GetMagickFileFormat(reinterpret_cast<unsigned char const*>(content.data()), content.size(), name.data(),
                                   name.size(), problem{});
    std::string format{name.data()};
    if (format.empty())
        throw bad_picture{"its content is not that of a picture"};
    if (std::find(formats.begin(), formats.end(), format) == formats.end())
        throw bad_picture{"its content is " + format + ", which is not decoded here"};
    return format;
}

// "Magick: Corrupt image () reported by coders/gif.c:404 (DecodeImage)": people want the two words in the middle.
std::string in_short(std::string_view what)
{
    constexpr std::string_view prefix = "Magick: ";
    if (what.starts_with(prefix))
        what.remove_prefix(prefix.size());
    return std::string{what.substr(0, what.find(" ("))};
}

// Warnings count as errors too: a JPEG that was cut off is decoded, and grey where its end is missing.
void read(Magick::Image& image, std::string const& format, Magick::Blob const& content, std::uint32_t size)
{
    try {
        if (format == "JPEG") { // can be decoded at a fraction of its size, which saves most of the time and memory
            Magick::Image header;
            header.ping(content);
            if (std::max(header.columns(), header.rows()) > 2 * size) // it would be enlarged otherwise
                image.size(Magick::Geometry{size, size});
        }
        image.read(content);
    } catch (Magick::WarningCoder const&) {
        // a remark on something beside the pixels, such as a colour profile that is not as it should be
    } catch (Magick::Exception const& error) {
        auto what = in_short(error.what());
        if (what.find("limit") == what.npos)
            throw bad_picture{"damaged " + format + ": " + what};
        throw bad_picture{"it has more than " + std::to_string(most_pixels >> 20) + " megapixels, or needs more than " +
                          std::to_string(most_memory >> 20) + " MiB of memory"};
    }
}

// In WebP, EXIF data lack the prefix by which GraphicsMagick knows them.
void find_orientation(Magick::Image& image)
{
    std::string exif{"Exif\0\0", 6};
    exif += profile_of(image, "EXIF");
    image.profile("EXIF", Magick::Blob{exif.data(), exif.size()});
    auto orientation = image.attribute("EXIF:Orientation");
    if (orientation.size() == 1 && orientation >= "1" && orientation <= "8")
        image.orientation(static_cast<Magick::OrientationType>(orientation[0] - '0'));
}

} // namespace

void prepare_decoder()
{
    using namespace MagickLib;
    // Its signal handlers would make an exit of a crash. Its threads would not live on after the zygote's fork, and it
    // is we who use all processors.
    InitializeMagickEx(nullptr, MAGICK_OPT_NO_SIGNAL_HANDER, problem{});
    SetMagickResourceLimit(ThreadsResource, 1);
    SetMagickResourceLimit(PixelsResource, most_pixels);
    SetMagickResourceLimit(WidthResource, longest_side);
    SetMagickResourceLimit(HeightResource, longest_side);
    SetMagickResourceLimit(MemoryResource, most_memory);
    SetMagickResourceLimit(MapResource, 0); // what does not fit into memory shall not go to the disk
    SetMagickResourceLimit(DiskResource, 0);
}

decoded decode(std::string content, std::uint32_t size)
{
    auto format = format_of(content);
    decoded picture;
    auto& image = picture.image;
    image.subImage(0);
    image.subRange(1);
    if (format == "WEBP")
        content = first_frame(std::move(content));
    read(image, format, Magick::Blob{content.data(), content.size()}, size);
    picture.width = image.baseColumns();
    picture.height = image.baseRows();

    if (format == "HEIC" || format == "HEIF" || format == "AVIF")
        return picture; // the decoder has turned it
    if (format == "WEBP")
        find_orientation(image);
    if (image.orientation() >= Magick::LeftTopOrientation) // it lies on its side
        std::swap(picture.width, picture.height);
    image.autoOrient();
    return picture;
}

std::string profile_of(Magick::Image const& image, char const* name)
{
    std::size_t size = 0;
    auto const* bytes = MagickLib::GetImageProfile(image.constImage(), name, &size);
    return bytes ? std::string(reinterpret_cast<char const*>(bytes), size) : std::string{};
}

bool is_opaque(Magick::Image const& image)
{
    return !image.matte() || MagickLib::IsOpaqueImage(image.constImage(), problem{});
}
