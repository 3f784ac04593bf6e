// Reads what a process writes to its stdout and stderr.
#include "launch/output_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <unistd.h>

namespace wodehaus::detail {

output_reader::output_reader(strand_executor on, std::shared_ptr<gate> entrance, descriptor from, line_handler on_line)
    : from_(on), entrance_(std::move(entrance)), on_line_(std::move(on_line))
{
    if (from) {
        from_.assign(from.release());
        from_.native_non_blocking(true);
    }
}

void output_reader::start()
{
    if (from_.is_open())
        read();
}

// Waits first and reads then, so that nothing is ever taken that a handler has still to bring.
void output_reader::read()
{
    from_.async_wait(from_.wait_read, [self = shared_from_this()](boost::system::error_code error) {
        auto pass = self->entrance_->enter();
        if (pass && !error && self->from_.is_open() && self->read_some())
            self->read();
    });
}

bool output_reader::read_some()
{
    ssize_t size = ::read(from_.native_handle(), buffer_.data(), buffer_.size());
    if (size > 0)
        take({buffer_.data(), static_cast<std::size_t>(size)});
    return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void output_reader::drain()
{
    constexpr int most_reads = 256; // a grandchild may write without end
    for (int i = 0; from_.is_open() && i < most_reads; ++i) {
        pollfd readable{from_.native_handle(), POLLIN, 0};
        if (::poll(&readable, 1, 0) <= 0 || !(readable.revents & POLLIN) || !read_some())
            break;
    }
    if (!part_.empty())
        give(std::exchange(part_, {}));
}

void output_reader::close()
{
    boost::system::error_code ignored;
    from_.close(ignored);
}

void output_reader::take(std::string_view bytes)
{
    while (!bytes.empty()) {
        auto end = bytes.find('\n');
        auto take = std::min(end, longest_line - part_.size());
        part_ += bytes.substr(0, take);
        bool whole = end != bytes.npos && take == end;
        bytes.remove_prefix(std::min(bytes.size(), whole ? take + 1 : take));
        if (whole || part_.size() == longest_line)
            give(std::exchange(part_, {}));
    }
}

void output_reader::give(std::string_view line)
{
    last_.emplace_back(line);
    last_bytes_ += line.size() + 1;
    while (last_.size() > kept_lines || (last_bytes_ > kept_bytes && last_.size() > 1)) {
        last_bytes_ -= last_.front().size() + 1;
        last_.pop_front();
    }
    on_line_(line);
}

std::string output_reader::tail() const
{
    std::string all;
    for (auto const& line : last_)
        all += line + '\n';
    return all;
}

} // namespace wodehaus::detail
