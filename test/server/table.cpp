// The one table: what becomes of a job, by what happens to it and how far it has come. It is printed as it was found.
//
// A job is asked for by a call, by a map (of this one job) or by the producer of a run. It has come so far:
//   unstarted  it was called, and no run is under way
//   waiting    the processes are busy; of a run: its producer has not given it yet
//   starting   its process is in preload
//   running    its worker is at work
//   reading    the worker has returned, and a part of its result lies in the channel
//   done       its end has been told
// Then one thing happens, after that all gates are opened, and the job's end is written down:
//   value      its result
//   threw crashed canceled stopped failed-to-launch
//              as its code says; canceled is asio::error::operation_aborted
//   destroyed  asio::error::operation_aborted too, and the text says that the server was destroyed
//   none       nobody was told anything: of a run, its consumer was not called
// For a run, the end of the run follows: ended, or aborted. "a|b" allows both, "-" cannot be.
#include "test/kit/preload.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>

#include <algorithm>
#include <csignal>
#include <iomanip>
#include <iostream>
#include <sstream>

#include <sys/wait.h>

namespace asio = boost::asio;
using asio::awaitable;
using kit::errc;
using wodehaus::task, wodehaus::task_of, wodehaus::worker;
using namespace std::string_view_literals;

namespace {

// ---- the table

constexpr std::array states{"unstarted", "waiting", "starting", "running", "reading", "done"};
enum state { unstarted, waiting, starting, running, reading, done };

struct row {
    char const* operation;
    char const* event;
    std::array<char const*, 6> ends;
};

// clang-format off
constexpr row table[] = {
    // call                   unstarted    waiting            starting           running            reading            done
    {"call", "success",     {"value",     "value",           "value",           "value",           "value",           "value"}},
    {"call", "failure",     {"threw",     "threw",           "threw",           "threw",           "-",               "threw"}},
    {"call", "total",       {"canceled",  "canceled",        "canceled",        "value",           "value",           "value"}},
    {"call", "partial",     {"canceled",  "canceled",        "canceled",        "canceled",        "canceled|value",  "value"}},
    {"call", "terminal",    {"canceled",  "canceled",        "canceled",        "canceled",        "canceled|value",  "value"}},
    {"call", "stop",        {"value",     "stopped",         "stopped",         "value",           "value",           "value"}},
    {"call", "terminate",   {"value",     "stopped",         "stopped",         "stopped",         "stopped|value",   "value"}},
    {"call", "death",       {"-",         "value",           "value",           "crashed",         "crashed",         "value"}},
    {"call", "destruction", {"destroyed", "destroyed",       "destroyed",       "destroyed",       "destroyed",       "value"}},
    // map
    {"map",  "success",     {"value",     "value",           "value",           "value",           "value",           "value"}},
    {"map",  "failure",     {"threw",     "threw",           "threw",           "threw",           "-",               "threw"}},
    {"map",  "total",       {"canceled",  "canceled",        "canceled",        "value",           "value",           "value"}},
    {"map",  "partial",     {"canceled",  "canceled",        "canceled",        "canceled",        "canceled|value",  "value"}},
    {"map",  "terminal",    {"canceled",  "canceled",        "canceled",        "canceled",        "canceled|value",  "value"}},
    {"map",  "stop",        {"value",     "stopped",         "stopped",         "value",           "value",           "value"}},
    {"map",  "terminate",   {"value",     "stopped",         "stopped",         "stopped",         "stopped|value",   "value"}},
    {"map",  "death",       {"-",         "value",           "value",           "crashed",         "crashed",         "value"}},
    {"map",  "destruction", {"destroyed", "destroyed",       "destroyed",       "destroyed",       "destroyed",       "value"}},
    // run: the job is the producer's; cancelled is the run
    {"run",  "success",     {"-",         "value, ended",    "value, ended",    "value, ended",    "value, ended",    "value, ended"}},
    {"run",  "failure",     {"-",         "threw, ended",    "threw, ended",    "threw, ended",    "-",               "threw, ended"}},
    {"run",  "total",       {"-",         "none, ended",     "none, ended|stopped, ended",
                                                                                "value, ended",    "value, ended",    "value, ended"}},
    {"run",  "partial",     {"-",         "none, ended",     "none, ended|stopped, ended",
                                                                                "value, ended",    "value, ended",    "value, ended"}},
    {"run",  "terminal",    {"-",         "none, ended",     "none, ended|stopped, ended",
                                                                                "stopped, ended",  "stopped, ended|value, ended", "value, ended"}},
    {"run",  "stop",        {"-",         "none, ended",     "none, ended|stopped, ended",
                                                                                "value, ended",    "value, ended",    "value, ended"}},
    {"run",  "terminate",   {"-",         "none, ended",     "none, ended|stopped, ended",
                                                                                "stopped, ended",  "stopped, ended|value, ended", "value, ended"}},
    {"run",  "death",       {"-",         "-",               "value, ended",    "crashed, ended",  "crashed, ended",  "value, ended"}},
    {"run",  "destruction", {"-",         "none, aborted",   "none, aborted",   "none, aborted",   "none, aborted",   "value, aborted"}},
};
// clang-format on

// ---- the job

struct errand {
    std::string gate;
    bool throws = false;
    std::size_t size = 0; // of the result

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & gate & throws & size;
    }
};

