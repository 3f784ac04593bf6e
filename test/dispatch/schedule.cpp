// The decisions, one path after the other. Jobs are called a, b, c, processes 1, 2, 3; what is to be done is compared
// as text.
#include "test/dispatch/actions.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>
#include <map>

using namespace wodehaus::detail;
using wodehaus::errc;
using namespace std::chrono_literals;

namespace {

/// A schedule and those it plays with.
class scene {
public:
    explicit scene(schedule_limits limits) : decisions(limits) {}
    scene(scene const&) = delete;
    scene& operator=(scene const&) = delete;
    ~scene()
    {
        decisions.abandon([](job_entry&) {});
    }

    job_entry& job(char name)
    {
        auto& one = jobs_[name];
        one.id = static_cast<std::uint64_t>(name);
        return one;
    }
    process_entry& process(int number) { return processes_[number]; }

    scene& run(bool produces = false) { return decisions.run(produces, now), *this; }
    scene& submit(std::string const& names)
    {
        for (char name : names)
            BOOST_REQUIRE(decisions.submit(job(name), false, now));
        return *this;
    }
    bool offer(char name, bool keep = false) { return decisions.submit(job(name), keep, now); }
    scene& cancel(char name, cancellation how = cancellation::running_too)
    {
        return decisions.cancel(job(name), how, now), *this;
    }
    scene& born(int number) { return decisions.process_born(process(number), now), *this; }
    scene& ready(int number) { return decisions.process_ready(process(number), now), *this; }
    scene& comes(int number) { return born(number).ready(number); }
    scene& begun(int number, char name)
    {
        BOOST_TEST(decisions.begun(process(number), job(name).id, now));
        return *this;
    }
    scene& answers(int number, char name, answer how = answer::result)
    {
        BOOST_TEST(decisions.answered(process(number), job(name).id, how, now));
        return *this;
    }
    scene& leaves(int number, char name)
    {
        BOOST_TEST(decisions.leaving(process(number), job(name).id));
        return *this;
    }
    scene& ended(int number, errc code = errc::process_crashed, bool untouched = false)
    {
        return decisions.process_ended(process(number), code, untouched, now), *this;
    }
    scene& misbehaves(int number, errc code = errc::bad_message)
    {
        return decisions.misbehaved(process(number), code), *this;
    }
    scene& launch_failed(std::size_t count = 1, errc code = errc::launch_failed, bool final = false)
    {
        return decisions.launch_failed(count, code, final, now), *this;
    }
    scene& stop() { return decisions.stop(now), *this; }
    scene& terminate() { return decisions.terminate(now), *this; }
    scene& produced(char name) // what a producer gave is queued in any case
    {
        BOOST_REQUIRE(offer(name, true));
        return decisions.producer_answered(false, now), *this;
    }
    scene& produced_all() { return decisions.producer_answered(true, now), *this; }
    scene& backlog(std::size_t outcomes) { return decisions.set_backlog(outcomes, now), *this; }
    scene& after(std::chrono::nanoseconds time)
    {
        now += std::chrono::duration_cast<clock_type::duration>(time);
        return decisions.tick(now), *this;
    }

    /// When something is due, from now on; nothing if nothing is.
    std::optional<std::chrono::milliseconds> due() const
    {
        auto when = decisions.wake_at();
        if (!when)
            return std::nullopt;
        return std::chrono::ceil<std::chrono::milliseconds>(*when - now);
    }

    /// What is to be done now, in its order.
    std::string to_do()
    {
        std::string all;
        while (auto next = decisions.next_action())
            all += (all.empty() ? "" : ", ") +
                   text_of(
                       *next, [](job_entry const& one) { return std::string(1, static_cast<char>(one.id)); },
                       [this](process_entry const& one) { return number_of(one); });
        return all;
    }
    scene& forget() { return to_do(), *this; }

    schedule decisions;
    time_point now = time_point{} + 1h;

private:
    std::string number_of(process_entry const& wanted) const
    {
        for (auto& [number, one] : processes_)
            if (&one == &wanted)
                return std::to_string(number);
        return "a stranger";
    }

    std::map<char, job_entry> jobs_;
    std::map<int, process_entry> processes_;
};

schedule_limits fresh(std::size_t workers)
{
    return {.workers = workers, .jobs_per_process = 1};
}
schedule_limits kept(std::size_t workers, std::size_t prefetch = 0)
{
    return {.workers = workers, .jobs_per_process = 0, .prefetch = prefetch};
}

std::chrono::milliseconds in_ms(std::chrono::nanoseconds time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

/// One kept process that has begun a and has b, c behind it.
struct three_on_one_process : scene {
    three_on_one_process() : scene(kept(1, 2))
    {
        run().submit("abc").comes(1);
        BOOST_TEST(to_do() == "request, send a to 1, send b to 1, send c to 1");
        begun(1, 'a');
        BOOST_TEST(to_do() == "");
    }
};

} // namespace

namespace std::chrono { // for BOOST_TEST
ostream& operator<<(ostream& stream, milliseconds time)
{
    return stream << time.count() << " ms";
}
} // namespace std::chrono

// ---- which job, on which process ----

BOOST_AUTO_TEST_SUITE(choosing)

BOOST_AUTO_TEST_CASE(first_come_first_served)
{
    scene s{kept(1)};
    s.run().submit("abc").comes(1).answers(1, 'a').answers(1, 'b').answers(1, 'c');
    BOOST_TEST(s.to_do() == "request, send a to 1, a: ok, send b to 1, b: ok, send c to 1, c: ok");
}

BOOST_AUTO_TEST_CASE(higher_priority_first)
{
    scene s{kept(1)};
    s.job('a').priority = -1;
    s.job('c').priority = 5;
    s.job('d').priority = 5;
    s.run().submit("abcd").comes(1).answers(1, 'c').answers(1, 'd').answers(1, 'b').answers(1, 'a');
    BOOST_TEST(s.to_do() == "request, send c to 1, c: ok, send d to 1, d: ok, send b to 1, b: ok, send a to 1, a: ok");
}

BOOST_AUTO_TEST_CASE(what_comes_before_the_run_waits_for_it)
{
    scene s{kept(2)};
    s.submit("ab");
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.decisions.waiting() == 2);
    s.run();
    BOOST_TEST(s.to_do() == "request, request");
}

BOOST_AUTO_TEST_CASE(no_more_processes_at_work_than_workers)
{
    scene s{fresh(2)};
    s.run().submit("abcd").comes(1).comes(2);
    BOOST_TEST(s.to_do() == "request, request, send a to 1 as its last, send b to 2 as its last");
    BOOST_TEST(s.decisions.at_work() == 2);
    BOOST_TEST(s.decisions.waiting() == 2);
    s.comes(3); // though nobody has asked for it
    BOOST_TEST(s.to_do() == "");
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, send c to 3 as its last");
}

BOOST_AUTO_TEST_CASE(one_that_wants_a_process_for_itself)
{
    scene s{kept(2)};
    s.job('b').own_process = true;
    s.run().submit("a").comes(1).answers(1, 'a').forget();
    s.submit("bc");
    BOOST_TEST(s.to_do() == "request"); // the idle one has had a job
    s.process(2).knows = 'a';           // begun too early
    s.comes(2);
    BOOST_TEST(s.to_do() == "retire 2, request");
    s.ended(2).comes(3);
    BOOST_TEST(s.to_do() == "send b to 3 as its last, send c to 1");
    s.answers(3, 'b');
    BOOST_TEST(s.to_do() == "b: ok");
}

BOOST_AUTO_TEST_CASE(those_that_want_processes_for_themselves_make_no_more_than_workers)
{
    scene s{kept(2)};
    for (char name = 'a'; name < 'a' + 20; ++name) {
        auto& job = s.job(name);
        job.own_process = true;
        int number = name - 'a' + 1;
        s.process(number).knows = job.id;
        if (name == 'a')
            s.run();
        s.submit(std::string(1, name)).cancel(name).forget(); // its process comes too late
        s.comes(number).forget();
        for (int earlier = 1; earlier < number; ++earlier)
            if (s.process(earlier).state == process_entry::status::retiring)
                s.ended(earlier);
        BOOST_TEST(s.decisions.processes() <= 2u);
    }
}

BOOST_AUTO_TEST_CASE(a_process_that_is_being_ended_is_at_work_until_it_has_ended)
{
    scene s{kept(1)};
    s.run().submit("ab").comes(1).cancel('a').forget();
    BOOST_TEST(s.decisions.at_work() == 1);
    s.comes(2);
    BOOST_TEST(s.to_do() == "");
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: canceled, send b to 2");
}

BOOST_AUTO_TEST_CASE(queue_limit)
{
    auto limits = kept(1);
    limits.queue_limit = 2;
    scene s{limits};
    s.run().submit("a").comes(1).submit("bc");
    BOOST_TEST(!s.offer('d'));
    BOOST_TEST(s.job('d').state == job_entry::status::fresh);
    BOOST_TEST(s.offer('e', true)); // a map's or a producer's
    s.answers(1, 'a').answers(1, 'b');
    BOOST_TEST(s.offer('d'));
    BOOST_TEST(s.decisions.waiting() == 2);
}

BOOST_AUTO_TEST_CASE(a_retry_does_not_fall_to_the_queue_limit)
{
    auto limits = kept(1);
    limits.queue_limit = 1;
    scene s{limits};
    s.job('a').attempts = 2;
    s.run().submit("a").comes(1).submit("b").ended(1);
    BOOST_TEST(s.to_do() == "request, send a to 1, retry a after process_crashed in 1, request");
    BOOST_TEST(s.decisions.waiting() == 2);
    s.comes(2);
    BOOST_TEST(s.to_do() == "send b to 2");
    BOOST_TEST(!s.offer('c')); // a waits, if only for its time
    s.after(50ms).answers(2, 'b');
    BOOST_TEST(s.to_do() == "b: ok, send a to 2");
    BOOST_TEST(s.offer('c'));
}

