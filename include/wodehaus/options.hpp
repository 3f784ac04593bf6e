// How a server runs its jobs. The names of the members are the whole language: {.workers = 8, .timeout = 5s}.
#pragma once

#include <wodehaus/logger.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace wodehaus {

/// How processes come about.
enum class launch {
    /// A small single-threaded process, started by exec with the run and ended with it, forks one for each request and
    /// keeps a few parked. A fork costs as much as that small process, however large the server is. What `preload` made
    /// is shared. Environment, working directory and limits are those of the moment in which the run began.
    zygote,
    /// Each process is the program anew, started by exec, if asked through another program (`options::launcher`).
    exec,
    /// The server itself forks, when a job wants a process: for closures, and for a heap to share. Its price grows with
    /// the server's memory, whose pages are marked for copying each time: a heap of 1 GiB leaves some 30 jobs a second.
    /// The child has one thread, and finds every lock that another thread of the server held taken for ever, except
    /// those of malloc, stdio and this library: a worker calls no library that the server's threads are in. It has the
    /// server's memory, secrets included, and none of its descriptors; an `asio::signal_set` hears nothing in it, so a
    /// server within such a worker is given no `stop_signals`, which `start` would take. `preload` runs in each process,
    /// after the fork. When the server is killed by SIGKILL, two things live on that do not on zygote (and so they do on
    /// exec): a worker that has closed all its descriptors, and children that have left its process group.
    fork,
    /// Threads of this process, at most `workers`, for tests and debuggers. Jobs and results are saved and loaded as
    /// elsewhere; a crash is not contained, and a timeout, a cancellation or `terminate` only asks: the job then ends
    /// when its worker returns, and so does destroying the server. `preload` runs once, in this process. `output`,
    /// `memory`, `jobs_per_process` and `prefetch` have no effect. Needs no `init`.
    in_process
};

/// Where the processes' stdout and stderr go.
enum class output {
    inherit, ///< where the server's own go
    log,     ///< each line to the logger as `level::info`; the last of them into `failure::output`
    discard  ///< to /dev/null
};

/// `prefetch` hides the way to and fro where jobs take microseconds: eight of them are nine times as fast with 7 sent
/// ahead. A job that was sent ahead waits for the one before it, even when another process becomes free; so none is by
/// default, which is what jobs of a millisecond and more want. To a fresh process none is.
///
/// A closure (a callable with a state and without `serialize`) runs only where memory is shared, on fork and
/// in_process, and on fork always in a process of its own that is forked after the call.
///
/// `program` is started in place of this one, and may be another build. It calls `init`, and workers are found in it by
/// their names and types: functions outside of unnamed namespaces, with which some call is compiled into it.
///
/// Between two `attempts` a job waits: 25 to 50 ms before the second, then twice as long each time, up to 3.2 s.
///
/// `max_message` also bounds what the counts in a message may ask to be allocated while it is loaded.
///
/// `memory` bounds what a process has of private writable memory (RLIMIT_DATA: the heap, private mappings, the stacks of
/// threads, touched or not) beyond what it has when it can take jobs: the program, what `preload` has made and on fork the
/// server's heap do not count. What does not fit is a `std::bad_alloc` or an `ENOMEM` in the worker, and ends the job with
/// `errc::out_of_memory` if it leaves it. What a worker starts has the same limit, each process for itself. A kept process
/// that has more than half of it left over from its jobs is replaced between two of them; what was sent ahead to it runs
/// elsewhere. Where cgroups (version 2) are delegated to the server, the kernel holds each process and all that it starts
/// to it together, with shared memory and files in memory, and kills what goes beyond: the guide tells how. No effect on
/// in_process.
///
/// `keep_failed` is made if it is not there. Each job that a process had begun, and that has failed for good, becomes a
/// file in it (`failure::kept`), readable by its user alone; `program --wodehaus-replay FILE` runs it again, under a
/// debugger if you like.
/// Not kept are jobs that were cancelled, stopped or never begun, jobs of closures, and such of more than 64 MiB. At most
/// 1000 files, and 1 GiB, lie there: the oldest go first. What goes wrong with it is a line of the log, and no more.
///
/// An aggregate: name what you set. A value that makes no sense is refused by the server's constructor, which throws
/// `std::invalid_argument` and names it.
struct options {
    std::size_t workers = 4;                              ///< processes at work at once, at most
    wodehaus::launch launch = wodehaus::launch::zygote;   ///< how they come about
    std::size_t jobs_per_process = 1;                     ///< 1: a fresh process for each job. 0: kept until one ends it
    std::optional<std::size_t> prefetch{};                ///< jobs sent ahead to a kept process; empty: none
    std::size_t queue_limit = SIZE_MAX;                   ///< calls that may wait; one more fails: `errc::queue_full`
    std::chrono::nanoseconds timeout{0};                  ///< for each attempt, from its begin to its result; 0: none
    std::chrono::nanoseconds kill_after{std::chrono::seconds{2}}; ///< from asking a process to stop to SIGKILL
    int attempts = 1;                                     ///< how often a job is begun when its process fails
    std::size_t memory = 0;                               ///< bytes that one process may have; 0: no limit
    std::size_t max_message = std::size_t{1} << 30;       ///< bytes; a larger job or result fails, the process lives
    std::vector<int> stop_signals{};                      ///< {SIGINT, SIGTERM} in a program's main; empty in a library
    wodehaus::output output = wodehaus::output::inherit;  ///< where the processes' stdout and stderr go
    std::filesystem::path program{};                      ///< what exec and zygote start; empty: this program
    std::vector<std::string> launcher{};                  ///< exec only: put before the program: {"nice", "-n", "10"}
    std::filesystem::path keep_failed{};                  ///< a folder: failed jobs are kept there for replay; empty: none
    wodehaus::logger logger = errors_to_stderr{};         ///< who is told; empty: nobody
};

} // namespace wodehaus
