// Runs a kept job again. No signal is handled here and nothing is forked, so that a crash is the program's own.
#include "worker/replay.hpp"

#include "wire/descriptor.hpp"
#include "worker/by_hand.hpp"
#include "worker/exception_account.hpp"
#include "worker/kept_job.hpp"
#include "worker/memory.hpp"
#include "worker/role.hpp"
#include "worker/serve.hpp"
#include "worker/this_job.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include <cxxabi.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

// ---- listing ----

int list(std::string const& folder)
{
    descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!opened) {
        say("%s cannot be opened: %s", folder.c_str(), std::strerror(errno));
        return not_tried;
    }
    auto names = kept_names(opened.get());
    for (auto const& name : names) {
        auto path = folder + (folder.ends_with('/') ? "" : "/") + name;
        try {
            auto about = open_kept(path, false).parts.about;
            std::printf("%s  %s\n    %s\n", kept_time(about.time).c_str(), path.c_str(), printable(about.what).c_str());
        } catch (std::exception const& error) {
            std::printf("%s\n    %s\n", path.c_str(), error.what());
        }
    }
    if (names.empty())
        say("no job is kept in %s", folder.c_str());
    if (bool flushed = std::fflush(stdout) == 0; flushed && !std::ferror(stdout))
        return returned;
    say("cannot write to the standard output");
    return not_tried;
}

int tell_how_it_is_used()
{
    std::fprintf(stderr,
                 "usage: PROGRAM %s FILE      runs a job again that failed and was kept (options::keep_failed)\n"
                 "       PROGRAM %s FOLDER    lists those in the folder\n",
                 replay_argument, replay_argument);
    return not_tried;
}

// ---- running ----

std::atomic<char const*> runs{"preload"}; ///< whose code, as a sentence begins
pid_t replaying = 0;                      ///< this process; a child of the worker's inherits what watches it

// Our own code never calls exit. Who runs a worker to see whether it fails must not take such a status for ours.
void on_exit_of_worker(int status, void*)
{
    if (::getpid() != replaying)
        return;
    say("%s has called exit(%d), and so has not returned", runs.load(), status);
    end_process(failed_again);
}

// To be called before any of that code: what it leaves to be done at exit is done first, and may crash as it did.
void watch_for_exit()
{
    replaying = ::getpid();
    if (::on_exit(&on_exit_of_worker, nullptr) != 0)
        throw std::bad_alloc{};
}

int call(registration const& worker, kept_file const& kept)
{
    auto const& about = kept.parts.about;
    payload result;
    invocation call{kept.job(), result, static_cast<std::size_t>(about.max_message)};
    begin_this_job(about.id, about.attempt);
    runs = "the worker";
    try {
        worker.invoke(call);
    } catch (abi::__forced_unwind const&) {
        throw; // a cancelled thread: not an exception that may be swallowed
    } catch (...) {
        last_reserve for_telling;
        say("%s%s", words_before(call.at), printable(describe_current_exception()).c_str());
        return failed_again;
    }
    if (result.size() > about.max_message) {
        say("it returned, but its result has %zu bytes, and max_message allowed %llu", result.size(),
            static_cast<unsigned long long>(about.max_message));
        return failed_again;
    }
    say("it returned; its result has %zu bytes", result.size());
    return returned;
}

int run(std::string const& path, std::function<void()> const& preload)
{
    kept_file kept;
    try {
        kept = open_kept(path, true);
    } catch (std::exception const& error) {
        say("%s: %s", path.c_str(), error.what());
        return not_tried;
    }
    auto const& about = kept.parts.about;
    say("%s, of %s:\n%s", path.c_str(), kept_time(about.time).c_str(), printable(about.account).c_str());
    watch_for_exit();
    if (!preload_by_hand(preload))
        return failed_again;
    if (about.build != 0 && about.build != build_id())
        say("it was kept by another build of the program; its worker is looked for by its name and types");
    auto const* worker = worker_of(about); // it may lie in what preload has loaded
    if (!worker) {
        say("this program has no worker %s (or several of that name and types)", printable(about.worker).c_str());
        return not_tried;
    }
    say("runs it again, in process %d", static_cast<int>(::getpid()));
    limit_memory(about.memory);
    return call(*worker, kept);
}

bool is_folder(std::string const& path)
{
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

} // namespace

int replay(std::vector<std::string> const& arguments, std::function<void()> const& preload)
{
    try {
        if (arguments.size() > 1)
            return tell_how_it_is_used();
        if (arguments.empty()) {
            tell_how_it_is_used();
            return list(".");
        }
        return is_folder(arguments[0]) ? list(arguments[0]) : run(arguments[0], preload);
    } catch (std::exception const& error) {
        say("%s", error.what());
        return not_tried;
    }
}

} // namespace wodehaus::detail
