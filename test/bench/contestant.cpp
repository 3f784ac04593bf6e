// Plays the workloads of a comparison of job servers, through the public interface only.
//   contestant [zygote|exec] workload count concurrency
//
// Does `count` jobs with at most `concurrency` processes at work, checks every result, and prints one line,
// {"jobs":N,"seconds":S}, the time from the first job to the last result. Exit status 3: a workload it does not play.
//
// exec, fork: a fresh process for every job. ping, deepN: kept processes with 1 or N jobs in flight each. mibN: N MiB
// there and back. sha: SHA-256 over 1 MiB (concurrency 0: in this process). idle: the memory of a process that waits.
//
// With WODEHAUS_BENCH_LEAN it does without libcrypto, which each process started by exec would have to load.
#include <wodehaus/init.hpp>
#include <wodehaus/job_server.hpp>

#include <boost/asio/io_context.hpp>

#ifndef WODEHAUS_BENCH_LEAN
#include <openssl/sha.h>
#endif

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <set>
#include <stdexcept>
#include <thread>

#include <unistd.h>

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;
using server_type = wodehaus::basic_job_server<asio::io_context::executor_type>;
using wodehaus::launch;

namespace {

constexpr int does_not_play = 3;

std::int64_t successor(std::int64_t job) { return job + 1; }

std::string echo(std::string job) { return job; }

std::int64_t digest(std::int64_t job)
{
#ifdef WODEHAUS_BENCH_LEAN
    return job;
#else
    static std::array<unsigned char, 1 << 20> buffer;
    std::memcpy(buffer.data(), &job, sizeof job);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> all;
    SHA256(buffer.data(), buffer.size(), all.data());
    std::int64_t first = 0;
    std::memcpy(&first, all.data(), sizeof first);
    return first;
#endif
}

// Holds its process for a moment, so that those asked at once are each in a process of their own.
int process_id(int milliseconds)
{
    std::this_thread::sleep_for(std::chrono::milliseconds{milliseconds});
    return ::getpid();
}

struct match {
    std::string workload;
    std::int64_t count = 0;
    std::size_t concurrency = 0;
    std::size_t depth = 1; // jobs in flight for each process
    wodehaus::launch launch = launch::zygote;
    bool kept = true;
};

template <class Result>
void must(wodehaus::outcome<Result> const& result, bool right)
{
    if (!result)
        throw std::runtime_error{result.error().what};
    if (!right)
        throw std::runtime_error{"a wrong result"};
}

/// Keeps `concurrency * depth` calls in flight until `count` are done: each handler makes the next call.
template <auto Work, class Make, class Right>
class game {
    using worker_type = std::remove_const_t<decltype(wodehaus::worker<Work>)>;
    using job_type = typename worker_type::job;
    using result_type = typename worker_type::result;

public:
    game(match const& how, Make make, Right right)
        : how_(how), make_(std::move(make)), right_(std::move(right)), server_(context_, options_of(how))
    {
    }

    /// The seconds it took. `after` is called while the processes are still there.
    double play(std::function<void(std::set<int> const&)> const& after = {})
    {
        after_ = after;
        server_.async_run([](std::exception_ptr error, wodehaus::run_summary) {
            if (error)
                std::rethrow_exception(error);
        });
        if (how_.launch == launch::exec && !how_.kept)
            begin();
        else
            warm_up();
        context_.run();
        if (done_ != how_.count)
            throw std::runtime_error{"jobs are missing"};
        return seconds_;
    }

private:
    static wodehaus::options options_of(match const& how)
    {
        wodehaus::options options;
        options.workers = how.concurrency;
        options.launch = how.launch;
        options.jobs_per_process = how.kept ? 0 : 1;
        if (how.kept)
            options.prefetch = how.depth - 1;
        return options;
    }

    // Until every kept process has answered once; a zygote, until it has made its first process.
    void warm_up()
    {
        constexpr int rounds = 100;
        if (++round_ > rounds)
            throw std::runtime_error{"the processes do not come up"};
        answers_ = 0;
        for (std::size_t i = 0; i < how_.concurrency; ++i)
            server_.async_try_call(wodehaus::worker<process_id>, how_.kept ? 5 : 0,
                                   [this](std::exception_ptr, wodehaus::outcome<int> pid) {
                                       must(pid, true);
                                       pids_.insert(*pid);
                                       if (++answers_ < how_.concurrency)
                                           return;
                                       if (pids_.size() < how_.concurrency)
                                           warm_up();
                                       else
                                           begin();
                                   });
    }

    void begin()
    {
        begin_ = clock_type::now();
        for (std::size_t i = 0; i < how_.concurrency * how_.depth; ++i)
            next();
    }

    void next()
    {
        if (begun_ == how_.count)
            return;
        auto number = begun_++;
        server_.async_try_call(wodehaus::worker<Work>, make_(number),
                               [this, number](std::exception_ptr, wodehaus::outcome<result_type> result) {
                                   must(result, result && right_(number, *result));
                                   if (++done_ == how_.count)
                                       end();
                                   else
                                       next();
                               });
    }

    void end()
    {
        seconds_ = std::chrono::duration<double>(clock_type::now() - begin_).count();
        if (after_)
            after_(pids_);
        server_.stop();
    }

