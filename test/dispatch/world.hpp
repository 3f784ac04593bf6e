// A schedule and a model of all that it plays with: users, processes and time. After each step what must hold is
// checked.
#pragma once

#include "test/dispatch/actions.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace wodehaus::detail {

struct broken : std::runtime_error {
    using runtime_error::runtime_error;
};

enum class happening {
    // from users
    run,
    submit,
    cancel_waiting,
    cancel_running,
    produce,
    produce_no_more,
    backlog,
    // from processes, and time
    born,
    launch_fails,
    launch_fails_for_good,
    ready,
    begins,
    result,
    throws,
    runs_out,
    fails,
    leaves,
    lies,
    garbles,
    crashes,
    exits,
    ends_untouched,
    says_where,
    moment,
    time_passes,
    stop,
    terminate,
    end_run
};

struct step {
    happening what;
    std::size_t who = 0;
};

struct model_process;

struct model_job : job_entry {
    int completed = 0, begun_times = 0;
    bool succeeded = false;
    bool has_ended_one = false;       ///< a process, in an attempt before
    std::optional<time_point> not_before, begun_at;
    std::optional<errc> doomed_by;    ///< its verdict before this step, when a process had it
    model_process const* doomed_in = nullptr;
};

/// A process as the outside knows it.
struct model_process : process_entry {
    std::size_t number = 0;
    std::vector<model_job*> inbox; ///< what it has not answered
    std::size_t given = 0;        ///< jobs, so far
    bool is_ready = false, told_last = false, let_go = false, termed = false, killed = false, silent = false;
    bool says_it_leaves = false;
    bool asked_where = false;              ///< and asked to end by then or later
    bool has_read = false;                 ///< of the first job in its inbox, and said so
    std::optional<time_point> must_end_by; ///< or be killed

    bool alive() const { return state != status::gone; }
    bool has_to_end() const
    {
        return let_go || asked_where || termed || killed || silent || ((told_last || says_it_leaves) && inbox.empty());
    }
};

struct rules {
    schedule_limits limits;
    bool produces = false;
    std::size_t most_jobs = 40, most_processes = 1000;
    bool calm = false;                       ///< only what a small world needs
    std::size_t most_misfortunes = SIZE_MAX; ///< how often a launch may fail, or a process end that had not begun a job
};

class world {
public:
    using job_maker = std::function<void(model_job&)>;

    /// Those who want to know the story are told it; it takes most of the time.
    world(rules its_rules, job_maker make, bool tells)
        : rules_(its_rules), decisions_(its_rules.limits), make_(std::move(make)), tells_(tells)
    {
    }
    world(world const&) = delete;
    world& operator=(world const&) = delete;
    ~world()
    {
        decisions_.abandon([](job_entry&) {});
    }

    /// What can happen now.
    std::vector<step> possible() const;
    /// Lets it happen, does what is to be done, and checks.
    void play(step next)
    {
        play_unchecked(next);
        check();
    }
    /// For what was played before.
    void play_unchecked(step next);
    /// Everybody behaves from now on: all jobs end, or, once stopped, the run does.
    void settle();
    /// Lets it happen, and forgets everything before anything is done.
    void give_up_after(step next);
    /// All that tells this state from another: two worlds in one state have one future.
    std::string state() const;
    std::string story() const;
    bool all_ended() const
    {
        return std::all_of(jobs_.begin(), jobs_.end(), [](auto& job) { return job->completed == 1; });
    }
    std::vector<std::unique_ptr<model_job>> const& jobs() const { return jobs_; }
    schedule const& decisions() const { return decisions_; }

private:
    /// Launches that fail, as the outside sees them.
    struct launches {
        unsigned in_a_row = 0, since_answer = 0;
        std::size_t bearable = 0; ///< how many processes there were when the last one failed
        std::optional<time_point> again;
    };

    void happen(step next);
    void happen_to(model_process& process, step next);
    void answers(model_process& process, answer how);
    /// It was sent, where that is beginning; else its process has said so.
    void begin(model_job& job);
    void end(model_process& process, errc code, bool untouched);
    void launch_has_failed(bool tells_waiting, bool final, std::size_t left, std::size_t at_work);
    void do_actions();
    void perform(action const& what);
    void send(model_job& job, model_process& process, bool last);
    void complete(model_job& job, std::optional<errc> code);
    void retry(model_job& job, errc code, int attempt);

    void check() const;
    void check_job(model_job const& job) const;
    void check_process(model_process const& process) const;
    void check_order() const;
    void check_progress() const;
    void check_time() const;
    static void check_that(bool holds, char const* what)
    {
        if (!holds)
            throw broken{what};
    }
    static model_job& of(job_entry* entry) { return static_cast<model_job&>(*entry); }
    static model_process& of(process_entry* entry) { return static_cast<model_process&>(*entry); }
    std::vector<model_process*> alive() const;
    model_job const* first_in_queue() const;
    bool settle_one(bool with_a_word_before);
    bool one_is_to_have_begun(time_point by) const;
    bool has_begun_one(model_process const& process) const;
    bool working() const { return decisions_.running() && !decisions_.stopping(); }
    bool launches_rest() const { return launches_.again && now_ < *launches_.again; }
    bool announces() const { return rules_.limits.prefetch > 0; }

    rules rules_;
    schedule decisions_;
    job_maker make_;
    time_point now_ = time_point{} + std::chrono::hours{1};
    std::vector<std::unique_ptr<model_job>> jobs_;
    std::vector<std::unique_ptr<model_process>> processes_;
    std::vector<model_job*> sent_now_;
    std::vector<std::string> story_;
    std::size_t requested_ = 0, backlog_ = 0, misfortunes_ = 0;
    launches launches_;
    bool asked_ = false, produces_ = false, ticked_ = false, tells_;
    bool waiting_fail_ = false; ///< in this step: launches have failed often enough
    std::optional<std::pair<model_job*, bool>> answer_; ///< the job that this step answers, and whether it succeeds
};

/// A number from the environment.
std::uint64_t number_from(char const* variable, std::uint64_t otherwise);

} // namespace wodehaus::detail
