// One message on a channel, and how messages are found in a stream of bytes. No input or output is done here.
#pragma once

#include <wodehaus/detail/payload.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace wodehaus::detail {

enum class frame_kind : std::uint8_t {
    hello = 1, ///< process to server, before preload: version, build, process id
    setup,     ///< server to process: how to behave; may carry descriptors
    ready,     ///< process to server, after preload
    job,       ///< server to process
    begun,     ///< process to server: the job with this id is being run now
    result,    ///< process to server: the job's result
    failed,    ///< process to server: why there is none (a job's, or preload's where the id is 0)
    name,      ///< process to server: its name has changed
    bell,      ///< process to server: look at the ring
    prepared,  ///< process to server, just before ready: what it has used until then
    used,      ///< process to server: what it has used by now, the job included that it answers next
    leaving,   ///< process to server: it ends once it has answered the job with this id
    stack      ///< process to server: where one of its threads is, when it crashes or the server asks
};

/// Those that tell of a job come in one order, whichever way they come; each has the next number.
constexpr bool is_numbered(frame_kind kind) noexcept
{
    return kind == frame_kind::begun || kind == frame_kind::result || kind == frame_kind::failed ||
           kind == frame_kind::used || kind == frame_kind::leaving;
}

inline constexpr std::uint8_t protocol_version = 2;

/// What a frame begins with. `channel` numbers the process where several share one stream.
struct frame_header {
    std::uint8_t version = protocol_version;
    frame_kind kind{};
    std::uint16_t number = 0; ///< of a numbered frame, from 0, going round
    std::uint32_t channel = 0;
    std::uint64_t id = 0;
    std::uint64_t size = 0; ///< of the body, in bytes
};
static_assert(sizeof(frame_header) == 24);
bool is_plausible(frame_header const& header) noexcept;

/// What precedes the hello, and nothing else: before it lies what a static initialiser or a login banner has written.
inline constexpr std::string_view preamble{"\0wodehaus\xc3\x97\r\n\x1a\n", 15};

/// What the body of a job frame begins with; a name of `name_size` bytes and the job itself follow.
struct job_prefix {
    std::uint64_t module = 0, offset = 0; ///< the worker's key in this build, unless it goes by its name
    std::int32_t attempt = 1;
    std::uint16_t flags = 0;
    std::uint16_t reserved = 0;
    std::uint64_t name_size = 0;

    static constexpr std::uint16_t last = 1;     ///< the process ends after this job
    static constexpr std::uint16_t announce = 2; ///< the process says when it begins it
    static constexpr std::uint16_t timed = 4;    ///< and the server must hear of that at once
    static constexpr std::uint16_t closure = 8;  ///< `offset` is the address of one, in memory that is shared
    static constexpr std::uint16_t account = 16; ///< the process says what it has used before it answers
};
static_assert(sizeof(job_prefix) == 32);

struct frame {
    frame_header header;
    payload body;
};

/// What the body of a frame may have, given what a job or a result may: room for what goes with it, and for an account
/// where there is no result.
constexpr std::size_t largest_body(std::size_t max_message)
{
    constexpr std::size_t beside = std::size_t{64} << 10;
    return max_message > SIZE_MAX - beside ? SIZE_MAX : max_message + beside;
}

/// Appends a whole frame that has no number.
void append_frame(payload& to, frame_kind kind, std::uint64_t id, std::span<char const> body);

/// Finds frames in what is read. Ask `space` where to read to, say how much came by `filled`, then take frames by
/// `next` until there is none. A large body is read straight into its payload, which grows with what arrives and never
/// with what is merely announced.
class frame_reader {
public:
    enum class status { more, frame, too_large, garbage };

    /// `buffer` bytes are read at once at most, except of a large body; a body has `largest` bytes at most.
    frame_reader(std::size_t buffer, std::size_t largest);

    std::span<char> space();
    void filled(std::size_t size) noexcept;
    status next(frame& to);

    /// The id of the frame whose large body is being read.
    std::uint64_t id_of_part() const noexcept { return header_.id; }
    bool has_large_part() const noexcept { return in_body_; }
    /// Whether a whole frame can be taken without reading more.
    bool has_frame() const noexcept;
    /// Whether there are bytes of a frame that is not complete.
    bool has_part() const noexcept { return in_body_ || begin_ != end_; }

    /// What lies in front of the preamble, which is removed with it; nothing if the preamble has not come yet.
    std::optional<std::string_view> skip_preamble();
    /// All that was read, while no preamble has come.
    std::string_view unread() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
    /// Gives up all that was read.
    void discard() noexcept { begin_ = end_ = 0; }

private:
    frame_header peek() const noexcept;

    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_, largest_, begin_ = 0, end_ = 0;
    bool in_body_ = false; ///< a body too large for the buffer is being read into `body_`
    frame_header header_;
    payload body_;
    std::size_t have_ = 0; ///< of `body_`
};

} // namespace wodehaus::detail
