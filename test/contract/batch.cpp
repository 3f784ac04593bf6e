// A batch: a producer that ends by stop, a function as worker, a consumer that prints; each job in its own process.
#include <wodehaus.hpp>

#include <iostream>

namespace {

/// How many steps it takes from a number down to 1 by Collatz' rule.
unsigned steps(std::uint32_t number)
{
    unsigned count = 0;
    for (std::uint64_t at = number; at != 1; ++count)
        at = at % 2 ? 3 * at + 1 : at / 2;
    return count;
}

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);

    std::uint32_t number = 20;
    auto producer = [&number] {
        if (++number > 30)
            throw wodehaus::stop{};
        return std::optional{wodehaus::task{wodehaus::worker<steps>, number}};
    };
    auto consumer = [](std::uint32_t start, unsigned count) { std::cout << start << ": " << count << " steps\n"; };

    wodehaus::run_summary const summary = wodehaus::start(producer, consumer);
    std::cout << summary.succeeded << " succeeded, " << summary.failed << " failed, " << summary.retried
              << " retried\n";
}
