// A file descriptor with an owner, and messages with descriptors.
#include "wire/descriptor.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/socket.h>

namespace wodehaus::detail {

descriptor above_standard(int number)
{
    descriptor made{number};
    if (number > 2)
        return made;
    descriptor moved{::fcntl(number, F_DUPFD_CLOEXEC, 3)};
    if (!moved)
        throw std::system_error{errno, std::generic_category(), "fcntl F_DUPFD_CLOEXEC"};
    return moved;
}

namespace {

constexpr std::size_t most_descriptors = 253; // the kernel's bound for one message

descriptor_pair own(std::array<int, 2> const& numbers)
{
    descriptor first{numbers[0]}, second{numbers[1]};
    return {above_standard(first.release()), above_standard(second.release())};
}

} // namespace

descriptor_pair make_socket_pair(int type)
{
    std::array<int, 2> numbers{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, numbers.data()) != 0)
        throw std::system_error{errno, std::generic_category(), "socketpair"};
    return own(numbers);
}

descriptor_pair make_pipe()
{
    std::array<int, 2> numbers{};
    if (::pipe2(numbers.data(), O_CLOEXEC) != 0)
        throw std::system_error{errno, std::generic_category(), "pipe2"};
    return own(numbers);
}

ssize_t send_message(int socket, std::span<char const> bytes, std::span<int const> descriptors, int flags) noexcept
{
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (!descriptors.empty()) {
        if (descriptors.size() > most_descriptors) {
            errno = EINVAL;
            return -1;
        }
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        std::memset(control.data(), 0, message.msg_controllen);
        cmsghdr* header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    }
    ssize_t sent = -1;
    do
        sent = ::sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

received receive_message(int socket, std::span<char> to, int flags)
{
    iovec piece{to.data(), to.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    received result;
    do
        result.size = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (result.size < 0 && errno == EINTR);
    if (result.size < 0)
        return result;
    result.truncated = (message.msg_flags & MSG_CTRUNC) != 0;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
            result.descriptors.emplace_back(number);
        }
    }
    return result;
}

} // namespace wodehaus::detail
