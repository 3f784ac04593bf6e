// A stack that a process tells, and its words.
#include "test/fuzz/target.hpp"

#include "dispatch/trace.hpp"

#include <csignal>

using namespace wodehaus::detail;

void fuzz::one(std::span<char const> bytes)
{
    auto stack = read_stack(bytes);
    if (!stack)
        return;
    hold(stack->places.size() * sizeof(code_place) <= bytes.size() && stack->files.size() <= bytes.size());
    finding const named{{{"inner", "a.cpp:1"}, {"outer", ""}}}, unnamed{{}, lack::stripped};
    finding const* const some[]{nullptr, &named, &unnamed, &named};
    auto known = [&](file_place const& place) { return some[place.address % 4]; };
    std::vector<thread_stack> stacks{*stack};
    hold(places_of(stacks).size() <= stack->places.size());
    hold(!describe_stacks(stacks, known, "").empty());
    describe_cause(*stack);
    describe_place(*stack, known);
}

std::vector<std::string> fuzz::seeds()
{
    std::vector<std::string> all;
    for (int signal : {0, SIGSEGV, SIGABRT, SIGFPE, SIGBUS}) {
        stack_cause cause;
        cause.signal = signal;
        cause.code = 1;
        cause.places = 2;
        cause.files = 1;
        code_place places[2]{{0x10, 0}, {0x21, code_place::no_file}};
        std::string text{reinterpret_cast<char const*>(&cause), sizeof cause};
        text.append(reinterpret_cast<char const*>(places), sizeof places);
        all.push_back(text + std::string{"/bin/x\0words", 12});
    }
    return all;
}
