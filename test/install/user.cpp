// A user's program, the same for each way to find the library.
#include <wodehaus.hpp>

#include <iostream>

int twice(int number)
{
    return 2 * number;
}

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    bool done = false;
    auto producer = [left = 1]() mutable {
        return left-- ? std::optional{wodehaus::task{wodehaus::worker<twice>, 21}} : std::nullopt;
    };
    wodehaus::start(producer, [&done](int, int result) { done = result == 42; });
    std::cout << (done ? "it works\n" : "no result\n");
    return done ? 0 : 1;
}
