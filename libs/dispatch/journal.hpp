// What happens, as a stream of events, and its first observer: the one that writes it to the logger.
#pragma once

#include "dispatch/job_node.hpp"

#include <wodehaus/logger.hpp>

#include <string>
#include <string_view>

namespace wodehaus::detail {

struct event {
    enum class kind { run_begun, run_ended, queued, started, retried, ended, process_born, process_gone };

    kind what{};
    job_node const* job = nullptr;
    std::string_view process{};          ///< its name
    failure const* why = nullptr;        ///< retried, ended: the failure
    ending const* end = nullptr;         ///< process_gone
};

/// A failure in a line, with what its job has used, where that is wanted, and the file that the job was kept in, if it was.
std::string told_with_file(failure const& why, bool with_bill = false);

class journal {
public:
    explicit journal(logger to);

    /// A line of the log. What the logger throws is discarded.
    void write(level importance, std::string_view line) const noexcept;
    void note(event const& what) const noexcept;
    /// Whether the logger does anything with the course of things.
    bool wants_course() const noexcept { return wants_course_; }

private:
    std::string describe(event const& what) const;

    logger to_;
    bool wants_course_;
};

} // namespace wodehaus::detail
