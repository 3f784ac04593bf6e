// What a zygote says before it forks.
#include "launch/zygote_greeting.hpp"

#include "worker/one_line.hpp"

#include <cstring>

namespace wodehaus::detail {

namespace {

constexpr std::size_t longest_greeting = 64 << 10; // what static initialisers write included

} // namespace

zygote_greeting::zygote_greeting(options const& how) : how_(how), reader_(longest_greeting, largest_body(how.max_message)) {}

bool zygote_greeting::take(std::span<char const> packet)
{
    auto space = reader_.space();
    if (packet.size() > space.size())
        return false;
    std::memcpy(space.data(), packet.data(), packet.size());
    reader_.filled(packet.size());
    begun_ = begun_ || reader_.skip_preamble();
    if (!begun_)
        return true;
    for (frame message; !refused_ && !ready_;) {
        switch (reader_.next(message)) {
        case frame_reader::status::more:
            return true;
        case frame_reader::status::frame:
            take(message);
            break;
        default:
            return false;
        }
    }
    return true;
}

void zygote_greeting::take(frame const& message)
{
    if (!greeted_) {
        refused_ = judge_hello(message, how_);
        greeted_ = !refused_;
    } else if (message.header.kind == frame_kind::failed) {
        threw_ = read_failure(message.body.bytes()).what;
    } else if (message.header.kind == frame_kind::ready) {
        ready_ = true;
        threads_left_behind_ = message.header.id > 1 ? message.header.id - 1 : 0;
        name_ = in_one_line({message.body.data(), message.body.size()});
    }
}

} // namespace wodehaus::detail
