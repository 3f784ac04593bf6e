// A fork of the server as a process that runs jobs.
#include "worker/forked.hpp"

#include "worker/channel.hpp"
#include "worker/crash.hpp"
#include "worker/greeting.hpp"
#include "worker/memory.hpp"
#include "worker/memory_groups.hpp"
#include "worker/registry.hpp"
#include "worker/serve.hpp"
#include "worker/this_job.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>

#include <stdio_ext.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

// A member of std::streambuf that only what derives from it may name.
struct purging : std::streambuf {
    static void purge(std::streambuf* buffer)
    {
        auto put_area = &purging::setp;
        auto first = &purging::pbase, last = &purging::epptr;
        if (buffer)
            (buffer->*put_area)((buffer->*first)(), (buffer->*last)());
    }
};

// What stdio and iostreams hold back is the server's to write. It would be written here too, and into whatever has the
// number of its file by then.
void forget_unwritten_output()
{
    for (auto* each : {stdout, stderr})
        ::__fpurge(each);
#if defined(__GLIBC__)
    // Each stream leads to the one that was opened before it.
    if (FILE* newest = std::fopen("/dev/null", "r")) {
        for (FILE* each = newest->_chain; each; each = each->_chain)
            ::__fpurge(each);
        std::fclose(newest);
    }
#endif
    for (auto* stream : {&std::cout, &std::clog, &std::cerr})
        purging::purge(stream->rdbuf());
}

} // namespace

void prepare_to_fork()
{
    build_id();
    look_up_for_stacks();
}

own_locks::own_locks() : held_{lock_registry(), lock_name(), lock_channel()} {}

void be_forked_process(forked_birth const& with) noexcept
{
    try {
        forget_unwritten_output();
        ::setpgid(0, 0);
        take_descriptors(with.descriptors);
        if (!arm_lifeline(lifeline, false))
            ::_exit(EXIT_FAILURE);
        offer_to_oom_killer();
        adopt_orphans();
        reseed(moment_of_birth());
        forget_name();
        forget_this_job();
        reset_signals();
        end_if_unwinder_hangs();
        handle_crashes_and_questions();
        if (preload_of_program()) {
            say_hello();
            run_preload(preload_of_program());
        }
        limit_memory(with.setup.memory);
        if (with.setup.memory != 0)
            enter_memory_group(memory_groups{});
        last_reserve for_telling;
        preload_of_program() ? say_ready() : static_cast<void>(introduce_name());
    } catch (std::exception const& error) {
        std::fprintf(stderr, "wodehaus: this process could not be set up: %s\n", error.what());
        ::_exit(EXIT_FAILURE);
    }
    serve(with.setup);
}

} // namespace wodehaus::detail
