#include "shared/command_line.hpp"

#include "shared/text.hpp"

#include <iostream>

namespace options = boost::program_options;

options::variables_map parse(int argc, char** argv, options::options_description const& all,
                             options::positional_options_description const& positional)
{
    options::variables_map given;
    try {
        store(options::command_line_parser{argc, argv}.options(all).positional(positional).run(), given);
    } catch (options::error const& error) {
        throw bad_usage{error.what()};
    }
    return given;
}

long in_range(options::variables_map const& given, char const* name, long most)
{
    auto value = given[name].as<long>();
    if (value < 1 || value > most)
        throw bad_usage{"--" + std::string{name} + " must be between 1 and " + std::to_string(most)};
    return value;
}

int run_and_report(char const* program, std::function<int()> const& body)
{
    try {
        int status = body();
        if (!std::cout.flush())
            throw std::runtime_error{"cannot write to the standard output"};
        return status;
    } catch (bad_usage const& error) {
        std::cerr << program << ": " << printable(error.what()) << "; --help tells how it is used\n";
        return 2;
    } catch (std::exception const& error) {
        std::cerr << program << ": " << printable(error.what()) << '\n';
        return 1;
    }
}
