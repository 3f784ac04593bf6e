// A process's account of a failure.
#include "test/fuzz/target.hpp"

#include "launch/greeting.hpp"

#include <wodehaus/detail/archive.hpp>

using namespace wodehaus::detail;

void fuzz::one(std::span<char const> bytes)
{
    auto told = read_failure(bytes);
    hold(told.what.size() <= std::max<std::size_t>(bytes.size(), 100));
}

std::vector<std::string> fuzz::seeds()
{
    std::vector<std::string> all;
    for (auto const& what : {std::string{}, std::string{"it threw"}, std::string(4096, 'x')}) {
        payload body;
        save(body, failure_message{1, what, {2, 3, 4}});
        all.push_back(text_of(body));
    }
    return all;
}
