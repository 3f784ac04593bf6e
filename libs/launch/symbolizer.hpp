// What places in programs and libraries are called: functions, with file and line where there is debug information. Found
// by addr2line of binutils, in a process of its own, which may take long, use much memory, or crash over what it reads. No
// library is linked for it: a program that never fails does without.
#pragma once

#include "launch/child.hpp"
#include "launch/program.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <compare>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace wodehaus::detail {

struct file_place {
    std::string file;
    std::uint64_t address = 0;
    friend auto operator<=>(file_place const&, file_place const&) = default;
};

/// A function at a place; `function` and `line` ("render.cpp:12") are empty where they are not known.
struct code_name {
    std::string function, line;
};

/// At one place there are several where functions were inlined, the innermost first.
using code_names = std::vector<code_name>;

/// Why a place has no name, as far as that is known: its file was stripped, or is gone, or was not read in time.
enum class lack { unknown, stripped, gone, late };

struct finding {
    code_names names;
    lack why = lack::unknown; ///< of no names
};

/// What `addr2line -a -f -i -C` has written: one entry for each address that it was given.
std::vector<code_names> read_code_names(std::string_view written);

class symbolizer : public std::enable_shared_from_this<symbolizer> {
public:
    /// `patience` is for the names in one file: in what it is by itself, debug information of a gigabyte can be read.
    symbolizer(strand_executor on, std::shared_ptr<gate> entrance,
               std::chrono::milliseconds patience = std::chrono::seconds{10});

    /// Calls `then`, in here or later on the strand, once all that can be known of these places is known.
    void find(std::vector<file_place> const& places, std::function<void()> then);
    /// What was found; nothing where it was not looked for.
    finding const* known(file_place const& place) const;
    /// Why there are no names at present; empty where that is not so.
    std::string const& complaint() const noexcept { return complaint_; }
    /// Whoever waits is told soon, of names that are known by now.
    void hurry();
    /// Ends what runs, and forgets whom it was to tell.
    void close() noexcept;

private:
    struct search {
        std::vector<file_place> places;
        std::function<void()> then;
    };
    struct running {
        running(strand_executor on, int pid, descriptor life, descriptor from);
        child_process child;
        descriptor lifeline;
        boost::asio::posix::basic_stream_descriptor<strand_executor> output;
        std::string written;
        std::array<char, 4096> buffer;
    };

    void go_on();
    void start(std::vector<file_place> const& places);
    void read();
    void finish();
    void wait_for_end();
    std::vector<file_place> unknown_of_first() const;
    void tell_first();
    void give_up(std::vector<file_place> const& places, lack why);

    strand_executor on_;
    std::shared_ptr<gate> entrance_;
    program_starter starter_;
    boost::asio::basic_waitable_timer<std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>,
                                      strand_executor>
        timer_;
    std::map<file_place, finding> known_;
    std::deque<search> searches_;
    std::vector<file_place> sought_; ///< by what runs
    std::unique_ptr<running> running_;
    std::string complaint_;
    std::chrono::milliseconds patience_;
    bool hurries_ = false, is_late_ = false;
};

} // namespace wodehaus::detail
