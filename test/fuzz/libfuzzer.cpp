// A target for libFuzzer. If a folder is given, the seeds are put there first.
#include "test/fuzz/target.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv)
{
    for (int i = 1; i < *argc; ++i) {
        std::filesystem::path folder = (*argv)[i];
        if (!is_directory(folder))
            continue;
        int number = 0;
        for (auto const& seed : fuzz::seeds())
            std::ofstream{folder / ("seed-" + std::to_string(number++)), std::ios::binary} << seed;
        break;
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* bytes, std::size_t size)
{
    fuzz::one({reinterpret_cast<char const*>(bytes), size});
    return 0;
}
