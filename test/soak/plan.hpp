// What a round does: plain data, made of a seed and the round's number. Time cannot be played again, decisions can: all
// of them are in here, and none depends on what happens while the round is played.
#pragma once

#include <wodehaus/options.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace soak {

using milliseconds = std::chrono::milliseconds;

/// What a job does in its process.
enum class deed {
    returns,
    sleeps,
    throws,
    crashes,         ///< by a signal of its own, `number`
    recovers,        ///< crashes in the first attempts, as many as `number` says
    throws_at_first, ///< in the first `number` attempts
    exits,           ///< with status `number`
    hangs,
    ignores_sigterm,  ///< and hangs
    asks,             ///< once whether it is to stop, and returns
    asks_until_asked, ///< and returns then
    asks_and_goes_on, ///< for ever
    leaks,
    has_child,            ///< that never ends
    has_child_in_group,   ///< of its own
    has_child_in_session, ///< of its own
    closes_descriptors,
    scribbles, ///< onto its channel
    floods,    ///< its output
    returns_too_much,
    is_too_large, ///< itself
    count
};
char const* name_of(deed what);

struct task_plan {
    int id = 0;
    deed what = deed::returns;
    int number = 0;
    std::size_t size = 0; ///< bytes of the job, and of its result
    std::optional<int> attempts;
    std::optional<milliseconds> timeout;
    int priority = 0;
    bool retry_exceptions = false;
};

enum class form { call, try_call, closure, map, try_map };
enum class way_to_cancel { total, partial, terminal };

struct call_plan {
    form how = form::call;
    std::vector<task_plan> tasks; ///< one, unless it is a map
    milliseconds at{0};           ///< from the run's begin
    std::optional<milliseconds> cancel_at;
    way_to_cancel cancel_by = way_to_cancel::terminal;
};

struct producer_plan {
    enum class kind { plain, coroutine, blocking } how = kind::plain;
    enum class end { nothing, throws_stop, throws } ends = end::nothing;
    enum class consumer_kind { plain, coroutine, none } consumer = consumer_kind::plain;
    std::optional<int> consumer_throws_at; ///< its call of this number
    std::vector<task_plan> tasks;
};

/// A signal from outside to a process, chosen among those that are there by then.
struct hit_plan {
    milliseconds at{0};
    bool zygote = false; ///< else the process of a job
    unsigned which = 0;
    int signal = 0;
    std::optional<milliseconds> continue_at; ///< a stopped one
};

enum class ending {
    when_all_ended,
    stop,
    terminate,
    stop_then_terminate,
    cancel_total,
    cancel_terminal,
    by_itself,
    destroy
};

struct run_plan {
    std::vector<call_plan> calls;
    std::optional<producer_plan> producer;
    std::vector<hit_plan> hits;
    std::optional<milliseconds> second_run_at; ///< is refused
    ending ends = ending::stop;
    milliseconds end_at{0};
};

struct round_plan {
    std::uint64_t seed = 0, number = 0;
    unsigned threads = 1; ///< that run the context
    wodehaus::launch launch = wodehaus::launch::zygote;
    std::size_t workers = 1, jobs_per_process = 1;
    std::optional<std::size_t> prefetch;
    std::optional<std::size_t> queue_limit;
    milliseconds timeout{0}, kill_after{2000};
    int attempts = 1;
    std::size_t max_message = 0;
    wodehaus::output output = wodehaus::output::discard;
    std::vector<run_plan> runs;
};

/// Without a launch it is any.
round_plan make_plan(std::uint64_t seed, std::uint64_t number, std::optional<wodehaus::launch> launch);

/// For a person who looks for what went wrong.
std::string describe(round_plan const& plan);
std::string describe(task_plan const& task);
char const* name_of(wodehaus::launch launch);
char const* name_of(ending how);

} // namespace soak
