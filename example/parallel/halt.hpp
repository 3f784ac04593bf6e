// When to end early, and which exit status tells of it: GNU parallel's --halt, as plain decisions.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

struct halt_rule {
    enum class moment { never, soon, now }; ///< soon: what runs may finish; now: it is killed
    enum class cause { fail, success, done };

    moment when = moment::never;
    cause why = cause::fail;
    std::size_t count = 0;
    bool is_percentage = false; ///< of all jobs
};

/// Reads "never", "soon,fail=3", "now,success=10%" and their like, and the old forms 0, 1, 2, -1, -2 and 10%. Empty if
/// it is none.
std::optional<halt_rule> parse_halt(std::string_view text);

/// Counts how the jobs end.
class tally {
public:
    /// `total`: how many jobs there are; a percentage needs it.
    explicit tally(halt_rule rule, std::size_t total = 0) : rule_(rule), total_(total) {}

    /// What is to be done now that another job has ended; `never`: go on.
    halt_rule::moment add(int exit_code, int signal);
    /// Whether the rule has ended it.
    bool halted() const { return halted_.has_value(); }
    /// 0 if none failed; else how many, at most 101, or what the rule makes of it.
    int exit_status() const;

private:
    bool is_reached() const;
    int status_when_reached(int exit_code, int signal) const;
    int percent_failed(std::size_t of) const;

    halt_rule rule_;
    std::size_t total_, done_ = 0, failed_ = 0;
    std::optional<int> halted_; ///< with this exit status
};
