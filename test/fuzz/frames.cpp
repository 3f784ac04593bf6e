// The stream of frames that a process sends, as its server reads it: chatter, the preamble, frames.
#include "test/fuzz/target.hpp"

#include "wire/frame.hpp"

using namespace wodehaus::detail;

namespace {

constexpr std::size_t buffer = 256, largest = 4096;

/// What a stream was cut into.
struct reading {
    frame_reader reader{buffer, largest};
    bool awaits_preamble;
    std::size_t given = 0, taken = 0;

    // False at the end of the conversation.
    bool take()
    {
        if (awaits_preamble) {
            if (auto before = reader.skip_preamble()) {
                awaits_preamble = false;
                taken += before->size() + preamble.size();
            } else if (reader.unread().size() == buffer) {
                return false;
            } else {
                return true;
            }
        }
        for (frame message;;) {
            bool whole = reader.has_frame();
            switch (reader.next(message)) {
            case frame_reader::status::more:
                return true;
            case frame_reader::status::frame:
                fuzz::hold(whole && is_plausible(message.header));
                fuzz::hold(message.body.size() == message.header.size && message.body.size() <= largest);
                taken += sizeof message.header + message.body.size();
                fuzz::hold(taken <= given);
                break;
            default:
                return false;
            }
        }
    }
};

} // namespace

void fuzz::one(std::span<char const> bytes)
{
    parts input{bytes};
    auto step = std::size_t{1} + input.take<std::uint8_t>();
    reading all{.awaits_preamble = (input.take<std::uint8_t>() & 1) != 0};
    while (!input.empty()) {
        auto space = all.reader.space();
        hold(!space.empty());
        auto piece = input.take_bytes(std::min(step, space.size()));
        std::memcpy(space.data(), piece.data(), piece.size());
        all.reader.filled(piece.size());
        all.given += piece.size();
        if (!all.take())
            return;
    }
    hold(all.given == all.taken || all.reader.has_part());
}

std::vector<std::string> fuzz::seeds()
{
    payload frames;
    std::string const body(1000, 'b');
    append_frame(frames, frame_kind::hello, 0, std::string_view{"0123456789abcdef"});
    append_frame(frames, frame_kind::ready, 1, {});
    append_frame(frames, frame_kind::result, 1, body);
    append_frame(frames, frame_kind::bell, 0, {});
    append_frame(frames, frame_kind::failed, 2, std::string_view{"why"});
    auto text = text_of(frames);
    auto greeted = "a banner\n" + std::string{preamble} + text;
    return {std::string{"\x06\0", 2} + text, "\xff" + std::string(1, '\0') + text, "\x06\x01" + greeted,
            "\xff\x01" + greeted};
}
