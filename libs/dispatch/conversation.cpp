// Speaks with one process.
#include "dispatch/conversation.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>

#include <sys/socket.h>

namespace wodehaus::detail {

namespace {

constexpr std::size_t reads_for_one_job = 4 << 10, reads_for_many = 64 << 10;
constexpr std::size_t frames_in_one_write = 32;

std::size_t buffer_for(options const& how, bool says_hello)
{
    return how.jobs_per_process == 1 && !says_hello ? reads_for_one_job : reads_for_many;
}

} // namespace

conversation::conversation(strand_executor on, std::shared_ptr<gate> entrance, birth&& process, options const& how,
                           conversation_listener& listener, output_reader::line_handler on_line)
    : pid_(process.pid), socket_(on), entrance_(entrance), listener_(listener),
      reader_(buffer_for(how, process.says_hello), largest_body(how.max_message)),
      output_(std::make_shared<output_reader>(on, std::move(entrance), std::move(process.output), std::move(on_line))),
      awaits_preamble_(process.says_hello)
{
    socket_.assign(boost::asio::local::stream_protocol{}, process.channel.release());
}

void conversation::start()
{
    output_->start();
    read();
}

void conversation::read()
{
    auto to = reader_.space();
    reading_ = true;
    socket_.async_read_some(boost::asio::buffer(to.data(), to.size()), [self = shared_from_this()](
                                                                           boost::system::error_code error,
                                                                           std::size_t size) {
        auto pass = self->entrance_->enter();
        self->reading_ = false;
        if (!pass || !self->socket_.is_open())
            return;
        if (!error)
            self->take(size);
        else if (error == boost::asio::error::connection_reset)
            self->left_unread_ = true;
        if (self->drained_)
            self->drain();
        else if (!error && self->socket_.is_open() && !self->broken_) // after an error its launch tells its end
            self->read();
    });
}

void conversation::take(std::size_t size)
{
    reader_.filled(size);
    if (!awaits_preamble_ || skip_chatter())
        take_frames();
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

void conversation::take_frames()
{
    for (frame message; !broken_;) {
        switch (reader_.next(message)) {
        case frame_reader::status::more:
            return;
        case frame_reader::status::frame:
            listener_.received(*this, std::move(message));
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

void conversation::send(payload head, std::span<char const> body, std::shared_ptr<void const> owner)
{
    outgoing_.push_back({std::move(head), body, std::move(owner)});
}

void conversation::flush()
{
    if (written_at_once_ == 0 && !outgoing_.empty())
        write();
}

void conversation::write()
{
    if (!socket_.is_open())
        return;
    writing_.clear();
    written_at_once_ = std::min(outgoing_.size(), frames_in_one_write);
    for (std::size_t i = 0; i < written_at_once_; ++i) {
        writing_.emplace_back(outgoing_[i].head.data(), outgoing_[i].head.size());
        if (!outgoing_[i].body.empty())
            writing_.emplace_back(outgoing_[i].body.data(), outgoing_[i].body.size());
    }
    boost::asio::async_write(socket_, writing_, [self = shared_from_this()](boost::system::error_code error, std::size_t) {
        auto pass = self->entrance_->enter();
        if (!pass || !self->socket_.is_open()) {
            self->outgoing_.clear();
            return;
        }
        if (error) {
            if (error == boost::asio::error::broken_pipe || error == boost::asio::error::connection_reset)
                self->left_unread_ = true;
            return; // its end is on the way, and tells more
        }
        self->outgoing_.erase(self->outgoing_.begin(),
                              self->outgoing_.begin() + static_cast<std::ptrdiff_t>(self->written_at_once_));
        self->written_at_once_ = 0;
        if (!self->outgoing_.empty())
            self->write();
        else if (self->finish_after_writing_)
            self->finish();
    });
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

void conversation::drain()
{
    while (socket_.is_open() && !broken_) {
        auto to = reader_.space();
        ssize_t size = to.empty() ? 0 : ::recv(socket_.native_handle(), to.data(), to.size(), MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == ECONNRESET)
            left_unread_ = true;
        if (size <= 0)
            break;
        take(static_cast<std::size_t>(size));
    }
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
