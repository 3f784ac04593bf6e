// Plays a round.
#pragma once

#include "test/soak/record.hpp"

#include <memory>

namespace soak {

/// Blocks until all has ended. `notes` is a file of its own. What it has seen so far is in `seen` meanwhile; what is
/// left when it has returned is for others to see.
void play(round_plan const& plan, std::string const& notes, std::shared_ptr<record> seen);

} // namespace soak
