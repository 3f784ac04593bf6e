// A program that is linked with -static has a lock in the unwinder, which may be held when a process forks or crashes.
#include "test/kit/preload.hpp"

#include <atomic>
#include <thread>

#include <csignal>

#include <sys/time.h>

namespace asio = boost::asio;
using wodehaus::worker;

namespace {

int throws(int)
{
    throw std::invalid_argument{"always"};
}

void throw_deep(int depth)
{
    if (depth == 0)
        throw std::runtime_error{"often"};
    throw_deep(depth - 1);
}
/// Throws until a timer's signal crashes it, most often within the unwinder.
int crashes_as_it_throws(int)
{
    ::signal(SIGPROF, [](int) { ::raise(SIGSEGV); });
    itimerval soon{{}, {0, 20'000}};
    ::setitimer(ITIMER_PROF, &soon, nullptr);
    for (;;)
        try {
            throw_deep(20);
        } catch (std::runtime_error const&) {
        }
}

/// A thread that throws so often that some forks meet it, and seldom enough for others not to.
class throwing_thread {
public:
    ~throwing_thread()
    {
        end_ = true;
        thread_.join();
    }

private:
    void run()
    {
        while (!end_) {
            auto begin = std::chrono::steady_clock::now();
            try {
                throw_deep(20);
            } catch (std::runtime_error const&) {
            }
            for (auto end = std::chrono::steady_clock::now(), now = end; now - end < 3 * (end - begin);)
                now = std::chrono::steady_clock::now();
        }
    }

    std::atomic<bool> end_{false};
    std::thread thread_{[this] { run(); }};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(unwinder, kit::nothing_left)

BOOST_AUTO_TEST_CASE(fresh_processes_from_a_program_of_which_a_thread_throws)
{
    kit::each(kit::launches_beside_threads, [](kit::way how) {
        throwing_thread beside;
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 4, .timeout = std::chrono::seconds{30}})};
        int left = 40;
        server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
        for (int i = left; i > 0; --i)
            server.async_try_call(worker<throws>, 1, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                BOOST_REQUIRE(!end);
                BOOST_TEST((end.error().code == wodehaus::errc::job_threw));
                if (--left == 0)
                    server.stop();
            });
        context.run_for(std::chrono::seconds{60});
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_CASE(crashes_within_the_unwinder)
{
    kit::each(std::array{kit::zygote_fresh}, [](kit::way how) {
        asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.workers = 4, .timeout = std::chrono::seconds{30}})};
        int left = 4;
        server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
        for (int i = left; i > 0; --i)
            server.async_try_call(worker<crashes_as_it_throws>, 1, [&](std::exception_ptr, wodehaus::outcome<int> end) {
                BOOST_REQUIRE(!end);
                BOOST_TEST(end.error().signal == SIGSEGV);
                if (--left == 0)
                    server.stop();
            });
        context.run_for(std::chrono::seconds{60});
        BOOST_TEST(left == 0);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
