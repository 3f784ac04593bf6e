// A program that forgets wodehaus::init is told so; it is never started again and again.
#include "test/kit/framework.hpp"
#include "test/kit/gate.hpp"

using kit::awaitable;
using wodehaus::worker;

namespace {

constexpr char const notes_variable[] = "KIT_STARTED"; // where each start of this program leaves a note

int half(int number)
{
    return number / 2;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(uninitialised, kit::nothing_left)

BOOST_AUTO_TEST_CASE(every_call_is_told_which_line_is_missing)
{
    kit::each_launch([](kit::way how) {
        kit::folder folder;
        ::setenv(notes_variable, (folder / "notes").c_str(), 1);
        auto summary = kit::with_server(how({.attempts = 5, .logger = {}}), [](wodehaus::job_server& server) -> awaitable<void> {
            auto end = co_await server.async_try_call(worker<half>, 4);
            auto why = kit::failed(end, kit::errc::not_initialised);
            BOOST_TEST(kit::contains(why.what, "wodehaus::init(argc, argv)"), why.what);
            BOOST_TEST(why.process.empty());
            std::vector<int> numbers{2, 4};
            auto all = co_await server.async_try_map(worker<half>, numbers);
            BOOST_TEST(all.size() == 2u);
            for (auto& each : all)
                kit::failed(each, kit::errc::not_initialised);
        });
        ::unsetenv(notes_variable);
        BOOST_TEST(summary.failed == 3u);
        BOOST_TEST(kit::notes(folder / "notes").empty());
    });
}

BOOST_AUTO_TEST_CASE(a_run_over_a_producer_ends)
{
    kit::each_launch([](kit::way how) {
        boost::asio::io_context context{1};
        wodehaus::basic_job_server<> server{context, how({.logger = {}})};
        int failures = 0, left = 3;
        bool ended = false;
        auto producer = [&]() -> std::optional<wodehaus::task_of<half>> {
            if (left-- == 0)
                return std::nullopt;
            return wodehaus::task{worker<half>, 4};
        };
        auto consumer = [&](int, wodehaus::outcome<int> end) {
            kit::failed(end, kit::errc::not_initialised);
            ++failures;
        };
        server.async_run(producer, consumer, [&](std::exception_ptr, wodehaus::run_summary) { ended = true; });
        kit::run(context);
        BOOST_TEST(ended);
        BOOST_TEST(failures == 3);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    if (char const* file = std::getenv(notes_variable)) {
        kit::note(file);
        return 1;
    }
    ::setsid();
    return kit::run_framework(argc, argv);
}
