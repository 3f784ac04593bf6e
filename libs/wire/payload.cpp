// The buffers that are kept.
#include <wodehaus/detail/payload.hpp>

#include <array>

namespace wodehaus::detail {

namespace {

struct kept_buffers {
    struct buffer {
        char* at = nullptr;
        std::size_t capacity = 0;
    };
    std::array<buffer, 2> all; // a job's and its result's

    ~kept_buffers()
    {
        for (auto& each : all)
            std::free(std::exchange(each.at, nullptr));
        closed = true;
    }
    static thread_local bool closed; // a payload may outlive this, in another thread-local
};
thread_local bool kept_buffers::closed = false;
thread_local kept_buffers kept;

} // namespace

char* spare_buffers::take(std::size_t& capacity) noexcept
{
    if (kept_buffers::closed)
        return nullptr;
    for (auto& each : kept.all)
        if (each.at && each.capacity >= capacity) {
            capacity = each.capacity;
            return std::exchange(each.at, nullptr);
        }
    return nullptr;
}

bool spare_buffers::keep(char* buffer, std::size_t capacity) noexcept
{
    if (!buffer || capacity > largest || kept_buffers::closed)
        return false;
    for (auto& each : kept.all)
        if (!each.at) {
            each = {buffer, capacity};
            return true;
        }
    return false;
}

} // namespace wodehaus::detail