BOOST_AUTO_TEST_SUITE_END()

// ---- the life of a process ----

BOOST_AUTO_TEST_SUITE(processes)

BOOST_AUTO_TEST_CASE(fresh_for_every_job)
{
    scene s{fresh(1)};
    s.run().submit("ab").comes(1);
    BOOST_TEST(s.to_do() == "request, send a to 1 as its last");
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, request");
    BOOST_TEST(s.process(1).state == process_entry::status::retiring);
    s.comes(2); // the first need not have ended
    BOOST_TEST(s.to_do() == "send b to 2 as its last");
    s.ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_CASE(kept)
{
    scene s{::kept(1)};
    s.run().submit("a").comes(1).answers(1, 'a').forget();
    BOOST_TEST(s.process(1).state == process_entry::status::idle);
    s.submit("b");
    BOOST_TEST(s.to_do() == "send b to 1");
}

BOOST_AUTO_TEST_CASE(kept_for_some_jobs)
{
    scene s{{.workers = 1, .jobs_per_process = 2}};
    s.run().submit("abc").comes(1).answers(1, 'a').answers(1, 'b');
    BOOST_TEST(s.to_do() == "request, send a to 1, a: ok, send b to 1 as its last, b: ok, request");
}

BOOST_AUTO_TEST_CASE(no_more_are_sent_ahead_than_a_process_takes)
{
    scene s{{.workers = 1, .jobs_per_process = 2, .prefetch = 5}};
    s.run().submit("abc").comes(1);
    BOOST_TEST(s.to_do() == "request, send a to 1, send b to 1 as its last");
}

BOOST_AUTO_TEST_CASE(none_without_a_job)
{
    scene s{::kept(4)};
    s.run();
    BOOST_TEST(s.to_do() == "");
    s.submit("a");
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(a_stock_is_kept_ahead)
{
    scene s{{.workers = 2, .jobs_per_process = 1, .ahead = 3}};
    s.run();
    BOOST_TEST(s.to_do() == "request, request, request");
    s.comes(1).comes(2).comes(3);
    BOOST_TEST(s.to_do() == "");
    s.submit("a");
    BOOST_TEST(s.to_do() == "send a to 1 as its last, request");
    s.ended(2);
    BOOST_TEST(s.to_do() == ""); // it has never had a job: as good as not started
    s.after(99ms);
    BOOST_TEST(s.to_do() == "");
    s.after(1ms);
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(nothing_ahead_of_kept_processes)
{
    scene s{{.workers = 2, .jobs_per_process = 0, .ahead = 3}};
    s.run();
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_CASE(one_that_is_done_and_does_not_end_is_killed)
{
    scene s{fresh(1)};
    s.run().submit("a").comes(1).answers(1, 'a').forget();
    BOOST_TEST(s.due().value() == 2s);
    s.after(2s);
    BOOST_TEST(s.to_do() == "kill 1");
    BOOST_TEST(!s.due());
}

BOOST_AUTO_TEST_CASE(an_idle_one_that_ends_is_replaced_when_there_is_a_job)
{
    scene s{::kept(1)};
    s.run().submit("a").comes(1).answers(1, 'a').forget().ended(1);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.decisions.processes() == 0);
    s.submit("b");
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(each_job_at_hand_gets_a_process)
{
    process_counts have{.at_work = 0, .idle = 0, .starting = 0, .waiting = 3};
    BOOST_TEST(processes_to_request(have, ::kept(8)) == 3);
    BOOST_TEST(processes_to_request(have, ::kept(2)) == 2);
    have.starting = 1;
    BOOST_TEST(processes_to_request(have, ::kept(8)) == 2);
    have.idle = 2;
    BOOST_TEST(processes_to_request(have, ::kept(8)) == 0);
    have.idle = 9;
    BOOST_TEST(processes_to_request(have, ::kept(8)) == 0);
}

BOOST_AUTO_TEST_CASE(those_at_work_take_their_places)
{
    process_counts have{.at_work = 2, .idle = 0, .starting = 0, .waiting = 3};
    BOOST_TEST(processes_to_request(have, ::kept(2)) == 0);
    BOOST_TEST(processes_to_request(have, ::kept(3)) == 1);
    have.at_work = 5; // more than there may be
    BOOST_TEST(processes_to_request(have, ::kept(3)) == 0);
}

BOOST_AUTO_TEST_CASE(the_stock_is_filled_up)
{
    schedule_limits limits{.workers = 2, .jobs_per_process = 1, .ahead = 4};
    BOOST_TEST(processes_to_request({0, 0, 0, 0}, limits) == 4);
    BOOST_TEST(processes_to_request({2, 0, 0, 9}, limits) == 4);
    BOOST_TEST(processes_to_request({1, 2, 1, 0}, limits) == 1);
    limits.workers = 9;
    BOOST_TEST(processes_to_request({1, 0, 0, 9}, limits) == 8);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- sent ahead ----

BOOST_AUTO_TEST_SUITE(prefetch)

BOOST_AUTO_TEST_CASE(so_many_behind_the_one_that_runs)
{
    scene s{kept(1, 1)};
    s.run().submit("abc").comes(1);
    BOOST_TEST(s.to_do() == "request, send a to 1, send b to 1");
    BOOST_TEST(s.job('a').state == job_entry::status::sent);
    BOOST_TEST(s.job('a').attempt == 0);
    s.begun(1, 'a');
    BOOST_TEST(s.job('a').state == job_entry::status::begun);
    BOOST_TEST(s.job('a').attempt == 1);
    BOOST_TEST(s.job('b').state == job_entry::status::sent);
    BOOST_TEST(s.job('b').attempt == 0);
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, send c to 1");
    BOOST_TEST(s.job('b').state == job_entry::status::sent);
    s.begun(1, 'b').begun(1, 'b'); // once is enough
    BOOST_TEST(s.job('b').state == job_entry::status::begun);
    BOOST_TEST(s.job('b').attempt == 1);
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_CASE(without_it_what_is_sent_has_begun)
{
    scene s{kept(1)};
    s.job('a').timeout = 5s;
    s.run().submit("a").comes(1);
    BOOST_TEST(s.job('a').state == job_entry::status::begun);
    BOOST_TEST(s.job('a').attempt == 1);
    BOOST_TEST(s.due().value() == 5s);
}

BOOST_AUTO_TEST_CASE(an_answer_says_that_the_job_had_begun)
{
    scene s{kept(1, 1)};
    s.job('a').attempts = 2;
    s.job('a').retry_exceptions = true;
    s.run().submit("ab").comes(1).forget().answers(1, 'a', answer::threw);
    BOOST_TEST(s.to_do() == "retry a after job_threw in 1");
    s.after(50ms);
    BOOST_TEST(s.to_do() == "send a to 1"); // behind b
    s.answers(1, 'b').begun(1, 'a').answers(1, 'a', answer::threw);
    BOOST_TEST(s.to_do() == "b: ok, a: job_threw");
    BOOST_TEST(s.job('a').attempt == 2);
    BOOST_TEST(s.job('b').attempt == 1);
}

BOOST_AUTO_TEST_CASE(spread_over_the_processes)
{
    scene s{kept(2, 2)};
    s.run().submit("ab").comes(1).comes(2).submit("cdef");
    BOOST_TEST(s.to_do() == "request, request, send a to 1, send b to 2, send c to 1, send d to 2, send e to 1, "
                            "send f to 2");
}

BOOST_AUTO_TEST_CASE(a_process_of_its_own_is_better_than_a_place_behind_another_job)
{
    scene s{kept(2, 1)};
    s.run().submit("ab").comes(1);
    BOOST_TEST(s.to_do() == "request, request, send a to 1");
    s.comes(2);
    BOOST_TEST(s.to_do() == "send b to 2");
}

BOOST_AUTO_TEST_CASE(what_had_not_begun_runs_elsewhere_and_counts_no_attempt)
{
    three_on_one_process s;
    s.submit("d").ended(1);
    BOOST_TEST(s.to_do() == "a: process_crashed, request");
    BOOST_TEST(s.job('b').attempt == 0);
    BOOST_TEST(s.job('c').attempt == 0);
    s.comes(2);
    BOOST_TEST(s.to_do() == "send b to 2, send c to 2, send d to 2"); // in their order
}

BOOST_AUTO_TEST_CASE(those_before_the_crash_keep_their_results)
{
    three_on_one_process s;
    s.answers(1, 'a').begun(1, 'b').ended(1);
    BOOST_TEST(s.to_do() == "a: ok, b: process_crashed, request");
    BOOST_TEST(s.job('c').state == job_entry::status::waiting);
}

BOOST_AUTO_TEST_CASE(between_two_jobs_none_is_blamed)
{
    three_on_one_process s;
    s.submit("d").answers(1, 'a').forget().ended(1);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.due().value() == 100ms); // as if it had not been started
    for (char name : {'b', 'c', 'd'}) {
        BOOST_TEST(s.job(name).state == job_entry::status::waiting);
        BOOST_TEST(s.job(name).attempt == 0);
    }
    s.after(100ms).comes(2);
    BOOST_TEST(s.to_do() == "request, send b to 2, send c to 2, send d to 2"); // in their order
}

BOOST_AUTO_TEST_CASE(a_job_that_no_process_begins_fails_alone)
{
    scene s{kept(1, 1)};
    s.run().submit("abc");
    for (auto delay : {100ms, 200ms, 400ms}) {
        s.comes(1).forget().ended(1);
        BOOST_TEST(s.to_do() == "");
        BOOST_TEST(s.due().value() == delay);
        s.after(delay);
        BOOST_TEST(s.to_do() == "request");
        s.process(1) = {};
    }
    s.comes(1).ended(1);
    BOOST_TEST(s.to_do() == "send a to 1, send b to 1, a: launch_failed");
    BOOST_TEST(s.job('a').attempt == 0);
    s.process(1) = {};
    s.after(800ms).comes(1);
    BOOST_TEST(s.to_do() == "request, send b to 1, send c to 1");
}

BOOST_AUTO_TEST_CASE(one_that_has_begun_a_job_is_replaced_at_once)
{
    scene s{kept(1, 1)};
    s.run().submit("abcdef").comes(1).forget();
    for (char name = 'a'; name <= 'e'; ++name) {
        int number = name - 'a' + 1;
        s.begun(number, name).ended(number);
        BOOST_TEST(s.to_do() == std::string{name} + ": process_crashed, request");
        s.comes(number + 1).forget();
    }
}

BOOST_AUTO_TEST_CASE(each_has_its_timeout_from_its_own_beginning)
{
    scene s{kept(1, 1)};
    s.job('a').timeout = s.job('b').timeout = 5s;
    s.run().submit("ab").comes(1).forget().after(4s);
    BOOST_TEST(s.due().value() == 6s); // it should have begun by then, at the latest
    s.begun(1, 'a').after(4s);
    BOOST_TEST(s.due().value() == 1s);
    s.begun(1, 'a');
    BOOST_TEST(s.due().value() == 1s); // said twice, it is no later
    s.answers(1, 'a').forget().after(9s);
    BOOST_TEST(s.due().value() == 1s);
    s.begun(1, 'b');
    BOOST_TEST(s.due().value() == 5s);
    s.after(5s);
    BOOST_TEST(s.to_do() == "term 1");
}

BOOST_AUTO_TEST_CASE(a_process_that_does_not_begin_what_it_was_sent)
{
    scene s{kept(1, 1)};
    s.run().submit("ab").comes(1).begun(1, 'a').answers(1, 'a').forget().after(10s); // it hangs
    BOOST_TEST(s.to_do() == "term 1");
    s.ended(1).forget().after(1s).comes(2);
    BOOST_TEST(s.job('b').process == &s.process(2));
    s.begun(2, 'b');
    BOOST_TEST(s.job('b').attempt == 1);
    BOOST_TEST(!s.due()); // it has no timeout
}

BOOST_AUTO_TEST_CASE(a_large_job_may_take_its_process_longer_to_read)
{
    scene s{kept(1, 1)};
    s.job('b').size = std::size_t{1} << 30;
    s.run().submit("ab").comes(1).forget();
    BOOST_TEST(s.due().value() == 10s);
    s.begun(1, 'a').answers(1, 'a').after(200s);
    BOOST_TEST(s.to_do() == "a: ok");
    s.after(100s);
    BOOST_TEST(s.to_do() == "term 1");
}

BOOST_AUTO_TEST_CASE(one_that_begins_as_its_process_is_given_up)
{
    // It has had its attempt then, and its process is not said to have crashed by our own signal.
    scene s{kept(1, 1)};
    s.job('a').attempts = 2;
    s.run().submit("a").comes(1).forget().after(10s);
    BOOST_TEST(s.to_do() == "term 1");
    s.begun(1, 'a').ended(1, errc::process_crashed).after(50ms);
    BOOST_TEST(s.to_do() == "retry a after process_lost in 1, request");
    s.comes(2).forget().after(10s).begun(2, 'a').answers(2, 'a'); // its answer is as good as any
    BOOST_TEST(s.to_do() == "term 2, a: ok");
}

BOOST_AUTO_TEST_CASE(a_job_that_ends_kept_processes_before_they_begin_it)
{
    // It may have been their last job that was their end. But not each time.
    scene s{kept(1, 1)};
    s.run();
    for (unsigned ends = 0; ends < 16; ++ends) {
        BOOST_TEST(s.job('z').returned == ends);
        int number = static_cast<int>(ends);
        s.job('a') = {};
        s.job('a').priority = 1;
        s.submit(ends == 0 ? "az" : "a").after(10s).comes(number).begun(number, 'a').answers(number, 'a').forget().ended(number);
    }
    BOOST_TEST(s.to_do() == "z: launch_failed");
    BOOST_TEST(s.job('z').attempt == 0);
}

BOOST_AUTO_TEST_CASE(what_hangs_is_asked_where_before_it_is_asked_to_end)
{
    auto limits = kept(1);
    limits.examination = 250ms;
    for (auto told : {true, false}) {
        scene s{limits};
        s.job('a').timeout = 1s;
        s.run().submit("ab").comes(1).forget().after(1s);
        BOOST_TEST(s.to_do() == "ask where 1 hangs");
        BOOST_TEST(s.due().value() == 250ms);
        if (told)
            s.decisions.examined(s.process(1), s.now);
        else
            s.after(250ms);
        BOOST_TEST(s.to_do() == "term 1");
        BOOST_TEST(s.due().value() == 2s); // from then on
        s.decisions.examined(s.process(1), s.now); // too late
        s.after(2s);
        BOOST_TEST(s.to_do() == "kill 1");
        s.ended(1);
        BOOST_TEST(s.to_do() == "a: timed_out, request");
    }
}

BOOST_AUTO_TEST_CASE(one_that_answers_or_ends_while_it_is_asked_where)
{
    auto limits = kept(1);
    limits.examination = 250ms;
    scene s{limits};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).forget().after(1s).answers(1, 'a');
    BOOST_TEST(s.to_do() == "ask where 1 hangs, kill 1"); // the first verdict stands
    BOOST_TEST(!s.due());
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: timed_out");

    s.job('b').timeout = 1s;
    s.submit("b").comes(2).forget().after(1s).ended(2);
    BOOST_TEST(s.to_do() == "ask where 2 hangs, b: timed_out");
    BOOST_TEST(!s.due());
}

BOOST_AUTO_TEST_CASE(an_answer_out_of_turn_is_none)
{
    three_on_one_process s;
    BOOST_TEST(!s.decisions.answered(s.process(1), s.job('b').id, answer::result, s.now));
    BOOST_TEST(!s.decisions.begun(s.process(1), s.job('c').id, s.now));
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- a process that ends by itself ----

BOOST_AUTO_TEST_SUITE(leaving)

BOOST_AUTO_TEST_CASE(what_was_sent_ahead_runs_elsewhere)
{
    three_on_one_process s;
    s.leaves(1, 'a').answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, request");
    BOOST_TEST(s.process(1).state == process_entry::status::retiring);
    BOOST_TEST(s.decisions.waiting() == 2);
    BOOST_TEST(s.decisions.unanswered() == 0);
    s.comes(2).ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "send b to 2, send c to 2");
    BOOST_TEST(s.job('b').attempt == 0);
    s.begun(2, 'b');
    BOOST_TEST(s.job('b').attempt == 1);
    BOOST_TEST(s.job('b').returned == 0u);
}

BOOST_AUTO_TEST_CASE(one_that_does_not_end_is_killed)
{
    three_on_one_process s;
    s.leaves(1, 'a').answers(1, 'a').forget();
    BOOST_TEST(s.due().value() == 2s);
    s.after(2s);
    BOOST_TEST(s.to_do() == "kill 1");
}

BOOST_AUTO_TEST_CASE(it_gets_nothing_more)
{
    scene s{kept(1, 2)};
    s.run().submit("a").comes(1).begun(1, 'a').forget().leaves(1, 'a').submit("b");
    BOOST_TEST(s.to_do() == "");
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, request");
}

BOOST_AUTO_TEST_CASE(without_a_failure_to_launch)
{
    scene s{kept(1)};
    s.run().submit("ab").comes(1).leaves(1, 'a').answers(1, 'a').forget();
    BOOST_TEST(!s.decisions.process_ended(s.process(1), errc::process_exited, true, s.now));
    s.comes(2);
    BOOST_TEST(s.to_do() == "send b to 2");
}

BOOST_AUTO_TEST_CASE(a_job_that_was_cancelled_behind_ends_with_the_process)
{
    three_on_one_process s;
    s.cancel('b').leaves(1, 'a').answers(1, 'a');
    BOOST_TEST(s.to_do() == "term 1, a: ok");
    s.ended(1);
    BOOST_TEST(s.to_do() == "b: canceled, request");
    s.comes(2);
    BOOST_TEST(s.to_do() == "send c to 2");
}

BOOST_AUTO_TEST_CASE(it_dies_before_it_has_answered)
{
    three_on_one_process s;
    s.leaves(1, 'a').ended(1);
    BOOST_TEST(s.to_do() == "a: process_crashed, request");
    s.comes(2);
    BOOST_TEST(s.to_do() == "send b to 2, send c to 2");
}

BOOST_AUTO_TEST_CASE(after_a_stop)
{
    three_on_one_process s;
    s.leaves(1, 'a').stop().answers(1, 'a');
    BOOST_TEST(s.to_do() == "term 1, a: ok");
    s.ended(1);
    BOOST_TEST(s.to_do() == "b: stopped, c: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(after_another_job_than_its_own)
{
    three_on_one_process s;
    BOOST_TEST(!s.decisions.leaving(s.process(1), s.job('b').id));
    s.answers(1, 'a').answers(1, 'b').answers(1, 'c').forget();
    BOOST_TEST(!s.decisions.leaving(s.process(1), s.job('c').id));
}

BOOST_AUTO_TEST_SUITE_END()

// ---- attempts ----

BOOST_AUTO_TEST_SUITE(attempts)

BOOST_AUTO_TEST_CASE(count_for_what_ends_a_process)
{
    for (auto code : {errc::process_crashed, errc::process_exited, errc::process_lost, errc::out_of_memory}) {
        auto name = name_of_code(code);
        BOOST_TEST_INFO_SCOPE(name);
        scene s{kept(1)};
        s.job('a').attempts = 2;
        s.run().submit("a").comes(1).forget().ended(1, code).after(50ms);
        BOOST_TEST(s.to_do() == "retry a after " + name + " in 1, request");
        s.comes(2).ended(2, code);
        BOOST_TEST(s.to_do() == "send a to 2, a: " + name);
    }
}

BOOST_AUTO_TEST_CASE(count_for_an_answer_that_there_is_no_memory)
{
    scene s{kept(1)};
    s.job('a').attempts = 2;
    s.run().submit("a").comes(1).forget().answers(1, 'a', answer::out_of_memory).after(50ms);
    BOOST_TEST(s.to_do() == "retry a after out_of_memory in 1, send a to 1");
    s.answers(1, 'a', answer::out_of_memory);
    BOOST_TEST(s.to_do() == "a: out_of_memory");
}

BOOST_AUTO_TEST_CASE(one_is_enough_if_it_succeeds)
{
    scene s{kept(1)};
    s.job('a').attempts = 3;
    s.run().submit("a").comes(1).ended(1).after(50ms).comes(2).answers(2, 'a');
    BOOST_TEST(s.to_do() == "request, send a to 1, retry a after process_crashed in 1, request, send a to 2, a: ok");
    BOOST_TEST(s.job('a').attempt == 2);
}

BOOST_AUTO_TEST_CASE(count_for_a_timeout)
{
    scene s{kept(1)};
    s.job('a').attempts = 2;
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).after(1s).ended(1).after(50ms);
    BOOST_TEST(s.to_do() == "request, send a to 1, term 1, retry a after timed_out in 1, request");
    s.comes(2).after(1s).ended(2);
    BOOST_TEST(s.to_do() == "send a to 2, term 2, a: timed_out");
}

BOOST_AUTO_TEST_CASE(a_retry_says_which_failed)
{
    scene s{kept(1)};
    s.job('a').attempts = 3;
    s.run().submit("a").comes(1).forget();
    s.ended(1).after(50ms).comes(2).ended(2).after(100ms).comes(3); // the next has begun before it is told
    BOOST_TEST(s.job('a').attempt == 3);
    BOOST_TEST(s.to_do() == "retry a after process_crashed in 1, request, send a to 2, "
                            "retry a after process_crashed in 2, request, send a to 3");
    action one{.what = action::kind::retry, .attempt = 1}, other{.what = action::kind::retry, .attempt = 2};
    BOOST_TEST((one != other));
}

BOOST_AUTO_TEST_CASE(count_for_an_exception_only_where_asked)
{
    scene s{kept(1)};
    s.job('a').attempts = s.job('b').attempts = 2;
    s.job('b').retry_exceptions = true;
    s.run().submit("ab").comes(1).forget().answers(1, 'a', answer::threw);
    BOOST_TEST(s.to_do() == "a: job_threw, send b to 1");
    s.answers(1, 'b', answer::threw).after(50ms);
    BOOST_TEST(s.to_do() == "retry b after job_threw in 1, send b to 1");
    s.answers(1, 'b', answer::threw);
    BOOST_TEST(s.to_do() == "b: job_threw");
}

BOOST_AUTO_TEST_CASE(do_not_count_for_nonsense)
{
    scene s{kept(1)};
    s.job('a').attempts = s.job('b').attempts = s.job('c').attempts = 9;
    s.run().submit("abc").comes(1).forget().answers(1, 'a', answer::failed);
    BOOST_TEST(s.to_do() == "a: bad_message, send b to 1");
    s.misbehaves(1).ended(1);
    BOOST_TEST(s.to_do() == "kill 1, b: bad_message, request");
    s.comes(2).misbehaves(2, errc::too_large).ended(2);
    BOOST_TEST(s.to_do() == "send c to 2, kill 2, c: too_large");
}

BOOST_AUTO_TEST_CASE(delays_grow_up_to_a_bound_and_half_of_each_is_left_to_chance)
{
    auto longest = 50ms;
    for (int attempt : {1, 2, 3, 4, 5, 6, 7}) {
        BOOST_TEST_INFO_SCOPE("attempt " << attempt);
        BOOST_TEST(in_ms(attempt_delay(attempt, 0)) == longest / 2);
        BOOST_TEST(in_ms(attempt_delay(attempt, 512)) == longest * 3 / 4);
        BOOST_TEST(in_ms(attempt_delay(attempt, 1023)) < longest);
        longest *= 2;
    }
    BOOST_TEST(in_ms(attempt_delay(8, 0)) == 1600ms);
    constexpr auto most = std::numeric_limits<std::uint32_t>::max();
    BOOST_TEST(in_ms(attempt_delay(std::numeric_limits<int>::max(), most)) < 3200ms);
}

BOOST_AUTO_TEST_CASE(what_is_left_to_chance_follows_from_the_seed)
{
    auto delays = [](unsigned seed) {
        auto limits = kept(1);
        limits.seed = seed;
        scene s{limits};
        s.job('a').attempts = 9;
        s.run().submit("a");
        std::vector<std::chrono::nanoseconds> all;
        for (int i = 1; i <= 8; ++i) {
            s.comes(i).ended(i).forget();
            all.push_back(s.job('a').again_at - s.now);
            BOOST_TEST((all.back() >= attempt_delay(i, 0) && all.back() <= attempt_delay(i, 1023)));
            s.after(all.back());
        }
        return all;
    };
    BOOST_TEST((delays(1) == delays(1)));
    BOOST_TEST((delays(1) != delays(2)));
}

BOOST_AUTO_TEST_CASE(one_that_failed_waits_before_its_next)
{
    scene s{kept(1)};
    s.job('a').attempts = 2;
    s.run().submit("a").comes(1).forget().ended(1);
    BOOST_TEST(s.to_do() == "retry a after process_crashed in 1");
    BOOST_TEST(s.job('a').state == job_entry::status::delayed);
    BOOST_TEST(s.decisions.waiting() == 1u);
    BOOST_TEST(s.decisions.at_work() == 0u);
    auto delay = s.due().value();
    BOOST_TEST(delay >= 25ms);
    BOOST_TEST(delay < 50ms);
    s.after(delay - 1ms);
    BOOST_TEST(s.to_do() == "");
    s.after(2ms);
    BOOST_TEST(s.to_do() == "request");
    BOOST_TEST(s.job('a').state == job_entry::status::waiting);
    BOOST_TEST(!s.due());
}

BOOST_AUTO_TEST_CASE(one_that_waits_for_its_next_takes_nobodys_place)
{
    scene s{kept(1)};
    s.job('a').attempts = 2;
    s.run().submit("ab").comes(1).forget().ended(1).comes(2);
    BOOST_TEST(s.to_do() == "retry a after process_crashed in 1, request, send b to 2");
    s.submit("c").after(50ms);
    BOOST_TEST(s.to_do() == "");
    s.answers(2, 'b').answers(2, 'a').answers(2, 'c'); // it came before c
    BOOST_TEST(s.to_do() == "b: ok, send a to 2, a: ok, send c to 2, c: ok");
}

BOOST_AUTO_TEST_CASE(those_that_are_tried_again_keep_their_order)
{
    scene s{kept(3)};
    for (char name : {'a', 'b', 'c'})
        s.job(name).attempts = 2;
    s.job('d').priority = s.job('c').priority = 1;
    s.run().submit("ab").comes(1).comes(2).submit("c").comes(3).forget();
    s.ended(2).ended(1).ended(3).after(50ms).submit("de").forget();
    s.comes(4).answers(4, 'c').answers(4, 'd');
    BOOST_TEST(s.to_do() == "send c to 4, c: ok, send d to 4, d: ok, send a to 4");
    s.answers(4, 'a').answers(4, 'b');
    BOOST_TEST(s.to_do() == "a: ok, send b to 4, b: ok, send e to 4");
}

BOOST_AUTO_TEST_CASE(one_that_has_ended_a_process_is_put_beside_no_other)
{
    scene s{kept(1, 2)};
    s.job('a').attempts = 2;
    s.run().submit("abc").comes(1).begun(1, 'a').forget().ended(1);
    BOOST_TEST(s.to_do() == "retry a after process_crashed in 1, request");
    s.after(50ms).comes(2);
    BOOST_TEST(s.to_do() == "send a to 2"); // and nothing behind it
    s.submit("d").begun(2, 'a').answers(2, 'a');
    BOOST_TEST(s.to_do() == "a: ok, send b to 2, send c to 2, send d to 2");
}

BOOST_AUTO_TEST_CASE(nor_behind_another)
{
    scene s{kept(2, 2)};
    s.job('a').attempts = 2;
    s.job('a').timeout = 1s;
    s.run().submit("ab").comes(1).comes(2).submit("cd").begun(1, 'a').begun(2, 'b').after(1s);
    s.ended(1).comes(3).submit("e").forget(); // c runs there
    s.after(50ms).submit("f");
    BOOST_TEST(s.job('a').state == job_entry::status::waiting);
    BOOST_TEST(s.to_do() == ""); // who comes later waits, too
    s.begun(3, 'c').answers(3, 'c').begun(3, 'e').answers(3, 'e');
    BOOST_TEST(s.to_do() == "c: ok, e: ok, send a to 3, send f to 2"); // the first that is free
}

BOOST_AUTO_TEST_CASE(one_that_threw_has_ended_no_process)
{
    scene s{kept(1, 1)};
    s.job('a').attempts = 2;
    s.job('a').retry_exceptions = true;
    s.run().submit("ab").comes(1).answers(1, 'a', answer::threw).forget().after(50ms);
    BOOST_TEST(s.to_do() == "send a to 1"); // behind b
}

BOOST_AUTO_TEST_CASE(a_process_that_never_read_its_job_counts_none)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).forget().ended(1, errc::process_crashed, true);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.job('a').attempt == 0);
    BOOST_TEST(s.due().value() == 100ms); // as if it had not been started
    s.after(100ms).comes(2).answers(2, 'a');
    BOOST_TEST(s.to_do() == "request, send a to 2, a: ok");
    BOOST_TEST(s.job('a').attempt == 1);
}

BOOST_AUTO_TEST_CASE(processes_that_never_read_a_job_are_not_tried_for_ever)
{
    scene s{kept(1)};
    s.run().submit("a");
    for (int i = 1; i <= 4; ++i)
        s.comes(i).ended(i, errc::process_crashed, true).after(i < 4 ? 1s : 0s);
    BOOST_TEST(s.to_do() == "request, send a to 1, request, send a to 2, request, send a to 3, request, send a to 4, "
                            "a: launch_failed");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- time ----

BOOST_AUTO_TEST_SUITE(timeouts)

BOOST_AUTO_TEST_CASE(from_term_to_kill)
{
    scene s{{.workers = 1, .jobs_per_process = 0, .kill_after = 300ms}};
    s.job('a').timeout = 1s;
    s.run().submit("a");
    BOOST_TEST(!s.due()); // it has not begun
    s.comes(1).forget();
    BOOST_TEST(s.due().value() == 1s);
    s.after(999ms);
    BOOST_TEST(s.to_do() == "");
    s.after(1ms);
    BOOST_TEST(s.to_do() == "term 1");
    BOOST_TEST(s.due().value() == 300ms);
    s.after(300ms);
    BOOST_TEST(s.to_do() == "kill 1");
    BOOST_TEST(!s.due());
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: timed_out");
}

BOOST_AUTO_TEST_CASE(an_answer_in_time)
{
    scene s{kept(1)};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).after(900ms).answers(1, 'a').after(1h);
    BOOST_TEST(s.to_do() == "request, send a to 1, a: ok");
    BOOST_TEST(!s.due());
}

BOOST_AUTO_TEST_CASE(an_answer_too_late_does_not_change_the_verdict)
{
    scene s{kept(1)};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).forget().after(1s).answers(1, 'a');
    BOOST_TEST(s.to_do() == "term 1, kill 1"); // it has nothing to finish any more
    BOOST_TEST(!s.due());
    s.ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "a: timed_out");
}

