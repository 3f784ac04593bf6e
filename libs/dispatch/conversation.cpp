// Speaks with one process.
#include "dispatch/conversation.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace wodehaus::detail {

namespace {

constexpr std::size_t reads_for_one_job = 4 << 10, reads_for_many = 64 << 10;
constexpr std::size_t pieces_in_one_write = 64;
constexpr std::size_t bytes_in_one_write = 64 << 10; // measured: of more the other side reads less meanwhile
constexpr std::size_t frames_at_once = 64; // then others have their turn
constexpr std::size_t frames_in_ring = 4096; // more do not fit

// Each job that is sent ahead comes back as two frames. When half of them have, new ones are sent, so that the process has
// work while the other half is taken.
std::size_t settles_after(options const& how)
{
    return std::clamp<std::size_t>(how.prefetch.value_or(0) + 1, 2, frames_at_once);
}

std::size_t buffer_for(options const& how, bool says_hello)
{
    return how.jobs_per_process == 1 && !says_hello ? reads_for_one_job : reads_for_many;
}

} // namespace

conversation::conversation(strand_executor on, std::shared_ptr<gate> entrance, birth&& process, options const& how,
                           conversation_listener& listener, output_reader::line_handler on_line)
    : pid_(process.pid), largest_(largest_body(how.max_message)), settles_after_(settles_after(how)), socket_(on),
      entrance_(entrance), listener_(listener),
      reader_(buffer_for(how, process.says_hello), largest_),
      output_(std::make_shared<output_reader>(on, std::move(entrance), std::move(process.output), std::move(on_line))),
      awaits_preamble_(process.says_hello)
{
    socket_.assign(boost::asio::local::stream_protocol{}, process.channel.release());
}

void conversation::start(descriptor const& ring)
{
    if (ring)
        ring_.emplace(ring.get(), largest_);
    output_->start();
    read();
}

void conversation::read()
{
    auto to = room_to_read();
    if (to.empty())
        return listener_.settled();
    reading_ = true;
    socket_.async_read_some(boost::asio::buffer(to.data(), to.size()), [self = shared_from_this()](
                                                                           boost::system::error_code error,
                                                                           std::size_t size) {
        auto pass = self->entrance_->enter();
        self->reading_ = false;
        if (!pass || !self->socket_.is_open())
            return;
        if (!error)
            self->take(size, frames_at_once);
        else if (error == boost::asio::error::connection_reset)
            self->left_unread_ = true;
        if (self->drained_)
            self->drain();
        else if (!error)
            self->read_on();
        else
            self->take_last();
    });
}

// Empty if there is none: of a large message no more is taken than there is memory for.
std::span<char> conversation::room_to_read()
{
    try {
        return reader_.space();
    } catch (std::bad_alloc const&) {
        broken_ = true;
        listener_.garbled(*this, true);
        return {};
    }
}

// Not while frames lie in the reader that were not taken: it must know by then what the next bytes belong to.
void conversation::read_on()
{
    if (socket_.is_open() && !broken_ && !takes_more_later_ && !reading_)
        read();
}

// Of the channel there is nothing left when its end is read.
void conversation::take_last()
{
    take(0, frames_in_ring);
    if (!socket_.is_open())
        return;
    listener_.hung_up(*this);
    listener_.settled();
}

void conversation::take(std::size_t size, std::size_t most)
{
    reader_.filled(size);
    if (!awaits_preamble_ || skip_chatter())
        take_frames(most, settles_after_);
    listener_.settled();
}

// What comes before the hello is output: a static initialiser's, a launcher's banner.
bool conversation::skip_chatter()
{
    if (auto before = reader_.skip_preamble()) {
        output_->take(*before);
        awaits_preamble_ = false;
        return true;
    }
    auto seen = reader_.unread();
    // The preamble may be cut anywhere: its length is kept back.
    std::size_t sure = seen.size() > preamble.size() ? seen.size() - preamble.size() : 0;
    if (chatter_ + seen.size() > longest_chatter) {
        output_->take(seen);
        broken_ = true;
        listener_.garbled(*this, false);
    } else if (sure > reads_for_one_job) {
        std::string rest{seen.substr(sure)};
        output_->take(seen.substr(0, sure));
        chatter_ += sure;
        reader_.discard();
        auto space = reader_.space();
        std::memcpy(space.data(), rest.data(), rest.size());
        reader_.filled(rest.size());
    }
    return false;
}

void conversation::take_frames(std::size_t most, std::size_t settle_after)
{
    std::size_t taken = 0;
    for (frame message; !broken_ && socket_.is_open();) {
        if (taken == most)
            return take_more_later();
        switch (next_frame(message)) {
        case frame_reader::status::more:
            if (nothing_is_under_way())
                return;
            break;
        case frame_reader::status::frame:
            listener_.received(*this, std::move(message));
            if (++taken % settle_after == 0)
                listener_.settled();
            break;
        case frame_reader::status::too_large:
            broken_ = true;
            listener_.garbled(*this, true);
            break;
        case frame_reader::status::garbage:
            broken_ = true;
            listener_.garbled(*this, false);
            break;
        }
    }
}

