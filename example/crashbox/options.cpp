#include "options.hpp"

#include <algorithm>
#include <iostream>
#include <thread>

namespace options = boost::program_options;

namespace {

constexpr char const usage[] =
    "Usage: crashbox [OPTION...] [FILE...]\n"
    "Evaluates the expression in each file, such as (+ 1 (* 2 3)), in a process of its own, and writes a report,\n"
    "report.html, of what went wrong: failures of one kind together, each with the command that shows it again.\n"
    "Without a FILE the names are read from the standard input, one on each line.\n\n";
constexpr char const after[] =
    "\nExit status: 0 all went well, 1 some files failed or were left out, or the report could not be written,\n"
    "2 wrong usage.\n";

} // namespace

std::optional<request> read_options(int argc, char** argv)
{
    constexpr long most_processes = 1024, longest_timeout = 24 * 60 * 60 * 1000L, most_memory = 1 << 20;
    auto processors = static_cast<long>(std::max(1u, std::thread::hardware_concurrency()));
    options::options_description shown{"Options", 100};
    auto add = shown.add_options();
    add("output,o", options::value<std::string>()->value_name("FOLDER")->default_value("crash-report"),
        "where the report goes, and a folder with the jobs that failed");
    add("processes,p", options::value<long>()->value_name("COUNT")->default_value(processors),
        "how many files are worked on at once");
    add("timeout,t", options::value<long>()->value_name("MILLISECONDS")->default_value(2000), "for one file");
    add("memory,m", options::value<long>()->value_name("MEBIBYTES")->default_value(64), "for one file");
    add("help,h", "show this");
    options::options_description all;
    all.add(shown).add_options()("file", options::value<std::vector<std::string>>());
    options::positional_options_description positional;
    positional.add("file", -1);

    auto given = parse(argc, argv, all, positional);
    if (given.count("help")) {
        std::cout << usage << shown << after;
        return std::nullopt;
    }
    request asked;
    if (given.count("file"))
        asked.files = given["file"].as<std::vector<std::string>>();
    asked.output = given["output"].as<std::string>();
    if (asked.output.empty())
        throw bad_usage{"--output must name a folder"};
    asked.processes = static_cast<std::size_t>(in_range(given, "processes", most_processes));
    asked.timeout = std::chrono::milliseconds{in_range(given, "timeout", longest_timeout)};
    asked.memory = static_cast<std::size_t>(in_range(given, "memory", most_memory)) << 20;
    return asked;
}
