// How much memory a process may have. By RLIMIT_DATA: it counts what is private and writable, which is what jobs make and
// what the machine must have room for. RLIMIT_AS counts mapped files and reserved addresses, too: programs that map much
// and sanitizers cannot live with it. What is there at birth is the program's, what preload has made, and on fork the
// server's heap; it is not the jobs', and is shared where it was forked.
#include "worker/memory.hpp"

#include "wire/descriptor.hpp"
#include "worker/memory_groups.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::uint64_t reserve = 1 << 20;

std::uint64_t allowed = 0;  // beyond what there was at birth; 0: all
std::uint64_t at_birth = 0;
rlim_t limit_now = RLIM_INFINITY;
std::string const* own_group = nullptr; // never given back: processes end without destructors

// The sixth number of statm, in pages: data and stack.
std::uint64_t data_of_this_process() noexcept
{
    descriptor file{::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    char text[256];
    ssize_t size = file ? ::read(file.get(), text, sizeof text - 1) : 0;
    text[std::max<ssize_t>(size, 0)] = '\0';
    char* at = text;
    unsigned long long pages = 0;
    for (int i = 0; i < 6; ++i)
        pages = std::strtoull(at, &at, 10);
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

// The hard limit stays as it is: the reserve is to be had.
void set_limit(rlim_t bytes) noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ::setrlimit(RLIMIT_DATA, &limit);
}

} // namespace

void limit_memory(std::uint64_t bytes) noexcept
{
    if (bytes == 0)
        return;
    allowed = bytes;
    at_birth = data_of_this_process();
    rlimit before{};
    if (::getrlimit(RLIMIT_DATA, &before) != 0 || bytes > RLIM_INFINITY - at_birth - reserve)
        return;
    limit_now = std::min<rlim_t>(before.rlim_cur, at_birth + bytes); // what is less already stays
    set_limit(limit_now);
}

// What was there at birth counts in a group once it is written to: it is a copy then.
void enter_memory_group(memory_groups const& groups) noexcept
try {
    if (allowed == 0)
        return;
    if (auto group = groups.enter(at_birth + allowed))
        own_group = new std::string{std::move(*group)};
} catch (std::exception const&) {
    // no memory for a path: RLIMIT_DATA is there
}

bool has_grown() noexcept
try {
    if (allowed == 0)
        return false;
    auto data = data_of_this_process();
    if (data > at_birth && data - at_birth > allowed / 2)
        return true;
    return own_group && memory_in(*own_group) > at_birth + allowed / 2; // with what its children have
} catch (std::exception const&) {
    return true; // there is not even memory for a path
}

last_reserve::last_reserve() noexcept
{
    if (limit_now != RLIM_INFINITY)
        set_limit(limit_now + reserve);
}

last_reserve::~last_reserve()
{
    if (limit_now != RLIM_INFINITY)
        set_limit(limit_now);
}

} // namespace wodehaus::detail
