// Workers that do their worst: with their channel, their ring, their output, their descriptors, and by signals. Their job
// fails and says how, the others and the server go on, and memory stays bounded.
#include "test/kit/mishaps.hpp"
#include "test/kit/preload.hpp"

#include "libs/wire/frame.hpp"

#include <wodehaus/this_job.hpp>

#include <cstring>
#include <iostream>

#include <fcntl.h>
#include <sys/resource.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using namespace std::chrono_literals;
using wodehaus::task, wodehaus::worker;
using wodehaus::detail::frame_header, wodehaus::detail::frame_kind;

namespace {

constexpr int channel = 4;
constexpr std::size_t largest = 100'000; // message
constexpr kit::way zygotes[] = {kit::zygote_ahead, kit::zygote_kept, kit::zygote_fresh};
constexpr kit::way ways[] = {kit::zygote_ahead, kit::exec_kept, kit::exec_fresh, kit::fork_kept};

int good(int number)
{
    return number + 1;
}

[[noreturn]] void stay()
{
    for (;;)
        ::pause();
}

// ---- what a worker writes to its channel ----

void write_bytes(void const* bytes, std::size_t size)
{
    if (::write(channel, bytes, size) < 0)
        ::_exit(99);
}

void write_frame(frame_header header, std::string const& body = {})
{
    header.size = header.size ? header.size : body.size();
    std::string bytes(reinterpret_cast<char const*>(&header), sizeof header);
    bytes += body;
    write_bytes(bytes.data(), bytes.size());
}

frame_header header_of(frame_kind kind, std::uint64_t id = wodehaus::this_job::id())
{
    frame_header header;
    header.kind = kind;
    header.id = id;
    return header;
}

/// As header_of, with the number that is due; each process has run nothing before.
frame_header next_header(frame_kind kind, bool announced, std::uint64_t id = wodehaus::this_job::id())
{
    auto header = header_of(kind, id);
    header.number = announced ? 1 : 0;
    return header;
}

std::string const right_result(4, '\1');

enum class lie {
    garbage,
    half_a_frame_and_exits,
    half_a_frame_and_stays,
    too_long_a_length,
    oversized,
    beyond_all_bounds,
    another_type,
    another_id,
    twice,
    nobody_asked,
    begun_unsent,
    a_job,
    a_setup,
    a_hello,
    a_ready,
    no_such_kind,
    another_version,
    a_long_name,
    a_long_account,
    a_short_bill,
    a_bill_of_less_than_nothing,
    a_late_bill,
    leaves_after_another,
    nothing,
    closes_and_stays,
    ring_too_far,
    ring_backwards,
    ring_size,
    ring_kind,
    ring_number,
    last
};

// The ring is found in the memory of the process: how much was written, at 0, and the bytes, at 128.
char* ring()
{
    std::ifstream maps{"/proc/self/maps"};
    for (std::string line; std::getline(maps, line);)
        if (kit::contains(line, "/memfd:wodehaus"))
            return reinterpret_cast<char*>(std::stoull(line, nullptr, 16));
    return nullptr;
}
void set_written(char* to, std::uint64_t value)
{
    std::memcpy(to, &value, sizeof value);
    write_frame(header_of(frame_kind::bell, 0));
}
/// Publishes a header of its own behind what is there.
void put_in_ring(frame_header const& header)
{
    char* at = ring();
    std::uint64_t written = 0;
    std::memcpy(&written, at, sizeof written);
    std::memcpy(at + 128 + written, &header, sizeof header);
    set_written(at, written + sizeof header);
}

struct lie_job {
    int what = 0;
    bool announced = false; ///< and has a ring

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & what & announced;
    }
};

