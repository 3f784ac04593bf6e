// The bytes of a job or a result on their way. A type of its own, so that other carriers than the heap can come later.
#pragma once

#include <wodehaus/detail/config.hpp>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <utility>

namespace wodehaus::detail {

/// Large buffers that are given up are kept for the next ones, a few for each thread: memory that the system takes back and
/// gives again comes a page fault at a time, which costs more than everything else that is done with it. A spare one has
/// room for `capacity` bytes, which it sets to what it really has; null if there is none.
struct spare_buffers {
    static constexpr std::size_t smallest = std::size_t{64} << 10, largest = std::size_t{4} << 20;
    WODEHAUS_DECL static char* take(std::size_t& capacity) noexcept;
    /// False if it is not kept: then it is to be freed.
    WODEHAUS_DECL static bool keep(char* buffer, std::size_t capacity) noexcept;
};

/// A growing buffer that is moved, never copied. What is small lies inside it; what is large is grown by `realloc`,
/// which moves pages instead of bytes. New bytes are not initialised: they are about to be overwritten.
class payload {
public:
    payload() = default;
    payload(payload&& other) noexcept { take(other); }
    payload& operator=(payload&& other) noexcept
    {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    ~payload() { release(); }

    char* data() noexcept { return heap_ ? heap_ : small_; }
    char const* data() const noexcept { return heap_ ? heap_ : small_; }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::span<char const> bytes() const noexcept { return {data(), size_}; }

    void clear() noexcept { size_ = 0; }
    void resize(std::size_t size)
    {
        reserve(size);
        size_ = size;
    }
    void reserve(std::size_t capacity)
    {
        if (capacity > capacity_)
            grow(capacity);
    }
    void append(void const* from, std::size_t size)
    {
        if (size > capacity_ - size_)
            grow(std::size_t(size_ + size) < 2 * capacity_ ? 2 * capacity_ : size_ + size);
        if (size)
            std::memcpy(data() + size_, from, size);
        size_ += size;
    }

private:
    static constexpr std::size_t inside = 64;

    void grow(std::size_t capacity)
    {
        char* heap = heap_ || capacity < spare_buffers::smallest ? nullptr : spare_buffers::take(capacity);
        if (!heap)
            heap = static_cast<char*>(std::realloc(heap_, capacity));
        if (!heap)
            throw std::bad_alloc{};
        if (!heap_)
            std::memcpy(heap, small_, size_);
        heap_ = heap;
        capacity_ = capacity;
    }
    void release() noexcept
    {
        if (capacity_ < spare_buffers::smallest || !spare_buffers::keep(heap_, capacity_))
            std::free(heap_);
        heap_ = nullptr;
    }
    void take(payload& other) noexcept
    {
        heap_ = std::exchange(other.heap_, nullptr);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, inside);
        if (!heap_)
            std::memcpy(small_, other.small_, size_);
    }

    char* heap_ = nullptr;
    std::size_t size_ = 0, capacity_ = inside;
    char small_[inside];
};

} // namespace wodehaus::detail
