// What a zygote reports, as its server counts it.
#include "test/fuzz/target.hpp"

#include "launch/zygote_census.hpp"

using namespace wodehaus::detail;

// Requests and packets in turn: how many processes, how many events, the packet.
void fuzz::one(std::span<char const> bytes)
{
    parts input{bytes};
    zygote_census census;
    std::size_t asked = 0, born = 0;
    while (!input.empty()) {
        std::size_t const count = input.take<std::uint8_t>();
        census.ask(count);
        asked += count;
        auto size = input.take<std::uint16_t>();
        auto events = read_zygote_events(input.take_bytes(size));
        if (!events)
            return;
        for (auto const& event : *events) {
            auto const before = census.processes().size();
            if (!census.take(event)) {
                hold(census.processes().size() == before);
                return;
            }
            born += event.what != zygote_event::kind::ended;
            hold(born <= asked && census.unborn() == asked - born);
            hold(census.processes().size() <= born);
            if (census.has(event.pid))
                census.kill(event.pid);
        }
    }
}

std::vector<std::string> fuzz::seeds()
{
    auto event_of = [](zygote_event::kind what, int pid) {
        zygote_event event;
        event.what = what;
        event.pid = pid;
        return event;
    };
    using kind = zygote_event::kind;
    std::string turn;
    auto add = [&](std::uint8_t asked, std::vector<zygote_event> const& events) {
        append(turn, asked);
        append(turn, static_cast<std::uint16_t>(events.size() * sizeof(zygote_event)));
        for (auto const& event : events)
            append(turn, event);
    };
    add(4, {event_of(kind::born, 100), event_of(kind::born, 101), event_of(kind::fork_failed, 0)});
    add(0, {event_of(kind::ended, 100), event_of(kind::born, 100), event_of(kind::ended, 101)});
    return {turn};
}
