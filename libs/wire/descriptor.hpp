// A file descriptor with an owner, and messages with descriptors. Every descriptor made here is closed on exec.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include <unistd.h>

namespace wodehaus::detail {

class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        if (this != &other) {
            reset();
            number_ = std::exchange(other.number_, -1);
        }
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return number_; }
    int release() noexcept { return std::exchange(number_, -1); }
    explicit operator bool() const noexcept { return number_ >= 0; }
    void reset() noexcept
    {
        if (number_ >= 0)
            ::close(number_); // nothing could be done about an error: the number is free in any case
        number_ = -1;
    }

private:
    int number_ = -1;
};

/// A program may have closed its standard streams; what we open must not take their place. Gives the descriptor, or
/// another of the same in place of 0, 1 and 2. Throws `std::system_error`.
descriptor above_standard(int number);

struct descriptor_pair {
    descriptor first, second;
};

/// Both throw `std::system_error`. None of the descriptors is 0, 1 or 2, even where those were closed.
descriptor_pair make_socket_pair(int type);
descriptor_pair make_pipe(); ///< first: the reading end

/// Sends bytes and descriptors as one message, without SIGPIPE. Gives what `sendmsg` gives, errno included.
ssize_t send_message(int socket, std::span<char const> bytes, std::span<int const> descriptors, int flags = 0) noexcept;

/// Receives what one `recvmsg` gives. A message whose descriptors did not all arrive (EMFILE here) has `truncated` set.
struct received {
    ssize_t size = -1; ///< as from `recvmsg`; errno is its own
    bool truncated = false;
    std::vector<descriptor> descriptors;
};
received receive_message(int socket, std::span<char> to, int flags = 0);

} // namespace wodehaus::detail
