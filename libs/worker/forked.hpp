// A fork of the server as a process that runs jobs.
#pragma once

#include "worker/birth.hpp"
#include "worker/role.hpp"

namespace wodehaus::detail {

/// What has to be known before the fork, since afterwards a lock may be held for ever. Cheap after the first time.
void prepare_to_fork();

struct forked_birth {
    forked_descriptors descriptors;
    setup_message setup;
};

/// In the child, with all signals blocked and one thread left: makes a process of ours of it, which never returns to
/// the server's code. Nothing of the server's is destroyed, and no handler of it runs.
[[noreturn]] void be_forked_process(forked_birth const& with) noexcept;

} // namespace wodehaus::detail
