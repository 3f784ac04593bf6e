// The strand_executor on which everything of a server happens: asks the schedule, does what it says, tells it what came of it.
//
//                    waiting           process starting   running             result being read   done
//   success          -                 -                  result              result              result
//   failure          -                 -                  failure             failure             result
//   cancel total     aborted           aborted            result              result              result
//   cancel partial,  aborted           aborted            aborted once its    aborted once its    result
//     terminal                                            process has ended   process has ended
//   stop             stopped           stopped            result              result              result
//   terminate        stopped           stopped            stopped once its    stopped once its    result
//                                                         process has ended   process has ended
//   process dies     -                 tried again, then  failure             failure             result
//                                      launch_failed
//   destruction      aborted           aborted            aborted             aborted             result
//
// This is what a call gets. A map gets it for each item, and its first failure cancels the rest. A run ends after all of
// its tasks: by itself, by stop and by terminate without an error; destroyed it is aborted. A job waits until a process
// is ready for it, so that "waiting" and "process starting" differ only in what can go wrong.
#pragma once

#include "dispatch/conversation.hpp"
#include "dispatch/job_node.hpp"
#include "dispatch/journal.hpp"
#include "dispatch/kept_jobs.hpp"
#include "dispatch/stop_signals.hpp"
#include "launch/greeting.hpp"
#include "launch/oom_kills.hpp"
#include "launch/program.hpp"
#include "launch/symbolizer.hpp"

#include <boost/asio/basic_waitable_timer.hpp>

#include <list>
#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace wodehaus::detail {

/// A process in the dispatcher.
struct process_node : process_entry {
    int pid = 0;
    std::string name;
    std::shared_ptr<conversation> talk;
    bool greeted = false;                 ///< exec: its hello was good
    bool patience_is_over = false;        ///< it was killed for not saying what it had to say in time
    bool killed = false;                  ///< it was sent a SIGKILL from here
    std::optional<std::uint64_t> oom_kills; ///< how many there had been when it was born
    usage told, billed;                   ///< what it has said to have used; what of that is its earlier jobs'
    bool hung_up = false;                 ///< it had closed its channel and was not about to exit; it is killed for that
    std::optional<refusal> refused;
    std::string preload_threw;
    bool is_our_child = true;             ///< it, and not a launcher in front of it, has this process id
    std::vector<thread_stack> stacks;     ///< what it has told of its own end
    std::size_t stacks_due = 0;           ///< how many it is to tell
};

struct map_operation;
struct waiting_party;

/// Makes what has a run's processes come about.
using launch_maker = std::function<std::shared_ptr<process_launch>(launch_settings)>;
/// By `options::launch`.
std::shared_ptr<process_launch> make_launch(launch_settings settings);

