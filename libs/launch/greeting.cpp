// What a process says of itself, read.
#include "launch/greeting.hpp"

#include "worker/registry.hpp"

#include <wodehaus/detail/archive.hpp>

#include <cstring>
#include <stdexcept>

namespace wodehaus::detail {

std::optional<refusal> judge_hello(frame const& hello, options const& how)
{
    if (hello.header.kind != frame_kind::hello || hello.body.size() != sizeof(hello_message))
        return refusal{errc::other_build, "the program speaks another version of this protocol; build both sides with "
                                          "the same version of wodehaus"};
    hello_message message;
    std::memcpy(&message, hello.body.data(), sizeof message);
    if (how.program.empty() && message.build != build_id())
        return refusal{errc::other_build, "the program on disk is another build than the one that runs; restart the "
                                          "server, or set options::program if that is meant"};
    return std::nullopt;
}

std::int64_t pid_in(frame const& hello)
{
    hello_message message;
    std::memcpy(&message, hello.body.data(), sizeof message);
    return message.pid;
}

failure_message read_failure(std::span<char const> body)
{
    try {
        failure_message message;
        if (body.size() > 2 * longest_account) // more than that is not said by ours
            throw std::length_error{"too long"};
        load(body, body.size(), message);
        return message;
    } catch (std::exception const&) {
        return {static_cast<int>(errc::bad_message), "the process sent an account of its failure that cannot be read"};
    }
}

} // namespace wodehaus::detail
