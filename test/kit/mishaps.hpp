// Workers that end their process, or leave their channel in disorder.
#pragma once

#include <csignal>
#include <cstdlib>

#include <unistd.h>

namespace kit::mishaps {

inline int raises(int signal)
{
    ::raise(signal);
    return 0;
}
inline int exits(int status)
{
    std::exit(status);
}
inline int exits_at_once(int status)
{
    ::_exit(status);
}
inline int closes_everything(int)
{
    for (int each = 0; each < 256; ++each)
        ::close(each);
    return 1;
}
inline int scribbles(int)
{
    for (int each = 3; each < 64; ++each) // onto whatever it finds, the channel included
        if (::write(each, "scribble scribble scribble scribble scribble", 40) < 0)
            continue;
    ::_exit(0);
}
inline int grandchild_holds_all(int)
{
    if (::fork() == 0)
        for (;;)
            ::pause(); // with every descriptor of its parent
    ::_exit(7);
}

} // namespace kit::mishaps
