// The judge. Of each outcome it asks: what had been done to the job by then that explains it?
#include "test/soak/judge.hpp"

#include <algorithm>
#include <csignal>

namespace soak {

namespace {

using wodehaus::errc;
using wodehaus::launch;

constexpr std::size_t tries_to_launch = 4; // before what waits fails
constexpr milliseconds far_away{60'000};   // no timeout that a round lives to see

struct task_in_round {
    task_plan const& task;
    form how = form::try_call;
    bool produced = false;
};

class court {
public:
    court(round_plan const& plan, round_course const& seen) : plan_(plan), seen_(seen) {}

    std::vector<std::string> judge()
    {
        for (std::size_t i = 0; i < plan_.runs.size(); ++i) {
            auto const& run = plan_.runs[i];
            auto const& course = seen_.runs[i];
            judge_run(run, course, i);
            for (std::size_t j = 0; j < run.calls.size(); ++j)
                judge_call(run.calls[j], course.calls[j]);
            if (run.producer)
                for (auto const& task : run.producer->tasks)
                    judge_produced(*run.producer, task, course);
        }
        for (auto const& what : seen_.left)
            complain("left: " + what);
        return std::move(complaints_);
    }

private:
    void complain(std::string what) { complaints_.push_back(std::move(what)); }
    void complain(task_plan const& task, std::string const& what) { complain(describe(task) + ": " + what); }

    // ---- runs ----

    void judge_run(run_plan const& plan, run_course const& run, std::size_t number)
    {
        auto name = "run " + std::to_string(number + 1);
        if (run.ends.size() != (run.begun ? 1u : 0u))
            return complain(name + " has ended " + std::to_string(run.ends.size()) + " times");
        if (!run.begun)
            return;
        judge_error(run, name);
        if (!destroyed_by(run.ends[0]) && (run.after.running || run.after.processes))
            complain(name + " has ended with " + std::to_string(run.after.running) + " jobs at work and " +
                     std::to_string(run.after.processes) + " processes");
        if (plan.second_run_at && !run.second_run.empty() && run.second_run != "refused" &&
            !(run.second_run == "destroyed" && seen_.destroyed))
            complain(name + " was run twice: " + run.second_run);
    }

    void judge_error(run_course const& run, std::string const& name)
    {
        bool expected = (run.error == "destroyed" && destroyed_by(run.ends[0])) ||
                        (run.error == "the consumer throws" && run.consumer_threw) ||
                        (run.error == "the producer throws" && run.producer_threw) ||
                        (run.error.empty() && !run.consumer_threw && (!run.producer_threw || run.asked));
        if (!expected)
            complain(name + " has ended with " + (run.error.empty() ? "no error" : run.error));
    }

    // From when on a run may end: calls that come later may belong to the next.
    static moment begin_of_end(run_course const& run)
    {
        moment first = 0;
        for (moment each : {run.asked, run.forced, run.producer_ended, run.consumer_threw})
            if (each && (!first || each < first))
                first = each;
        return first;
    }

    // Each call's handler is called before that of its run.
    bool comes_after_its_run(moment begun, moment ended) const
    {
        return std::any_of(seen_.runs.begin(), seen_.runs.end(), [&](run_course const& run) {
            return !run.ends.empty() && begun < begin_of_end(run) && run.ends[0] < ended && !destroyed_by(run.ends[0]);
        });
    }

    bool destroyed_by(moment at) const { return seen_.destroyed && seen_.destroyed < at; }
    bool stopped_by(moment at, moment begun) const
    {
        return std::any_of(seen_.runs.begin(), seen_.runs.end(), [&](run_course const& run) {
            auto first = begin_of_end(run);
            return first && first < at && (run.ends.empty() || begun < run.ends[0]);
        });
    }

    // ---- calls ----

    void judge_call(call_plan const& plan, call_course const& call)
    {
        bool is_map = plan.how == form::map || plan.how == form::try_map;
        if (!is_map)
            return judge_task({plan.tasks[0], plan.how}, 1);
        auto name = std::string{plan.how == form::map ? "the map" : "the try_map"} + " of " +
                    std::to_string(plan.tasks.size()) + " tasks" +
                    (plan.tasks.empty() ? "" : " from " + std::to_string(plan.tasks[0].id));
        if (call.ends.size() != (call.begun ? 1u : 0u))
            return complain(name + " has ended " + std::to_string(call.ends.size()) + " times");
        if (!call.begun)
            return;
        auto const& end = call.ends[0];
        if (!end.foreign.empty() || (plan.how == form::try_map && end.why))
            complain(name + " has ended with " + (end.why ? end.why->what : end.foreign));
        if (comes_after_its_run(call.begun, end.at))
            complain(name + " has ended after its run");
        if (plan.how == form::map && end.why)
            return judge_failed_map(plan, call, name);
        for (auto const& task : plan.tasks)
            judge_task({task, plan.how}, 1);
    }

    // Its failure is that of one of its items.
    void judge_failed_map(call_plan const& plan, call_course const& call, std::string const& name)
    {
        std::string why;
        for (auto const& task : plan.tasks) {
            auto found = why_impossible({task, plan.how}, call.begun, call.cancelled, call.ends[0]);
            if (found.empty())
                return;
            why += (why.empty() ? "" : "; or ") + describe(task) + ": " + found;
        }
        complain(name + " has failed as none of its items can: " + why);
    }

    void judge_produced(producer_plan const& producer, task_plan const& task, run_course const& run)
    {
        auto found = seen_.tasks.find(task.id);
        if (found == seen_.tasks.end())
            return;
        if (producer.consumer == producer_plan::consumer_kind::none)
            return check_begins(task);
        // What nobody wants any more is dropped.
        bool may_be_dropped =
            run.consumer_threw || seen_.destroyed || (producer.how == producer_plan::kind::blocking && run.forced);
        judge_task({task, form::try_call, true}, may_be_dropped && found->second.ends.empty() ? 0 : 1);
    }

    void judge_task(task_in_round const& it, std::size_t times)
    {
        auto const& task = it.task;
        check_begins(task);
        auto found = seen_.tasks.find(task.id);
        if (found == seen_.tasks.end())
            return;
        auto const& course = found->second;
        if (course.ends.size() != times)
            return complain(task, "has ended " + std::to_string(course.ends.size()) + " times");
        for (auto const& end : course.ends) {
            auto why = why_impossible(it, course.begun, course.cancelled, end);
            if (!why.empty())
                complain(task, why);
            if (!it.produced && comes_after_its_run(course.begun, end.at))
                complain(task, "has ended after its run");
        }
    }

    int attempts_of(task_plan const& task) const { return task.attempts.value_or(plan_.attempts); }
    milliseconds timeout_of(task_plan const& task) const { return task.timeout.value_or(plan_.timeout); }

    int begins_of(task_plan const& task) const
    {
        auto found = seen_.begins.find(task.id);
        return found == seen_.begins.end() ? 0 : found->second;
    }

    // While a process is on the way to be ended for one job, it may finish that and begin the next. That one is run
    // again, and the first time does not count.
    bool may_be_interrupted() const
    {
        if (plan_.prefetch.value_or(0) == 0)
            return false;
        return any_task([this](task_plan const& task) { return has_timeout(task); }) ||
               std::any_of(plan_.runs.begin(), plan_.runs.end(), [](run_plan const& run) {
                   return std::any_of(run.calls.begin(), run.calls.end(),
                                      [](call_plan const& call) { return call.cancel_at || call.how == form::map; });
               });
    }
    bool has_timeout(task_plan const& task) const
    {
        return timeout_of(task).count() > 0 && timeout_of(task) < far_away;
    }

    template <class Test>
    bool any_task(Test test) const
    {
        return std::any_of(plan_.runs.begin(), plan_.runs.end(), [&](run_plan const& run) {
            return std::any_of(run.calls.begin(), run.calls.end(),
                               [&](call_plan const& call) {
                                   return std::any_of(call.tasks.begin(), call.tasks.end(), test);
                               }) ||
                   (run.producer && std::any_of(run.producer->tasks.begin(), run.producer->tasks.end(), test));
        });
    }

    void check_begins(task_plan const& task)
    {
        if (begins_of(task) > attempts_of(task) && !may_be_interrupted())
            complain(task, "was begun " + std::to_string(begins_of(task)) + " times, where " +
                               std::to_string(attempts_of(task)) + " are allowed");
    }

    // ---- outcomes ----

    std::string why_impossible(task_in_round const& it, moment begun, moment cancelled, end_seen const& end) const
    {
        if (!end.foreign.empty())
            return "has ended with " + end.foreign;
        if (!end.why)
            return why_no_result(it.task, end);
        auto why = why_no_failure(it, begun, cancelled, end);
        return why.empty() ? why : why + " (" + end.why->code.message() + ": " + end.why->what + ")";
    }

    std::string why_no_result(task_plan const& task, end_seen const& end) const
    {
        if (!end.right)
            return "has a wrong result";
        if (end.attempt < 1 || end.attempt > attempts_of(task))
            return "has a result from attempt " + std::to_string(end.attempt);
        if (begins_of(task) < 1 || (begins_of(task) > end.attempt && !may_be_interrupted()))
            return "has a result from attempt " + std::to_string(end.attempt) + ", but was begun " +
                   std::to_string(begins_of(task)) + " times";
        return can_succeed(task, end) ? "" : "cannot succeed";
    }

    bool can_succeed(task_plan const& task, end_seen const& end) const
    {
        switch (task.what) {
        case deed::throws:
        case deed::crashes:
        case deed::exits:
        case deed::hangs:
        case deed::ignores_sigterm:
        case deed::asks_and_goes_on:
        case deed::scribbles:
        case deed::returns_too_much:
        case deed::is_too_large:
            return false;
        case deed::recovers:
        case deed::throws_at_first:
            return end.attempt > task.number;
        case deed::asks_until_asked:
            return was_hit_by(SIGTERM, end.at); // by a stranger
        case deed::closes_descriptors:
            return plan_.prefetch.value_or(0) > 0; // by the ring it may have come whole
        default:
            return true;
        }
    }

    bool was_hit_by(int signal, moment at) const
    {
        return std::any_of(seen_.hits.begin(), seen_.hits.end(),
                           [&](auto const& hit) { return !hit.zygote && hit.signal == signal && hit.at < at; });
    }
    bool zygote_was_hit(moment at) const
    {
        return std::any_of(seen_.hits.begin(), seen_.hits.end(),
                           [&](auto const& hit) { return hit.zygote && hit.at < at; });
    }
    std::size_t hits_until(moment at) const
    {
        return static_cast<std::size_t>(
            std::count_if(seen_.hits.begin(), seen_.hits.end(), [&](auto const& hit) { return hit.at < at; }));
    }

    std::string why_no_failure(task_in_round const& it, moment begun, moment cancelled, end_seen const& end) const
    {
        auto const& task = it.task;
        auto const& why = *end.why;
        if (why.attempt < 1 || why.attempt > attempts_of(task))
            return "has failed in attempt " + std::to_string(why.attempt);
        if (why.what.empty() || why.worker.empty())
            return "has failed without an account";
        // A server that is destroyed does not look what its processes have begun since.
        if (begins_of(task) > why.attempt + (destroyed_by(end.at) ? 1 : 0) && !may_be_interrupted())
            return "has failed in attempt " + std::to_string(why.attempt) + ", but was begun " +
                   std::to_string(begins_of(task)) + " times";
        if (why.code == errc::canceled)
            return (cancelled && cancelled < end.at) || destroyed_by(end.at) ? "" : "was not cancelled";
        if (why.code == errc::stopped)
            return stopped_by(end.at, begun) ? "" : "was not stopped";
        if (why.code == errc::queue_full)
            return plan_.queue_limit && !it.produced && it.how != form::map && it.how != form::try_map &&
                           begins_of(task) == 0
                       ? ""
                       : "has a place in the queue";
        if (why.code == errc::too_large)
            return why_not_too_large(task);
        if (why.code == errc::launch_failed)
            return why_not_launch_failed(it, end);
        return why_no_attempt_failed(task, begun, end);
    }

    std::string why_not_too_large(task_plan const& task) const
    {
        if (task.what == deed::is_too_large)
            return begins_of(task) == 0 ? "" : "was begun though it is too large";
        return task.what == deed::returns_too_much ? "" : "is not too large";
    }

    std::string why_not_launch_failed(task_in_round const& it, end_seen const& end) const
    {
        bool shares_memory = plan_.launch == launch::fork || plan_.launch == launch::in_process;
        if (it.how == form::closure && !shares_memory)
            return "";
        return hits_until(end.at) >= tries_to_launch ? "" : "could have been started";
    }

    // Failures after which there may be another attempt: so this is the last one, unless it all was to end.
    std::string why_no_attempt_failed(task_plan const& task, moment begun, end_seen const& end) const
    {
        auto const& why = *end.why;
        bool is_tried_again = why.code != errc::bad_message && (why.code != errc::job_threw || task.retry_exceptions);
        if (is_tried_again && why.attempt < attempts_of(task) && !stopped_by(end.at, begun))
            return "was not tried again";
        if (!is_tried_again && why.attempt > 1 && hits_until(end.at) == 0 && !has_timeout(task) && !others_close())
            return "was tried again";
        if (why.code == errc::job_threw)
            return why_not_thrown(task, why);
        if (why.code == errc::timed_out)
            return has_timeout(task) ? "" : "has no timeout";
        if (why.code == errc::process_crashed)
            return why_not_crashed(task, end);
        if (why.code == errc::process_exited)
            return why_not_exited(task, why);
        if (why.code == errc::process_lost)
            return zygote_was_hit(end.at) || channel_was_closed(task) ? "" : "cannot be lost";
        if (why.code == errc::bad_message)
            return task.what == deed::scribbles ? "" : "has sent nothing bad";
        return "cannot fail so";
    }

    static std::string why_not_thrown(task_plan const& task, wodehaus::failure const& why)
    {
        if (task.what == deed::throws)
            return why.what.find("thrown " + std::to_string(task.number)) != std::string::npos ? ""
                                                                                               : "has not thrown this";
        if (task.what == deed::throws_at_first)
            return why.attempt <= task.number ? "" : "does not throw that late";
        return "does not throw";
    }

    std::string why_not_crashed(task_plan const& task, end_seen const& end) const
    {
        auto const& why = *end.why;
        if (task.what == deed::crashes && why.signal == task.number)
            return "";
        if (task.what == deed::recovers && why.signal == SIGABRT && why.attempt <= task.number)
            return "";
        return (why.signal == SIGKILL || why.signal == SIGTERM) && was_hit_by(why.signal, end.at) ? ""
                                                                                                  : "does not crash so";
    }

    std::string why_not_exited(task_plan const& task, wodehaus::failure const& why) const
    {
        if (task.what == deed::exits && why.exit_code == task.number)
            return "";
        if (channel_was_closed(task) && why.exit_code == (task.what == deed::scribbles ? 0 : EXIT_FAILURE))
            return "";
        return "does not exit so";
    }

    // In a kept process it may have been an earlier job. Only those that were sent ahead are begun then.
    bool channel_was_closed(task_plan const& task) const
    {
        return task.what == deed::closes_descriptors || (plan_.prefetch.value_or(0) > 0 && others_close());
    }

    bool others_close() const
    {
        return any_task([](task_plan const& task) { return task.what == deed::closes_descriptors; });
    }

    round_plan const& plan_;
    round_course const& seen_;
    std::vector<std::string> complaints_;
};

} // namespace

std::vector<std::string> judge(round_plan const& plan, round_course const& seen)
{
    return court{plan, seen}.judge();
}

} // namespace soak
