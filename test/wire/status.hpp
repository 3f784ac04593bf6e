// What a reader of frames answers, as text for BOOST_TEST.
#pragma once

#include "wire/frame.hpp"

#include <ostream>

namespace wodehaus::detail {

inline std::ostream& boost_test_print_type(std::ostream& stream, frame_reader::status value)
{
    static constexpr char const* names[] = {"more", "frame", "too_large", "garbage"};
    return stream << names[static_cast<int>(value)];
}

} // namespace wodehaus::detail