int lies(lie_job const& job)
{
    auto announced = job.announced;
    auto header = next_header(frame_kind::result, announced);
    switch (lie(job.what)) {
    case lie::garbage:
        write_bytes(std::string(5000, 'g').data(), 5000);
        stay();
    case lie::half_a_frame_and_exits:
        header.size = 4;
        write_bytes(&header, sizeof header - 3);
        ::_exit(5);
    case lie::half_a_frame_and_stays:
        write_bytes(&header, sizeof header - 3);
        stay();
    case lie::too_long_a_length:
        header.size = 1000;
        write_frame(header, right_result);
        ::_exit(5);
    case lie::oversized:
        header.size = 2 * largest;
        write_frame(header, right_result);
        stay();
    case lie::beyond_all_bounds:
        header.size = ~std::uint64_t{0} - 10;
        write_frame(header, right_result);
        stay();
    case lie::another_type:
        write_frame(header, "not an int");
        ::_exit(5);
    case lie::another_id:
        header.id += 1;
        write_frame(header, right_result);
        stay();
    case lie::twice:
        write_frame(header, right_result);
        return 0;
    case lie::nobody_asked:
        header.id = 1u << 30;
        write_frame(header, right_result);
        stay();
    case lie::begun_unsent:
        write_frame(next_header(frame_kind::begun, announced, 1u << 30));
        stay();
    case lie::a_job:
        write_frame(header_of(frame_kind::job), right_result);
        stay();
    case lie::a_setup:
        write_frame(header_of(frame_kind::setup, 0), right_result);
        stay();
    case lie::a_hello:
        write_frame(header_of(frame_kind::hello, 0), std::string(16, 'h'));
        stay();
    case lie::a_ready:
        write_frame(header_of(frame_kind::ready, 1), "a name");
        stay();
    case lie::no_such_kind:
        write_frame(header_of(frame_kind{77}), right_result);
        stay();
    case lie::another_version:
        header.version = 77;
        write_frame(header, right_result);
        stay();
    case lie::a_long_name:
        write_frame(header_of(frame_kind::name, 0), std::string(1000, 'n'));
        stay();
    case lie::a_long_account:
        write_frame(next_header(frame_kind::failed, announced), std::string(50'000, 'f'));
        ::_exit(5);
    case lie::a_short_bill:
        write_frame(next_header(frame_kind::used, announced), std::string(23, 'b'));
        stay();
    case lie::a_bill_of_less_than_nothing:
        write_frame(next_header(frame_kind::used, announced), std::string(24, '\xff'));
        stay();
    case lie::a_late_bill:
        write_frame(header_of(frame_kind::prepared, 0), std::string(24, '\0'));
        stay();
    case lie::leaves_after_another:
        write_frame(next_header(frame_kind::leaving, announced, 1u << 30));
        stay();
    case lie::nothing:
        stay();
    case lie::closes_and_stays:
        for (int each = 3; each < 10; ++each)
            ::close(each);
        stay();
    case lie::ring_too_far:
        set_written(ring(), 1u << 30);
        stay();
    case lie::ring_backwards:
        set_written(ring(), 1);
        stay();
    case lie::ring_size:
        header.size = 50'000;
        put_in_ring(header);
        stay();
    case lie::ring_kind:
        put_in_ring(header_of(frame_kind::name, 0));
        stay();
    case lie::ring_number:
        header.number = 0; // that of its "begun"
        put_in_ring(header);
        stay();
    case lie::last:
        break;
    }
    return 0;
}

bool needs_ring(lie what)
{
    return what >= lie::ring_too_far;
}

/// How the job has to fail; nothing: it succeeds.
std::optional<errc> due(lie what)
{
    switch (what) {
    case lie::half_a_frame_and_exits:
    case lie::too_long_a_length:
        return errc::process_exited;
    case lie::half_a_frame_and_stays:
    case lie::nothing:
        return errc::timed_out;
    case lie::oversized:
    case lie::beyond_all_bounds:
        return errc::too_large;
    case lie::twice:
        return std::nullopt; // whatever comes first is its answer: the lie, unless the other one is in the ring
    case lie::closes_and_stays:
        return errc::process_lost;
    default:
        return errc::bad_message;
    }
}

std::size_t resident()
{
    std::ifstream in{"/proc/self/statm"};
    std::size_t all = 0, here = 0;
    in >> all >> here;
    return here * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}
/// That memory has not grown by more than this. An address sanitizer keeps what was freed.
class bounded {
public:
    ~bounded()
    {
#ifndef KIT_ADDRESS_SANITIZER
        BOOST_TEST(resident() < before_ + (24 << 20));
#endif
    }

private:
    [[maybe_unused]] std::size_t before_ = resident();
};

awaitable<void> goes_on(wodehaus::job_server& server)
{
    BOOST_TEST(co_await server.async_call(worker<good>, 1) == 2);
}

// ---- floods ----

int prints_for_ever(int)
{
    std::string line(3000, 'x');
    for (;;)
        std::puts(line.c_str());
}
int prints_short_lines_for_ever(int)
{
    for (;;)
        std::puts("");
}
int names_itself_for_ever(int)
{
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        auto header = header_of(frame_kind::name, 0);
        header.size = 8;
        many.append(reinterpret_cast<char const*>(&header), sizeof header).append("a name..");
    }
    for (;;)
        write_bytes(many.data(), many.size());
}
int rings_for_ever(int)
{
    std::vector<frame_header> bells(2000, header_of(frame_kind::bell, 0));
    for (;;)
        write_bytes(bells.data(), bells.size() * sizeof(frame_header));
}

// ---- descriptors and signals ----

/// A grandchild outside of the group goes on writing to its dead parent's channel.
int grandchild_writes_on(std::string const& gate)
{
    int none[2];
    if (::pipe(none) != 0)
        ::_exit(98);
    if (::fork() == 0) {
        ::setpgid(0, 0);
        ::close(none[1]);
        kit::arrive(gate);
        char byte = 0;
        static_cast<void>(!::read(none[0], &byte, 1)); // until its parent is dead
        std::string junk(1000, 'j');
        for (;;)
            if (::write(channel, junk.data(), junk.size()) < 0)
                ::_exit(0);
    }
    ::_exit(7);
}
int duplicates_all(int)
{
    for (int each = 3; each < 8; ++each)
        for (int i = 0; i < 20; ++i)
            static_cast<void>(::dup(each) < 0); // closed or not
    return 1;
}

struct signal_job {
    int signal = 0;
    int sibling = 0; ///< 0: the zygote

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & signal & sibling;
    }
};
int signals(signal_job const& job)
{
    ::kill(job.sibling ? job.sibling : ::getppid(), job.signal);
    if (!job.sibling && job.signal == SIGTERM)
        return 5;
    if (!job.sibling)
        std::abort();
    return 5;
}
int wait_at(std::string const& gate)
{
    kit::pass(gate);
    return 1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(hostile, kit::nothing_left)

BOOST_AUTO_TEST_CASE(lies_on_the_channel_and_in_the_ring)
{
    kit::each(ways, [](kit::way how) {
        bounded memory;
        auto options = how({.workers = 1, .kill_after = 20ms, .max_message = largest, .logger = {}});
        for (int each = 0; each < int(lie::last); ++each) {
            auto what = lie(each);
            if (needs_ring(what) && how.prefetch == 0)
                continue;
            BOOST_TEST_INFO_SCOPE("lie " << each);
            auto body = [&](wodehaus::job_server& server) -> awaitable<void> {
                bool waits = due(what) == errc::timed_out;
                auto job = task{worker<lies>, lie_job{each, how.prefetch > 0}}.timeout(waits ? 30ms : 20s);
                kit::event done{server.get_executor()};
                int behind = 0;
                server.async_try_call(job, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                    if (auto code = due(what)) {
                        auto why = kit::failed(end, *code);
                        BOOST_TEST(why.process.empty() == (what == lie::another_type)); // that is seen at its handler
                        BOOST_TEST(why.what.size() < 10'000u);
                    } else {
                        auto answer = kit::succeeded(std::move(end));
                        BOOST_TEST((answer == 0x01010101 || (how.prefetch > 0 && answer == 0)), answer);
                    }
                });
                for (int i = 0; i < 4; ++i) // some are sent ahead
                    server.async_try_call(worker<good>, 1, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                        if (!end && what == lie::twice && how.kept() && !how.prefetch)
                            kit::failed(end, errc::bad_message); // it was begun when the second answer came
                        else
                            BOOST_TEST(kit::succeeded(std::move(end)) == 2);
                        if (++behind == 4)
                            done.set();
                    });
                co_await done.wait();
                co_await goes_on(server);
            };
            kit::with_server(options, body);
        }
    });
}

