#include "line_reader.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(char const* what)
{
    throw std::system_error{errno, std::generic_category(), what};
}

} // namespace

line_reader::line_reader(int from) : from_(from), stopped_(-1)
{
    if (::fcntl(from, F_GETFD) < 0)
        fail("cannot read the standard input");
    if (stopped_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); stopped_ < 0)
        fail("cannot make an eventfd");
}

line_reader::~line_reader()
{
    ::close(stopped_);
}

std::optional<std::string> line_reader::next(std::stop_token stop)
{
    std::stop_callback wake{stop, [this] { ::eventfd_write(stopped_, 1); }};
    auto searched = position_;
    for (;;) {
        auto end = text_.find('\n', searched);
        if (end == text_.npos && no_more_)
            end = text_.size(); // the last line may lack its end
        if (end != text_.npos && position_ < text_.size()) {
            auto line = text_.substr(position_, end - position_);
            position_ = std::min(end + 1, text_.size());
            return line;
        }
        if (no_more_) {
            at_end_ = true;
            return std::nullopt;
        }
        text_.erase(0, std::exchange(position_, 0));
        searched = text_.size();
        if (!wait(stop))
            return std::nullopt;
        no_more_ = !read_more();
    }
}

std::size_t line_reader::read_all()
{
    while (read_more())
        ;
    no_more_ = true;
    auto lines = static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n'));
    return lines + (!text_.empty() && text_.back() != '\n');
}

// False if it was asked to stop.
bool line_reader::wait(std::stop_token const& stop)
{
    std::array<pollfd, 2> watched{pollfd{from_, POLLIN, 0}, pollfd{stopped_, POLLIN, 0}};
    while (!stop.stop_requested()) {
        if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR)
            fail("cannot wait for the standard input");
        if (watched[0].revents)
            return !stop.stop_requested();
    }
    return false;
}

// False at the end of the input.
bool line_reader::read_more()
{
    std::array<char, 65536> buffer;
    for (;;) {
        auto size = ::read(from_, buffer.data(), buffer.size());
        if (size >= 0)
            text_.append(buffer.data(), static_cast<std::size_t>(size));
        else if (errno == EAGAIN) // somebody else has made it non-blocking, or was quicker
            return true;
        else if (errno != EINTR)
            fail("cannot read the standard input");
        if (size >= 0)
            return size > 0;
    }
}
