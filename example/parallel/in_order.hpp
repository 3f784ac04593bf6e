// Puts back into order what comes in another.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

template <class Value>
class in_order {
public:
    /// Keeps the value with this number, then hands over those whose turn has come, from number 1 on.
    template <class Give>
    void add(std::uint64_t number, Value value, Give give)
    {
        waiting_.emplace(number, std::move(value));
        for (auto first = waiting_.begin(); first != waiting_.end() && first->first == next_;
             first = waiting_.begin()) {
            ++next_;
            give(waiting_.extract(first).mapped());
        }
    }

    /// Hands over what still waits, since those before it will not come any more.
    template <class Give>
    void finish(Give give)
    {
        while (!waiting_.empty())
            give(waiting_.extract(waiting_.begin()).mapped());
    }

private:
    std::map<std::uint64_t, Value> waiting_;
    std::uint64_t next_ = 1;
};
