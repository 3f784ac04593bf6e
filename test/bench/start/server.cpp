// How long it takes from the begin of a run, which starts a program by exec, to the first answer.
//   server COUNT PROGRAM...     prints the median of so many starts of each, in microseconds
// This program is one that may be started, too.
#include "next.hpp"

#include <wodehaus/init.hpp>
#include <wodehaus/job_server.hpp>

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <vector>

namespace {

std::chrono::nanoseconds time_to_first_answer(char const* program)
{
    using clock = std::chrono::steady_clock;

    boost::asio::io_context context{1};
    wodehaus::job_server server{context, {.workers = 1, .launch = wodehaus::launch::exec, .program = program}};
    clock::time_point answered;
    auto begin = clock::now();
    server.async_call(wodehaus::worker<next>, 1, [&](std::exception_ptr error, int result) {
        answered = clock::now();
        server.stop();
        if (error)
            std::rethrow_exception(error);
        if (result != 2)
            throw std::runtime_error{"a wrong result"};
    });
    server.async_run([](std::exception_ptr, wodehaus::run_summary) {});
    context.run();
    return answered - begin;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    if (argc < 3 || std::atoi(argv[1]) < 1) {
        std::cerr << "usage: server COUNT PROGRAM...\n";
        return 2;
    }
    auto count = static_cast<std::size_t>(std::atoi(argv[1]));
    std::vector<std::vector<std::chrono::nanoseconds>> times(static_cast<std::size_t>(argc));
    for (std::size_t i = 0; i < count; ++i) // in turn, so that a slow moment of the machine meets all of them
        for (int program = 2; program < argc; ++program)
            times[static_cast<std::size_t>(program)].push_back(time_to_first_answer(argv[program]));
    for (int program = 2; program < argc; ++program) {
        auto& all = times[static_cast<std::size_t>(program)];
        std::ranges::sort(all);
        std::cout << argv[program] << ' ' << all[count / 2].count() / 1000 << '\n';
    }
}