constexpr std::size_t more_than_a_channel_holds = std::size_t{2} << 20;

std::string run_errand(errand const& job)
{
    kit::pass(job.gate);
    if (job.throws)
        throw std::runtime_error{"as it was told"};
    std::string result(job.size, 'r');
    kit::arrive(job.gate); // all that is left to do is to write it
    return result;
}

std::string end_of(wodehaus::outcome<std::string> const& outcome, std::size_t size)
{
    if (outcome)
        return outcome->size() == size ? "value" : "a wrong value";
    auto why = outcome.error();
    if (why.code == asio::error::operation_aborted)
        return kit::contains(why.what, "destroyed") ? "destroyed" : "canceled";
    if (why.code == errc::job_threw)
        return "threw";
    if (why.code == errc::process_crashed && why.signal == SIGKILL)
        return "crashed";
    if (why.code == errc::stopped)
        return "stopped";
    if (why.code == errc::launch_failed)
        return "failed-to-launch";
    return kit::text_of(why);
}

// ---- one cell

class cell {
public:
    cell(kit::way how, std::string operation, std::string event, state at)
        : way_(how), operation_(std::move(operation)), event_(std::move(event)), at_(at),
          server_(std::make_unique<server_type>(context_, options()))
    {
        job_ = errand{subject_.path(), event_ == "failure", at_ == reading ? more_than_a_channel_holds : 5};
    }

    std::string play()
    {
        std::optional<kit::preload_does> preload;
        if (at_ == starting)
            preload.emplace("pass " + preload_gate_.path());
        asio::co_spawn(context_, script(), kit::rethrow{});
        kit::run(context_);
        std::string end = end_.value_or("none");
        if (tellings_ > 1)
            end += " told " + std::to_string(tellings_) + " times";
        return operation_ == "run" ? end + ", " + run_end_.value_or("still under way") : end;
    }

private:
    using server_type = wodehaus::basic_job_server<>;

    wodehaus::options options() const
    {
        return way_({.workers = 1, .kill_after = std::chrono::milliseconds{200}, .logger = {}});
    }

    awaitable<void> script()
    {
        int pid = 0;
        if (operation_ == "run") {
            begin_run();
            if (at_ == waiting) {
                co_await asked_.wait();
            } else {
                give_.set();
                pid = co_await come_to();
            }
        } else {
            if (at_ != unstarted)
                begin_run();
            if (at_ == waiting) {
                server_->async_try_call(worker<run_errand>, errand{blocker_.path(), false, 1},
                                        [](std::exception_ptr, wodehaus::outcome<std::string>) {});
                pid = co_await blocker_.arrived();
            }
            begin_operation();
            if (at_ != unstarted && at_ != waiting)
                pid = co_await come_to();
        }
        happen(pid);
        preload_gate_.open_for_all();
        blocker_.open_for_all();
        subject_.open_for_all();
        if (event_ == "success" || event_ == "failure" || event_ == "death") {
            give_.set(); // otherwise it is for what has happened to end a producer that waits
            rest_.set();
        }
        if (operation_ == "run") {
            co_await run_ended_.wait();
            co_return;
        }
        bool cancelled = event_ == "total" || event_ == "partial" || event_ == "terminal";
        if (at_ == unstarted && server_ && !cancelled)
            begin_run();
        co_await ended_.wait();
        if (server_)
            server_->stop();
    }

    /// Waits until the job has come as far as this cell wants. Gives the pid of its process.
    awaitable<int> come_to()
    {
        if (at_ == starting)
            co_return co_await preload_gate_.arrived();
        int pid = co_await subject_.arrived();
        if (at_ == running)
            co_return pid;
        subject_.open();
        if (at_ == done) {
            co_await ended_.wait();
            co_return pid;
        }
        // The server reads nothing while this thread is busy here; the worker sleeps in the middle of its writing.
        co_await subject_.arrived();
        BOOST_TEST(kit::within_a_second([pid] { return kit::state_of(pid).state == 'S'; }));
        co_return pid;
    }

