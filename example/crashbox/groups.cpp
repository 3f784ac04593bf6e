#include "groups.hpp"

#include <algorithm>
#include <regex>
#include <sstream>
#include <string_view>

namespace {

/// "  #3 add(int) at sum.cpp:7" or, if it was inlined there, "     add(int) at sum.cpp:7": the function. Those without a
/// line are the system's.
std::string function_in(std::string const& line)
{
    static std::regex const frame{R"(  (?:#\d+|  ) (.*) at .+)"};
    std::smatch found;
    return std::regex_match(line, found, frame) ? found[1].str() : std::string{};
}

/// A text in which no number tells two jobs apart.
std::string without_numbers(std::string const& text)
{
    static std::regex const number{"0x[0-9a-f]+|[0-9]+"};
    return std::regex_replace(text, number, "#");
}

/// The kind of failure, and the stack; of an exception its type and text.
std::string key_of(wodehaus::failure const& why)
{
    auto key = std::to_string(why.code.value()) + ' ' + std::to_string(why.signal) + ' ' + std::to_string(why.exit_code);
    auto functions = functions_of(why.trace);
    if (functions.empty())
        return key + ' ' + without_numbers(why.what);
    // A hang is met anywhere in its loop: only where that is called from is the same.
    auto first = why.code == wodehaus::errc::timed_out ? (functions.size() + 1) / 2 : 0;
    for (auto each = first; each < functions.size(); ++each)
        key += '\n' + functions[each];
    return key;
}

/// What is said of it, without the worker's name, which is the same for all.
std::string title_of(wodehaus::failure const& why)
{
    std::string_view what = why.what, worker = "worker evaluate: ";
    if (what.starts_with(worker))
        what.remove_prefix(worker.size());
    return std::string{what};
}

} // namespace

std::vector<std::string> functions_of(std::string const& trace)
{
    std::vector<std::string> functions;
    std::istringstream lines{trace};
    std::string line;
    std::getline(lines, line); // the thread, and what it met
    while (std::getline(lines, line) && !line.starts_with("thread ")) {
        auto function = function_in(line);
        if (!function.empty() && std::find(functions.begin(), functions.end(), function) == functions.end())
            functions.push_back(function);
    }
    return functions;
}

void failure_groups::add(failed_file one)
{
    auto key = key_of(one.why);
    auto found = std::find_if(entries_.begin(), entries_.end(), [&](entry const& each) { return each.key == key; });
    if (found == entries_.end())
        found = entries_.insert(found, {key, {title_of(one.why), {}}});
    found->group.files.push_back(std::move(one));
    ++files_;
}

std::vector<failure_group> failure_groups::sorted() const
{
    std::vector<failure_group> all;
    for (auto const& each : entries_)
        all.push_back(each.group);
    for (auto& group : all)
        std::sort(group.files.begin(), group.files.end(),
                  [](failed_file const& one, failed_file const& other) { return one.name < other.name; });
    std::sort(all.begin(), all.end(), [](failure_group const& one, failure_group const& other) {
        return one.files.size() != other.files.size() ? one.files.size() > other.files.size()
                                                      : one.files[0].name < other.files[0].name;
    });
    return all;
}
