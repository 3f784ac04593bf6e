// GraphicsMagick, on a short leash.
#pragma once

#include <cstdint>
#include <string>

#include <Magick++.h>

/// Makes it ready, once in the zygote: every worker begins with what is set up here.
void prepare_decoder();

struct decoded {
    Magick::Image image;
    std::uint32_t width = 0, height = 0; ///< in the file; the image may have fewer pixels
};

/// The first picture in a file's content, upright; if its format allows it, at a fraction of its size that is enough
/// for a thumbnail of that size. Throws `bad_picture`.
decoded decode(std::string content, std::uint32_t size);

/// A profile of the picture ("ICM", "EXIF"); empty if it has none.
std::string profile_of(Magick::Image const& image, char const* name);

/// Whether it has no transparent pixel.
bool is_opaque(Magick::Image const& image);
