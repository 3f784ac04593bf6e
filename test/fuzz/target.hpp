// A fuzz target is one kind of message and its reader. Each is built twice: for libFuzzer, and as a test that feeds it
// its seeds and some thousand variations of them, so that it cannot rot.
#pragma once

#include <wodehaus/detail/payload.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace fuzz {

/// Whatever the bytes are, this neither crashes nor asks for much memory. What may not be aborts.
void one(std::span<char const> bytes);
/// Messages as they should be.
std::vector<std::string> seeds();

inline void hold(bool promise)
{
    if (!promise)
        std::abort();
}

/// Cuts an input into parts. What is not there is zeros.
class parts {
public:
    explicit parts(std::span<char const> bytes) : rest_(bytes) {}

    template <class T>
    T take()
    {
        static_assert(std::is_trivially_copyable_v<T>);
        T value{};
        auto from = take_bytes(sizeof value);
        if (!from.empty())
            std::memcpy(&value, from.data(), from.size());
        return value;
    }
    std::span<char const> take_bytes(std::size_t size)
    {
        auto taken = rest_.first(std::min(size, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    std::span<char const> rest() const { return rest_; }
    bool empty() const { return rest_.empty(); }

private:
    std::span<char const> rest_;
};

template <class T>
void append(std::string& to, T const& value)
{
    static_assert(std::is_trivially_copyable_v<T>);
    to.append(reinterpret_cast<char const*>(&value), sizeof value);
}
inline std::string text_of(wodehaus::detail::payload const& bytes)
{
    return {bytes.data(), bytes.size()};
}

} // namespace fuzz
