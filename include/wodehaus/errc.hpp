// Why a job failed, as a number. By itself, since the side that runs jobs needs no more than that, and no Asio.
#pragma once

namespace wodehaus {

/// Why a job failed. The numbers are stable.
enum class errc {
    job_threw = 1,   ///< the worker threw an exception; `failure::what` has its type and text
    process_crashed, ///< a signal ended the process while it ran the job; `failure::signal` names it
    process_exited,  ///< the process exited without an answer; `failure::exit_code` has the status
    timed_out,       ///< the attempt ran longer than its timeout and was ended
    out_of_memory,   ///< `std::bad_alloc` or the like left the worker, or the kernel's killer ended its process
    canceled,        ///< the call was cancelled; also equal to `asio::error::operation_aborted`
    stopped,         ///< the server was stopped before the job began, or was terminated while it ran
    process_lost,    ///< the process is gone, and how it ended is not known; or it has closed its channel
    too_large,       ///< the job or its result is larger than `options::max_message`
    bad_message,     ///< what was sent could not be saved or read: garbage, or a type that does not load what it saved
    launch_failed,   ///< no process could be started, and `failure::what` says why; or a closure where it cannot run
    queue_full,      ///< `options::queue_limit` calls were waiting already
    unknown_worker,  ///< the program on the other side does not have this worker, or has several of its name
    other_build,     ///< the program on the other side is another build or another version of this library
    not_initialised  ///< `main` does not begin with `wodehaus::init(argc, argv);`
};

} // namespace wodehaus
