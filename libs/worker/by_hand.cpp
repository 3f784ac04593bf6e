// What the ways have in common in which somebody runs a worker by hand.
#include "worker/by_hand.hpp"

#include "worker/exception_account.hpp"
#include "worker/one_line.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

namespace wodehaus::detail {

void say(char const* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    std::fputs("wodehaus: ", stderr);
    std::vfprintf(stderr, format, arguments);
    std::fputc('\n', stderr);
    va_end(arguments);
}

std::string printable(std::string text)
{
    std::replace_if(text.begin(), text.end(), [](char each) { return is_control(each) && each != '\n'; }, '?');
    return text;
}

bool preload_by_hand(std::function<void()> const& preload)
{
    try {
        if (preload)
            preload();
        return true;
    } catch (...) {
        say("preload threw %s", printable(describe_current_exception()).c_str());
        return false;
    }
}

registration const* worker_of(kept_job const& about)
{
    if (about.build == build_id())
        if (auto const* found = find_worker(about.key))
            return found;
    return find_worker(about.portable_name);
}

} // namespace wodehaus::detail
