// What was seen of a round while it was played: plain data, for the judge.
#pragma once

#include <wodehaus/outcome.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace soak {

/// A moment: all that is seen is numbered, from 1. 0: it has not come.
using moment = unsigned;

struct end_seen {
    moment at = 0;
    bool right = false;                   ///< its result is
    int attempt = 0;                      ///< that gave the result
    std::optional<wodehaus::failure> why; ///< there is no result
    std::string foreign;                  ///< an exception that should not be
};

struct task_course {
    moment begun = 0; ///< given to the server
    moment cancelled = 0;
    std::vector<end_seen> ends;
};

struct call_course {
    moment begun = 0, cancelled = 0;
    std::vector<end_seen> ends; ///< of a map as a whole
};

struct run_course {
    moment begun = 0, asked = 0, forced = 0; ///< forced: terminated or cancelled so
    moment producer_ended = 0, producer_threw = 0, consumer_threw = 0;
    std::vector<moment> ends;
    std::string error;
    std::string second_run;     ///< how an attempt to run it twice has ended
    wodehaus::statistics after; ///< its end
    wodehaus::run_summary summary;
    std::vector<call_course> calls;
};

struct hit_seen {
    moment at = 0;
    bool zygote = false;
    int signal = 0;
};

struct round_course {
    moment now = 0;
    std::vector<run_course> runs;
    std::map<int, task_course> tasks; ///< by id; what was never given to the server is not there
    std::map<int, int> begins;        ///< of each task, as its processes have noted
    std::vector<hit_seen> hits;
    moment destroyed = 0;
    std::uint64_t started = 0; ///< processes
    std::vector<std::string> log;
    std::vector<std::string> left; ///< what should be gone
};

} // namespace soak
