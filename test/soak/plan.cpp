// Makes the plan of a round. What would make an outcome impossible to judge, or leave behind what the library does not
// promise to find, is not planned: see `promises`.
#include "test/soak/plan.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <sstream>

namespace soak {

namespace {

using wodehaus::launch;

class dice {
public:
    dice(std::uint64_t seed, std::uint64_t round)
    {
        std::seed_seq mixed{seed & 0xffffffff, seed >> 32, round & 0xffffffff, round >> 32};
        engine_.seed(mixed);
    }
    int between(int least, int most)
    {
        return least + static_cast<int>(engine_() % static_cast<unsigned>(most - least + 1));
    }
    milliseconds time(int least, int most) { return milliseconds{between(least, most)}; }
    bool in(int hundred) { return between(1, 100) <= hundred; }
    template <class T>
    T one_of(std::initializer_list<T> values)
    {
        return values.begin()[between(0, static_cast<int>(values.size()) - 1)];
    }

private:
    std::mt19937_64 engine_;
};

/// What the whole round keeps to.
struct promises {
    bool ends_harshly; ///< every run is ended by force, so that jobs may hang for ever
    bool hits_zygote;  ///< then nobody is left to find what has left its job's group
    bool closes;       ///< jobs close descriptors, the lifeline too: no children beside them once the zygote is hit
};

class planner {
public:
    planner(std::uint64_t seed, std::uint64_t number, std::optional<launch> wanted) : dice_(seed, number)
    {
        plan_.seed = seed;
        plan_.number = number;
        auto any = dice_.one_of({launch::zygote, launch::zygote, launch::exec, launch::fork, launch::in_process});
        plan_.launch = wanted.value_or(any);
    }

    round_plan make()
    {
        choose_options();
        promises_.ends_harshly = dice_.in(30);
        promises_.hits_zygote = plan_.launch == launch::zygote && dice_.in(25);
        promises_.closes = dice_.in(50);
        int runs = dice_.one_of({1, 1, 1, 2, 3});
        for (int i = 0; i < runs; ++i)
            plan_.runs.push_back(make_run(i + 1 == runs));
        return plan_;
    }

private:
    bool has_processes() const { return plan_.launch != launch::in_process; }

