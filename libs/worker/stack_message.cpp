// The stack of a thread, as its process tells it.
#include "worker/stack_message.hpp"

#include "worker/channel.hpp"
#include "worker/one_line.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

namespace wodehaus::detail {

// The guard page below a stack is hit close to where it ends. What lies above its top is an array that was overrun.
bool stack_cause::is_stack_overflow() const noexcept
{
    constexpr std::uint64_t close = 64 << 10;
    return signal == SIGSEGV && code > 0 && address != 0 && address != program_counter &&
           address + close > stack_pointer && address < stack_pointer + close && (stack_top == 0 || address < stack_top);
}

std::optional<thread_stack> read_stack(std::span<char const> body)
{
    thread_stack stack;
    auto take = [&](void* to, std::size_t size) {
        if (body.size() < size)
            return false;
        if (size > 0)
            std::memcpy(to, body.data(), size);
        body = body.subspan(size);
        return true;
    };
    auto& cause = stack.cause;
    if (body.size() > most_from_handler || !take(&cause, sizeof cause) ||
        body.size() < cause.places * sizeof(code_place))
        return std::nullopt;
    cause.thread_name.back() = '\0';
    auto end_of_name = std::find(cause.thread_name.begin(), cause.thread_name.end(), '\0');
    std::replace_if(cause.thread_name.begin(), end_of_name, is_control, '?');
    stack.places.resize(cause.places);
    take(stack.places.data(), cause.places * sizeof(code_place));
    for (std::size_t i = 0; i < cause.files && !body.empty(); ++i) {
        auto end = std::find(body.begin(), body.end(), '\0');
        auto length = static_cast<std::size_t>(end - body.begin());
        stack.files.emplace_back(body.data(), length); // the last may have been cut off
        body = body.subspan(std::min(length + 1, body.size()));
    }
    stack.words = in_one_line({body.data(), body.size()});
    for (auto& place : stack.places)
        if (place.file >= stack.files.size())
            place.file = code_place::no_file;
    return stack;
}

} // namespace wodehaus::detail
