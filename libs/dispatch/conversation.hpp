// Speaks with one process: hello, ready, job, answer. A reader and a writer that do not wait for each other. It knows
// bytes and frames; what they mean for a job is its listener's to decide.
#pragma once

#include "launch/launch.hpp"
#include "launch/output_reader.hpp"
#include "wire/frame.hpp"
#include "wire/ring.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <deque>
#include <optional>

namespace wodehaus::detail {

class conversation;

class conversation_listener {
public:
    /// A frame has come, the first of which is the hello where one is due.
    virtual void received(conversation& from, frame&& message) = 0;
    /// What comes is not a message, or one beyond the bounds. Nothing more is read.
    virtual void garbled(conversation& from, bool too_large) = 0;
    /// Nobody holds the other end any more, and what it had sent has been given: nothing can come.
    virtual void hung_up(conversation& from) = 0;
    /// What one reading brought has been given, or a part of it that is enough to be answered.
    virtual void settled() = 0;

protected:
    ~conversation_listener() = default;
};

class conversation : public std::enable_shared_from_this<conversation> {
public:
    conversation(strand_executor on, std::shared_ptr<gate> entrance, birth&& process, options const& how,
                 conversation_listener& listener, output_reader::line_handler on_line);
    /// Throws `std::system_error` if the ring, where there is one, cannot be used.
    void start(descriptor const& ring);
    int pid() const noexcept { return pid_; }

    /// Sends a frame: `head` and then `body`, which `owner` keeps alive until it was written; an answer can be here
    /// before we know that it was.
    void send(payload head, std::span<char const> body, std::shared_ptr<void const> owner);
    /// Begins to write what was sent. Apart, so that what one event sends goes in one write.
    void flush();
    /// Whatever else the process says is not looked at.
    void stop_listening() noexcept { broken_ = true; }
    /// The process reads its end of file once it has read everything else.
    void finish();
    /// The process has ended: takes what it had sent and closes; then calls `drained`, in here or later.
    void end(std::function<void()> drained);
    void close();

    /// The last lines that the process wrote.
    std::string output_tail() const { return output_->tail(); }
    /// Takes what it has written by now.
    void read_output() { output_->drain(); }
    /// Takes what lies in the ring by now: what the process has begun, before something is decided. Does not settle.
    void read_ring();
    /// Whether it ended without having read all that was sent to it.
    bool was_left_unread() const noexcept { return left_unread_; }
    bool ended_within_a_message() const noexcept { return reader_.has_part(); }

private:
    struct outgoing {
        payload head;
        std::span<char const> body;
        std::shared_ptr<void const> owner;
        std::size_t written = 0;
        std::size_t size() const noexcept { return head.size() + body.size(); }
    };
    using socket = boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, strand_executor>;

    void read();
    std::span<char> room_to_read();
    void read_on();
    void take(std::size_t size, std::size_t most);
    void take_frames(std::size_t most, std::size_t settle_after);
    frame_reader::status next_frame(frame& to);
    bool nothing_is_under_way();
    void take_more_later();
    void take_last();
    bool skip_chatter();
    void write();
    bool write_some();
    void written(std::size_t size);
    void note_reset();
    void drain();

    static constexpr std::size_t longest_chatter = 64 << 10; ///< what may come before the hello

    int pid_;
    std::size_t largest_;       ///< of a body
    std::size_t settles_after_; ///< so many frames
    socket socket_;
    std::shared_ptr<gate> entrance_;
    conversation_listener& listener_;
    frame_reader reader_;
    std::optional<ring_reader> ring_;
    std::optional<frame> ahead_;      ///< came by the channel, and is preceded by what is in the ring
    std::uint16_t next_number_ = 0;   ///< of the frames that tell of jobs
    std::shared_ptr<output_reader> output_;
    std::deque<outgoing> outgoing_;
    std::function<void()> drained_;
    std::size_t chatter_ = 0;
    bool awaits_preamble_, finish_after_writing_ = false, left_unread_ = false, broken_ = false;
    bool reading_ = false; ///< an operation may have taken bytes that its handler has not seen yet
    bool waits_to_write_ = false, takes_more_later_ = false;
};

} // namespace wodehaus::detail