BOOST_AUTO_TEST_CASE(floods)
{
    int out = ::dup(1), null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    std::fflush(stdout);
    ::dup2(null, 1); // what is inherited goes there
    boost::unit_test::unit_test_log.set_stream(std::cerr);
    {
        auto flood = [](kit::way how, wodehaus::output where, auto worker_of_flood) {
            bounded memory;
            auto options = how({.workers = 2, .kill_after = 20ms, .output = where, .logger = [](wodehaus::level, std::string_view) {}});
            kit::with_server(options, [&](wodehaus::job_server& server) -> awaitable<void> {
                kit::event done{server.get_executor()};
                auto endless = task{worker_of_flood, 0}.timeout(150ms);
                bool flooded = false;
                server.async_try_call(endless, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                    kit::failed(end, errc::timed_out);
                    flooded = true;
                    done.set();
                });
                for (int i = 0; i < 10; ++i) // beside it
                    co_await goes_on(server);
                co_await done.wait();
                BOOST_TEST(flooded);
                co_await goes_on(server);
            });
        };
        for (auto where : {wodehaus::output::log, wodehaus::output::inherit, wodehaus::output::discard})
            kit::each(ways, [&](kit::way how) {
                flood(how, where, worker<prints_for_ever>);
                if (where == wodehaus::output::log)
                    flood(how, where, worker<prints_short_lines_for_ever>);
            });
        kit::each(ways, [&](kit::way how) {
            flood(how, wodehaus::output::discard, worker<names_itself_for_ever>);
            flood(how, wodehaus::output::discard, worker<rings_for_ever>);
        });
    }
    boost::unit_test::unit_test_log.set_stream(std::cout);
    ::dup2(out, 1);
    ::close(out);
    ::close(null);
}

