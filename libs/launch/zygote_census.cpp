// What the server believes of what its zygote reports.
#include "launch/zygote_census.hpp"

#include <cstring>

namespace wodehaus::detail {

std::optional<std::vector<zygote_event>> read_zygote_events(std::span<char const> packet)
{
    std::size_t const count = packet.size() / sizeof(zygote_event);
    if (count == 0 || count > most_events || packet.size() % sizeof(zygote_event) != 0)
        return std::nullopt;
    std::vector<zygote_event> events(count);
    std::memcpy(events.data(), packet.data(), packet.size());
    return events;
}

bool zygote_census::take(zygote_event const& event)
{
    switch (event.what) {
    case zygote_event::kind::born:
        if (unborn_ == 0 || event.pid <= 1 || !processes_.insert(event.pid).second)
            return false;
        --unborn_;
        return true;
    case zygote_event::kind::ended:
        if (event.user_time < 0 || event.system_time < 0)
            return false;
        killed_.erase(event.pid);
        return processes_.erase(event.pid) == 1;
    case zygote_event::kind::fork_failed:
        if (unborn_ == 0)
            return false;
        --unborn_;
        return true;
    }
    return false;
}

} // namespace wodehaus::detail
