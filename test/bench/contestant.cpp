// Plays the workloads of a comparison of job servers, through the public interface only.
//   contestant [zygote|exec] workload count concurrency
//
// Does `count` jobs with at most `concurrency` processes at work, checks every result, and prints one line,
// {"jobs":N,"seconds":S}, the time from the first job to the last result. Exit status 3: a workload it does not play.
//
// exec, fork: a fresh process for every job. ping, deepN: kept processes with 1 or N jobs in flight each. mibN: N MiB
// there and back. sha: SHA-256 over 1 MiB (concurrency 0: in this process). idle: the memory of a process that waits.
#include <wodehaus/init.hpp>
#include <wodehaus/job_server.hpp>

#include <boost/asio/io_context.hpp>

#include <nettle/sha2.h>

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
    static std::array<std::uint8_t, 1 << 20> buffer;
    std::memcpy(buffer.data(), &job, sizeof job);
    sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, buffer.size(), buffer.data());
    std::array<std::uint8_t, SHA256_DIGEST_SIZE> all;
    sha256_digest(&context, all.size(), all.data());
    std::int64_t first = 0;
    std::memcpy(&first, all.data(), sizeof first);
    return first;
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

/// One run: the producer gives a job whenever a process can take one, the consumer checks each result.
template <auto Work, class Make, class Right>
class game {
    using worker_type = std::remove_const_t<decltype(wodehaus::worker<Work>)>;
    using job_type = typename worker_type::job;
    using result_type = typename worker_type::result;
    using task_type = wodehaus::task<worker_type>;

public:
    game(match const& how, std::int64_t warm_up, Make make, Right right)
        : how_(how), warm_up_(warm_up), make_(std::move(make)), right_(std::move(right)),
          server_(context_, options_of(how))
    {
    }

    /// The seconds from the first job that counts to the last result.
    double play()
    {
        std::exception_ptr failed;
        server_.async_run([this] { return produce(); },
                          [this](job_type const& job, wodehaus::outcome<result_type> result) { consume(job, result); },
                          [&failed](std::exception_ptr error, wodehaus::run_summary) { failed = error; });
        context_.run();
        if (failed)
            std::rethrow_exception(failed);
        if (consumed_ != warmed_ + how_.count)
            throw std::runtime_error{"jobs are missing"};
        return std::chrono::duration<double>(end_ - begin_).count();
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

    // Jobs before the clock starts bring all processes up. Those of them that are still under way then count in the
    // time and not in the number, which is to our disadvantage.
    std::optional<task_type> produce()
    {
        if (begin_ == clock_type::time_point{}) {
            bool up = !how_.kept || server_.stats().processes >= how_.concurrency;
            if (consumed_ < warm_up_ || !up) {
                ++warmed_;
                return task_type{{}, make_(produced_++)};
            }
            begin_ = clock_type::now();
        }
        if (produced_ == warmed_ + how_.count)
            return std::nullopt;
        return task_type{{}, make_(produced_++)};
    }

    void consume(job_type const& job, wodehaus::outcome<result_type> const& result)
    {
        if (!result)
            throw std::runtime_error{result.error().what};
        if (!right_(job, *result))
            throw std::runtime_error{"a wrong result"};
        if (++consumed_ == warmed_ + how_.count)
            end_ = clock_type::now();
    }

    match how_;
    std::int64_t warm_up_;
    Make make_;
    Right right_;
    asio::io_context context_{1};
    server_type server_;
    clock_type::time_point begin_{}, end_{};
    std::int64_t produced_ = 0, consumed_ = 0, warmed_ = 0;
};

template <auto Work, class Make, class Right>
double play(match const& how, std::int64_t warm_up, Make make, Right right)
{
    return game<Work, Make, Right>{how, warm_up, std::move(make), std::move(right)}.play();
}

double count_up(match const& how)
{
    constexpr std::int64_t warm_up = 20;
    return play<successor>(
        how, warm_up, [](std::int64_t number) { return number; },
        [](std::int64_t job, std::int64_t result) { return result == job + 1; });
}

double echo_megabytes(match const& how, std::size_t size)
{
    auto make = [size](std::int64_t number) {
        std::string job(size, '*');
        job.front() = job.back() = static_cast<char>(number);
        return job;
    };
    auto right = [size](std::string const& job, std::string const& result) {
        return result.size() == size && result.front() == job.front() && result[size / 2] == '*' &&
               result.back() == job.front();
    };
    return play<echo>(how, static_cast<std::int64_t>(how.concurrency), make, right);
}

double digests(match const& how)
{
    constexpr std::size_t kinds = 8; // of buffers, whose digests are known before the clock starts
    std::array<std::int64_t, kinds> known;
    for (std::size_t i = 0; i < kinds; ++i)
        known[i] = digest(std::int64_t(i));
    auto make = [](std::int64_t number) { return number % std::int64_t(kinds); };
    auto right = [&known](std::int64_t job, std::int64_t result) { return result == known[std::size_t(job)]; };
    if (how.concurrency)
        return play<digest>(how, 20, make, right);
    auto begin = clock_type::now();
    for (std::int64_t number = 0; number < how.count; ++number)
        if (!right(make(number), digest(make(number))))
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

// Memory of kept processes that have done a job each: as many as hold one at the same time.
void report_idle(match const& how)
{
    asio::io_context context{1};
    wodehaus::options options;
    options.workers = how.concurrency;
    options.jobs_per_process = 0;
    options.launch = how.launch;
    server_type server{context, options};
    std::set<int> pids;
    memory used;
    std::function<void()> ask = [&] {
        constexpr int hold = 20; // milliseconds
        server.async_map(wodehaus::worker<process_id>, std::vector<int>(how.concurrency, hold),
                         [&](std::exception_ptr error, std::vector<int> answers) {
                             if (error)
                                 std::rethrow_exception(error);
                             pids.insert(answers.begin(), answers.end());
                             if (pids.size() < how.concurrency)
                                 return ask();
                             used = memory_of(pids);
                             server.stop();
                         });
    };
    ask();
    server.async_run([](std::exception_ptr error, wodehaus::run_summary) {
        if (error)
            std::rethrow_exception(error);
    });
    context.run();
    auto each = static_cast<long>(how.concurrency);
    std::printf("{\"jobs\":%ld,\"seconds\":1,\"pss_kib\":%ld,\"rss_kib\":%ld,\"private_kib\":%ld}\n",
                static_cast<long>(how.count), used.pss / each, used.rss / each, used.own / each);
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
