// Failures that have the same cause, as far as one can see.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <wodehaus/outcome.hpp>

struct failed_file {
    std::string name;
    wodehaus::failure why;
};

/// Those that failed in one way. Never empty.
struct failure_group {
    std::string title;               ///< what happened, and where
    std::vector<failed_file> files;  ///< in the order of their names
};

class failure_groups {
public:
    void add(failed_file one);

    /// The largest group first.
    std::vector<failure_group> sorted() const;
    std::size_t files() const { return files_; }

private:
    struct entry {
        std::string key;
        failure_group group;
    };
    std::vector<entry> entries_;
    std::size_t files_ = 0;
};

/// The functions of the program on the stack, from the innermost on, those of a recursion once: what makes two crashes one
/// bug. Empty for a failure without a stack, and for a program without debug information.
std::vector<std::string> functions_of(std::string const& trace);
