// The example embedded, talked with over TCP. Argument: the program.
#include "test/kit/preload.hpp"
#include "test/kit/running_program.hpp"

#include <csignal>
#include <list>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

using boost::asio::ip::tcp;
using namespace std::string_literals;

namespace {

char const* program()
{
    return boost::unit_test::framework::master_test_suite().argv[1];
}

class service {
public:
    /// A shell does this first.
    explicit service(std::string const& first = "") : program_("/bin/sh", {"-c", first + "exec \"$0\"", ::program()})
    {
        std::string const before = "listening on port ";
        BOOST_REQUIRE(program_.read_until("\n"));
        BOOST_REQUIRE(program_.output().starts_with(before));
        port_ = static_cast<unsigned short>(std::stoi(program_.output().substr(before.size())));
    }
    kit::running_program& program() { return program_; }
    unsigned short port() const { return port_; }

    kit::ended end(int signal)
    {
        program_.signal(signal);
        auto end = program_.wait();
        BOOST_TEST(end.exit_code == 0);
        BOOST_TEST(end.signal == 0);
        BOOST_TEST(end.errors == "");
        return end;
    }

private:
    kit::running_program program_;
    unsigned short port_ = 0;
};

class peer {
public:
    explicit peer(service const& to) { socket_.connect({boost::asio::ip::address_v4::loopback(), to.port()}); }

    void say(std::string const& text) { boost::asio::write(socket_, boost::asio::buffer(text)); }
    /// The next line; "" at the end.
    std::string line()
    {
        boost::system::error_code error;
        auto size = boost::asio::read_until(socket_, boost::asio::dynamic_buffer(received_), '\n', error);
        auto line = received_.substr(0, size);
        received_.erase(0, size);
        return line;
    }

private:
    boost::asio::io_context context_;
    tcp::socket socket_{context_};
    std::string received_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(embedded, *boost::unit_test::fixture<kit::nothing_left>())

BOOST_AUTO_TEST_CASE(answers_each_line)
{
    service runs;
    peer one{runs}, other{runs};
    one.say("abc\n");
    other.say("one\ntwo\nthr");
    BOOST_TEST(one.line() == "cba\n");
    BOOST_TEST(other.line() == "eno\n");
    BOOST_TEST(other.line() == "owt\n");
    other.say("ee\n\n");
    BOOST_TEST(other.line() == "eerht\n");
    BOOST_TEST(other.line() == "\n");
    runs.end(SIGTERM);
    BOOST_TEST(one.line() == "");
}

BOOST_AUTO_TEST_CASE(a_line_that_crashes_its_process_is_an_error_and_no_more)
{
    service runs;
    peer one{runs};
    one.say("crash\nabc\n");
    auto error = one.line();
    BOOST_TEST(error.starts_with("error: worker backwards: "));
    BOOST_TEST(error.find("SIGABRT") != error.npos);
    BOOST_TEST(one.line() == "cba\n");
    runs.end(SIGINT);
}

BOOST_AUTO_TEST_CASE(the_timer_tells_of_it)
{
    service runs;
    peer one{runs};
    one.say("crash\nabc\ndef\n");
    for (int i = 0; i < 3; ++i)
        one.line();
    BOOST_TEST(runs.program().read_until("2 answers, 1 errors, "));
    runs.end(SIGTERM);
}

BOOST_AUTO_TEST_CASE(a_peer_that_talks_while_it_ends)
{
    service runs;
    peer one{runs};
    for (int i = 0; i < 1000; ++i)
        one.say("abc\n");
    BOOST_TEST(one.line() == "cba\n");
    runs.end(SIGTERM);
    std::string last = "cba\n";
    for (auto next = last; !next.empty(); next = one.line())
        last = next;
    BOOST_TEST((last == "cba\n" || last.starts_with("error: ")));
}

BOOST_AUTO_TEST_CASE(a_port_that_is_taken)
{
    service runs;
    auto second = kit::run_program({std::to_string(runs.port())}, program());
    BOOST_TEST(second.exit_code == 1);
    BOOST_TEST(second.errors == "embedded: Address already in use\n");
    runs.end(SIGTERM);
}

BOOST_AUTO_TEST_CASE(what_is_no_port)
{
    for (auto text : {"", "x", "80x", "-1", "65536", "--help"}) {
        BOOST_TEST_INFO_SCOPE(text);
        auto end = kit::run_program({text}, program());
        BOOST_TEST(end.exit_code == 1);
        BOOST_TEST(end.errors == "embedded: usage: embedded [PORT]\n");
    }
}

BOOST_AUTO_TEST_CASE(more_peers_than_descriptors)
{
    service runs{"ulimit -n 40; "};
    std::list<peer> peers;
    for (int i = 0; i < 60; ++i)
        peers.emplace_back(runs);
    peers.front().say("abc\n");
    BOOST_TEST(peers.front().line() != ""); // an error, if no descriptor is left for the job either
    peers.erase(peers.begin(), std::prev(peers.end()));
    peers.back().say("abc\n");
    BOOST_TEST(peers.back().line() == "cba\n");
    runs.program().signal(SIGTERM);
    BOOST_TEST(runs.program().wait().exit_code == 0);
}

BOOST_AUTO_TEST_CASE(killed_it_leaves_nothing)
{
    service runs;
    peer one{runs};
    one.say("abc\n");
    BOOST_TEST(one.line() == "cba\n");
    runs.program().signal(SIGKILL);
    BOOST_TEST(runs.program().wait().signal == SIGKILL);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
