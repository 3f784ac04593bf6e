// The first line of main().
#pragma once

#include <wodehaus/detail/config.hpp>

#include <functional>

namespace wodehaus {

/// Makes this program able to run jobs in processes of their own. Call it first in `main`.
///
/// In the server's process it returns at once, and leaves `argc` and `argv` as they are. In a process that the library
/// started (which it sees by an argument of its own, never by the environment) it runs `preload` once, serves jobs, and
/// never returns: what follows in `main` is not reached there.
///
/// `preload` makes ready what all jobs need (a model, a cache, a library's set-up). With `launch::zygote` it runs in
/// the zygote, and every job's process begins with its memory as preload left it; it must leave no thread behind, since
/// a fork does not carry threads over, and descriptors that it opens are closed in the processes. With `launch::exec`
/// it runs in each process, with `launch::fork` too, after the fork, and with `launch::in_process` once in the server's
/// process. What it throws, its exit or crash, or that it takes longer than 60 s (where it has a process to itself)
/// fails the waiting calls with `errc::launch_failed`, after a few tries.
///
/// Where the program's first argument is exactly `--wodehaus-replay`, it never returns either: it runs a job again that
/// `options::keep_failed` has kept, and ends the process. With `--wodehaus-fuzz` (or `--wodehaus-fuzz=WORKER`) it gives
/// one of the program's workers to libFuzzer, where the program was built with it. Each argument alone says how it is
/// used.
///
/// Without this call, every call of a server fails with `errc::not_initialised`, except with `launch::in_process` and
/// where `options::program` is another program. Calling it again does nothing. It throws nothing but `std::bad_alloc`.
/// Threads: from the main thread, before others are started.
WODEHAUS_DECL void init(int& argc, char** argv, std::function<void()> preload = {});

} // namespace wodehaus
