// Stacks in words.
#include "dispatch/trace.hpp"

#include "dispatch/function_name.hpp"
#include "launch/code_file.hpp"
#include "launch/launch.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <numeric>
#include <optional>
#include <set>

namespace wodehaus::detail {

namespace {

file_place place_of(thread_stack const& stack, code_place const& place)
{
    return {place.file == code_place::no_file ? "" : stack.files[place.file], place.address};
}

// Empty where it is not known.
code_names const& names_at(file_place const& where, names_of const& names)
{
    static code_names const none;
    auto const* found = names(where);
    return found ? found->names : none;
}

// A function that was inlined, and is known in its own file only, has no more than the last part of its name: where it
// lies tells whose it is. If it is the innermost, it goes by the name of the function that it became a part of.
bool lies_in(code_name const& name, std::string_view folder)
{
    return name.line.find(folder) != name.line.npos;
}

bool is_of_library(code_name const& name)
{
    return function_name(name.function).starts_with("wodehaus::detail::") || lies_in(name, "/wodehaus/detail/");
}

// What lies further out is the same for each job. Further in, loading and saving jobs and results calls functions of the
// user's, too.
bool calls_a_job(code_name const& name)
{
    auto function = function_name(name.function);
    for (auto prefix : {"invoke<", "closure_of<", "(anonymous namespace)::job_loop::"})
        if (function.starts_with(std::string{"wodehaus::detail::"} + prefix))
            return true;
    return function == "wodehaus::detail::serve" ||
           (function.starts_with("invoke") && lies_in(name, "/wodehaus/detail/registry.hpp"));
}

bool is_terminate_handler(code_names const& names)
{
    return !names.empty() && names.front().function == "wodehaus_on_terminate";
}

// What the language does for a function, which is not where its author looks.
bool is_of_language(code_name const& name)
{
    auto function = function_name(name.function);
    bool is_of_system_header = lies_in(name, "/include/") && (lies_in(name, "/c++/") || lies_in(name, "/bits/"));
    return function.starts_with("std::") || function.starts_with("__") || is_of_system_header;
}

// What lies between a job and the `serialize` of its parts. Users write functions of boost::serialization, too, but
// elsewhere; and what was inlined in a function of the archives may go by its name.
bool is_of_archives(code_name const& name)
{
    if (!name.line.empty())
        return lies_in(name, "/boost/archive/") || lies_in(name, "/boost/serialization/") ||
               lies_in(name, "/libs/serialization/src/");
    auto function = function_name(name.function);
    return function.starts_with("boost::archive::") || function.starts_with("boost::serialization::");
}

std::string in_words(std::string const& function, std::string const& line)
{
    return (function.empty() ? "a function without a name" : function) + (line.empty() ? "" : " at " + line);
}

/// A place that a trace shows.
struct shown_place {
    file_place where;
    code_names names;       ///< the innermost first; none: it has no name
    bool is_worker = false; ///< which has become a part of what calls it
};

// What an author looks for.
bool is_of_program(shown_place const& place)
{
    return !place.where.file.empty() && !is_of_system(place.where.file) && !place.is_worker &&
           (place.names.empty() || !std::all_of(place.names.begin(), place.names.end(), is_of_language));
}

bool has_line(code_name const& name)
{
    return !name.line.empty();
}

// Its C library's functions lie among its own, and those of others in no file but the program's.
bool is_of_static_program(thread_stack const& stack)
{
    return stack.files.size() == 1 && !is_of_system(stack.files.front());
}

// A place where all is hidden is not shown.
template <class Hidden>
std::optional<shown_place> shown_at(file_place const& where, code_names const& known, Hidden is_hidden)
{
    shown_place shown{where, {}};
    if (known.empty())
        return shown;
    auto is_shown = [&](code_name const& name) { return !calls_a_job(name) && !is_hidden(name); };
    code_name inlined{"the worker", known.front().line};
    if (calls_a_job(known.front()) && !inlined.line.empty() && is_shown(inlined) && !is_of_language(inlined))
        shown.names.push_back(inlined);
    std::copy_if(known.begin(), known.end(), std::back_inserter(shown.names), is_shown);
    return shown.names.empty() || is_terminate_handler(known) ? std::nullopt : std::optional{shown};
}

template <class Hidden>
std::vector<shown_place> shown_places(thread_stack const& stack, names_of const& names, Hidden is_hidden)
{
    std::vector<shown_place> all;
    for (auto const& place : stack.places) {
        auto where = place_of(stack, place);
        auto const& known = names_at(where, names);
        bool is_outermost = std::any_of(known.begin(), known.end(), calls_a_job);
        if (auto shown = shown_at(where, known, is_hidden))
            all.push_back(*shown);
        else if (is_outermost && std::none_of(all.begin(), all.end(), is_of_program))
            all.push_back({where, {{"the worker", ""}}, true});
        if (is_outermost)
            break;
    }
    return all;
}

// The archives are many lines between two of the user's, and are shown where there are none of those.
std::vector<shown_place> shown_places(thread_stack const& stack, names_of const& names)
{
    auto is_hidden = [](code_name const& name) { return is_of_library(name) || is_of_archives(name); };
    auto all = shown_places(stack, names, is_hidden);
    if (std::none_of(all.begin(), all.end(), is_of_program))
        all = shown_places(stack, names, is_of_library);
    return all;
}

std::string in_words(lack why, std::string const& file)
{
    switch (why) {
    case lack::unknown:
        break;
    case lack::stripped:
        return "  (" + file + " was stripped: it has no names for some of these)\n";
    case lack::gone:
        return "  (" + file + " is gone, and with it the names of some of these)\n";
    case lack::late:
        return "  (addr2line did not answer in time for the names in " + file + ")\n";
    }
    return {};
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
    std::string text, without_lines;
    std::set<std::string> reasons;
    for (auto const& stack : stacks) {
        text += head_of(stack);
        int number = 0;
        for (auto const& [where, its_names, is_worker] : shown_places(stack, names)) {
            auto begin = "  #" + std::to_string(number++) + ' ';
            for (auto const& name : its_names)
                text += std::exchange(begin, "     ") + in_words(name.function, name.line) + '\n';
            if (its_names.empty())
                text += begin + in_hex(where.address) + (where.file.empty() ? "" : " in " + where.file) + '\n';
            if (where.file.empty() || is_of_system(where.file))
                continue;
            auto const* found = names(where);
            if (found && found->names.empty())
                reasons.insert(in_words(found->why, where.file));
            else if (!its_names.empty() && its_names.front().line.empty())
                without_lines = where.file;
        }
        if (stack.cause.is_cut)
            text += "  (there are more further out; these are the innermost)\n";
    }
    if (!remark.empty())
        text += "  (" + remark + ")\n";
    else if (reasons.erase(""); !reasons.empty())
        text = std::accumulate(reasons.begin(), reasons.end(), std::move(text));
    else if (!without_lines.empty())
        text += "  (" + without_lines + " has no debug information: build it with -g for files and lines)\n";
    return text;
}

std::string describe_place(thread_stack const& stack, names_of const& names)
{
    auto places = shown_places(stack, names);
    std::erase_if(places, [](shown_place const& place) { return !is_of_program(place); });
    auto has_lines = [](shown_place const& place) { return std::any_of(place.names.begin(), place.names.end(), has_line); };
    bool needs_line = is_of_static_program(stack) && std::any_of(places.begin(), places.end(), has_lines);
    for (auto const& place : places) {
        for (auto const& name : place.names)
            if (!is_of_language(name) && (has_line(name) || !needs_line))
                return in_words(name.function, std::filesystem::path{name.line}.filename());
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
