// What is believed of a zygote's reports.
#include "launch/zygote_census.hpp"

#include <boost/test/unit_test.hpp>

#include <cstring>

using namespace wodehaus::detail;
using kind = zygote_event::kind;

namespace {

zygote_event event_of(kind what, int pid = 0)
{
    zygote_event event;
    event.what = what;
    event.pid = pid;
    return event;
}

std::vector<char> packet_of(std::vector<zygote_event> const& events)
{
    std::vector<char> bytes(events.size() * sizeof(zygote_event));
    if (!events.empty())
        std::memcpy(bytes.data(), events.data(), bytes.size());
    return bytes;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reports)

BOOST_AUTO_TEST_CASE(are_whole_events)
{
    auto packet = packet_of({event_of(kind::born, 7), event_of(kind::ended, 8)});
    auto events = read_zygote_events(packet);
    BOOST_REQUIRE(events);
    BOOST_REQUIRE(events->size() == 2u);
    BOOST_TEST((events->at(0).what == kind::born));
    BOOST_TEST(events->at(0).pid == 7);
    BOOST_TEST(events->at(1).pid == 8);
    for (std::size_t size = 0; size < packet.size(); ++size)
        if (size != sizeof(zygote_event))
            BOOST_TEST(!read_zygote_events(std::span{packet}.first(size)), size << " bytes");
    BOOST_TEST(read_zygote_events(packet_of(std::vector<zygote_event>(most_events))).has_value());
    BOOST_TEST(!read_zygote_events(packet_of(std::vector<zygote_event>(most_events + 1))));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(believed)

BOOST_AUTO_TEST_CASE(births_that_were_asked_for)
{
    zygote_census census;
    BOOST_TEST(!census.take(event_of(kind::born, 7)));
    census.ask(3);
    BOOST_TEST(census.unborn() == 3u);
    BOOST_TEST(census.take(event_of(kind::born, 7)));
    BOOST_TEST(census.take(event_of(kind::fork_failed)));
    BOOST_TEST(census.unborn() == 1u);
    for (int pid : {7, 1, 0, -1})
        BOOST_TEST(!census.take(event_of(kind::born, pid)), "born with the number " << pid);
    BOOST_TEST(census.owes_answer());
    BOOST_TEST(census.take(event_of(kind::born, 8)));
    BOOST_TEST(census.unborn() == 0u);
    BOOST_TEST(!census.owes_answer());
    BOOST_TEST(!census.take(event_of(kind::born, 9)));
    BOOST_TEST(!census.take(event_of(kind::fork_failed)));
    BOOST_TEST((census.processes() == std::set{7, 8}));
}

BOOST_AUTO_TEST_CASE(ends_of_what_was_born)
{
    zygote_census census;
    census.ask(1);
    BOOST_TEST(census.take(event_of(kind::born, 7)));
    BOOST_TEST(!census.take(event_of(kind::ended, 8)));
    BOOST_TEST(census.has(7));
    census.kill(7);
    BOOST_TEST(census.owes_answer());
    auto backwards = event_of(kind::ended, 7);
    backwards.user_time = -1;
    BOOST_TEST(!census.take(backwards));
    BOOST_TEST(census.take(event_of(kind::ended, 7)));
    BOOST_TEST(!census.has(7));
    BOOST_TEST(!census.owes_answer());
    BOOST_TEST(!census.take(event_of(kind::ended, 7)));
}

BOOST_AUTO_TEST_CASE(known_kinds)
{
    zygote_census census;
    census.ask(1);
    BOOST_TEST(!census.take(event_of(kind{})));
    BOOST_TEST(!census.take(event_of(kind{4}, 7)));
    BOOST_TEST(census.unborn() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