class dispatcher final : public std::enable_shared_from_this<dispatcher>,
                         public launch_listener,
                         public conversation_listener {
public:
    dispatcher(boost::asio::any_io_executor executor, options how, launch_maker maker = make_launch);
    ~dispatcher();

    // From any thread; each goes to the strand.
    void start_call(job_request&& request, call_handler&& handler);
    void start_map(std::vector<job_request>&& requests, bool first_failure_cancels, map_handler&& handler);
    void start_run(std::unique_ptr<source> tasks, run_handler&& handler);
    void stop();
    void terminate();
    statistics stats() const;
    options const& how() const noexcept { return how_; }
    /// Kills, reaps, and gives back everything. Afterwards no handler of ours does anything.
    void close() noexcept;

    // For the nodes, on the strand.
    boost::asio::any_io_executor const& executor() const noexcept { return executor_; }
    /// What a handler holds that comes before its run's.
    std::shared_ptr<run_end> const& end_of_run() const noexcept { return end_of_run_; }
    void task_ended(std::unique_ptr<produced_task> task, outcome<payload>&& result);
    void map_ended(map_operation& map);
    void count(bool succeeded) { ++(succeeded ? succeeded_ : failed_); }

private:
    // launch_listener
    void born(birth&& process) override;
    void ended(int pid, ending const& how) override;
    void doomed(int pid) override;
    void launch_failed(std::size_t count, errc code, std::string what, bool final) override;
    void log(level importance, std::string_view line) override { journal_.write(importance, line); }
    // conversation_listener
    void received(conversation& from, frame&& message) override;
    void garbled(conversation& from, bool too_large) override;
    void hung_up(conversation& from) override;
    void settled() override { pump(); }

    static constexpr auto nothing = [](dispatcher&) {};
    template <class F, class Otherwise = decltype(nothing)>
    void post(F f, Otherwise otherwise = nothing);

    template <class F>
    void decide(F f);

    // Jobs
    void submit(std::shared_ptr<job_node> job, bool keep);
    void settle_request(job_node& job) const;
    void cancel(job_node& job, boost::asio::cancellation_type type);
    void cancel_now(job_node& job, boost::asio::cancellation_type type);
    void cancel_map(map_operation& map, boost::asio::cancellation_type type);
    void feed_maps();
    void refuse(job_node& job, failure why);
    void outlive_this_event() noexcept;
    static void abort(job_node& job);
    static void abort(map_operation& map);
    void abort(run_handler&& handler, handler_work&& work);
    void join(std::shared_ptr<waiting_party> party);

    // The run
    void begin_run(std::unique_ptr<source> tasks, run_handler&& handler);
    void tell_of_memory_groups();
    bool called_by_consumer() const;
    void stop_run();
    void terminate_run();
    void end_run_if_done();
    void end_run();
    void complete_run(run_handler&& handler, handler_work&& work, std::exception_ptr error, run_summary const& summary);
    void produced(std::exception_ptr error, std::unique_ptr<produced_task> task);
    void consume();
    void consumed(std::exception_ptr error);
    void cancel_consumer(std::shared_ptr<produced_task> task);
    void update_backlog();

    // Doing what the schedule says
    void pump();
    void perform(action const& what);
    void ask_producer();
    void send(job_node& job, process_node& process, bool last);
    void complete(job_node& job, std::optional<errc> code);
    void flush();
    void arm_timer();

    // What failed processes tell of their stacks
    void ask_where(process_node& process);
    void take_stack(process_node& process, frame const& message);
    void find_names(job_node& job, errc code);
    void put_in_words(evidence& known);
    void publish();

    // Processes
    process_node* find(conversation const& talk);
    void distrust(process_node& process, errc code);
    void take_name(process_node& process, frame const& message);
    void take_usage(process_node& process, frame const& message);
    static usage bill(process_node& process, usage const& now);
    failure read_told(process_node& process, frame const& message);
    void greet(process_node& process, frame const& message);
    void answer(process_node& process, frame&& message);
    void gone(process_node& process, ending const& how);
    errc judge(process_node& process, ending const& how);
    bool was_killed_for_memory(process_node const& process, ending const& how);
    std::string why_not_started(process_node const& process, ending const& how) const;
    void add_usage(usage const& used);

    boost::asio::any_io_executor executor_;
    strand_executor strand_;
    options how_;
    launch_maker make_launch_;
    std::shared_ptr<gate> gate_ = std::make_shared<gate>();
    journal journal_;
    kept_jobs kept_jobs_;
    schedule schedule_;
    oom_kills oom_kills_;
    boost::asio::basic_waitable_timer<clock_type, boost::asio::wait_traits<clock_type>, strand_executor> timer_;
    std::optional<time_point> armed_;
    std::shared_ptr<process_launch> launch_;
    std::map<int, std::unique_ptr<process_node>> processes_;
    std::vector<std::shared_ptr<conversation>> unwritten_; ///< those that something was sent to
    std::list<std::shared_ptr<map_operation>> maps_;
    std::vector<std::weak_ptr<waiting_party>> idle_parties_; ///< who waits for a run to begin
    std::shared_ptr<symbolizer> symbols_;                  ///< once a stack was told
    std::set<std::shared_ptr<job_node>> untold_;           ///< have failed, and wait for the names in their stacks
    std::string last_launch_failure_;
    std::uint64_t last_id_ = 0;
    bool pumping_ = false;

    // Of the present run
    struct run_state;
    std::unique_ptr<run_state> run_;
    std::shared_ptr<run_end> end_of_run_ = std::make_shared<run_end>();

    std::uint64_t succeeded_ = 0, failed_ = 0, retried_ = 0, started_ = 0;
    mutable std::mutex stats_mutex_;
    statistics stats_; ///< guarded by stats_mutex_; for any thread
};

} // namespace wodehaus::detail
