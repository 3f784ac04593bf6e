// The decisions: which task next, on which process, retry or fail, stop or drain. No process, descriptor, clock or
// handler in here: events and the time go in, actions come out, so that every race is a test of ten lines.
//
// A job waits, is sent to a process, is begun by it, and has ended; delayed, it waits for the time of its next attempt.
// A process is starting, idle, busy, retiring (it has done its work and ends by itself) or ending (it is being killed).
// Each event handler below says what it does to them.
#pragma once

#include <wodehaus/outcome.hpp>

#include <boost/intrusive/set.hpp>

#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <vector>

namespace wodehaus::detail {

using clock_type = std::chrono::steady_clock;
using time_point = clock_type::time_point;

struct process_entry;

/// What the schedule knows of a job. Whoever submits it keeps it alive until the action `complete`.
struct job_entry : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::safe_link>> {
    enum class status { fresh, waiting, delayed, sent, begun, ended };

    std::uint64_t id = 0;                 ///< grows from job to job: first come, first served
    int priority = 0;
    int attempts = 1;                     ///< how often it may be begun
    std::size_t size = 0;                 ///< of what is sent to its process, in bytes
    std::chrono::nanoseconds timeout{0};  ///< of each attempt; 0: none
    bool retry_exceptions = false;
    bool produced = false;                ///< its outcome goes to the consumer, and holds the producer back till then
    bool own_process = false;             ///< it needs one that is fresh and has begun since it was submitted

    status state = status::fresh;
    int attempt = 0;                      ///< how often it was begun
    process_entry* process = nullptr;     ///< sent or begun: where
    std::optional<errc> verdict;          ///< why it is being ended; the first one stands
    unsigned returned = 0;                ///< how often its process ended before it began it
    time_point again_at{};                ///< delayed: till when
    bool alone = false;                   ///< it has ended a process: no other job is put beside it any more
};

/// What the schedule knows of a process.
struct process_entry {
    enum class status { starting, idle, busy, retiring, ending, gone };

    status state = status::starting;
    std::deque<job_entry*> jobs;          ///< sent to it and not answered; the first may be begun
    std::size_t taken = 0;                ///< jobs sent to it so far
    std::uint64_t knows = UINT64_MAX;     ///< the last job that had been submitted when it began
    bool gets_no_more = false;            ///< it has had a job that wanted it for itself, or it leaves
    bool leaves = false;                  ///< it ends once it has answered the first of its jobs, and reads no other
    bool was_ready = false;               ///< whether it has ever been able to take a job
    bool given_up = false;                ///< it is being ended since it did not begin what it was sent
    std::optional<time_point> deadline;   ///< of the job that it has begun, or should begin
    std::optional<time_point> kill_at;    ///< when it is killed, if it has not ended by then
    std::optional<time_point> end_at;     ///< it is asked where it hangs; when it is asked to end, at the latest
};

/// What is to be done now.
struct action {
    enum class kind {
        request_process, ///< start one more
        send,            ///< give the job to the process; `last`: it ends after it
        retire,          ///< let the process end: it gets no more jobs
        ask_where,       ///< the process is to tell what it is at, before it is asked to end
        ask_to_end,      ///< SIGTERM to the process's group
        kill,            ///< SIGKILL to it
        complete,        ///< the job has ended: answered (no code), or failed by `code`
        retry,           ///< told only: the job failed by `code`, and is tried again after a while
        ask_producer     ///< a process can take a task
    };

    kind what{};
    job_entry* job = nullptr;
    process_entry* process = nullptr;
    std::optional<errc> code{};
    bool last = false;
    int attempt = 0;     ///< retry: which one failed; the job may have begun its next by the time this is told

    friend bool operator==(action const&, action const&) = default;
};

enum class answer { result, threw, out_of_memory, failed }; ///< failed: for a cause that trying again does not mend

enum class cancellation { waiting_only, running_too };

struct schedule_limits {
    std::size_t workers = 1;
    std::size_t jobs_per_process = 1;
    std::size_t prefetch = 0;
    std::size_t ahead = 0;                ///< fresh processes kept parked beside those at work
    std::size_t queue_limit = SIZE_MAX;
    std::chrono::nanoseconds kill_after{std::chrono::seconds{2}};
    std::chrono::nanoseconds examination{0}; ///< how long a process that hangs may take to say where; 0: none is asked
    unsigned seed = 1;                    ///< of what is left to chance
};

class schedule {
public:
    explicit schedule(schedule_limits limits) : limits_(limits), random_(limits.seed) {}

    /// A run begins; `produces`: it has a producer, which is asked for tasks.
    void run(bool produces, time_point now);
    /// Queues the job; false if the queue is full, which `keep` overrides. Waits until a run is under way.
    bool submit(job_entry& job, bool keep, time_point now);
    /// Takes it out of the queue, or ends its process. Without effect on what has ended.
    void cancel(job_entry& job, cancellation how, time_point now);

    /// The producer gave a task, which is submitted next, or has none any more.
    void producer_answered(bool ended, time_point now);
    /// How many tasks have ended that the consumer has not taken yet; each that ends adds one by itself.
    void set_backlog(std::size_t outcomes, time_point now);

