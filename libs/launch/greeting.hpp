// What a process says of itself, and the server reads: its hello, and why it has failed. Bytes in, words out.
#pragma once

#include "wire/frame.hpp"
#include "worker/role.hpp"

#include <wodehaus/options.hpp>
#include <wodehaus/outcome.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace wodehaus::detail {

/// Whether the hello comes from a program that we can speak with: the same build, unless `program` is set.
struct refusal {
    errc code;
    std::string what;
};
std::optional<refusal> judge_hello(frame const& hello, options const& how);
/// The process id in a hello that was judged good.
std::int64_t pid_in(frame const& hello);

/// What a process says that it has used; nothing if none of ours would say it.
std::optional<usage> read_usage(std::span<char const> body);

/// What a failed frame says, in words; garbage is told as such.
failure_message read_failure(std::span<char const> body);

} // namespace wodehaus::detail
