// The entry: which part does this process play?
#include <wodehaus/init.hpp>

#include "wire/frame.hpp"
#include "worker/birth.hpp"
#include "worker/crash.hpp"
#include "worker/fuzz.hpp"
#include "worker/greeting.hpp"
#include "worker/memory.hpp"
#include "worker/memory_groups.hpp"
#include "worker/registry.hpp"
#include "worker/replay.hpp"
#include "worker/role.hpp"
#include "worker/serve.hpp"
#include "worker/zygote.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace wodehaus {

namespace detail {

namespace {

std::atomic<bool> was_initialised{false};
std::string program;

// Never destroyed: a fork may come late.
std::function<void()>& kept_preload()
{
    static auto* kept = new std::function<void()>;
    return *kept;
}

std::string resolve_program()
{
    std::string path(4096, '\0');
    ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return path;
}

// At its own number, and not closed on exec: descendants hold it too.
void keep_lifeline(descriptor end)
{
    if (end.get() == lifeline)
        ::fcntl(end.release(), F_SETFD, 0);
    else
        ::dup2(end.get(), lifeline);
}

// What is there at once, in one message, since the server sends it before we are born.
setup_message receive_setup(bool as_zygote)
{
    struct {
        frame_header header;
        setup_message setup;
    } message{};
    static_assert(sizeof message == sizeof(frame_header) + sizeof(setup_message));
    std::span<char> space{reinterpret_cast<char*>(&message), sizeof message};
    auto got = receive_message(channel_in, space);
    if (got.size < 0 && errno == ENOTSOCK) { // a pipe, behind a launcher: no descriptors come this way
        std::size_t have = 0;
        while (have < space.size()) {
            ssize_t some = ::read(channel_in, space.data() + have, space.size() - have);
            if (some <= 0)
                ::_exit(EXIT_FAILURE);
            have += static_cast<std::size_t>(some);
        }
    } else if (got.size != static_cast<ssize_t>(sizeof message)) {
        ::_exit(EXIT_FAILURE); // the server is gone
    }
    if (message.header.kind != frame_kind::setup)
        ::_exit(EXIT_FAILURE);
    auto& setup = message.setup;
    std::size_t next = 0;
    if (setup.has_lifeline && next < got.descriptors.size())
        keep_lifeline(std::move(got.descriptors[next++]));
    else
        setup.has_lifeline = 0;
    if (setup.has_output && next < got.descriptors.size()) {
        auto output = std::move(got.descriptors[next++]); // closed here: the ring may take its number
        redirect_output(output.get());
    }
    if (as_zygote)
        return setup;
    if (setup.has_ring && next < got.descriptors.size())
        keep_ring(got.descriptors[next++].release());
    else
        setup.has_ring = 0;
    return setup;
}

// And not of a launcher in front: who has made the channel.
bool is_child_of_server() noexcept
{
    ucred server{};
    socklen_t size = sizeof server;
    return ::getsockopt(channel_in, SOL_SOCKET, SO_PEERCRED, &server, &size) == 0 && server.pid == ::getppid();
}

[[noreturn]] void be_process(bool as_zygote, std::function<void()> const& preload)
{
    reset_signals(); // the server has given us a group of our own; a launcher may be in it, and ends with us
    look_up_for_stacks();
    handle_crashes_and_questions();
    as_zygote ? take_control_from_standard_input() : take_channel_from_standard_streams();
    offer_to_oom_killer();
    say_hello();
    auto setup = receive_setup(as_zygote);
    if (setup.has_lifeline && !arm_lifeline(lifeline, false))
        ::_exit(EXIT_FAILURE);
    if (!as_zygote) {
        adopt_orphans();
        reseed(moment_of_birth());
    }
    run_preload(preload);
    std::fflush(nullptr); // what a fork would double
    limit_memory(setup.memory);
    if (!as_zygote && setup.memory != 0 && is_child_of_server())
        enter_memory_group(memory_groups{}); // before it is ready, so that no job waits for it
    {
        last_reserve for_telling;
        say_ready();
    }
    if (as_zygote)
        run_zygote(setup);
    serve(setup);
}

} // namespace

bool initialised() noexcept
{
    return was_initialised.load(std::memory_order_acquire);
}

bool started_by_a_server()
{
    // Without a stream of the standard library, which a small program of workers would grow by.
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> arguments{std::fopen("/proc/self/cmdline", "r"), &std::fclose};
    char* each = nullptr;
    std::size_t room = 0;
    bool started = false;
    while (arguments && !started && ::getdelim(&each, &room, '\0', arguments.get()) > 0)
        started = each == std::string_view{zygote_argument} || each == std::string_view{worker_argument};
    std::free(each);
    return started;
}

std::string const& this_program()
{
    return program;
}

std::function<void()> const& preload_of_program()
{
    return kept_preload();
}

} // namespace detail

void init(int& argc, char** argv, std::function<void()> preload)
{
    if (detail::initialised())
        return;
    detail::program = detail::resolve_program();
    detail::was_initialised.store(true, std::memory_order_release);
    detail::remember_arguments(argc, argv);
    if (argc > 1 && detail::asks_to_fuzz(argv[1]))
        detail::end_process(detail::fuzz(argc, argv, preload));
    if (argc > 1 && argv[1] == std::string_view{detail::replay_argument})
        detail::end_process(detail::replay({argv + 2, argv + argc}, preload));
    std::string_view argument = argc == 2 ? argv[1] : "";
    bool as_zygote = argument == detail::zygote_argument;
    if (!as_zygote && argument != detail::worker_argument) {
        detail::kept_preload() = std::move(preload);
        return;
    }
    try {
        detail::be_process(as_zygote, preload);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "wodehaus: this process could not be set up: %s\n", error.what());
        ::_exit(EXIT_FAILURE);
    }
}

} // namespace wodehaus
