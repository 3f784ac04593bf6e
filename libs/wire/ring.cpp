// Small frames through shared memory.
#include "wire/ring.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::size_t file_size = 64 << 10;
constexpr std::size_t one_line = 64; // of the cache: what one side writes must not lie beside what the other does
constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

[[noreturn]] void fail(char const* call)
{
    throw std::system_error{errno, std::generic_category(), call};
}

} // namespace

// A file that was just made is all zeros, which is the layout of an empty ring with a reader that wants a bell.
struct ring_memory::layout {
    static constexpr std::size_t capacity = 63 << 10;

    alignas(one_line) std::atomic<std::uint64_t> written; ///< how many bytes the process has ever published
    alignas(one_line) std::atomic<std::uint64_t> read;    ///< how many of them the server has taken
    std::atomic<std::uint32_t> awake;                     ///< 0: the server wants a bell
    alignas(one_line) char bytes[capacity];
};

descriptor make_ring_file()
{
    descriptor file{::memfd_create("wodehaus", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!file)
        fail("memfd_create");
    if (file.get() <= 2)
        file = descriptor{::fcntl(file.get(), F_DUPFD_CLOEXEC, 3)};
    if (!file || ::ftruncate(file.get(), file_size) != 0 || ::fcntl(file.get(), F_ADD_SEALS, seals) != 0)
        fail("a ring's memory file");
    return file;
}

ring_memory::ring_memory(int file)
{
    static_assert(sizeof(layout) <= file_size);
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
    struct stat status {};
    // One that could still be shrunk would be a SIGBUS in whoever reads it.
    if (::fstat(file, &status) != 0 || status.st_size != file_size || (::fcntl(file, F_GET_SEALS) & seals) != seals)
        throw std::system_error{EINVAL, std::generic_category(), "not the file of a ring"};
    void* at = ::mmap(nullptr, file_size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at == MAP_FAILED)
        fail("mmap");
    ::madvise(at, file_size, MADV_DONTFORK); // refused only by a kernel that has no such advice
    at_ = static_cast<layout*>(at);
}

ring_memory::~ring_memory()
{
    ::munmap(at_, file_size);
}

bool ring_writer::put(frame_header const& header, std::span<char const> body) noexcept
{
    auto size = sizeof header + body.size();
    auto taken = memory_->read.load(std::memory_order_acquire);
    if (size > ring_memory::layout::capacity - std::min(written_ - taken, ring_memory::layout::capacity))
        return false;
    copy_in(written_, &header, sizeof header);
    copy_in(written_ + sizeof header, body.data(), body.size());
    written_ += size;
    memory_->written.store(written_, std::memory_order_seq_cst); // before `awake` is looked at
    return true;
}

bool ring_writer::take_bell() noexcept
{
    return memory_->awake.load(std::memory_order_seq_cst) == 0 && memory_->awake.exchange(1, std::memory_order_seq_cst) == 0;
}

void ring_writer::copy_in(std::uint64_t at, void const* from, std::size_t size) noexcept
{
    if (size == 0)
        return;
    auto begin = at % ring_memory::layout::capacity;
    auto first = std::min(size, ring_memory::layout::capacity - begin);
    std::memcpy(memory_->bytes + begin, from, first);
    std::memcpy(memory_->bytes, static_cast<char const*>(from) + first, size - first);
}

frame_reader::status ring_reader::peek(frame_header& to) noexcept
{
    auto have = memory_->written.load(std::memory_order_seq_cst) - read_;
    if (have == 0)
        return frame_reader::status::more;
    if (have > ring_memory::layout::capacity || have < sizeof next_)
        return frame_reader::status::garbage;
    copy_out(&next_, sizeof next_);
    if (next_.size > largest_ || next_.size > have - sizeof next_ || !is_plausible(next_) ||
        !is_numbered(next_.kind))
        return frame_reader::status::garbage;
    to = next_;
    return frame_reader::status::frame;
}

void ring_reader::take(frame& to)
{
    to.header = next_;
    to.body.clear();
    read_ += sizeof next_;
    if (auto size = static_cast<std::size_t>(next_.size)) {
        to.body.resize(size);
        copy_out(to.body.data(), size);
        read_ += size;
    }
    memory_->read.store(read_, std::memory_order_release);
}

bool ring_reader::ask_for_bell() noexcept
{
    memory_->awake.store(0, std::memory_order_seq_cst);
    if (memory_->written.load(std::memory_order_seq_cst) == read_)
        return true;
    memory_->awake.store(1, std::memory_order_relaxed);
    return false;
}

void ring_reader::copy_out(void* to, std::size_t size) noexcept
{
    auto begin = read_ % ring_memory::layout::capacity;
    auto first = std::min(size, ring_memory::layout::capacity - begin);
    std::memcpy(to, memory_->bytes + begin, first);
    std::memcpy(static_cast<char*>(to) + first, memory_->bytes, size - first);
}

} // namespace wodehaus::detail
