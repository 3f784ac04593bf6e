// A program beside the test of the matrix. It has some of the test's workers, so that a server of the test can start
// it; and it is a server itself, which makes one call and says how that ended:
//
//   guest WAY OUTPUT ERRAND ARGUMENT [PROGRAM]
//
// One that prints stays until nobody can write to its stdin any more.
// KIT_INIT says how its main comes to wodehaus::init: "late", "after a run", "twice", "never"; else at once. Each start
// leaves a note in the file KIT_STARTS.
#include "test/server/errands.hpp"

#include <cstring>
#include <iostream>

using wodehaus::worker;

namespace {

std::string variable(char const* name)
{
    char const* value = std::getenv(name);
    return value ? value : "";
}

template <class Result>
bool say(wodehaus::outcome<Result> const& end)
{
    if (end)
        std::cout << "result: " << *end << std::endl;
    else
        std::cout << "failure: " << end.error().code.message() << ": " << end.error().what << std::endl;
    return end.has_value();
}

void wait_for_end_of_input()
{
    while (std::getchar() != EOF)
        ;
}

void go_on() {}

/// Makes the call, and does this before the server stops.
template <class Worker>
int call(wodehaus::options how, Worker, typename Worker::job const& job, void (*then)() = go_on)
{
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, std::move(how)};
    bool succeeded = false;
    server.async_run(kit::rethrow{});
    server.async_try_call(Worker{}, job, [&](std::exception_ptr, wodehaus::outcome<typename Worker::result> end) {
        succeeded = say(end);
        then();
        server.stop();
    });
    context.run();
    return succeeded ? EXIT_SUCCESS : EXIT_FAILURE;
}

int serve(std::vector<std::string> const& arguments)
{
    auto how = kit::way_named(arguments.at(0))({.workers = 1});
    how.output = kit::output_named(arguments.at(1));
    if (arguments.size() > 4)
        how.program = arguments[4];
    auto& errand = arguments.at(2);
    auto& argument = arguments.at(3);
    if (errand == "half")
        return call(how, worker<errands::half>, std::stoi(argument));
    if (errand == "name")
        return call(how, worker<errands::name_of_process>, 0);
    if (errand == "program")
        return call(how, worker<errands::program_of_process>, 0);
    auto colon = argument.find(':');
    auto first = argument.substr(0, colon), second = argument.substr(colon + 1);
    if (errand == "print")
        return call(how, worker<errands::print>, {first, second}, wait_for_end_of_input);
    if (errand == "serve")
        return call(how, worker<errands::serve_within>, {static_cast<wodehaus::launch>(std::stoi(first)), second});
    throw std::invalid_argument{"no such errand"};
}

/// A library that lets go on what begets itself without end would not be stopped by this test's failure alone.
void count_starts()
{
    auto file = variable("KIT_STARTS");
    if (file.empty())
        return;
    kit::note(file);
    if (kit::notes(file).size() > 40)
        std::_Exit(99);
}

void initialise(int& argc, char** argv)
{
    auto mode = variable("KIT_INIT");
    if (mode == "never")
        return;
    if (mode == "late") {
        std::puts("before init");
        std::fflush(stdout);
        std::thread{[] {}}.join();
    }
    if (mode == "after a run")
        call(kit::exec_fresh({.workers = 2}), worker<errands::half>, 10);
    if (mode == "twice")
        wodehaus::init(argc, argv, [] { wodehaus::process_name("the first preload"); });
    wodehaus::init(argc, argv, mode == "twice" ? [] { wodehaus::process_name("the second preload"); } : kit::preload);
}

} // namespace

int main(int argc, char** argv)
{
    try {
        count_starts();
        initialise(argc, argv);
        return serve({argv + 1, argv + argc});
    } catch (std::exception const& error) {
        std::cerr << "guest: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
