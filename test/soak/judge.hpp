// Whether what was seen of a round is possible, given what was done.
#pragma once

#include "test/soak/course.hpp"
#include "test/soak/plan.hpp"

namespace soak {

/// What is wrong, in words; nothing if all is well.
std::vector<std::string> judge(round_plan const& plan, round_course const& seen);

} // namespace soak
