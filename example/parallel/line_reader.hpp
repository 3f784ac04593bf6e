// The lines of the standard input, one at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <string>

/// Waits for a line without making the descriptor non-blocking: the open file behind it may be the terminal that the
/// shell reads, too. Files, pipes and terminals will do.
class line_reader {
public:
    /// Throws `std::system_error` for a descriptor that is not open.
    explicit line_reader(int from);
    line_reader(line_reader const&) = delete;
    line_reader& operator=(line_reader const&) = delete;
    ~line_reader();

    /// The next line, without its end; nothing at the end of the input, and when asked to stop. Blocks meanwhile.
    std::optional<std::string> next(std::stop_token stop = {});
    /// Reads all that comes, and tells how many lines `next` will give.
    std::size_t read_all();
    /// Whether `next` has come to the end. Any thread.
    bool at_end() const { return at_end_; }

private:
    bool wait(std::stop_token const& stop);
    bool read_more();

    int from_, stopped_;
    std::string text_;
    std::size_t position_ = 0;
    bool no_more_ = false;
    std::atomic<bool> at_end_ = false;
};
