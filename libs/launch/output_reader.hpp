// Reads what a process writes to its stdout and stderr, line by line, and keeps the last lines.
#pragma once

#include "launch/launch.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <deque>

namespace wodehaus::detail {

class output_reader : public std::enable_shared_from_this<output_reader> {
public:
    using line_handler = std::function<void(std::string_view)>;

    output_reader(strand_executor on, std::shared_ptr<gate> entrance, descriptor from, line_handler on_line);
    void start();
    /// Reads what is there now, without waiting. Whole lines and the last part of one are given out.
    void drain();
    void close();
    /// Takes bytes as if they had been read.
    void take(std::string_view bytes);
    /// The last lines, joined.
    std::string tail() const;

private:
    void read();
    bool read_some(); ///< false at the end
    void give(std::string_view line);

    static constexpr std::size_t longest_line = 4096; // a longer one is given in pieces
    static constexpr std::size_t kept_lines = 20, kept_bytes = 8192;

    boost::asio::posix::basic_stream_descriptor<strand_executor> from_;
    std::shared_ptr<gate> entrance_;
    line_handler on_line_;
    std::array<char, 4096> buffer_;
    std::string part_;
    std::deque<std::string> last_;
    std::size_t last_bytes_ = 0;
};

} // namespace wodehaus::detail
