// Two kinds of task in one run: the producer gives a variant, an overload set consumes; processes are exec'ed and kept.
#include <wodehaus.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <algorithm>
#include <iostream>

namespace {

std::string reversed(std::string const& text)
{
    return {text.rbegin(), text.rend()};
}

int largest(std::vector<int> numbers)
{
    if (numbers.empty())
        throw std::invalid_argument{"there is no largest of none"};
    return *std::max_element(numbers.begin(), numbers.end());
}

using text_task = wodehaus::task_of<reversed>;
using number_task = wodehaus::task_of<largest>;

struct printer {
    void operator()(std::string const& text, std::string const& result) const
    {
        std::cout << text << " reversed is " << result << '\n';
    }
    void operator()(std::vector<int> const& numbers, wodehaus::outcome<int> result) const
    {
        if (result)
            std::cout << "the largest of " << numbers.size() << " is " << *result << '\n';
        else
            std::cout << (result.error().code == wodehaus::errc::job_threw ? "it threw" : result.error().what) << '\n';
    }
};

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, [] { wodehaus::process_name("kinds"); });

    boost::asio::io_context context;
    wodehaus::job_server server{context, {.workers = 2, .launch = wodehaus::launch::exec, .jobs_per_process = 0}};

    auto producer = [at = 0]() mutable -> std::optional<std::variant<text_task, number_task>> {
        switch (at++) {
        case 0:
            return text_task{{}, "drawer"};
        case 1:
            return number_task{{}, {3, 14, 15, 9}}.priority(1);
        case 2:
            return wodehaus::task{wodehaus::worker<reversed>, std::string{"stressed"}}.timeout(std::chrono::minutes{1});
        case 3:
            return number_task{};
        default:
            return std::nullopt;
        }
    };
    server.async_run(producer, printer{}, [](std::exception_ptr error, wodehaus::run_summary summary) {
        std::cout << (error ? "the run failed" : "the run ended") << " after " << summary.succeeded << " and "
                  << summary.failed << " failed\n";
    });
    context.run();
}