    /// A process that was requested exists. It takes jobs once it is ready.
    void process_born(process_entry& process, time_point now);
    void process_ready(process_entry& process, time_point now);
    /// The process has begun the job with this id. False: it has no such job, so it does not speak the truth.
    bool begun(process_entry& process, std::uint64_t job, time_point now);
    bool answered(process_entry& process, std::uint64_t job, answer how, time_point now);
    /// It has told where it hangs, or cannot.
    void examined(process_entry& process, time_point now);
    /// The process ends by itself once it has answered this job; those behind it go elsewhere. False as for `begun`.
    bool leaving(process_entry& process, std::uint64_t job);
    /// It no longer makes sense; it is killed, and blamed by this code, or without one by how it ends.
    void misbehaved(process_entry& process, std::optional<errc> code);
    /// It has ended and all it said was taken. The job that it had begun, if it has no verdict yet, failed by `code`.
    /// `untouched`: it had not read what was sent to it. Returns whether it was as good as none: that is a launch that
    /// has failed.
    bool process_ended(process_entry& process, errc code, bool untouched, time_point now);
    /// `count` requested processes will not come. `final`: the waiting jobs fail at once.
    void launch_failed(std::size_t count, errc code, bool final, time_point now);

    /// Until `release` nothing new is sent, requested or asked for: events that precede a decision are taken first.
    void hold() noexcept
    {
        assert(!held_);
        held_ = true;
    }
    void release(time_point now);
    void stop(time_point now);
    void terminate(time_point now);
    /// The time of `wake_at` has come.
    void tick(time_point now);

    /// The server is destroyed: forgets everything; every job that has not ended is handed to `each`.
    void abandon(std::function<void(job_entry&)> const& each);

    /// Actions in their order; taken once.
    std::optional<action> next_action();
    bool has_actions() const noexcept { return !actions_.empty(); }
    /// When `tick` is due, if ever.
    std::optional<time_point> wake_at() const;

    bool running() const noexcept { return running_; }
    bool stopping() const noexcept { return stopping_; }
    bool terminating() const noexcept { return terminating_; }
    /// The run may end: it is stopping, and no process is left.
    bool finished() const noexcept { return running_ && stopping_ && processes_.empty(); }
    /// The run is over; the next one may begin.
    void end_run() noexcept;

    /// Those that wait for their next attempt, too.
    std::size_t waiting() const noexcept { return waiting_.size() + delayed_.size(); }
    std::size_t at_work() const noexcept { return count(process_entry::status::busy) + ending_with_jobs_; }
    std::size_t processes() const noexcept { return processes_.size(); }
    std::size_t unanswered() const noexcept { return unanswered_; }

private:
    /// Higher priority first; within one, first come, first served.
    struct serves_first {
        bool operator()(job_entry const& one, job_entry const& other) const noexcept
        {
            return one.priority != other.priority ? one.priority > other.priority : one.id < other.id;
        }
    };
    struct is_due_first {
        bool operator()(job_entry const& one, job_entry const& other) const noexcept
        {
            return one.again_at < other.again_at;
        }
    };

    void fill(time_point now);
    bool delay_launches(time_point now);
    std::size_t bearable_more(time_point now) const noexcept;
    void fill_processes(time_point now);
    void request_processes(time_point now);
    void request_own_process(time_point now);
    void request_process();
    void ask_producer();
    bool suits(process_entry const& process, job_entry const& job) const noexcept;
    bool takes_more(process_entry const& process) const noexcept;
    process_entry* choose_process(job_entry const& job);
    void send(job_entry& job, process_entry& process, time_point now);
    void begin(process_entry& process, time_point now);
    void push(job_entry& job);
    job_entry& pop();
    void complete(job_entry& job, std::optional<errc> code);
    void fail_or_retry(job_entry& job, errc code, bool counts, time_point now);
    void queue_due(time_point now);
    void fail_waiting(errc code);
    void settle(process_entry& process, time_point now);
    void examine(process_entry& process, time_point now);
    void take_back_jobs(process_entry& process);
    void end(process_entry& process, time_point now);
    void ask_to_end(process_entry& process, time_point now);
    void retire(process_entry& process, time_point now);
    void kill(process_entry& process);
    void set_state(process_entry& process, process_entry::status state);
    void set_ending_count(process_entry const& process, bool add);
    std::size_t count(process_entry::status state) const noexcept { return counts_[static_cast<std::size_t>(state)]; }
    std::size_t places() const noexcept;
    bool is_last(process_entry const& process) const noexcept;
    void emit(action what) { actions_.push_back(what); }

    schedule_limits limits_;
    std::minstd_rand random_;
    boost::intrusive::multiset<job_entry, boost::intrusive::compare<serves_first>> waiting_;
    boost::intrusive::multiset<job_entry, boost::intrusive::compare<is_due_first>> delayed_;
    std::vector<process_entry*> processes_;
    std::size_t counts_[6] = {};
    std::size_t ending_with_jobs_ = 0, unanswered_ = 0;
    std::size_t requested_ = 0;
    std::deque<action> actions_;
    bool running_ = false, stopping_ = false, terminating_ = false;
    bool produces_ = false, producer_busy_ = false, held_ = false;
    std::size_t backlog_ = 0;
    // Launches that fail; several at once have failed once.
    unsigned launch_failures_ = 0;        ///< in a row
    unsigned fruitless_launches_ = 0;     ///< of these, since the last answer
    bool launch_fails_ = false;           ///< since the last answer
    std::optional<time_point> launch_again_;
    std::size_t bearable_ = 0;            ///< how many processes there were when the last one failed
};

/// How many processes to request: plain numbers, so that it can be read and tested by itself.
struct process_counts {
    std::size_t at_work, idle, starting, waiting;
};
std::size_t processes_to_request(process_counts have, schedule_limits const& limits);

/// So much later, and never if that is beyond all time.
time_point later(time_point now, std::chrono::nanoseconds by);

/// How long to wait after so many failures to launch in a row.
std::chrono::milliseconds launch_delay(unsigned failures);

/// How long a process may take to begin a job of so many bytes that it has only to read.
std::chrono::nanoseconds patience_for_begin(std::size_t size);

/// How long a job waits after its attempt of this number. `chance`: any number.
std::chrono::nanoseconds attempt_delay(int attempt, std::uint_fast32_t chance);

} // namespace wodehaus::detail
