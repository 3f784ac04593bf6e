// Animated WebP, which GraphicsMagick does not read.
#pragma once

#include <string>
#include <string_view>

/// The first frame of an animated WebP file, as a still one. What is not animated, or not WebP, is returned unchanged.
std::string first_frame(std::string file);
