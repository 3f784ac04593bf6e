// A WebP file is a RIFF file: chunks of a name, a size and that many bytes, padded to an even length. A frame of an
// animation is a chunk ANMF: a header of 16 bytes, then the chunks that would make a still picture.
#include "webp.hpp"

#include <cstdint>
#include <cstring>

namespace {

constexpr std::size_t chunk_header = 8, file_header = 12, frame_header = 16;

struct chunk {
    std::string_view name, body, rest;
};

std::uint32_t little_endian(std::string_view bytes)
{
    std::uint32_t value = 0;
    for (std::size_t i = bytes.size(); i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(bytes[i]);
    return value;
}

std::string little_endian(std::uint32_t value)
{
    std::string bytes;
    for (int i = 0; i < 4; ++i, value >>= 8)
        bytes += static_cast<char>(value & 0xff);
    return bytes;
}

// The chunk at the beginning, cut off where the file ends: a decoder will find out what is missing.
chunk take(std::string_view from)
{
    if (from.size() < chunk_header)
        return {};
    auto size = little_endian(from.substr(4, 4));
    auto body = from.substr(chunk_header, size);
    return {from.substr(0, 4), body, from.substr(std::min<std::size_t>(from.size(), chunk_header + size + size % 2))};
}

std::string make(std::string_view name, std::string_view body)
{
    std::string made{name};
    made += little_endian(static_cast<std::uint32_t>(body.size()));
    made += body;
    made.append(body.size() % 2, '\0');
    return made;
}

// A frame with an alpha chunk needs the extended header, which repeats the size that the frame's own header has.
std::string still(std::string_view frame)
{
    auto chunks = frame.substr(frame_header);
    std::string body{"WEBP"};
    if (take(chunks).name == "ALPH") {
        constexpr std::string_view has_alpha{"\x10\0\0\0", 4};
        body += make("VP8X", std::string{has_alpha} += frame.substr(6, 6));
    }
    body += chunks;
    return make("RIFF", body);
}

} // namespace

std::string first_frame(std::string file)
{
    std::string_view all{file};
    if (!all.starts_with("RIFF") || all.substr(0, file_header).substr(8) != "WEBP")
        return file;
    for (chunk each = take(all.substr(file_header)); !each.name.empty(); each = take(each.rest))
        if (each.name == "ANMF" && each.body.size() > frame_header)
            return still(each.body);
    return file;
}