BOOST_AUTO_TEST_CASE(no_time_between_term_and_kill)
{
    scene s{{.workers = 1, .jobs_per_process = 0, .kill_after = 0ns}};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).forget().after(1s);
    BOOST_TEST(s.to_do() == "term 1");
    BOOST_TEST(s.due().value() == 0s);
    s.after(0s);
    BOOST_TEST(s.to_do() == "kill 1");
}

BOOST_AUTO_TEST_CASE(the_longest_times)
{
    scene s{{.workers = 2, .jobs_per_process = 0, .kill_after = std::chrono::nanoseconds::max()}};
    s.job('a').timeout = std::chrono::nanoseconds::max();
    s.run().submit("ab").comes(1).comes(2).forget().after(1000h);
    BOOST_TEST(s.to_do() == "");
    s.cancel('b').after(1000h);
    BOOST_TEST(s.to_do() == "term 2");
}

BOOST_AUTO_TEST_CASE(an_idle_schedule_waits_for_nothing)
{
    scene s{kept(2)};
    s.run().submit("a").comes(1).answers(1, 'a');
    BOOST_TEST(!s.due());
    scene with_stock{{.workers = 2, .jobs_per_process = 1, .ahead = 2}};
    with_stock.run().comes(1).comes(2);
    BOOST_TEST(!with_stock.due());
}

