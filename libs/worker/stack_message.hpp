// The stack of a thread, as its process tells it: places in files. What they are called is found out elsewhere.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wodehaus::detail {

/// Why a stack is told.
struct stack_cause {
    std::int32_t signal = 0;    ///< of a crash; 0: the server has asked for it
    std::int32_t code = 0;      ///< `si_code`
    std::uint64_t address = 0;  ///< where the fault is, for the signals that have one
    std::uint64_t program_counter = 0, stack_pointer = 0;
    std::uint64_t stack_top = 0; ///< where the thread's stack begins, or further down; 0: not known
    std::int32_t thread = 0;
    std::int32_t threads = 0;   ///< how many are to tell theirs, where the server has asked
    std::uint16_t places = 0, files = 0;
    std::uint16_t is_first = 0; ///< the thread is the one that runs the job
    std::uint16_t is_cut = 0;   ///< there are more places, further out
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

} // namespace wodehaus::detail
