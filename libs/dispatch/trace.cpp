// Stacks in words.
#include "dispatch/trace.hpp"

#include "dispatch/function_name.hpp"
#include "launch/launch.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>

namespace wodehaus::detail {

namespace {

std::string in_hex(std::uint64_t number)
{
    char text[2 + 16] = {'0', 'x'};
    auto end = std::to_chars(text + 2, std::end(text), number, 16).ptr;
    return {text, end};
}

file_place place_of(thread_stack const& stack, code_place const& place)
{
    return place.file == code_place::no_file ? file_place{} : file_place{stack.files[place.file], place.address};
}

bool has_names(code_names const* names)
{
    return names && !names->empty();
}

bool is_of_job_loop(code_name const& name)
{
    return function_name(name.function).starts_with("wodehaus::detail::");
}

// What lies further out is this library's, and the same for each job.
bool is_job_loop(code_names const* names)
{
    return has_names(names) && is_of_job_loop(names->front());
}

bool is_terminate_handler(code_names const* names)
{
    return has_names(names) && names->front().function == "wodehaus_on_terminate";
}

// What the language does for a function, which is not where its author looks.
bool is_of_language(code_name const& name)
{
    auto function = function_name(name.function);
    return function.starts_with("std::") || function.starts_with("__");
}

bool is_of_system(std::string const& file)
{
    return file.starts_with("/lib/") || file.starts_with("/lib64/") || file.starts_with("/usr/lib/");
}

std::string in_words(std::string const& function, std::string const& line)
{
    return (function.empty() ? "a function without a name" : function) + (line.empty() ? "" : " at " + line);
}

std::string head_of(thread_stack const& stack)
{
    auto const& cause = stack.cause;
    auto text = "thread " + std::to_string(cause.thread);
    if (cause.thread_name[0])
        text += std::string{" \""} + cause.thread_name.data() + '"';
    if (cause.signal)
        text += ", " + signal_name(cause.signal) + (describe_cause(stack).empty() ? "" : ": " + describe_cause(stack));
    return text + '\n';
}

} // namespace

std::vector<file_place> places_of(std::vector<thread_stack> const& stacks)
{
    std::vector<file_place> all;
    for (auto const& stack : stacks)
        for (auto const& place : stack.places)
            if (place.file != code_place::no_file)
                all.push_back(place_of(stack, place));
    return all;
}

std::string describe_stacks(std::vector<thread_stack> const& stacks, names_of const& names, std::string const& remark)
{
    std::string text, without_names, without_lines;
    for (auto const& stack : stacks) {
        text += head_of(stack);
        int number = 0;
        for (auto const& place : stack.places) {
            auto where = place_of(stack, place);
            auto const* known = names(where);
            if (number > 0 && is_job_loop(known))
                break;
            if (is_terminate_handler(known))
                continue;
            auto begin = "  #" + std::to_string(number++) + ' ';
            if (has_names(known)) {
                if (is_job_loop(known))
                    text += begin + in_words("the worker", known->front().line) + '\n'; // which has become a part of it
                for (auto const& name : *known) {
                    if (is_of_job_loop(name))
                        break;
                    text += std::exchange(begin, "     ") + in_words(name.function, name.line) + '\n';
                }
                if (known->front().line.empty() && !is_of_system(where.file))
                    without_lines = where.file;
            } else {
                text += begin + in_hex(place.address) + (where.file.empty() ? "" : " in " + where.file) + '\n';
                if (!where.file.empty() && !is_of_system(where.file))
                    without_names = where.file;
            }
        }
    }
    if (!remark.empty())
        text += "  (" + remark + ")\n";
    else if (!without_names.empty())
        text += "  (" + without_names + " was stripped: it has no names for some of these)\n";
    else if (!without_lines.empty())
        text += "  (" + without_lines + " has no debug information: build it with -g for files and lines)\n";
    return text;
}

std::string describe_place(thread_stack const& stack, names_of const& names)
{
    for (auto const& place : stack.places) {
        auto where = place_of(stack, place);
        auto const* known = names(where);
        if (!has_names(known) || is_of_system(where.file) || is_terminate_handler(known))
            continue;
        for (auto const& name : *known) {
            if (is_of_job_loop(name))
                return {};
            if (!is_of_language(name))
                return in_words(name.function, std::filesystem::path{name.line}.filename());
        }
    }
    return {};
}

std::string describe_cause(thread_stack const& stack)
{
    auto const& cause = stack.cause;
    if (cause.signal == 0)
        return {};
    if (cause.is_stack_overflow())
        return "its stack has overflowed";
    if (cause.code <= 0 && cause.signal != SIGABRT)
        return cause.code == SI_TKILL ? "raised by itself" : "sent by a process";
    constexpr std::uint64_t first_page = 4096;
    auto address = in_hex(cause.address);
    switch (cause.signal) {
    case SIGSEGV:
        if (cause.code == SI_KERNEL)
            return "by an address that none can be";
        if (cause.address == cause.program_counter)
            return "by a jump to address " + address;
        return cause.address < first_page ? "by a null pointer (address " + address + ")" : "at address " + address;
    case SIGBUS:
        return "at address " + address + ", of which there is no memory, as behind the end of a mapped file";
    case SIGFPE:
        return cause.code == FPE_INTDIV ? "by a division by zero" : "";
    case SIGILL:
        return "by what is no instruction";
    case SIGABRT:
        return stack.words;
    default:
        return {};
    }
}

} // namespace wodehaus::detail
