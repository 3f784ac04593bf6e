// The name of this process.
#pragma once

#include <wodehaus/detail/config.hpp>

#include <string>

namespace wodehaus {

/// The name that was set; until then a worker's process id, and elsewhere "NAME[PID] server". Any thread.
WODEHAUS_DECL std::string process_name();

/// Names this process: in logs, in `failure::process`, and in `ps`. In a process of the library the server learns of
/// it at once; set in `preload`, it is the name of every process that comes of it. At most 255 bytes are used; with
/// `launch::fork`, `ps` shows as much as the server's own command line has room for. Any thread.
WODEHAUS_DECL void process_name(std::string name);

} // namespace wodehaus
