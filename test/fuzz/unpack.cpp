// A program with a fault in it for a fuzzer to find, as the guide tells: see test/fuzz/find.
#include <wodehaus/init.hpp>
#include <wodehaus/worker.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

std::string unpack(std::string const& packed)
{
    if (!packed.starts_with("RLE1") || packed.size() < 5)
        throw std::runtime_error{"this was not packed by us"};
    std::vector<char> plain(static_cast<unsigned char>(packed[4])); // its size is told first
    auto* to = plain.data();
    for (std::size_t i = 5; i + 1 < packed.size(); i += 2)
        for (int count = static_cast<unsigned char>(packed[i]); count > 0; --count)
            *to++ = packed[i + 1];
    return {plain.begin(), plain.end()};
}

int main(int argc, char** argv)
{
    wodehaus::offer(wodehaus::worker<unpack>);
    wodehaus::init(argc, argv);
}
