// What a round may not leave behind.
#pragma once

#include "test/kit/processes.hpp"

#include <string>
#include <vector>

namespace soak {

/// In main(), once `init` has returned: starts this program anew with a mark in its environment, by which all its
/// descendants are found, whatever session they have made. Returns in the marked one.
void mark_descendants(char** argv);

class remains {
public:
    /// All that is there by now may stay. `folder`: for the files of the soak itself, and of everybody else.
    explicit remains(std::string folder);
    /// What has come since, and is not gone within a second.
    std::vector<std::string> find() const;

private:
    std::vector<std::string> look() const;

    std::string folder_;
    std::map<int, std::string> descriptors_ = kit::descriptors();
    std::size_t threads_, mappings_;
};

} // namespace soak
