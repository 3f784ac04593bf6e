// What a new process says before it takes jobs.
#include "worker/greeting.hpp"

#include "wire/frame.hpp"
#include "worker/channel.hpp"
#include "worker/exception_account.hpp"
#include "worker/registry.hpp"
#include "worker/role.hpp"
#include "worker/serve.hpp"

#include <wodehaus/errc.hpp>

#include <cstdlib>

#include <dirent.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

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

} // namespace

void say_hello() noexcept
{
    hello_message hello{build_id(), ::getpid()};
    payload bytes;
    bytes.append(preamble.data(), preamble.size());
    append_frame(bytes, frame_kind::hello, 0, {reinterpret_cast<char const*>(&hello), sizeof hello});
    if (!send_to_server(bytes.bytes()))
        ::_exit(EXIT_FAILURE);
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
    auto used = usage_of_process();
    payload bytes;
    append_frame(bytes, frame_kind::prepared, 0, {reinterpret_cast<char const*>(&used), sizeof used});
    append_frame(bytes, frame_kind::ready, count_threads(), {name.data(), name.size()});
    if (!send_to_server(bytes.bytes()))
        end_process(EXIT_FAILURE);
}

} // namespace wodehaus::detail
