// The entry: which part does this process play?
#include <wodehaus/init.hpp>

#include "wire/frame.hpp"
#include "worker/birth.hpp"
#include "worker/registry.hpp"
#include "worker/role.hpp"
#include "worker/serve.hpp"
#include "worker/zygote.hpp"

#include <wodehaus/outcome.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace wodehaus {

namespace detail {

namespace {

std::atomic<bool> was_initialised{false};
std::string program;

std::string resolve_program()
{
    std::string path(4096, '\0');
    ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
    path.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return path;
}

void say_hello()
{
    hello_message hello{build_id(), ::getpid()};
    payload bytes;
    bytes.append(preamble.data(), preamble.size());
    append_frame(bytes, frame_kind::hello, 0, {reinterpret_cast<char const*>(&hello), sizeof hello});
    if (!send_to_server(bytes.bytes()))
        ::_exit(EXIT_FAILURE);
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

std::size_t count_threads() noexcept
{
    std::size_t count = 0;
    if (DIR* threads = ::opendir("/proc/self/task")) {
        while (dirent const* each = ::readdir(threads))
            count += each->d_name[0] != '.';
        ::closedir(threads);
    }
    return count;
}

void run_preload(std::function<void()> const& preload)
{
    if (!preload)
        return;
    try {
        preload();
    } catch (...) {
        payload account;
        auto body = failure_body(static_cast<int>(errc::launch_failed), describe_current_exception());
        append_frame(account, frame_kind::failed, 0, body.bytes());
        send_to_server(account.bytes());
        end_process(EXIT_FAILURE);
    }
}

void say_ready()
{
    std::string name = introduce_name();
    payload bytes;
    append_frame(bytes, frame_kind::ready, count_threads(), {name.data(), name.size()});
    if (!send_to_server(bytes.bytes()))
        end_process(EXIT_FAILURE);
}

[[noreturn]] void be_process(bool as_zygote, std::function<void()> const& preload)
{
    reset_signals(); // the server has given us a group of our own; a launcher may be in it, and ends with us
    as_zygote ? take_control_from_standard_input() : take_channel_from_standard_streams();
    offer_to_oom_killer();
    say_hello();
    auto setup = receive_setup(as_zygote);
    if (setup.has_lifeline && !arm_lifeline(lifeline, false))
        ::_exit(EXIT_FAILURE);
    if (!as_zygote) {
        adopt_orphans();
        reseed();
    }
    run_preload(preload);
    std::fflush(nullptr); // what a fork would double
    say_ready();
    if (as_zygote)
        run_zygote(setup);
    serve(setup);
}

} // namespace

bool initialised() noexcept
{
    return was_initialised.load(std::memory_order_acquire);
}

std::string const& this_program()
{
    return program;
}

} // namespace detail

void init(int& argc, char** argv, std::function<void()> preload)
{
    if (detail::initialised())
        return;
    detail::program = detail::resolve_program();
    detail::was_initialised.store(true, std::memory_order_release);
    if (argc != 2)
        return;
    std::string_view argument = argv[1];
    bool as_zygote = argument == detail::zygote_argument;
    if (!as_zygote && argument != detail::worker_argument)
        return;
    detail::remember_arguments(argc, argv);
    try {
        detail::be_process(as_zygote, preload);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "wodehaus: this process could not be set up: %s\n", error.what());
        ::_exit(EXIT_FAILURE);
    }
}

} // namespace wodehaus
