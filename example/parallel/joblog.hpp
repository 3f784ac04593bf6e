// GNU parallel's job log: a line for each command that has ended.
#pragma once

#include "command.hpp"

#include <filesystem>
#include <fstream>

/// The line of one command, with its line end.
std::string joblog_line(command const& job, command_end const& end);

class joblog {
public:
    /// Begins the file anew; none if the name is empty. Throws `std::system_error`.
    explicit joblog(std::filesystem::path const& file);
    void add(command const& job, command_end const& end);

private:
    void flush();

    std::filesystem::path name_;
    std::ofstream file_;
};
