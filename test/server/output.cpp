// Where the stdout and stderr of processes go.
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"

#include <boost/serialization/vector.hpp>

#include <iostream>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using wodehaus::task, wodehaus::worker;

namespace {

int half(int number)
{
    return number / 2;
}
int prints(std::string const& text) // and does not flush
{
    std::printf("(printf %s)\n(and %s)", text.c_str(), text.c_str());
    std::cout << "(cout " << text << ")";
    std::fprintf(stderr, "(stderr %s)\n", text.c_str());
    return 1;
}
int prints_and_exits(std::string const& text)
{
    std::printf("first line\nlast words: %s\n", text.c_str());
    std::fprintf(stderr, "to stderr\n");
    std::exit(3);
}
int prints_much(int lines)
{
    for (int line = 0; line < lines; ++line)
        std::printf("line %d\n", line);
    return lines;
}
int prints_by_child(int)
{
    return std::system("echo from a child; echo errors of a child >&2");
}

// What a copy of this program does: three jobs that print, with a server of this way and kind of output.
int print_in(std::string const& way_name, std::string const& kind)
{
    auto how = kit::way_named(way_name)({.workers = 1, .output = kit::output_named(kind)});
    how.logger = [](wodehaus::level, std::string_view) {};
    asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, how};
    int status = 1;
    server.async_run(kit::rethrow{});
    std::vector<std::string> texts{"a", "b", "c"};
    server.async_map(worker<prints>, texts, [&](std::exception_ptr error, std::vector<int>) {
        status = error ? 1 : 0;
        server.stop();
    });
    context.run();
    std::printf("(server)\n");
    return status;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(output, kit::nothing_left)

BOOST_AUTO_TEST_CASE(inherited)
{
    kit::each_way([](kit::way how) {
        auto end = kit::run_program({"--print", how.name, "inherit"});
        BOOST_TEST(end.exit_code == 0);
        for (std::string text : {"a", "b", "c"}) { // once: neither lost nor doubled
            BOOST_TEST(kit::count(end.output, "(printf " + text + ")") == 1u, end.output);
            BOOST_TEST(kit::count(end.output, "(and " + text + ")") == 1u, end.output);
            BOOST_TEST(kit::count(end.output, "(cout " + text + ")") == 1u, end.output);
            BOOST_TEST(kit::count(end.errors, "(stderr " + text + ")") == 1u, end.errors);
        }
        BOOST_TEST(kit::count(end.output, "(server)") == 1u);
    });
}

BOOST_AUTO_TEST_CASE(discarded)
{
    kit::each_way([](kit::way how) {
        auto end = kit::run_program({"--print", how.name, "discard"});
        BOOST_TEST(end.exit_code == 0);
        BOOST_TEST(end.output == "(server)\n");
        BOOST_TEST(end.errors == "");
    });
}

BOOST_AUTO_TEST_CASE(logged_and_not_inherited)
{
    kit::each_way([](kit::way how) {
        auto end = kit::run_program({"--print", how.name, "log"});
        BOOST_TEST(end.exit_code == 0);
        BOOST_TEST(end.output == "(server)\n");
        BOOST_TEST(end.errors == "");
    });
}

BOOST_AUTO_TEST_CASE(what_preload_prints)
{
    kit::preload_does print{"print [preload]"};
    for (auto& how : kit::all_ways) {
        BOOST_TEST_INFO_SCOPE(how.name);
        auto end = kit::run_program({"--print", how.name, "inherit"});
        BOOST_TEST(end.exit_code == 0);
        if (how.launch == wodehaus::launch::zygote)
            BOOST_TEST(kit::count(end.output, "[preload]") == 1u, end.output); // not once more from each fork
        else if (how.kept())
            BOOST_TEST(kit::count(end.output, "[preload]") == 1u, end.output);
        else
            BOOST_TEST(kit::count(end.output, "[preload]") >= 3u, end.output);
    }
}

BOOST_AUTO_TEST_CASE(logged_line_by_line)
{
    kit::each_way([](kit::way how) {
        kit::lines log;
        kit::with_server(how({.workers = 1, .output = wodehaus::output::log, .logger = log.logger()}),
                         [](wodehaus::job_server& server) -> awaitable<void> {
                             BOOST_TEST(co_await server.async_call(worker<prints>, "text") == 1);
                             BOOST_TEST(co_await server.async_call(worker<prints_by_child>, 1) == 0);
                         });
        auto found = [&](std::string const& text) {
            std::size_t lines = 0;
            for (auto& line : log.infos()) {
                BOOST_TEST(line.find('\n') == line.npos);
                lines += kit::contains(line, text);
            }
            return lines;
        };
        for (auto text : {"(printf text)", "(and text)", "(cout text)", "(stderr text)", "from a child", "errors of a child"})
            BOOST_TEST(found(text) == 1u, text);
    });
}

BOOST_AUTO_TEST_CASE(the_last_lines_of_a_failed_job)
{
    kit::each_way([](kit::way how) {
        kit::lines log;
        kit::with_server(how({.workers = 1, .output = wodehaus::output::log, .logger = log.logger()}),
                         [](wodehaus::job_server& server) -> awaitable<void> {
                             auto end = co_await server.async_try_call(worker<prints_and_exits>, "adieu");
                             auto why = kit::failed(end, errc::process_exited);
                             BOOST_TEST(kit::contains(why.output, "first line"), why.output);
                             BOOST_TEST(kit::contains(why.output, "last words: adieu"), why.output);
                             BOOST_TEST(kit::contains(why.output, "to stderr"), why.output);
                         });
    });
}

BOOST_AUTO_TEST_CASE(much_output)
{
    // More than a pipe holds: a server that did not read would keep the worker from ending.
    kit::each_launch([](kit::way how) {
        kit::lines log;
        kit::with_server(how({.workers = 1, .output = wodehaus::output::log, .logger = log.logger()}),
                         [](wodehaus::job_server& server) -> awaitable<void> {
                             BOOST_TEST(co_await server.async_call(worker<prints_much>, 20'000) == 20'000);
                             BOOST_TEST(co_await server.async_call(worker<half>, 4) == 2);
                         });
        std::size_t lines = 0;
        for (auto& line : log.infos())
            lines += kit::contains(line, "line ");
        BOOST_TEST(lines == 20'000u);
    });
}

BOOST_AUTO_TEST_CASE(a_logger_that_throws_ends_no_job)
{
    kit::each_launch([](kit::way how) {
        auto summary = kit::with_server(
            how({.workers = 1,
                 .output = wodehaus::output::log,
                 .logger = [](wodehaus::level, std::string_view) { throw std::runtime_error{"no"}; }}),
            [](wodehaus::job_server& server) -> awaitable<void> {
                BOOST_TEST(co_await server.async_call(worker<prints>, "text") == 1);
                auto end = co_await server.async_try_call(worker<prints_and_exits>, "text");
                kit::failed(end, errc::process_exited);
            });
        BOOST_TEST(summary.succeeded == 1u);
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    if (argc == 4 && std::string_view{argv[1]} == "--print")
        return print_in(argv[2], argv[3]);
    return kit::run_tests(argc, argv);
}
