// Workers that lie in shared objects and static libraries, which the program is linked with.
#include "test/kit/preload.hpp"
#include "test/kit/serve.hpp"
#include "test/parts/part.hpp"

using wodehaus::worker;

namespace {

std::string hidden(int) // as in each of the parts
{
    return "program";
}

kit::awaitable<std::string> called(decltype(linked::call)& call, wodehaus::job_server& server)
{
    kit::event done{server.get_executor()};
    std::exception_ptr failed;
    std::string answer;
    call(server, [&](std::exception_ptr error, std::string text) {
        failed = error;
        answer = std::move(text);
        done.set();
    });
    co_await done.wait();
    if (failed)
        std::rethrow_exception(failed);
    co_return answer;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_worker_is_found_wherever_it_lies)
{
    kit::each_way_and_in_process([](kit::way how) {
        kit::with_server(how(), [](wodehaus::job_server& server) -> kit::awaitable<void> {
            BOOST_TEST(co_await called(linked::call, server) == "linked1");
            BOOST_TEST(co_await called(unlinked::call, server) == "unlinked1");
            BOOST_TEST(co_await called(archive::call, server) == "archive1");
            BOOST_TEST(co_await server.async_call(worker<hidden>, 0) == "program");

            std::string text = "echo";
            BOOST_TEST(co_await server.async_call(worker<linked::echo>, text) == "echo in linked");
            BOOST_TEST(co_await server.async_call(worker<unlinked::echo>, text) == "echo in unlinked");
            BOOST_TEST(co_await server.async_call(worker<archive::echo>, text) == "echo in archive");
            BOOST_TEST(co_await server.async_call(worker<alone>, text) == "echo alone");
        });
    });
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return kit::run_tests(argc, argv);
}