    void choose_options()
    {
        plan_.threads = static_cast<unsigned>(dice_.one_of({1, 1, 2, 3}));
        plan_.workers = static_cast<std::size_t>(dice_.between(1, 6));
        plan_.jobs_per_process = static_cast<std::size_t>(dice_.one_of({1, 1, 0, 0, dice_.between(2, 5)}));
        if (plan_.jobs_per_process != 1 && dice_.in(60))
            plan_.prefetch = static_cast<std::size_t>(dice_.one_of({0, 1, 3, 7}));
        if (dice_.in(15))
            plan_.queue_limit = static_cast<std::size_t>(dice_.between(1, 8));
        plan_.kill_after = dice_.time(10, 200);
        plan_.timeout = dice_.one_of({milliseconds{0}, milliseconds{0}, milliseconds{120'000}, dice_.time(30, 150)});
        plan_.attempts = dice_.one_of({1, 1, 1, 2, 3});
        plan_.max_message = dice_.one_of<std::size_t>({100'000, 2'000'000});
        plan_.output = dice_.one_of({wodehaus::output::log, wodehaus::output::discard, wodehaus::output::inherit});
    }

    run_plan make_run(bool is_last)
    {
        run_plan run;
        run.end_at = dice_.time(20, 250);
        int calls = dice_.between(0, 24);
        for (int i = 0; i < calls; ++i)
            run.calls.push_back(make_call(run.end_at));
        if (dice_.in(30))
            run.producer = make_producer();
        if (dice_.in(10))
            run.second_run_at = dice_.time(0, static_cast<int>(run.end_at.count()));
        run.ends = choose_ending(is_last, run.producer.has_value());
        if (has_processes() && dice_.in(50))
            for (int left = dice_.one_of({1, 1, 2, 3, 8}); left; --left)
                run.hits.push_back(make_hit(run.end_at));
        if (promises_.hits_zygote && dice_.in(70))
            run.hits.push_back(make_hit_of_zygote(run.end_at));
        return run;
    }

    ending choose_ending(bool is_last, bool produces)
    {
        if (is_last && dice_.in(25))
            return ending::destroy;
        if (promises_.ends_harshly)
            return dice_.one_of({ending::terminate, ending::stop_then_terminate, ending::cancel_terminal});
        if (produces && dice_.in(70))
            return ending::by_itself;
        if (dice_.in(60))
            return ending::when_all_ended;
        return dice_.one_of({ending::stop, ending::stop, ending::terminate, ending::stop_then_terminate,
                             ending::cancel_total, ending::cancel_terminal});
    }

    call_plan make_call(milliseconds end)
    {
        call_plan call;
        call.how = dice_.one_of(
            {form::call, form::try_call, form::try_call, form::try_call, form::closure, form::map, form::try_map});
        call.at = dice_.in(30) ? milliseconds{-1} : dice_.time(0, static_cast<int>(end.count()) + 20);
        bool is_map = call.how == form::map || call.how == form::try_map;
        int count = is_map ? dice_.one_of({0, 1, 4, dice_.between(5, 20)}) : 1;
        for (int i = 0; i < count; ++i)
            call.tasks.push_back(is_map ? make_item() : make_task());
        if (dice_.in(25)) {
            call.cancel_at = std::max(call.at, milliseconds{0}) + dice_.one_of({milliseconds{0}, dice_.time(0, 100)});
            call.cancel_by = dice_.one_of({way_to_cancel::total, way_to_cancel::partial, way_to_cancel::terminal});
        }
        return call;
    }

    producer_plan make_producer()
    {
        producer_plan producer;
        using kind = producer_plan;
        producer.how = dice_.one_of({kind::kind::plain, kind::kind::coroutine, kind::kind::blocking});
        producer.ends = dice_.one_of({kind::end::nothing, kind::end::throws_stop, kind::end::throws});
        producer.consumer = dice_.one_of({kind::consumer_kind::plain, kind::consumer_kind::plain,
                                          kind::consumer_kind::coroutine, kind::consumer_kind::none});
        if (dice_.in(15))
            producer.consumer_throws_at = dice_.between(1, 5);
        for (int left = dice_.between(0, 20); left; --left)
            producer.tasks.push_back(make_task());
        return producer;
    }

    hit_plan make_hit(milliseconds end)
    {
        hit_plan hit;
        hit.at = dice_.time(0, static_cast<int>(end.count()) + 20);
        hit.which = static_cast<unsigned>(dice_.between(0, 1000));
        hit.signal = dice_.one_of({SIGKILL, SIGTERM, SIGSTOP, SIGSTOP});
        return with_continuation(hit);
    }
    hit_plan make_hit_of_zygote(milliseconds end)
    {
        hit_plan hit;
        hit.at = dice_.time(0, static_cast<int>(end.count()));
        hit.zygote = true;
        hit.signal = dice_.one_of({SIGKILL, SIGKILL, SIGTERM, SIGSTOP});
        return with_continuation(hit);
    }
    // What is stopped for ever holds its job until that is ended by force.
    hit_plan with_continuation(hit_plan hit)
    {
        bool may_stay = hit.zygote || promises_.ends_harshly;
        if (hit.signal == SIGSTOP && (!may_stay || dice_.in(50)))
            hit.continue_at = hit.at + dice_.time(1, 200);
        return hit;
    }

    task_plan make_task()
    {
        auto task = make_task_of(choose_deed());
        if (dice_.in(20))
            task.attempts = dice_.between(1, 4);
        if (dice_.in(20))
            task.priority = dice_.between(-2, 2);
        task.retry_exceptions = dice_.in(20);
        if (dice_.in(10))
            task.timeout = dice_.one_of({milliseconds{0}, dice_.time(5, 100)});
        if (waits_for_end(task.what) && (!promises_.ends_harshly || dice_.in(80)))
            task.timeout = dice_.time(5, 100);
        return task;
    }

    // Of a map: it has no settings of its own, so it waits for its end only where something brings that.
    task_plan make_item()
    {
        bool is_ended = promises_.ends_harshly || (plan_.timeout.count() > 0 && plan_.timeout < milliseconds{1000});
        auto what = choose_deed();
        return make_task_of(waits_for_end(what) && !is_ended ? deed::returns : what);
    }

    task_plan make_task_of(deed what)
    {
        task_plan task;
        task.id = ++last_id_;
        task.what = what;
        task.number = choose_number(what);
        int most = static_cast<int>(plan_.max_message / 2);
        task.size =
            static_cast<std::size_t>(dice_.one_of({0, 10, 1000, dice_.between(0, 10'000), dice_.in(10) ? most : 1}));
        if (what == deed::is_too_large)
            task.size = plan_.max_message + 1;
        return task;
    }

    static bool waits_for_end(deed what)
    {
        return what == deed::hangs || what == deed::ignores_sigterm || what == deed::asks_until_asked ||
               what == deed::asks_and_goes_on;
    }

    deed choose_deed()
    {
        if (dice_.in(40))
            return deed::returns;
        for (;;) {
            auto what = static_cast<deed>(dice_.between(0, static_cast<int>(deed::count) - 1));
            if (is_possible(what))
                return what;
        }
    }

    bool is_possible(deed what) const
    {
        bool has_children = !promises_.hits_zygote || !promises_.closes;
        switch (what) {
        case deed::crashes:
        case deed::recovers:
        case deed::exits:
        case deed::hangs:
        case deed::ignores_sigterm:
        case deed::asks_and_goes_on:
        case deed::leaks:
        case deed::scribbles:
            return has_processes();
        case deed::closes_descriptors:
            return has_processes() && promises_.closes;
        case deed::has_child:
            return has_processes() && has_children;
        case deed::has_child_in_group:
        case deed::has_child_in_session:
            return plan_.launch == launch::zygote && !promises_.hits_zygote;
        case deed::floods:
            return has_processes() && plan_.output != wodehaus::output::inherit;
        default:
            return true;
        }
    }

    int choose_number(deed what)
    {
        switch (what) {
        case deed::crashes:
            return dice_.one_of({SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS, SIGKILL, SIGHUP, SIGUSR1, SIGSYS, SIGXCPU});
        case deed::recovers:
        case deed::throws_at_first:
            return dice_.between(1, 3);
        case deed::exits:
            return dice_.one_of({0, 1, 11, 255});
        case deed::sleeps:
            return dice_.between(1, 40); // milliseconds
        case deed::leaks:
        case deed::floods:
            return dice_.between(1, 2000); // KiB
        default:
            return dice_.between(0, 1'000'000);
        }
    }

    dice dice_;
    round_plan plan_;
    promises promises_{};
    int last_id_ = 0;
};

} // namespace

round_plan make_plan(std::uint64_t seed, std::uint64_t number, std::optional<launch> wanted)
{
    return planner{seed, number, wanted}.make();
}

// ---- in words ----

char const* name_of(deed what)
{
    static constexpr char const* names[] = {
        "returns", "sleeps", "throws", "crashes", "recovers", "throws_at_first", "exits", "hangs", "ignores_sigterm", "asks",
        "asks_until_asked", "asks_and_goes_on", "leaks", "has_child", "has_child_in_group", "has_child_in_session",
        "closes_descriptors", "scribbles", "floods", "returns_too_much", "is_too_large"};
    static_assert(std::size(names) == static_cast<std::size_t>(deed::count));
    return names[static_cast<std::size_t>(what)];
}

char const* name_of(launch how)
{
    static constexpr char const* names[] = {"zygote", "exec", "fork", "in_process"};
    return names[static_cast<std::size_t>(how)];
}

char const* name_of(ending how)
{
    static constexpr char const* names[] = {"when_all_ended",      "stop",         "terminate",
                                            "stop_then_terminate", "cancel_total", "cancel_terminal",
                                            "by_itself",           "destroy"};
    return names[static_cast<std::size_t>(how)];
}

std::string describe(task_plan const& task)
{
    std::ostringstream out;
    out << "task " << task.id << " " << name_of(task.what) << " " << task.number << ", " << task.size << " bytes";
    if (task.attempts)
        out << ", attempts " << *task.attempts;
    if (task.timeout)
        out << ", timeout " << task.timeout->count();
    if (task.retry_exceptions)
        out << ", retries exceptions";
    return out.str();
}

namespace {

void describe(std::ostream& out, call_plan const& call)
{
    static constexpr char const* forms[] = {"call", "try_call", "closure", "map", "try_map"};
    static constexpr char const* cancels[] = {"total", "partial", "terminal"};
    out << "  at " << call.at.count() << " " << forms[static_cast<int>(call.how)];
    if (call.cancel_at)
        out << ", cancelled at " << call.cancel_at->count() << " by " << cancels[static_cast<int>(call.cancel_by)];
    out << ":";
    for (auto& task : call.tasks)
        out << " " << describe(task) << ";";
    out << "\n";
}

} // namespace

std::string describe(round_plan const& plan)
{
    std::ostringstream out;
    out << name_of(plan.launch) << ", threads " << plan.threads << ", workers " << plan.workers << ", jobs_per_process "
        << plan.jobs_per_process << ", prefetch " << plan.prefetch.value_or(0) << ", queue_limit "
        << plan.queue_limit.value_or(SIZE_MAX) << ", timeout " << plan.timeout.count() << ", kill_after "
        << plan.kill_after.count() << ", attempts " << plan.attempts << ", max_message " << plan.max_message
        << ", output " << static_cast<int>(plan.output) << "\n";
    for (auto& run : plan.runs) {
        out << " run that ends at " << run.end_at.count() << " by " << name_of(run.ends) << "\n";
        for (auto& call : run.calls)
            describe(out, call);
        if (run.producer) {
            out << "  producer " << static_cast<int>(run.producer->how) << ", ends by "
                << static_cast<int>(run.producer->ends) << ", consumer " << static_cast<int>(run.producer->consumer)
                << ", throws at " << run.producer->consumer_throws_at.value_or(0) << ":";
            for (auto& task : run.producer->tasks)
                out << " " << describe(task) << ";";
            out << "\n";
        }
        for (auto& hit : run.hits)
            out << "  at " << hit.at.count() << " signal " << hit.signal << " to "
                << (hit.zygote ? "the zygote" : "a process")
                << (hit.continue_at ? ", continued at " + std::to_string(hit.continue_at->count()) : "") << "\n";
    }
    return out.str();
}

} // namespace soak
