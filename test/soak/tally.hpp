// The figures of a soak.
#pragma once

#include "test/soak/course.hpp"
#include "test/soak/plan.hpp"

#include <chrono>

namespace soak {

class tally {
public:
    void add(round_plan const& plan, round_course const& seen);
    void sample_memory();

    std::string summary() const;
    /// Over the second half the resident size has not grown.
    bool memory_is_flat() const;

private:
    struct growth {
        std::size_t third_quarter, fourth_quarter; ///< KiB, on average
    };
    growth second_half() const;

    std::uint64_t rounds_ = 0, runs_ = 0, started_ = 0;
    std::map<std::string, std::uint64_t> launches_, deeds_, outcomes_, hits_;
    std::vector<std::size_t> memory_; ///< KiB resident, after each round
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace soak