BOOST_AUTO_TEST_CASE(descriptors_that_are_kept)
{
    kit::each(ways, [](kit::way how) {
        bounded memory;
        kit::with_server(how({.workers = 1, .kill_after = 20ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto fine = co_await server.async_try_call(worker<duplicates_all>, 0);
            BOOST_TEST(kit::succeeded(std::move(fine)) == 1);
            co_await goes_on(server);
            kit::gate gate{server.get_executor()};
            auto end = co_await server.async_try_call(worker<grandchild_writes_on>, gate.path());
            BOOST_REQUIRE(!end);
            if (end.error().code != errc::bad_message) // the junk was first
                kit::check(end.error(), errc::process_exited);
            co_await goes_on(server);
        });
    });
}

BOOST_AUTO_TEST_CASE(signals_to_the_zygote)
{
    for (int signal : {SIGTERM, SIGKILL, SIGSTOP}) {
        kit::each(zygotes, [&](kit::way how) {
            BOOST_TEST_INFO_SCOPE("signal " << signal);
            if (signal == SIGSTOP && !how.prefetch)
                return; // it takes its time
            kit::with_server(how({.workers = 1, .kill_after = 50ms, .logger = {}}),
                             [&](wodehaus::job_server& server) -> awaitable<void> {
                signal_job job{signal, 0};
                auto end = co_await server.async_try_call(worker<signals>, job);
                if (signal == SIGTERM) // which it does not hear
                    BOOST_TEST(kit::succeeded(std::move(end)) == 5);
                else
                    kit::failed(end, errc::process_lost);
                co_await goes_on(server);
            });
        });
    }
}

BOOST_AUTO_TEST_CASE(signals_to_a_sibling)
{
    kit::each(ways, [](kit::way how) {
        kit::with_server(how({.workers = 2, .kill_after = 20ms}), [](wodehaus::job_server& server) -> awaitable<void> {
            for (int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGSTOP}) {
                kit::gate gate{server.get_executor()};
                kit::event done{server.get_executor()};
                auto victim = task{worker<wait_at>, gate.path()}.timeout(signal == SIGSTOP ? 200ms : 20s);
                server.async_try_call(victim, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                    if (signal == SIGSTOP)
                        kit::failed(end, errc::timed_out);
                    else
                        BOOST_TEST(kit::failed(end, errc::process_crashed).signal == signal);
                    done.set();
                });
                signal_job job{signal, co_await gate.arrived()};
                BOOST_TEST(co_await server.async_call(worker<signals>, job) == 5);
                co_await done.wait();
                co_await goes_on(server);
            }
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
