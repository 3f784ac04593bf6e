#include "options.hpp"

#include <charconv>
#include <iostream>
#include <limits>
#include <thread>

#include <boost/program_options.hpp>

namespace options = boost::program_options;

namespace {

constexpr char const usage[] =
    "Usage: parallel [OPTION...] < COMMANDS\n"
    "Runs each line of the standard input by /bin/sh, several at once, each in a process of its own, and shows what\n"
    "they write in the order of the lines. Ctrl-C begins no more and waits for those that run; the second one ends\n"
    "these, too. The options are those of GNU parallel.\n\n";
constexpr char const after[] =
    "\nRULE is never, or WHEN,WHY=COUNT, or WHEN,WHY=PERCENT%; WHEN is soon (those that run finish) or now (they are\n"
    "killed), WHY is fail, success or done.\n"
    "Exit status: 0 all succeeded; 1 to 100 that many failed; 101 more failed; 255 another error. With --halt and\n"
    "fail=1 or done=1 that of the command that ended it; with PERCENT% how many of a hundred failed.\n";

constexpr long most_jobs = 1024, as_many_as_possible = 250;
constexpr double longest_timeout = 1e9;

bad_usage wrong(std::string const& option, std::string const& value, std::string const& expected)
{
    return bad_usage{"--" + option + " must be " + expected + ", not '" + value + "'"};
}

template <class Number>
bool read_number(std::string const& text, Number& number, char const*& rest)
{
    auto end = text.data() + text.size();
    auto [stopped, error] = std::from_chars(text.data(), end, number);
    rest = stopped;
    return error == std::errc{};
}

long read_count(std::string const& option, std::string const& text, long most)
{
    long count = 0;
    char const* rest = nullptr;
    if (!read_number(text, count, rest) || *rest || count < 0 || count > most)
        throw wrong(option, text, "a number between 0 and " + std::to_string(most));
    return count;
}

double read_seconds(std::string const& option, std::string const& text)
{
    double seconds = 0;
    char const* unit = nullptr;
    bool good = read_number(text, seconds, unit);
    for (auto [letter, factor] : {std::pair{'s', 1.}, {'m', 60.}, {'h', 3600.}, {'d', 86400.}})
        if (good && *unit == letter) {
            seconds *= factor;
            ++unit;
            break;
        }
    if (!good || *unit || !(seconds >= 0 && seconds <= longest_timeout))
        throw wrong(option, text, "a number of seconds, or one with s, m, h or d");
    return seconds;
}

halt_rule read_halt(std::string const& text)
{
    if (auto rule = parse_halt(text))
        return *rule;
    throw wrong("halt", text, "never, or like soon,fail=1 or now,done=50% (soon or now; fail, success or done)");
}

request to_request(options::variables_map const& given)
{
    auto text = [&](char const* name) { return given[name].as<std::string>(); };
    request asked;
    auto jobs = read_count("jobs", text("jobs"), most_jobs);
    asked.jobs = static_cast<std::size_t>(jobs ? jobs : as_many_as_possible);
    asked.timeout = read_seconds("timeout", text("timeout"));
    auto attempts = static_cast<int>(read_count("retries", text("retries"), std::numeric_limits<int>::max()));
    asked.attempts = attempts ? attempts : std::numeric_limits<int>::max();
    asked.halt = read_halt(text("halt"));
    asked.joblog = text("joblog");
    return asked;
}

} // namespace

std::optional<request> read_options(int argc, char** argv)
{
    auto processors = std::to_string(std::max(1u, std::thread::hardware_concurrency()));
    options::options_description all{"Options", 100};
    auto add = all.add_options();
    auto text = [](char const* name, std::string const& otherwise) {
        return options::value<std::string>()->value_name(name)->default_value(otherwise);
    };
    add("jobs,j", text("COUNT", processors), "how many are run at once; 0: as many as possible");
    add("keep-order,k", "accepted: the order is always kept");
    add("timeout", text("SECONDS", "0"), "kill a command that takes longer; 0: none does");
    add("retries", text("COUNT", "1"), "how often a command that fails is tried; 0: until it succeeds");
    add("halt", text("RULE", "never"), "when to end early");
    add("joblog", text("FILE", ""), "write a table of what was run");
    add("help,h", "show this");

    options::variables_map given;
    try {
        options::positional_options_description none;
        store(options::command_line_parser{argc, argv}.options(all).positional(none).run(), given);
    } catch (options::too_many_positional_options_error const&) {
        throw bad_usage{"the commands are read from the standard input, not from the command line"};
    } catch (options::error const& error) {
        throw bad_usage{error.what()};
    }
    if (given.count("help")) {
        std::cout << usage << all << after;
        return std::nullopt;
    }
    return to_request(given);
}
