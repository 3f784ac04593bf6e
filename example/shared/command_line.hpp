// The command line of an example, and how the example ends.
#pragma once

#include <functional>
#include <stdexcept>

#include <boost/program_options.hpp>

/// The user asked for what cannot be; the text is one line.
class bad_usage : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws `bad_usage` for what the options do not allow.
boost::program_options::variables_map parse(int argc, char** argv, boost::program_options::options_description const& all,
                                            boost::program_options::positional_options_description const& positional);

/// The value of an option that is a number from 1 to `most`; it is signed, since Boost would read -1 as a large unsigned
/// number. Throws `bad_usage` for any other.
long in_range(boost::program_options::variables_map const& given, char const* name, long most);

/// Gives the status to exit with: what `body` gives, or 2 if it throws `bad_usage`, and 1 for another exception, which
/// are told in one line, or for output that cannot be written.
int run_and_report(char const* program, std::function<int()> const& body);