BOOST_AUTO_TEST_SUITE_END()

// ---- cancel ----

BOOST_AUTO_TEST_SUITE(cancelling)

BOOST_AUTO_TEST_CASE(one_that_waits)
{
    for (auto how : {cancellation::waiting_only, cancellation::running_too}) {
        scene s{kept(1)};
        s.run().submit("ab").cancel('b', how);
        BOOST_TEST(s.to_do() == "request, b: canceled");
        s.comes(1).answers(1, 'a');
        BOOST_TEST(s.to_do() == "send a to 1, a: ok");
    }
}

BOOST_AUTO_TEST_CASE(one_that_waits_for_the_run)
{
    scene s{kept(1)};
    s.submit("a").cancel('a', cancellation::waiting_only);
    BOOST_TEST(s.to_do() == "a: canceled");
    BOOST_TEST(s.decisions.waiting() == 0);
}

BOOST_AUTO_TEST_CASE(one_that_runs)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).forget().cancel('a', cancellation::waiting_only);
    BOOST_TEST(s.to_do() == "");
    s.cancel('a');
    BOOST_TEST(s.to_do() == "term 1");
    s.cancel('a'); // again
    BOOST_TEST(s.to_do() == "");
    s.after(2s).ended(1);
    BOOST_TEST(s.to_do() == "kill 1, a: canceled"); // not before its process has ended
}