    match how_;
    Make make_;
    Right right_;
    asio::io_context context_{1};
    server_type server_;
    std::function<void(std::set<int> const&)> after_;
    std::set<int> pids_;
    clock_type::time_point begin_;
    std::size_t answers_ = 0;
    std::int64_t begun_ = 0, done_ = 0;
    double seconds_ = 0;
    int round_ = 0;
};

template <auto Work, class Make, class Right>
double play(match const& how, Make make, Right right, std::function<void(std::set<int> const&)> const& after = {})
{
    return game<Work, Make, Right>{how, std::move(make), std::move(right)}.play(after);
}

double count_up(match const& how, std::function<void(std::set<int> const&)> const& after = {})
{
    return play<successor>(
        how, [](std::int64_t number) { return number; },
        [](std::int64_t number, std::int64_t result) { return result == number + 1; }, after);
}

double echo_megabytes(match const& how, std::size_t size)
{
    // One buffer serves all jobs: a call has read it when it returns. Each job is told by its ends.
    std::string buffer(size, '*');
    return play<echo>(
        how,
        [&buffer](std::int64_t number) -> std::string const& {
            buffer.front() = buffer.back() = static_cast<char>(number);
            return buffer;
        },
        [size](std::int64_t number, std::string const& result) {
            return result.size() == size && result.front() == static_cast<char>(number) &&
                   result[size / 2] == '*' && result.back() == result.front();
        });
}

double digests(match const& how)
{
    constexpr std::size_t kinds = 8; // of buffers, whose digests are known before the clock starts
    std::array<std::int64_t, kinds> known;
    for (std::size_t i = 0; i < kinds; ++i)
        known[i] = digest(std::int64_t(i));
    auto make = [](std::int64_t number) { return number % std::int64_t(kinds); };
    auto right = [&known](std::int64_t number, std::int64_t result) {
        return result == known[std::size_t(number) % kinds];
    };
    if (how.concurrency)
        return play<digest>(how, make, right);
    auto begin = clock_type::now();
    for (std::int64_t number = 0; number < how.count; ++number)
        if (!right(number, digest(make(number))))
            throw std::runtime_error{"a wrong result"};
    return std::chrono::duration<double>(clock_type::now() - begin).count();
}

struct memory {
    long pss = 0, rss = 0, own = 0; // KiB
};

memory memory_of(std::set<int> const& pids)
{
    memory sum;
    for (int pid : pids) {
        std::ifstream in{"/proc/" + std::to_string(pid) + "/smaps_rollup"};
        for (std::string line; std::getline(in, line);) {
            long value = 0;
            if (std::sscanf(line.c_str(), "Pss: %ld", &value) == 1)
                sum.pss += value;
            else if (std::sscanf(line.c_str(), "Rss: %ld", &value) == 1)
                sum.rss += value;
            else if (std::sscanf(line.c_str(), "Private_Clean: %ld", &value) == 1 ||
                     std::sscanf(line.c_str(), "Private_Dirty: %ld", &value) == 1)
                sum.own += value;
        }
    }
    return sum;
}

void report_idle(match const& how)
{
    memory used;
    count_up(how, [&used](std::set<int> const& pids) { used = memory_of(pids); });
    auto each = static_cast<long>(how.concurrency);
    std::printf("{\"jobs\":%zu,\"seconds\":1,\"pss_kib\":%ld,\"rss_kib\":%ld,\"private_kib\":%ld}\n", how.concurrency,
                used.pss / each, used.rss / each, used.own / each);
}

int run(match how)
{
    auto number_after = [&how](std::string_view prefix) -> std::size_t {
        return how.workload.starts_with(prefix) ? std::stoul(how.workload.substr(prefix.size())) : 0;
    };
    double seconds = 0;
    if (how.concurrency == 0 && how.workload != "sha")
        return does_not_play;
    if (how.workload == "exec" || how.workload == "fork") {
        if ((how.workload == "exec") != (how.launch == launch::exec))
            return does_not_play;
        how.kept = false;
        seconds = count_up(how);
    } else if (how.workload == "ping") {
        seconds = count_up(how);
    } else if (auto depth = number_after("deep")) {
        how.depth = depth;
        seconds = count_up(how);
    } else if (auto size = number_after("mib")) {
        seconds = echo_megabytes(how, size << 20);
    } else if (how.workload == "sha") {
#ifdef WODEHAUS_BENCH_LEAN
        return does_not_play;
#endif
        seconds = digests(how);
    } else if (how.workload == "idle") {
        report_idle(how);
        return 0;
    } else {
        return does_not_play;
    }
    std::printf("{\"jobs\":%ld,\"seconds\":%.9f}\n", static_cast<long>(how.count), seconds);
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);

    std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        match how;
        std::string launch_name;
        if (arguments.size() == 4) {
            launch_name = arguments.front();
            arguments.erase(arguments.begin());
        }
        if (arguments.size() != 3 || (launch_name != "" && launch_name != "zygote" && launch_name != "exec")) {
            std::cerr << "usage: contestant [zygote|exec] workload count concurrency\n";
            return 2;
        }
        how.workload = arguments[0];
        how.count = std::stoll(arguments[1]);
        how.concurrency = std::stoul(arguments[2]);
        how.launch = launch_name == "exec" || (launch_name.empty() && how.workload == "exec") ? launch::exec
                                                                                           : launch::zygote;
        return run(how);
    } catch (std::exception const& error) {
        std::cerr << "contestant: " << error.what() << '\n';
        return 1;
    }
}
