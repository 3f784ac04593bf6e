// Small frames from a process to its server through memory that both have mapped. While the server is awake this takes
// no system call, and what was published outlives the process. After virtio's rings: whoever sleeps asks for a bell.
//
// One writer, the process, which is not trusted; one reader, the server. The bytes of the frames go round in the ring.
#pragma once

#include "wire/descriptor.hpp"
#include "wire/frame.hpp"

#include <cstdint>

namespace wodehaus::detail {

/// A memory file for a ring, which neither side can shrink or let grow. Throws `std::system_error`.
descriptor make_ring_file();

/// The mapping, on either side. What this process forks does not have it.
class ring_memory {
public:
    /// Throws `std::system_error`, also where the file is not what `make_ring_file` makes.
    explicit ring_memory(int file);
    ~ring_memory();
    ring_memory(ring_memory const&) = delete;
    ring_memory& operator=(ring_memory const&) = delete;

    struct layout;
    layout& operator*() const noexcept { return *at_; }
    layout* operator->() const noexcept { return at_; }

private:
    layout* at_;
};

/// The process's side.
class ring_writer {
public:
    explicit ring_writer(int file) : memory_(file) {}
    /// Publishes a numbered frame; false if there is no room for it now.
    bool put(frame_header const& header, std::span<char const> body) noexcept;
    /// Whether the server has to be told. True once for each time that it asked for it.
    bool take_bell() noexcept;

private:
    void copy_in(std::uint64_t at, void const* from, std::size_t size) noexcept;

    ring_memory memory_;
    std::uint64_t written_ = 0;
};

/// The server's side. Nothing that the process can write leads it astray: every number is read once and checked.
class ring_reader {
public:
    ring_reader(int file, std::size_t largest) : memory_(file), largest_(largest) {}
    /// Looks at what comes next, without taking it.
    frame_reader::status peek(frame_header& to) noexcept;
    /// Takes the frame that `peek` has found.
    void take(frame& to);
    /// Asks for a bell with the next frame. False if one has come meanwhile: then it is to be taken first.
    bool ask_for_bell() noexcept;

private:
    void copy_out(void* to, std::size_t size) noexcept;

    ring_memory memory_;
    std::size_t largest_;
    std::uint64_t read_ = 0;
    frame_header next_; ///< as checked by `peek`
};

} // namespace wodehaus::detail
