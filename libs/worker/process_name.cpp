// The name of this process, here and in `ps`.
#include "worker/channel.hpp"
#include "worker/role.hpp"

#include "wire/frame.hpp"

#include <wodehaus/process_name.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>

#include <sys/prctl.h>
#include <unistd.h>

namespace wodehaus {

namespace detail {

namespace {

std::mutex name_mutex;
std::string chosen_name;             // guarded by name_mutex
bool server_is_told = false;         // guarded by name_mutex
char* arguments = nullptr;           // the memory that `ps` reads
std::size_t arguments_size = 0;

void show(std::string const& name) noexcept
{
    ::prctl(PR_SET_NAME, name.c_str());
    if (!server_is_told || arguments_size == 0)
        return; // a user's argv stays as it is
    std::memset(arguments, 0, arguments_size);
    std::memcpy(arguments, name.data(), std::min(name.size(), arguments_size - 1));
}

} // namespace

std::unique_lock<std::mutex> lock_name()
{
    return std::unique_lock{name_mutex};
}

void forget_name() noexcept
{
    chosen_name.clear();
    server_is_told = false;
}

void remember_arguments(int argc, char** argv) noexcept
{
    if (argc < 1)
        return;
    char* end = argv[0];
    for (int i = 0; i < argc; ++i)
        if (argv[i] == end) // as long as they lie one behind the other
            end += std::strlen(argv[i]) + 1;
    arguments = argv[0];
    arguments_size = static_cast<std::size_t>(end - argv[0]);
}

std::string introduce_name()
{
    std::lock_guard lock{name_mutex};
    server_is_told = true;
    if (!chosen_name.empty())
        show(chosen_name);
    return chosen_name;
}

} // namespace detail

std::string process_name()
{
    std::lock_guard lock{detail::name_mutex};
    if (!detail::chosen_name.empty())
        return detail::chosen_name;
    auto pid = std::to_string(::getpid());
    if (detail::server_is_told)
        return pid;
    auto program = detail::this_program();
    return program.substr(program.rfind('/') + 1) + '[' + pid + "] server";
}

void process_name(std::string name)
{
    name.resize(std::min(name.size(), detail::longest_name));
    std::lock_guard lock{detail::name_mutex};
    detail::chosen_name = std::move(name);
    detail::show(detail::chosen_name);
    if (!detail::server_is_told)
        return;
    detail::payload message;
    detail::append_frame(message, detail::frame_kind::name, 0, {detail::chosen_name.data(), detail::chosen_name.size()});
    detail::send_to_server(message.bytes());
}

} // namespace wodehaus
