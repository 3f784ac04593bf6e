#include "options.hpp"

#include <iostream>
#include <thread>

namespace options = boost::program_options;

namespace {

constexpr char const usage[] =
    "Usage: thumbnails [FOLDER] [OPTION...]\n"
    "Makes a thumbnail of every picture in FOLDER and in the folders below (or else in the current one), and a "
    "contact\n"
    "sheet with all of them, contact.html. Each picture is decoded in a process of its own: one that crashes its\n"
    "decoder, or hangs it, becomes a line at the end. Ctrl-C ends it, and the sheet has what is done.\n\n";
constexpr char const after[] =
    "\nExit status: 0 all is done, 1 some pictures failed or were left out, 2 wrong usage.\n";

constexpr long largest_size = 4096, most_processes = 1024, longest_timeout = 24 * 60 * 60;

void check(request const& asked)
{
    for (auto const& [name, folder] : {std::pair{"FOLDER", asked.folder}, {"--output", asked.output}})
        if (folder.empty())
            throw bad_usage{name + std::string{" must name a folder"}};
    std::error_code error;
    auto status = std::filesystem::status(asked.folder, error);
    if (error)
        throw bad_usage{asked.folder.string() + ": " + error.message()};
    if (!is_directory(status))
        throw bad_usage{asked.folder.string() + " is not a folder"};
}

} // namespace

std::optional<request> read_options(int argc, char** argv)
{
    auto processors = static_cast<long>(std::max(1u, std::thread::hardware_concurrency()));
    options::options_description shown{"Options", 100};
    auto add = shown.add_options();
    add("output,o", options::value<std::string>()->value_name("FOLDER")->default_value("contact-sheet"),
        "where the sheet and the thumbnails go");
    add("size,s", options::value<long>()->value_name("PIXELS")->default_value(480), "the longer side of a thumbnail");
    add("processes,p", options::value<long>()->value_name("COUNT")->default_value(processors),
        "how many pictures are worked on at once");
    add("timeout,t", options::value<long>()->value_name("SECONDS")->default_value(30), "for one picture");
    add("help,h", "show this");
    options::options_description all;
    all.add(shown).add_options()("folder", options::value<std::string>()->default_value("."));
    options::positional_options_description positional;
    positional.add("folder", 1);

    auto given = parse(argc, argv, all, positional);
    if (given.count("help")) {
        std::cout << usage << shown << after;
        return std::nullopt;
    }
    request asked;
    asked.folder = given["folder"].as<std::string>();
    asked.output = given["output"].as<std::string>();
    asked.size = static_cast<std::uint32_t>(in_range(given, "size", largest_size));
    asked.processes = static_cast<std::size_t>(in_range(given, "processes", most_processes));
    asked.timeout = std::chrono::seconds{in_range(given, "timeout", longest_timeout)};
    check(asked);
    return asked;
}
