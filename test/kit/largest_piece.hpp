// Counts what a program asks of the heap. It replaces operator new, so exactly one source of a program includes it.
#pragma once

#include "test/kit/sanitizer.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// The largest piece of memory that was asked for, since it was set to 0.
inline std::atomic<std::size_t> largest_piece;

#ifndef KIT_THREAD_SANITIZER
void* operator new(std::size_t size)
{
    auto before = largest_piece.load();
    while (size > before && !largest_piece.compare_exchange_weak(before, size)) {
    }
    if (void* made = std::malloc(size ? size : 1))
        return made;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* made) noexcept
{
    std::free(made);
}
[[gnu::noinline]] void operator delete(void* made, std::size_t) noexcept
{
    std::free(made);
}
#endif
