// Runs the command lines of the standard input, several at once, as GNU parallel does: each in a process of its own.
#include "command.hpp"
#include "halt.hpp"
#include "in_order.hpp"
#include "joblog.hpp"
#include "line_reader.hpp"
#include "options.hpp"
#include "slots.hpp"

#include <wodehaus.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <memory>
#include <system_error>

#include <boost/asio/io_context.hpp>
#include <fcntl.h>
#include <unistd.h>

namespace {

constexpr int other_error = 255;

/// A standard stream that the caller has closed stays unusable: else the next file to be opened would take its place.
void occupy_closed_streams()
{
    for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::fcntl(stream, F_GETFD) < 0)
            ::open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY); // gets the lowest number that is free
}

/// Shared with the producer's thread, which may outlast the run that ends without it.
struct work {
    explicit work(request const& what) : asked(what), places(what.jobs), lines(STDIN_FILENO) {}

    request asked;
    slots places;
    line_reader lines;
    std::uint64_t number = 0;
};

/// The next command, when its turn has come.
std::optional<wodehaus::task_of<run_command>> next_task(work& all, std::stop_token const& stop)
{
    if (!all.places.take(stop))
        return std::nullopt;
    auto line = all.lines.next(stop);
    if (!line)
        return std::nullopt;
    if (line->find('\0') != line->npos)
        throw std::runtime_error{"line " + std::to_string(all.number + 1) + " has a NUL in it: this is no text"};
    command job{++all.number, std::move(*line), all.asked.timeout, all.asked.attempts};
    return wodehaus::task{wodehaus::worker<run_command>, std::move(job)}
        .attempts(all.asked.attempts)
        .retry_exceptions();
}

/// For a message: a line may be a megabyte.
std::string in_short(std::string const& line)
{
    constexpr std::size_t most = 200;
    return line.size() <= most ? line : line.substr(0, most) + "...";
}

/// What is told of a command whose process could not say how it ended.
command_end without_answer(command const& job, wodehaus::failure const& why)
{
    if (why.code == wodehaus::errc::launch_failed)
        throw std::runtime_error{why.what}; // the next would fare alike
    command_end end;
    end.began = seconds_since_epoch();
    end.signal = why.signal; // `kill -9 0` has hit the worker, too
    end.exit_code = why.signal ? 0 : other_error;
    if (!why.signal)
        end.errors = "parallel: " + in_short(job.line) + ": " + why.what + '\n';
    return end;
}

void write(std::string const& text, std::FILE* to)
{
    if (std::fwrite(text.data(), 1, text.size(), to) != text.size() || std::fflush(to) != 0)
        throw std::system_error{errno, std::generic_category(), "cannot write the commands' output"};
}

/// What is made of the outcomes.
class results {
public:
    results(request const& asked, std::size_t total) : tally_(asked.halt, total), log_(asked.joblog) {}

    halt_rule::moment add(command const& job, command_end end)
    {
        bool before = tally_.halted();
        auto what = tally_.add(end.exit_code, end.signal);
        if (end.exit_code == -1)
            end.errors += "parallel: its time was up: " + in_short(job.line) + '\n';
        if (tally_.halted() && !before)
            end.errors += "parallel: no more are begun after: " + in_short(job.line) + '\n';
        order_.add(job.number, {job, std::move(end)}, [this](entry const& next) { show(next); });
        return what;
    }

    void finish()
    {
        order_.finish([this](entry const& next) { show(next); });
    }
    tally const& counted() const { return tally_; }

private:
    using entry = std::pair<command, command_end>;

    void show(entry const& one)
    {
        write(one.second.output, stdout);
        write(one.second.errors, stderr);
        log_.add(one.first, one.second);
    }

    tally tally_;
    joblog log_;
    in_order<entry> order_;
};

int run(request const& asked)
{
    auto all = std::make_shared<work>(asked);
    results done{asked, asked.halt.is_percentage ? all->lines.read_all() : 0};
    boost::asio::io_context context{1};
    wodehaus::job_server server{context,
                                {.workers = asked.jobs,
                                 .kill_after = patience,
                                 .stop_signals = {SIGINT, SIGTERM},
                                 .logger = wodehaus::errors_to_stderr{}}};
    bool killed = false;
    auto consumer = [&](command const& job, wodehaus::outcome<command_end> end) {
        if (!end && end.error().code == wodehaus::errc::stopped) {
            killed = true;
            return;
        }
        auto what = done.add(job, end ? std::move(*end) : without_answer(job, end.error()));
        if (what == halt_rule::moment::never)
            return all->places.give_back();
        all->places.close();
        what == halt_rule::moment::now ? server.terminate() : server.stop();
    };
    std::exception_ptr failed;
    server.async_run(wodehaus::blocking([all](std::stop_token stop) { return next_task(*all, stop); }), consumer,
                     [&](std::exception_ptr error, wodehaus::run_summary) { failed = error; });
    context.run();
    if (failed)
        std::rethrow_exception(failed);
    done.finish();
    if (done.counted().halted())
        return done.counted().exit_status();
    if (killed || !all->lines.at_end()) {
        std::cerr << "parallel: interrupted before all was run\n";
        return other_error;
    }
    return done.counted().exit_status();
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    occupy_closed_streams();
    try {
        auto asked = read_options(argc, argv);
        return asked ? run(*asked) : 0;
    } catch (bad_usage const& error) {
        std::cerr << "parallel: " << error.what() << "; --help tells how it is used\n";
    } catch (std::exception const& error) {
        std::cerr << "parallel: " << error.what() << '\n';
    }
    return other_error;
}
