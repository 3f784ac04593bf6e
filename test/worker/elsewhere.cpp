// The other file with workers of the same names.
#include "test/worker/twins.hpp"

#include <wodehaus/worker.hpp>

using wodehaus::detail::registered;

static int twin(int job)
{
    return job + 1000;
}

namespace {

int hidden(int job)
{
    return job + 1000;
}
constexpr auto lambda = [](int job) { return job + 1000; };

} // namespace

twins::family twins::elsewhere()
{
    return {&registered<std::remove_const_t<decltype(wodehaus::worker<twin>)>>,
            &registered<std::remove_const_t<decltype(wodehaus::worker<hidden>)>>,
            &registered<std::remove_const_t<decltype(wodehaus::worker<lambda>)>>};
}