    void happen(int pid)
    {
        if (event_ == "total")
            cancel_.emit(asio::cancellation_type::total);
        if (event_ == "partial")
            cancel_.emit(asio::cancellation_type::partial);
        if (event_ == "terminal")
            cancel_.emit(asio::cancellation_type::terminal);
        if (event_ == "stop")
            server_->stop();
        if (event_ == "terminate")
            server_->terminate();
        if (event_ == "death" && (at_ != done || way_.kept())) {
            BOOST_TEST(pid > 0);
            ::kill(pid, SIGKILL);
        }
        if (event_ == "destruction") {
            server_.reset();
            BOOST_TEST((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
        }
    }

    void begin_run()
    {
        auto handler = [this](std::exception_ptr error, wodehaus::run_summary) {
            auto code = kit::code_in(error);
            run_end_ = !error ? "ended" : code == asio::error::operation_aborted ? "aborted" : "failed: " + code.message();
            run_ended_.set();
        };
        if (operation_ != "run") {
            server_->async_run(handler);
            return;
        }
        auto producer = [this, given = false]() mutable -> awaitable<std::optional<task_of<run_errand>>> {
            std::optional<task_of<run_errand>> next;
            asked_.set();
            if (!given) {
                co_await give_.wait();
                next = task{worker<run_errand>, job_};
                given = true;
            } else if (at_ == done) {
                co_await rest_.wait(); // or else the run would have ended before anything could happen
            }
            co_return next;
        };
        auto consumer = [this](errand const&, wodehaus::outcome<std::string> outcome) { tell(std::move(outcome)); };
        server_->async_run(producer, consumer, asio::bind_cancellation_slot(cancel_.slot(), handler));
    }

    void begin_operation()
    {
        if (operation_ == "call")
            server_->async_try_call(worker<run_errand>, job_,
                                    asio::bind_cancellation_slot(
                                        cancel_.slot(), [this](std::exception_ptr, wodehaus::outcome<std::string> outcome) {
                                            tell(std::move(outcome));
                                        }));
        else
            server_->async_map(worker<run_errand>, std::array{job_},
                               asio::bind_cancellation_slot(
                                   cancel_.slot(), [this](std::exception_ptr error, std::vector<std::string> results) {
                                       if (error)
                                           tell({boost::system::in_place_error, kit::failure_in(error)});
                                       else
                                           tell({boost::system::in_place_value, results.at(0)});
                                   }));
    }

    void tell(wodehaus::outcome<std::string> outcome)
    {
        ++tellings_;
        end_ = end_of(outcome, job_.size);
        ended_.set();
    }

    kit::way way_;
    std::string operation_, event_;
    state at_;
    asio::io_context context_{1};
    kit::gate subject_{context_.get_executor()}, blocker_{context_.get_executor()}, preload_gate_{context_.get_executor()};
    kit::event ended_{context_.get_executor()}, run_ended_{context_.get_executor()}, asked_{context_.get_executor()},
        give_{context_.get_executor()}, rest_{context_.get_executor()};
    asio::cancellation_signal cancel_;
    errand job_;
    std::optional<std::string> end_, run_end_;
    int tellings_ = 0;
    std::unique_ptr<server_type> server_;
};

bool allowed(std::string_view end, std::string_view by)
{
    for (;;) {
        auto bar = by.find('|');
        if (end == by.substr(0, bar))
            return true;
        if (bar == by.npos)
            return false;
        by.remove_prefix(bar + 1);
    }
}

template <class Ends>
std::string line_of(char const* operation, char const* event, Ends const& ends)
{
    std::ostringstream line;
    line << std::left << std::setw(6) << operation << std::setw(13) << event;
    for (auto& end : ends)
        line << std::setw(17) << end;
    line << '\n';
    return line.str();
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(table_of_ends, kit::nothing_left)

BOOST_AUTO_TEST_CASE(row_by_row)
{
    kit::each(std::array{kit::zygote_fresh, kit::exec_kept}, [](kit::way how) {
        std::cout << '\n' << how.name << '\n' << line_of("", "", states) << std::flush;
        for (auto& line : table) {
            std::array<std::string, states.size()> ends;
            for (std::size_t i = 0; i < states.size(); ++i) {
                std::string_view expected = line.ends[i];
                ends[i] = "-";
                if (expected == "-")
                    continue;
                BOOST_TEST_CHECKPOINT(how.name << ": " << line.operation << ", " << line.event << ", " << states[i]);
                kit::nothing_left guard;
                // On a busy machine the server may have read all of the result before the process dies.
                for (int tries = 0; tries < 20; ++tries) {
                    ends[i] = cell{how, line.operation, line.event, static_cast<state>(i)}.play();
                    if (i != reading || line.event != "death"sv || !ends[i].starts_with("value"))
                        break;
                }
                BOOST_CHECK_MESSAGE(allowed(ends[i], expected), how.name << ": " << line.operation << ", " << line.event
                                                                         << ", " << states[i] << ": " << ends[i]
                                                                         << " instead of " << expected);
            }
            std::cout << line_of(line.operation, line.event, ends) << std::flush;
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
