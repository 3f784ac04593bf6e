// A target as a test: its seeds, each cut anywhere, and variations that are the same in every run.
#include "test/fuzz/target.hpp"
#include "test/kit/largest_piece.hpp"

#include <cstdio>
#include <random>

namespace {

constexpr std::size_t most_memory = std::size_t{8} << 20;

void feed(std::string const& bytes)
{
    // Exactly as large as it is, so that what reads beyond it is seen by those who can see that.
    std::vector<char> exact(bytes.begin(), bytes.end());
    largest_piece = 0;
    fuzz::one(exact);
    if (largest_piece > most_memory) {
        std::fprintf(stderr, "%zu bytes were asked for at once\n", largest_piece.load());
        std::abort();
    }
}

std::string varied(std::string bytes, std::mt19937& random)
{
    auto below = [&](std::size_t end) { return std::uniform_int_distribution<std::size_t>{0, end - 1}(random); };
    for (auto changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
        auto at = below(bytes.size());
        switch (below(5)) {
        case 0: // another byte
            bytes[at] = static_cast<char>(below(256));
            break;
        case 1: // another bit
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
            break;
        case 2: { // a number that is a lie
            std::uint64_t const lies[] = {0, 1, 0xffff, 1u << 20, ~std::uint32_t{0}, ~std::uint64_t{0} / 2, ~std::uint64_t{0}};
            auto lie = lies[below(std::size(lies))];
            std::memcpy(bytes.data() + at, &lie, std::min(sizeof lie, bytes.size() - at));
            break;
        }
        case 3: // a part that is missing
            bytes.erase(at, below(9));
            break;
        case 4: // a part that comes twice
            bytes.insert(at, bytes.substr(below(bytes.size()), below(33)));
            break;
        }
    }
    return bytes;
}

} // namespace

int main()
{
    constexpr int variations = 2000;
    std::mt19937 random{1};
    int number = 0;
    for (auto const& seed : fuzz::seeds()) {
        feed(seed);
        for (std::size_t size = 0; size < seed.size(); ++size)
            feed(seed.substr(0, size));
        for (int i = 0; i < variations; ++i)
            feed(varied(seed, random));
        ++number;
    }
    std::printf("%d seeds\n", number);
    return number > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
