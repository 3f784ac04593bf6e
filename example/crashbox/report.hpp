// The report: a page with what went wrong.
#pragma once

#include "groups.hpp"

#include <chrono>
#include <filesystem>

struct report {
    std::size_t files = 0, left_out = 0; ///< all, and those of them that were not tried, or not to their end
    failure_groups failures;
    std::chrono::duration<double> elapsed{};

    std::size_t fine() const { return files - left_out - failures.files(); }
};

/// Writes the page into the folder, which is there.
std::filesystem::path write(report const& all, std::filesystem::path const& output);

/// What runs a failed job again; empty if it was not kept, or has had to go since.
std::string replay_command(failed_file const& one);
