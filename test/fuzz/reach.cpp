// A program whose worker counts its calls, for a fuzzer: see test/fuzz/reach.
#include <wodehaus/init.hpp>
#include <wodehaus/worker.hpp>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

unsigned long calls = 0;

} // namespace

int read_greeting(std::string const& text)
{
    ++calls;
    return text.starts_with("hello, world") ? 1 : 0;
}

int main(int argc, char** argv)
{
    wodehaus::offer(wodehaus::worker<read_greeting>);
    std::atexit([] { std::fprintf(stderr, "calls: %lu\n", calls); });
    wodehaus::init(argc, argv);
}
