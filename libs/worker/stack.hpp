// Tells the stack of a thread, within a signal handler.
#pragma once

#include "worker/channel.hpp"
#include "worker/stack_message.hpp"

#include <array>
#include <string_view>

#include <ucontext.h>

namespace wodehaus::detail {

/// Writes the frame of a stack, within a signal handler: no memory is allocated, and no lock taken.
class stack_writer {
public:
    explicit stack_writer(stack_cause cause) noexcept : cause_(cause) {}

    /// The places from the one that a signal has interrupted outwards. Changes `context` and puts it back.
    void walk(ucontext_t& context) noexcept;
    /// That one alone, where there is no room to look for others.
    void add_innermost(ucontext_t const& context) noexcept;
    /// Of a place in a program's code. False if there is no more room.
    bool add(std::uintptr_t address) noexcept;
    void say(std::string_view words) noexcept { words_ = words; }
    bool send() noexcept;

private:
    static constexpr std::size_t most_places = 64, most_files = 16;
    static constexpr std::size_t longest_file = 512, longest_words = 512;

    std::uint64_t file_number(char const* path) noexcept;

    stack_cause cause_;
    std::array<code_place, most_places> places_;
    std::array<char const*, most_files> files_;
    std::string_view words_;
    std::array<char, most_from_handler> message_;
};

} // namespace wodehaus::detail
