// One message on a channel.
#include "wire/frame.hpp"

#include <algorithm>
#include <cassert>

namespace wodehaus::detail {

namespace {

constexpr std::size_t first_step = std::size_t{1} << 20; // a body grows from here by doubling

} // namespace

bool is_plausible(frame_header const& header) noexcept
{
    return header.version == protocol_version && header.kind >= frame_kind::hello && header.kind <= frame_kind::leaving &&
           (header.number == 0 || is_numbered(header.kind));
}

void append_frame(payload& to, frame_kind kind, std::uint64_t id, std::span<char const> body)
{
    frame_header header;
    header.kind = kind;
    header.id = id;
    header.size = body.size();
    to.append(&header, sizeof header);
    to.append(body.data(), body.size());
}

frame_reader::frame_reader(std::size_t buffer, std::size_t largest)
    : buffer_(std::make_unique_for_overwrite<char[]>(buffer)), capacity_(buffer), largest_(largest)
{
}

std::span<char> frame_reader::space()
{
    if (in_body_) {
        if (have_ == body_.size())
            body_.resize(std::min<std::size_t>(header_.size, std::max(first_step, 2 * have_)));
        return {body_.data() + have_, body_.size() - have_};
    }
    if (begin_ == end_)
        begin_ = end_ = 0;
    if (begin_ != 0 && end_ == capacity_) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    return {buffer_.get() + end_, capacity_ - end_};
}

void frame_reader::filled(std::size_t size) noexcept
{
    (in_body_ ? have_ : end_) += size;
    assert(in_body_ ? have_ <= body_.size() : end_ <= capacity_);
}

frame_header frame_reader::peek() const noexcept
{
    frame_header header;
    std::memcpy(&header, buffer_.get() + begin_, sizeof header);
    return header;
}

bool frame_reader::has_frame() const noexcept
{
    if (in_body_)
        return have_ == header_.size;
    if (end_ - begin_ < sizeof(frame_header))
        return false;
    return end_ - begin_ - sizeof(frame_header) >= peek().size;
}

frame_reader::status frame_reader::next(frame& to)
{
    if (in_body_) {
        if (have_ < header_.size)
            return status::more;
        to = {header_, std::move(body_)};
        body_ = {};
        in_body_ = false;
        return status::frame;
    }
    if (end_ - begin_ < sizeof(frame_header))
        return status::more;
    auto header = peek();
    if (!is_plausible(header))
        return status::garbage;
    if (header.size > largest_)
        return status::too_large;
    auto have = std::min<std::size_t>(header.size, end_ - begin_ - sizeof header);
    if (have < header.size && header.size <= capacity_ - sizeof header)
        return status::more; // small: wait until all of it lies in the buffer
    payload body;
    body.append(buffer_.get() + begin_ + sizeof header, have);
    begin_ += sizeof header + have;
    if (have < header.size) {
        in_body_ = true;
        header_ = header;
        body_ = std::move(body);
        have_ = have;
        return status::more;
    }
    to = {header, std::move(body)};
    return status::frame;
}

std::optional<std::string_view> frame_reader::skip_preamble()
{
    auto all = unread();
    auto at = all.find(preamble);
    if (at == all.npos)
        return std::nullopt;
    begin_ += at + preamble.size();
    return all.substr(0, at);
}

} // namespace wodehaus::detail