// What tells of jobs is taken in the order of its numbers, from the ring or from the channel. Whatever precedes a frame
// of the channel was in the ring before that was sent.
frame_reader::status conversation::next_frame(frame& to)
{
    for (;;) {
        frame_header first;
        if (ring_) {
            auto found = ring_->peek(first);
            if (found == frame_reader::status::garbage)
                return found;
            bool was_taken = static_cast<std::int16_t>(first.number - next_number_) < 0;
            if (found == frame_reader::status::frame && was_taken)
                return frame_reader::status::garbage;
            if (found == frame_reader::status::frame && first.number == next_number_) {
                ++next_number_;
                ring_->take(to);
                return found;
            }
        }
        if (ahead_) {
            to = *std::exchange(ahead_, std::nullopt);
            return to.header.number == next_number_++ ? frame_reader::status::frame : frame_reader::status::garbage;
        }
        auto found = reader_.next(to);
        if (found != frame_reader::status::frame || !(is_numbered(to.header.kind) || to.header.kind == frame_kind::bell))
            return found;
        if (to.header.kind != frame_kind::bell) // now look at the ring
            ahead_ = std::move(to);
    }
}

// Asks to be woken by what comes next. False if something has come meanwhile.
bool conversation::nothing_is_under_way()
{
    if (!ring_ || ring_->ask_for_bell())
        return true;
    frame_header first;
    return ring_->peek(first) == frame_reader::status::frame && first.number != next_number_; // the channel brings that
}

void conversation::take_more_later()
{
    if (std::exchange(takes_more_later_, true))
        return;
    boost::asio::post(socket_.get_executor(), [self = shared_from_this()] {
        auto pass = self->entrance_->enter();
        self->takes_more_later_ = false;
        if (!pass || !self->socket_.is_open() || self->drained_)
            return;
        self->take(0, frames_at_once);
        self->read_on();
    });
}

void conversation::read_ring()
{
    if (ring_ && !awaits_preamble_)
        take_frames(frames_in_ring, SIZE_MAX);
}

void conversation::send(payload head, std::span<char const> body, std::shared_ptr<void const> owner)
{
    outgoing_.push_back({std::move(head), body, std::move(owner)});
}

void conversation::flush()
{
    if (!waits_to_write_)
        write();
}

// At once, as far as it goes: most jobs are small, and an operation for each would cost more than they do. Of a large one
// a part in each turn.
void conversation::write()
{
    bool blocked = !outgoing_.empty() && socket_.is_open() && !write_some();
    if (outgoing_.empty()) {
        if (finish_after_writing_)
            finish();
        return;
    }
    if (!socket_.is_open())
        return;
    waits_to_write_ = true;
    auto go_on = [self = shared_from_this()](boost::system::error_code error = {}) {
        auto pass = self->entrance_->enter();
        self->waits_to_write_ = false;
        if (!pass || error || !self->socket_.is_open())
            self->outgoing_.clear();
        else
            self->write();
    };
    if (blocked)
        socket_.async_wait(socket_.wait_write, std::move(go_on));
    else
        boost::asio::post(socket_.get_executor(), std::move(go_on));
}

// False: not now.
bool conversation::write_some()
{
    std::array<iovec, pieces_in_one_write> pieces;
    std::size_t count = 0;
    std::size_t room = bytes_in_one_write;
    auto add = [&](std::span<char const> bytes, std::size_t from) {
        if (from >= bytes.size() || room == 0)
            return;
        auto size = std::min(bytes.size() - from, room);
        pieces[count++] = {const_cast<char*>(bytes.data()) + from, size};
        room -= size;
    };
    for (auto& each : outgoing_) {
        if (count + 2 > pieces.size() || room == 0)
            break;
        auto head = each.head.size();
        add(each.head.bytes(), each.written);
        add(each.body, each.written > head ? each.written - head : 0);
    }
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = count;
    ssize_t sent = -1;
    do
        sent = ::sendmsg(socket_.native_handle(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0) {
        written(static_cast<std::size_t>(sent));
        return true;
    }
    if (errno == EAGAIN)
        return false;
    if (errno == EPIPE || errno == ECONNRESET)
        left_unread_ = true; // its end is on the way, and tells more
    else
        ::shutdown(socket_.native_handle(), SHUT_RDWR); // it ends then
    outgoing_.clear();
    return true;
}

void conversation::written(std::size_t size)
{
    while (size) {
        auto& first = outgoing_.front();
        auto part = std::min(size, first.size() - first.written);
        first.written += part;
        size -= part;
        if (first.written == first.size())
            outgoing_.pop_front();
    }
}

void conversation::finish()
{
    finish_after_writing_ = true;
    if (!outgoing_.empty() || !socket_.is_open())
        return;
    boost::system::error_code ignored; // it is gone already, at worst
    socket_.shutdown(socket::shutdown_send, ignored);
}

void conversation::end(std::function<void()> drained)
{
    auto self = shared_from_this(); // `drained` may let go of us
    drained_ = std::move(drained);
    boost::system::error_code ignored;
    if (reading_)
        socket_.cancel(ignored); // somebody may hold the other end open; what has been read comes to the handler
    else
        drain();
}

// An end that came before a read could bring it.
void conversation::note_reset()
{
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == ECONNRESET)
        left_unread_ = true;
}

// What it had sent, and no more: somebody else may go on writing to its channel.
void conversation::drain()
{
    int left = 0;
    if (::ioctl(socket_.native_handle(), FIONREAD, &left) != 0)
        left = 0;
    while (socket_.is_open() && !broken_ && left > 0) {
        auto to = room_to_read();
        ssize_t size = to.empty() ? 0 : ::recv(socket_.native_handle(), to.data(), to.size(), MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == ECONNRESET)
            left_unread_ = true;
        if (size <= 0)
            break;
        left -= static_cast<int>(size);
        take(static_cast<std::size_t>(size), SIZE_MAX);
    }
    note_reset();
    take(0, frames_in_ring);
    output_->drain();
    close();
    std::exchange(drained_, nullptr)();
}

void conversation::close()
{
    boost::system::error_code ignored;
    socket_.close(ignored);
    output_->close();
}

} // namespace wodehaus::detail
