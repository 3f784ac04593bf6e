// What a process has printed and still holds. Where a program has no std::cout we do not bring it in: with its locale
// it is nearly half of a small program that is linked statically. So <iostream> is not included, and what is called is
// inline.
#include "worker/flush.hpp"

#include <cstdio>
#include <cstring>
#include <ostream>

namespace wodehaus::detail {

// std::cout and std::clog. Null where nothing else in a static program names them.
extern std::ostream standard_output asm("_ZSt4cout") __attribute__((weak));
extern std::ostream standard_log asm("_ZSt4clog") __attribute__((weak));

namespace {

// In libstdc++'s shared object they are always there, and all zero unless some file includes <iostream>.
bool is_constructed(std::ostream const& stream)
{
    void* first_word = nullptr;
    std::memcpy(&first_word, static_cast<void const*>(&stream), sizeof first_word);
    return first_word != nullptr;
}

void flush(std::ostream* stream)
{
    if (stream && is_constructed(*stream) && stream->rdbuf())
        stream->rdbuf()->pubsync();
}

} // namespace

void flush_output() noexcept
{
    try {
        flush(&standard_output);
        flush(&standard_log);
    } catch (...) {
        // the user's buffer throws on failure; the answer is worth more than the complaint
    }
    std::fflush(nullptr);
}

} // namespace wodehaus::detail
