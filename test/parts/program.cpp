// A server whose processes are another program, which only runs jobs. Arguments: such programs.
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"
#include "test/kit/sanitizer.hpp"
#include "test/kit/serve.hpp"
#include "test/parts/jobs.hpp"

#include <array>

using wodehaus::errc, wodehaus::worker;

namespace {

/// Calls the body with each program and each way to start it.
template <class Body>
void each_program(Body body)
{
    auto const& arguments = boost::unit_test::framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(arguments.argc > 1, "usage: program -- PROGRAM...");
    for (int i = 1; i < arguments.argc; ++i) {
        auto program = std::filesystem::canonical(arguments.argv[i]);
        BOOST_TEST_INFO_SCOPE(program);
        kit::each(std::array{kit::zygote_fresh, kit::zygote_ahead, kit::exec_fresh, kit::exec_ahead},
                  [&](kit::way how) {
                      kit::with_server(how({.workers = 2, .program = program}),
                                       [&](wodehaus::job_server& server) { return body(server, program); });
                  });
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(it_has_the_workers_that_it_offers)
{
    each_program([](wodehaus::job_server& server, std::string program) -> kit::awaitable<void> {
        BOOST_TEST(co_await server.async_call(worker<jobs::program>, 0) == program);
        BOOST_TEST(co_await server.async_call(worker<jobs::name>, 0) == "small"); // its preload has run
        jobs::order order{"Bertie", {1, 2, 3}};
        BOOST_TEST(co_await server.async_call(worker<jobs::thanks>, order) == "Bertie ordered 3");
        jobs::times triple{3};
        std::vector<int> numbers{1, 2, 3, 4};
        auto tripled = co_await server.async_map(triple, numbers);
        BOOST_TEST((tripled == std::vector{3, 6, 9, 12}));
        wodehaus::task second{worker<jobs::which_attempt>, 2};
        BOOST_TEST(co_await server.async_call(second.attempts(2)) == 2);
    });
}

BOOST_AUTO_TEST_CASE(a_worker_that_it_lacks)
{
    each_program([](wodehaus::job_server& server, std::string) -> kit::awaitable<void> {
        auto why = kit::failed(co_await server.async_try_call(worker<jobs::lacking>, 1), errc::unknown_worker);
        BOOST_TEST(kit::contains(why.what, "lacking"));
        int after = co_await server.async_call(worker<jobs::which_attempt>, 1);
        BOOST_TEST(after == 1);
    });
}

// Sanitizers take it for themselves.
#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER) && !defined(KIT_UNDEFINED_BEHAVIOR_SANITIZER)

BOOST_AUTO_TEST_CASE(where_it_crashed)
{
    each_program([](wodehaus::job_server& server, std::string program) -> kit::awaitable<void> {
        auto why = kit::failed(co_await server.async_try_call(worker<jobs::crashes>, 1), errc::process_crashed);
        BOOST_TEST(kit::contains(why.what, "by a null pointer (address 0x0)"), why.what);
        bool has_names = !kit::contains(program, "stripped");
        BOOST_TEST(kit::contains(why.trace, "jobs::reads(") == has_names, why);
        BOOST_TEST(kit::contains(why.what, ", in ") == has_names, why.what); // nor is it called what lies close by
        BOOST_TEST(kit::contains(why.trace, program + " was stripped") != has_names, why);
        BOOST_TEST(kit::contains(why.trace, "build it with -g") == has_names, why);
        BOOST_TEST(kit::contains(why.trace, "  #1 "), why); // its callers are there in any case
    });
}

#endif

BOOST_AUTO_TEST_CASE(it_runs_kept_jobs_again)
{
    auto const& arguments = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i < arguments.argc; ++i) {
        kit::folder folder;
        auto program = std::filesystem::canonical(arguments.argv[i]);
        wodehaus::options how{.program = program, .keep_failed = folder.path()};
        kit::with_server(how, [](wodehaus::job_server& server) -> kit::awaitable<void> {
            kit::failed(co_await server.async_try_call(worker<jobs::which_attempt>, 2), errc::process_crashed);
        });
        auto file = std::filesystem::directory_iterator{folder.path()}->path().string();
        auto again = kit::run_program({"--wodehaus-replay", file}, program);
        BOOST_TEST(again.signal == SIGKILL, again.errors);
        BOOST_TEST(kit::contains(again.errors, "runs it again"), again.errors);
        auto listed = kit::run_program({"--wodehaus-replay", folder.path()}, program);
        BOOST_TEST(kit::contains(listed.output, file), listed.output);
    }
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return kit::run_tests(argc, argv);
}
