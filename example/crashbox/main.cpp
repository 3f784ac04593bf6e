// Runs a fragile parser on files, each in a process of its own, and reports what went wrong: failures with the same stack
// are one, and each can be run again.
#include "expression.hpp"
#include "options.hpp"
#include "report.hpp"
#include "shared/text.hpp"

#include <wodehaus.hpp>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> names_from(std::istream& in)
{
    std::vector<std::string> names;
    for (std::string line; std::getline(in, line);)
        if (!line.empty())
            names.push_back(line);
    return names;
}

/// Throws `std::runtime_error` that says why there is nothing to be read.
std::uintmax_t size_of(std::string const& name)
{
    std::error_code error;
    auto status = fs::status(name, error);
    if (!error && !fs::is_regular_file(status))
        throw std::runtime_error{"it is not a file"};
    auto size = error ? 0 : fs::file_size(name, error);
    if (error)
        throw std::runtime_error{"it cannot be read: " + error.message()};
    return size;
}

/// What is in a file of this size. Throws `std::runtime_error` that says why it cannot be read.
std::string content_of(std::string const& name, std::uintmax_t size)
{
    std::string content(static_cast<std::size_t>(size), '\0');
    std::ifstream in{name, std::ios::binary};
    in.read(content.data(), static_cast<std::streamsize>(size)); // at once: all files wait while one is read
    if (!in.is_open() || in.bad())
        throw std::runtime_error{"it cannot be read: " + std::generic_category().message(errno)};
    content.resize(static_cast<std::size_t>(in.gcount())); // it may have become shorter
    return content;
}

/// The files and what becomes of them.
class trial {
public:
    trial(std::vector<std::string> names, wodehaus::job_server& server, std::size_t largest)
        : names_(std::move(names)), server_(server), largest_(largest)
    {
        result_.files = names_.size();
    }

    /// Tries all, so many at once, and then stops the server. `handler` is given what goes wrong.
    template <class Handler>
    void start(std::size_t at_once, Handler handler)
    {
        unfinished_ = std::max<std::size_t>(1, std::min(at_once, names_.size()));
        for (auto i = unfinished_; i > 0; --i)
            asio::co_spawn(server_.get_executor(), go_on(), handler);
    }

    report& result() { return result_; }

private:
    asio::awaitable<void> go_on()
    {
        while (next_ < names_.size()) {
            auto const& name = names_[next_++];
            if (auto text = read(name))
                take(name, co_await server_.async_try_call(wodehaus::worker<evaluate>, std::move(*text)));
        }
        if (--unfinished_ == 0)
            server_.stop();
    }

    /// Nothing, and it has failed, where that cannot be a job.
    std::optional<std::string> read(std::string const& name)
    {
        try {
            auto size = size_of(name);
            if (size <= largest_)
                return content_of(name, size);
            auto what = "it has " + std::to_string(size) + " bytes, and a job may have " + std::to_string(largest_);
            result_.failures.add({name, {make_error_code(wodehaus::errc::too_large), what}});
        } catch (std::runtime_error const& error) {
            result_.failures.add({name, {make_error_code(boost::system::errc::io_error), error.what()}});
        }
        return std::nullopt;
    }

    void take(std::string const& name, wodehaus::outcome<long> end)
    {
        if (end)
            return;
        if (end.error().code == wodehaus::errc::stopped) {
            result_.left_out += 1 + names_.size() - next_;
            next_ = names_.size();
            return;
        }
        if (end.error().code == wodehaus::errc::launch_failed)
            throw wodehaus::job_error{end.error()}; // it is not the file's fault, and the next would fare alike
        result_.failures.add({name, end.error()});
    }

    std::vector<std::string> names_;
    wodehaus::job_server& server_;
    std::size_t largest_; ///< bytes of a job
    std::size_t next_ = 0, unfinished_ = 0;
    report result_;
};

wodehaus::options how_to_run(request const& asked)
{
    return {.workers = asked.processes,
            .jobs_per_process = 1, // what a file has done to the parser ends with it
            .timeout = asked.timeout,
            .memory = asked.memory,
            .max_message = std::min(asked.memory, wodehaus::options{}.max_message), // a process has to hold it
            .stop_signals = {SIGINT, SIGTERM},
            .output = wodehaus::output::discard,
            .keep_failed = asked.output / "failed"};
}

report try_all(request const& asked)
{
    asio::io_context context{1};
    auto how = how_to_run(asked);
    wodehaus::job_server server{context, how};
    trial all{asked.files.empty() ? names_from(std::cin) : asked.files, server, how.max_message};
    std::exception_ptr failed;
    auto note = [&](std::exception_ptr error) {
        if (error && !std::exchange(failed, error))
            server.terminate();
    };
    server.async_run([&](std::exception_ptr error, wodehaus::run_summary summary) {
        note(error);
        all.result().elapsed = summary.elapsed;
    });
    all.start(asked.processes, note);
    context.run();
    if (failed)
        std::rethrow_exception(failed);
    return std::move(all.result());
}

void summarise(report const& all)
{
    for (auto const& group : all.failures.sorted())
        std::cout << std::setw(5) << group.files.size() << "  " << printable(group.title) << '\n';
    std::cout << all.files << " files, " << all.fine() << " fine, " << all.failures.files() << " failed";
    if (all.left_out > 0)
        std::cout << ", " << all.left_out << " left out";
    std::cout << ", " << std::fixed << std::setprecision(1) << all.elapsed.count() << " s\n";
}

int run(request const& asked)
{
    std::error_code error;
    fs::create_directories(asked.output, error);
    if (error)
        throw bad_usage{"cannot use " + asked.output.string() + ": " + error.message()};
    auto all = try_all(asked);
    summarise(all); // first, since it is all that there is if the page cannot be written
    std::cout << write(all, asked.output).string() << '\n';
    return all.fine() == all.files ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    return run_and_report("crashbox", [&] {
        auto asked = read_options(argc, argv);
        return asked ? run(*asked) : 0;
    });
}
