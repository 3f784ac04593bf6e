// The egg's entry.
#include <wodehaus/start.hpp>

#include <boost/asio/io_context.hpp>

#include <csignal>

namespace wodehaus::detail {

run_summary run_here(std::unique_ptr<source> tasks, options how)
{
    how.stop_signals = {SIGINT, SIGTERM};
    boost::asio::io_context context{1};
    auto server = make_dispatcher(context.get_executor(), std::move(how));
    struct closing {
        std::shared_ptr<dispatcher> const& server;
        ~closing() { close(*server); }
    } at_the_end{server};
    run_summary summary;
    std::exception_ptr error;
    start_run(server, std::move(tasks), [&](std::exception_ptr thrown, run_summary sum) {
        error = thrown;
        summary = sum;
    });
    context.run();
    if (error)
        std::rethrow_exception(error);
    return summary;
}

} // namespace wodehaus::detail