BOOST_AUTO_TEST_CASE(is_not_tried_again)
{
    scene s{kept(1)};
    s.job('a').attempts = 5;
    s.run().submit("a").comes(1).cancel('a').ended(1);
    BOOST_TEST(s.to_do() == "request, send a to 1, term 1, a: canceled");
}

BOOST_AUTO_TEST_CASE(while_it_waits_to_be_tried_again)
{
    for (auto how : {cancellation::waiting_only, cancellation::running_too})
        for (auto passed : {0ms, 50ms}) {
            scene s{kept(1)};
            s.job('a').attempts = 2;
            s.run().submit("a").comes(1).ended(1).after(passed).forget().cancel('a', how);
            BOOST_TEST(s.to_do() == "a: canceled");
            BOOST_TEST(s.decisions.waiting() == 0u);
            BOOST_TEST(!s.due());
            s.after(1h);
            BOOST_TEST(s.to_do() == "");
        }
}

BOOST_AUTO_TEST_CASE(the_answer_has_come_first)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).answers(1, 'a').cancel('a');
    BOOST_TEST(s.to_do() == "request, send a to 1, a: ok");
}

BOOST_AUTO_TEST_CASE(the_answer_comes_too_late)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).cancel('a').answers(1, 'a').ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "request, send a to 1, term 1, kill 1, a: canceled");
}

BOOST_AUTO_TEST_CASE(one_that_is_sent_does_not_harm_the_one_that_runs)
{
    for (auto how : {cancellation::waiting_only, cancellation::running_too}) {
        three_on_one_process s;
        s.cancel('b', how);
        BOOST_TEST((s.job('b').verdict == errc::canceled));
        BOOST_TEST(s.to_do() == "");
        s.answers(1, 'a'); // now b's turn has come
        BOOST_TEST(s.to_do() == "term 1, a: ok");
        BOOST_TEST(s.due().value() == 2s);
        s.begun(1, 'b'); // it does not know yet
        BOOST_TEST(s.to_do() == "");
        s.ended(1);
        BOOST_TEST(s.to_do() == "b: canceled, request");
        s.comes(2);
        BOOST_TEST(s.to_do() == "send c to 2");
    }
}

BOOST_AUTO_TEST_CASE(the_first_that_is_sent_ends_when_it_is_announced)
{
    for (auto how : {cancellation::waiting_only, cancellation::running_too}) {
        scene s{kept(1, 1)};
        s.job('a').timeout = 1s;
        s.run().submit("ab").comes(1).forget().cancel('a', how).begun(1, 'a');
        BOOST_TEST(s.to_do() == "term 1");
        BOOST_TEST(s.due().value() == 2s); // to kill it: the timeout counts no more
        s.answers(1, 'a');
        BOOST_TEST(s.to_do() == "kill 1");
        BOOST_TEST(!s.due());
        s.ended(1);
        BOOST_TEST(s.to_do() == "a: canceled, request");
        BOOST_TEST(s.job('b').attempt == 0);
    }
}

BOOST_AUTO_TEST_CASE(one_that_is_sent_and_is_answered_without_a_word_before)
{
    scene s{kept(1, 1)};
    s.job('a').timeout = 1s;
    s.run().submit("ab").comes(1).forget().cancel('a').answers(1, 'a');
    BOOST_TEST(s.process(1).state == process_entry::status::ending);
    BOOST_TEST(s.to_do() == "term 1, kill 1");
    BOOST_TEST(!s.due());
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: canceled, request");
}

BOOST_AUTO_TEST_CASE(an_answer_after_its_process_was_asked_to_end_sets_no_deadline)
{
    three_on_one_process s;
    s.job('b').timeout = 1s;
    s.cancel('b').answers(1, 'a').answers(1, 'b');
    BOOST_TEST(s.to_do() == "term 1, a: ok, kill 1");
    BOOST_TEST(!s.due());
    s.ended(1);
    BOOST_TEST(s.to_do() == "b: canceled, request");
}

BOOST_AUTO_TEST_CASE(one_that_is_sent_to_a_process_that_ends_before_it_begins_it)
{
    scene s{kept(1, 1)};
    s.run().submit("ab").comes(1).forget().cancel('a', cancellation::waiting_only).ended(1);
    BOOST_TEST(s.to_do() == "term 1, a: canceled, request"); // at once: it harms nobody, and may never be announced
    BOOST_TEST(s.job('b').state == job_entry::status::waiting);
}

