// The stack of a thread, as its process tells it: places in files. What they are called is found out elsewhere.
#pragma once

#include "wire/frame.hpp"
#include "worker/channel.hpp"

#include <array>
#include <csignal>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <ucontext.h>

namespace wodehaus::detail {

/// Why a stack is told.
struct stack_cause {
    std::int32_t signal = 0;    ///< of a crash; 0: the server has asked for it
    std::int32_t code = 0;      ///< `si_code`
    std::uint64_t address = 0;  ///< where the fault is, for the signals that have one
    std::uint64_t program_counter = 0, stack_pointer = 0;
    std::int32_t thread = 0;
    std::uint16_t places = 0, files = 0;
    std::array<char, 16> thread_name{};

    bool is_stack_overflow() const noexcept;
};

struct code_place {
    std::uint64_t address = 0; ///< as the file counts; in no file: in memory
    std::uint64_t file = no_file;
    static constexpr std::uint64_t no_file = ~std::uint64_t{0};
};

struct thread_stack {
    stack_cause cause;
    std::vector<code_place> places; ///< the innermost first
    std::vector<std::string> files;
    std::string words; ///< what the program said itself: a failed assertion, an exception that nobody caught
};

/// The body of a stack frame; nothing if it is none.
std::optional<thread_stack> read_stack(std::span<char const> body);

/// Writes the frame of a stack, within a signal handler: no memory is allocated, and no lock taken.
class stack_writer {
public:
    explicit stack_writer(stack_cause cause) noexcept : cause_(cause) {}

    /// The places from the one that a signal has interrupted outwards. Changes `context` and puts it back.
    void walk(ucontext_t& context) noexcept;
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
