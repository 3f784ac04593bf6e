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

namespace {

bool is_plausible(usage_message const& used)
{
    return used.user_time >= 0 && used.system_time >= 0;
}

} // namespace

std::optional<usage> read_usage(std::span<char const> body)
{
    usage_message used;
    if (body.size() != sizeof used)
        return std::nullopt;
    std::memcpy(&used, body.data(), sizeof used);
    if (!is_plausible(used))
        return std::nullopt;
    return usage{std::chrono::nanoseconds{used.user_time}, std::chrono::nanoseconds{used.system_time},
                 static_cast<std::size_t>(used.peak_memory)};
}

failure_message read_failure(std::span<char const> body)
{
    try {
        failure_message message;
        if (body.size() > 2 * longest_account) // more than that is not said by ours
            throw std::length_error{"too long"};
        load(body, body.size(), message);
        if (!is_plausible(message.used))
            throw std::out_of_range{"less than nothing"};
        return message;
    } catch (std::exception const&) {
        return {static_cast<int>(errc::bad_message), "the process sent an account of its failure that cannot be read"};
    }
}

} // namespace wodehaus::detail