BOOST_AUTO_TEST_CASE(one_that_is_sent_to_a_process_that_crashes)
{
    three_on_one_process s;
    s.cancel('b').ended(1);
    BOOST_TEST(s.to_do() == "a: process_crashed, b: canceled, request");
}

BOOST_AUTO_TEST_CASE(those_behind_it_run_elsewhere)
{
    three_on_one_process s;
    s.cancel('a').ended(1).comes(2).begun(2, 'b');
    BOOST_TEST(s.to_do() == "term 1, a: canceled, request, send b to 2, send c to 2");
    BOOST_TEST(s.job('b').attempt == 1);
}

BOOST_AUTO_TEST_CASE(after_a_timeout_the_first_verdict_stands)
{
    scene s{kept(1)};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).after(1s).cancel('a').ended(1);
    BOOST_TEST(s.to_do() == "request, send a to 1, term 1, a: timed_out");
}

BOOST_AUTO_TEST_CASE(what_is_new_or_has_ended)
{
    scene s{kept(1)};
    s.run().cancel('a');
    BOOST_TEST(s.job('a').state == job_entry::status::fresh);
    s.submit("b").cancel('b').cancel('b');
    BOOST_TEST(s.to_do() == "request, b: canceled");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- stop ----

BOOST_AUTO_TEST_SUITE(stopping)

BOOST_AUTO_TEST_CASE(what_runs_finishes_and_what_waits_does_not_start)
{
    scene s{kept(1)};
    s.run().submit("abc").comes(1).forget().stop();
    BOOST_TEST(s.to_do() == "b: stopped, c: stopped");
    BOOST_TEST(!s.decisions.finished());
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "retire 1, a: ok");
    BOOST_TEST(!s.decisions.finished());
    s.ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(what_is_taken_before_a_stop_begins_nothing_new)
{
    // What the processes had said by then is told first, and the places that it frees are not given away any more.
    scene s{kept(1, 1)};
    s.run().submit("abc").comes(1).begun(1, 'a').forget();
    s.decisions.hold();
    s.answers(1, 'a').begun(1, 'b');
    s.stop();
    s.decisions.release(s.now);
    BOOST_TEST(s.to_do() == "a: ok, c: stopped");
    s.answers(1, 'b');
    BOOST_TEST(s.to_do() == "retire 1, b: ok");
}

BOOST_AUTO_TEST_CASE(what_was_held_goes_on)
{
    scene s{kept(1, 1)};
    s.run().submit("abc").comes(1).begun(1, 'a').forget();
    s.decisions.hold();
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok");
    s.decisions.release(s.now);
    BOOST_TEST(s.to_do() == "send c to 1");
}

BOOST_AUTO_TEST_CASE(what_comes_later_is_refused)
{
    scene s{kept(1)};
    s.run().stop().submit("a");
    BOOST_TEST(s.to_do() == "a: stopped");
}

BOOST_AUTO_TEST_CASE(idle_processes_retire_and_starting_ones_are_ended)
{
    scene s{kept(2)};
    s.run().submit("ab").comes(1).answers(1, 'a').answers(1, 'b').born(2).forget().stop();
    BOOST_TEST(s.to_do() == "retire 1, term 2");
    s.after(2s);
    BOOST_TEST(s.to_do() == "kill 1, kill 2");
    s.ready(2); // too late
    BOOST_TEST(s.process(2).state == process_entry::status::ending);
    s.ended(1).ended(2);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(a_process_that_is_born_meanwhile_is_ended)
{
    scene s{kept(2)};
    s.run().submit("a").forget().stop().born(1);
    BOOST_TEST(s.to_do() == "a: stopped, term 1");
    s.after(2s).ended(1);
    BOOST_TEST(s.to_do() == "kill 1");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(nothing_is_tried_again)
{
    scene s{kept(2)};
    s.job('a').attempts = s.job('b').attempts = 5;
    s.job('b').retry_exceptions = true;
    s.run().submit("ab").comes(1).comes(2).forget().stop();
    s.ended(1).answers(2, 'b', answer::threw);
    BOOST_TEST(s.to_do() == "a: process_crashed, retire 2, b: job_threw");
}

BOOST_AUTO_TEST_CASE(what_waits_to_be_tried_again)
{
    for (bool terminate : {false, true}) {
        scene s{kept(1)};
        s.job('a').attempts = 5;
        s.run().submit("ab").comes(1).ended(1).forget();
        terminate ? s.terminate() : s.stop();
        BOOST_TEST(s.to_do() == "a: stopped, b: stopped");
        BOOST_TEST(!s.due());
        BOOST_TEST(s.decisions.finished());
        s.decisions.end_run();
        s.submit("c").run();
        BOOST_TEST(s.to_do() == "request");
    }
}

BOOST_AUTO_TEST_CASE(what_was_sent_ahead_to_a_process_that_dies)
{
    three_on_one_process s;
    s.stop().ended(1);
    BOOST_TEST(s.to_do() == "a: process_crashed, b: stopped, c: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(what_was_sent_ahead_does_not_begin)
{
    three_on_one_process s;
    s.stop();
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(!s.job('a').verdict);
    BOOST_TEST((s.job('b').verdict == errc::stopped));
    BOOST_TEST((s.job('c').verdict == errc::stopped));
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "term 1, a: ok");
    s.after(2s).ended(1);
    BOOST_TEST(s.to_do() == "kill 1, b: stopped, c: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(what_was_sent_and_is_announced_too_late)
{
    scene s{kept(1, 1)};
    s.run().submit("ab").comes(1).forget().stop().cancel('a'); // the first verdict stands
    BOOST_TEST(s.to_do() == "term 1"); // at once, since it may never be announced
    s.begun(1, 'a');
    BOOST_TEST(s.to_do() == "");
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: stopped, b: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(what_was_cancelled_before_the_stop_is_cancelled)
{
    three_on_one_process s;
    s.cancel('c').stop().answers(1, 'a').ended(1);
    BOOST_TEST(s.to_do() == "term 1, a: ok, b: stopped, c: canceled");
}

BOOST_AUTO_TEST_CASE(twice_and_without_a_run)
{
    scene s{kept(1)};
    s.stop().terminate().submit("a");
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(!s.decisions.finished());
    s.run().stop().stop();
    BOOST_TEST(s.to_do() == "request, a: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(timeouts_still_hold)
{
    scene s{kept(1)};
    s.job('a').timeout = 1s;
    s.run().submit("a").comes(1).forget().stop().after(1s).after(2s).ended(1);
    BOOST_TEST(s.to_do() == "term 1, kill 1, a: timed_out");
}

BOOST_AUTO_TEST_CASE(terminate_kills_what_runs)
{
    scene s{kept(2, 1)};
    s.run().submit("ab").comes(1).comes(2).submit("cdef").begun(1, 'a').forget().terminate(); // b is on its way
    BOOST_TEST(s.to_do() == "e: stopped, f: stopped, term 2, term 1");
    s.after(2s).ended(1).ended(2);
    BOOST_TEST(s.to_do() == "kill 1, kill 2, a: stopped, c: stopped, b: stopped, d: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(terminate_after_stop)
{
    scene s{kept(2)};
    s.job('a').attempts = 3;
    s.run().submit("ab").comes(1).comes(2).answers(2, 'b').forget().stop();
    BOOST_TEST(s.to_do() == "retire 2");
    s.terminate();
    BOOST_TEST(s.to_do() == "term 1");
    s.terminate().stop();
    BOOST_TEST(s.to_do() == "");
    s.answers(1, 'a').ended(1).ended(2);
    BOOST_TEST(s.to_do() == "kill 1, a: stopped");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(terminate_does_not_change_an_earlier_verdict)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).cancel('a').forget().terminate();
    BOOST_TEST(s.to_do() == "");
    s.ended(1);
    BOOST_TEST(s.to_do() == "a: canceled");
}

BOOST_AUTO_TEST_CASE(the_next_run)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).stop().answers(1, 'a').ended(1).forget();
    s.decisions.end_run();
    s.submit("b");
    BOOST_TEST(s.to_do() == "");
    s.run();
    BOOST_TEST(s.to_do() == "request");
    s.comes(2).answers(2, 'b').stop().ended(2);
    BOOST_TEST(s.to_do() == "send b to 2, b: ok, retire 2");
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_CASE(a_process_that_was_asked_for_in_the_last_run_counts_for_nothing)
{
    scene s{kept(1)};
    s.run().submit("a").stop().forget();
    s.decisions.end_run();
    s.submit("b").run();
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(abandon_hands_over_every_job_that_has_not_ended)
{
    scene s{kept(1, 1)};
    s.job('e').attempts = 2;
    s.run().submit("e").comes(2).begun(2, 'e').ended(2).submit("abcd").comes(1).answers(1, 'a').forget();
    std::string handed;
    s.decisions.abandon([&](job_entry& job) {
        BOOST_TEST(job.state == job_entry::status::ended);
        handed += static_cast<char>(job.id);
    });
    BOOST_TEST(handed == "debc");
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(!s.due());
    BOOST_TEST(s.decisions.waiting() == 0);
    BOOST_TEST(s.decisions.processes() == 0);
    s.cancel('b'); // the handler of an abandoned call may come too late
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_CASE(abandon_hands_over_what_has_ended_and_was_not_told)
{
    scene s{kept(1, 1)};
    s.run().submit("abcd").comes(1).answers(1, 'a').cancel('d');
    std::string handed;
    s.decisions.abandon([&](job_entry& job) { handed += static_cast<char>(job.id); });
    BOOST_TEST(handed == "adbc"); // each of them once
    BOOST_TEST(s.to_do() == "");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- launches that fail ----

BOOST_AUTO_TEST_SUITE(launching)

BOOST_AUTO_TEST_CASE(delays_grow_up_to_a_bound)
{
    BOOST_TEST(launch_delay(1) == 100ms);
    BOOST_TEST(launch_delay(2) == 200ms);
    BOOST_TEST(launch_delay(3) == 400ms);
    BOOST_TEST(launch_delay(7) == 6400ms);
    BOOST_TEST(launch_delay(8) == 6400ms);
    BOOST_TEST(launch_delay(1u << 31) == 6400ms);
}

BOOST_AUTO_TEST_CASE(is_tried_again_and_then_told)
{
    scene s{kept(1)};
    s.run().submit("a");
    for (auto delay : {100ms, 200ms, 400ms}) {
        BOOST_TEST(s.to_do() == "request");
        s.launch_failed();
        BOOST_TEST(s.to_do() == "");
        BOOST_TEST(s.due().value() == delay);
        s.after(delay - 1ms);
        BOOST_TEST(s.to_do() == "");
        s.after(1ms);
    }
    BOOST_TEST(s.to_do() == "request");
    s.launch_failed();
    BOOST_TEST(s.to_do() == "a: launch_failed");
    BOOST_TEST(!s.due()); // nobody wants a process now
    s.submit("b");
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.due().value() == 800ms);
}

BOOST_AUTO_TEST_CASE(several_at_once_have_failed_once)
{
    scene s{kept(4)};
    s.run().submit("abcd").forget();
    s.launch_failed().launch_failed().launch_failed(2);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.due().value() == 100ms);
    s.after(100ms);
    BOOST_TEST(s.to_do() == "request, request, request, request");
}

BOOST_AUTO_TEST_CASE(is_not_tried_where_it_would_not_help)
{
    scene s{kept(2)};
    s.run().submit("ab").forget().launch_failed(2, errc::not_initialised, true);
    BOOST_TEST(s.to_do() == "a: not_initialised, b: not_initialised");
    s.submit("c").after(100ms).launch_failed(1, errc::not_initialised, true);
    BOOST_TEST(s.to_do() == "request, c: not_initialised");
}

BOOST_AUTO_TEST_CASE(final_within_a_delay)
{
    scene s{kept(2)};
    s.run().submit("ab").forget().launch_failed().launch_failed(1, errc::other_build, true);
    BOOST_TEST(s.to_do() == "a: other_build, b: other_build");
}

BOOST_AUTO_TEST_CASE(a_process_that_ends_before_it_is_ready)
{
    scene s{kept(1)};
    s.run().submit("a").born(1).ended(1, errc::launch_failed);
    BOOST_TEST(s.to_do() == "request");
    BOOST_TEST(s.due().value() == 100ms);
    BOOST_TEST(s.job('a').attempt == 0);
}

BOOST_AUTO_TEST_CASE(a_process_of_another_build)
{
    scene s{kept(1)};
    s.run().submit("a").born(1).misbehaves(1).ended(1, errc::other_build);
    BOOST_TEST(s.to_do() == "request, kill 1, a: other_build");
    s.submit("b");
    BOOST_TEST(s.to_do() == ""); // not at once again
    BOOST_TEST(s.due().value() == 100ms);
}

BOOST_AUTO_TEST_CASE(a_process_that_talks_nonsense_before_it_is_ready)
{
    scene s{kept(1)};
    s.run().submit("a");
    for (int i = 1; i <= 4; ++i)
        s.born(i).misbehaves(i).ended(i, errc::launch_failed).after(i < 4 ? 1s : 0s);
    BOOST_TEST(s.to_do() == "request, kill 1, request, kill 2, request, kill 3, request, kill 4, a: launch_failed");
}

BOOST_AUTO_TEST_CASE(one_that_is_not_ready_in_time_is_killed)
{
    scene s{kept(1)};
    s.run().submit("a").born(1).forget();
    s.process(1).kill_at = s.now + 10s;
    BOOST_TEST(s.due().value() == 10s);
    s.after(10s).ended(1, errc::launch_failed);
    BOOST_TEST(s.to_do() == "kill 1");
    BOOST_TEST(s.due().value() == 100ms);
}

BOOST_AUTO_TEST_CASE(one_that_ends_before_it_had_a_job)
{
    scene s{{.workers = 2, .jobs_per_process = 1, .ahead = 1}};
    s.run().comes(1).forget().ended(1);
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(!s.due()); // without demand nothing is tried
    s.submit("a");
    BOOST_TEST(s.to_do() == "");
    BOOST_TEST(s.due().value() == 100ms);
    s.after(100ms);
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(one_that_talks_nonsense_before_it_had_a_job)
{
    scene s{{.workers = 2, .jobs_per_process = 1, .ahead = 1}};
    s.run().comes(1).misbehaves(1).ended(1);
    BOOST_TEST(s.to_do() == "request, kill 1"); // and never a spin
    s.submit("a").after(100ms);
    BOOST_TEST(s.to_do() == "request");
}

BOOST_AUTO_TEST_CASE(an_answer_ends_the_series)
{
    scene s{kept(1)};
    s.run().submit("ab").launch_failed().after(100ms).launch_failed().after(200ms).comes(1).answers(1, 'a').forget();
    s.ended(1);
    BOOST_TEST(s.to_do() == "b: process_crashed");
    s.submit("c").launch_failed();
    BOOST_TEST(s.to_do() == "request");
    BOOST_TEST(s.due().value() == 100ms);
}

BOOST_AUTO_TEST_CASE(without_demand_nothing_is_tried)
{
    scene s{{.workers = 1, .jobs_per_process = 1, .ahead = 1}};
    s.run().forget().launch_failed();
    BOOST_TEST(!s.due());
    s.after(1h);
    BOOST_TEST(s.to_do() == "request"); // whoever looks may try
    s.launch_failed().submit("a");
    BOOST_TEST(s.due().value() == 200ms);
}

BOOST_AUTO_TEST_CASE(those_that_exist_work_on_meanwhile)
{
    scene s{kept(2)};
    s.run().submit("ab").comes(1).forget().launch_failed().answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok, send b to 1");
}

BOOST_AUTO_TEST_CASE(an_idle_process_takes_what_another_never_read)
{
    scene s{kept(1)};
    s.run().submit("a").launch_failed().comes(1).comes(2).forget().ended(1, errc::process_lost, true);
    BOOST_TEST(s.to_do() == "send a to 2");
}

BOOST_AUTO_TEST_CASE(an_answer_of_one_that_was_always_there_does_not_end_the_series)
{
    scene s{kept(2)};
    for (char name = 'c'; name <= 'z'; ++name)
        s.job(name).priority = 1;
    s.run().submit("ab").comes(1).forget().launch_failed();
    char name = 'c';
    for (auto delay : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 6400ms}) {
        s.submit(std::string{name});
        BOOST_TEST(s.due().value() == delay);
        s.answers(1, name == 'c' ? 'a' : static_cast<char>(name - 1));
        BOOST_TEST(s.to_do().find("request") == std::string::npos); // never a spin
        s.after(delay);
        BOOST_TEST(s.to_do() == "request");
        s.launch_failed();
        ++name;
    }
    s.after(6400ms).comes(2).forget();
    s.answers(2, 'b').submit("yz").forget().ended(2);
    BOOST_TEST(s.to_do() == "y: process_crashed, request"); // now it is over
}

BOOST_AUTO_TEST_CASE(those_that_end_are_replaced_meanwhile)
{
    scene s{fresh(3)};
    s.run().submit("abcdef").comes(1).comes(2).forget().launch_failed();
    s.answers(1, 'a').answers(2, 'b');
    BOOST_TEST(s.to_do() == "a: ok, b: ok"); // two is what the machine can bear
    s.ended(1, errc::process_exited);
    BOOST_TEST(s.to_do() == "request");
    s.ended(2, errc::process_exited);
    BOOST_TEST(s.to_do() == "request");
    s.comes(3).launch_failed(); // or rather one
    BOOST_TEST(s.to_do() == "send c to 3 as its last");
    s.answers(3, 'c').ended(3, errc::process_exited);
    BOOST_TEST(s.to_do() == "c: ok, request");
    BOOST_TEST(s.due().value() == 100ms);
    s.launch_failed();
    BOOST_TEST(s.to_do() == "");
    s.after(100ms);
    BOOST_TEST(s.to_do() == "request, request, request");
}

BOOST_AUTO_TEST_CASE(one_at_work_is_no_reason_to_wait_for_ever)
{
    scene s{kept(2)};
    s.run().submit("ab").comes(1).forget();
    std::chrono::nanoseconds waited{};
    for (int i = 0; i < 100 && s.job('b').state == job_entry::status::waiting; ++i) {
        s.launch_failed().forget();
        if (auto delay = s.due()) {
            s.after(*delay);
            waited += *delay;
        }
    }
    BOOST_TEST(s.job('b').state == job_entry::status::ended);
    BOOST_TEST(in_ms(waited) > 60s);
    BOOST_TEST(in_ms(waited) < 70s);
    BOOST_TEST(s.job('a').state == job_entry::status::begun);
}

BOOST_AUTO_TEST_CASE(one_that_waits_for_a_place_does_not_fail_by_a_launch)
{
    scene s{{.workers = 1, .jobs_per_process = 1, .ahead = 1}};
    s.run().submit("ab").comes(1).forget(); // the one ahead cannot be started
    for (int i = 0; i < 100; ++i)
        s.launch_failed().after(10s);
    BOOST_TEST(s.job('b').state == job_entry::status::waiting);
    s.forget().answers(1, 'a').ended(1, errc::process_exited).comes(2);
    BOOST_TEST(s.to_do() == "a: ok, send b to 2 as its last, request");
}

BOOST_AUTO_TEST_CASE(who_is_as_good_as_none)
{
    scene s{kept(4)};
    auto ends = [&](int number, bool untouched = false) {
        return s.decisions.process_ended(s.process(number), errc::process_crashed, untouched, s.now);
    };
    s.run().submit("ab").born(1);
    BOOST_TEST(ends(1)); // not ready
    s.comes(2);
    BOOST_TEST(ends(2, true)); // a was not read
    s.comes(3).comes(4).comes(5);
    BOOST_TEST(ends(5)); // idle, and has never had a job
    s.answers(3, 'a');
    BOOST_TEST(!ends(3)); // it had one
    BOOST_TEST(!ends(4)); // b's fault
    s.born(6).comes(7).stop();
    BOOST_TEST(!ends(6)); // nobody wants any
    BOOST_TEST(!ends(7));
}

BOOST_AUTO_TEST_CASE(one_that_was_ended_before_it_read_its_job_is_no_failed_launch)
{
    scene s{kept(1)};
    s.run().submit("ab").comes(1).forget().cancel('a').ended(1, errc::process_crashed, true);
    BOOST_TEST(s.to_do() == "term 1, a: canceled, request"); // at once
    BOOST_TEST(!s.due());
}

BOOST_AUTO_TEST_CASE(stopped_meanwhile)
{
    scene s{kept(1)};
    s.run().submit("a").launch_failed().forget().stop();
    BOOST_TEST(s.to_do() == "a: stopped");
    BOOST_TEST(!s.due());
    s.launch_failed();
    BOOST_TEST(!s.due());
    BOOST_TEST(s.decisions.finished());
}

BOOST_AUTO_TEST_SUITE_END()

// ---- the producer ----

BOOST_AUTO_TEST_SUITE(producer)

BOOST_AUTO_TEST_CASE(is_asked_when_a_process_can_take_the_task)
{
    scene s{fresh(2)};
    s.run(true);
    BOOST_TEST(s.to_do() == "request");
    s.comes(1);
    BOOST_TEST(s.to_do() == "ask");
    s.produced('a');
    BOOST_TEST(s.to_do() == "send a to 1 as its last, request");
    s.comes(2);
    BOOST_TEST(s.to_do() == "ask");
    s.produced('b');
    BOOST_TEST(s.to_do() == "send b to 2 as its last");
    s.answers(2, 'b');
    BOOST_TEST(s.to_do() == "b: ok, request");
}

BOOST_AUTO_TEST_CASE(is_asked_for_one_task_at_a_time)
{
    scene s{kept(2)};
    s.run(true).submit("ab").comes(1).comes(2).answers(1, 'a').answers(2, 'b');
    BOOST_TEST(s.to_do() == "request, request, send a to 1, send b to 2, a: ok, ask, b: ok");
    s.produced('c');
    BOOST_TEST(s.to_do() == "send c to 1, ask");
}

BOOST_AUTO_TEST_CASE(calls_go_first)
{
    scene s{kept(1)};
    s.run(true).comes(1).submit("ab").produced('c');
    BOOST_TEST(s.to_do() == "request, ask, send a to 1");
    s.answers(1, 'a').answers(1, 'b').answers(1, 'c');
    BOOST_TEST(s.to_do() == "a: ok, send b to 1, b: ok, send c to 1, c: ok, ask");
}

BOOST_AUTO_TEST_CASE(is_asked_for_what_can_be_sent_ahead)
{
    scene s{kept(1, 1)};
    s.run(true).comes(1).produced('a').produced('b').answers(1, 'a');
    BOOST_TEST(s.to_do() == "request, ask, send a to 1, ask, send b to 1, a: ok, ask");
}

BOOST_AUTO_TEST_CASE(is_held_back_by_a_slow_consumer)
{
    scene s{kept(2)};
    s.run(true).comes(1).produced('a').forget().backlog(2).answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok");
    s.backlog(1);
    BOOST_TEST(s.to_do() == "ask");
    s.produced('b');
    BOOST_TEST(s.to_do() == "send b to 1"); // the second has been asked for
    s.comes(2);
    BOOST_TEST(s.to_do() == "");
    s.backlog(0);
    BOOST_TEST(s.to_do() == "ask");
}

BOOST_AUTO_TEST_CASE(is_not_asked_before_the_consumer_has_seen_what_ended)
{
    scene s{kept(1)};
    s.run(true).comes(1).forget();
    s.job('a').produced = true;
    s.produced('a').forget();
    s.answers(1, 'a');
    BOOST_TEST(s.to_do() == "a: ok");
    s.backlog(0);
    BOOST_TEST(s.to_do() == "ask");
}

BOOST_AUTO_TEST_CASE(has_no_more)
{
    scene s{fresh(1)};
    s.run(true).comes(1).produced('a').answers(1, 'a').forget().comes(2);
    BOOST_TEST(s.to_do() == "ask");
    s.produced_all();
    BOOST_TEST(s.to_do() == "");
    s.submit("b").answers(2, 'b');
    BOOST_TEST(s.to_do() == "send b to 2 as its last, b: ok");
}

BOOST_AUTO_TEST_CASE(is_asked_while_a_task_waits_to_be_tried_again)
{
    auto limits = kept(1);
    limits.queue_limit = 2;
    scene s{limits};
    for (char name : {'a', 'b', 'c'})
        s.job(name).attempts = 2;
    s.run(true).comes(1).produced('a').forget().ended(1).comes(2);
    BOOST_TEST(s.to_do() == "retry a after process_crashed in 1, request, ask");
    s.produced('b').ended(2).comes(3);
    BOOST_TEST(s.to_do() == "send b to 2, retry b after process_crashed in 1, request"); // enough of them
    s.after(50ms);
    BOOST_TEST(s.to_do() == "send a to 3");
    s.answers(3, 'a').answers(3, 'b');
    BOOST_TEST(s.to_do() == "a: ok, send b to 3, b: ok, ask");
}

BOOST_AUTO_TEST_CASE(is_not_asked_for_a_place_behind_one_that_is_put_beside_no_other)
{
    scene s{kept(1, 1)};
    s.job('a').attempts = 2;
    s.run(true).submit("a").comes(1).begun(1, 'a').ended(1).after(50ms).comes(2).forget();
    BOOST_TEST(s.job('a').state == job_entry::status::sent);
    s.produced('b'); // it had been asked before
    BOOST_TEST(s.to_do() == "");
    s.begun(2, 'a').answers(2, 'a');
    BOOST_TEST(s.to_do() == "a: ok, send b to 2, ask");
}

BOOST_AUTO_TEST_CASE(is_not_asked_after_stop)
{
    scene s{kept(1)};
    s.run(true).comes(1).produced('a').forget().stop().answers(1, 'a');
    BOOST_TEST(s.to_do() == "retire 1, a: ok");
    scene asked{kept(1)};
    asked.run(true).comes(1).stop().forget().produced('a');
    BOOST_TEST(asked.to_do() == "a: stopped");
}

BOOST_AUTO_TEST_CASE(a_task_is_what_a_failed_launch_is_told_by)
{
    scene s{kept(1)};
    s.run(true).launch_failed();
    BOOST_TEST(s.to_do() == "request, ask");
    s.produced('a');
    BOOST_TEST(s.to_do() == "");
    for (int i = 0; i < 3; ++i)
        s.after(1s).launch_failed();
    BOOST_TEST(s.to_do() == "request, request, request, a: launch_failed, ask");
}

BOOST_AUTO_TEST_SUITE_END()

// ---- nonsense ----

BOOST_AUTO_TEST_SUITE(nonsense)

BOOST_AUTO_TEST_CASE(an_answer_that_nobody_has_asked_for)
{
    scene s{kept(1)};
    s.run().submit("a").born(1);
    BOOST_TEST(!s.decisions.answered(s.process(1), 'a', answer::result, s.now));
    s.ready(1).answers(1, 'a').forget();
    BOOST_TEST(!s.decisions.answered(s.process(1), 'a', answer::result, s.now));
    BOOST_TEST(!s.decisions.begun(s.process(1), 'a', s.now));
}

BOOST_AUTO_TEST_CASE(an_idle_process_that_misbehaves_is_killed_and_replaced)
{
    scene s{kept(1)};
    s.run().submit("a").comes(1).answers(1, 'a').forget().misbehaves(1);
    BOOST_TEST(s.to_do() == "kill 1");
    s.submit("b");
    BOOST_TEST(s.to_do() == "request");
    s.ended(1).comes(2);
    BOOST_TEST(s.to_do() == "send b to 2");
}

BOOST_AUTO_TEST_CASE(only_the_job_that_runs_is_blamed)
{
    three_on_one_process s;
    s.misbehaves(1).misbehaves(1, errc::too_large).ended(1);
    BOOST_TEST(s.to_do() == "kill 1, kill 1, a: bad_message, request");
    BOOST_TEST(s.job('b').state == job_entry::status::waiting);
}

BOOST_AUTO_TEST_CASE(a_ready_process_is_not_made_ready_twice)
{
    scene s{kept(1)};
    s.run().submit("ab").comes(1).ready(1);
    BOOST_TEST(s.to_do() == "request, send a to 1");
    BOOST_TEST(s.process(1).state == process_entry::status::busy);
}

BOOST_AUTO_TEST_SUITE_END()
