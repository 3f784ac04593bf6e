// The judge of the soak: it finds what is wrong, and nothing in what is right.
#include "test/soak/judge.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <functional>

using soak::deed;
using wodehaus::errc;

namespace {

/// A round of one run with one call, which has gone well.
struct sample {
    soak::round_plan plan;
    soak::round_course seen;

    explicit sample(deed what = deed::returns, int number = 0)
    {
        auto& planned = plan.runs.emplace_back().calls.emplace_back().tasks.emplace_back();
        planned.id = 1;
        planned.what = what;
        planned.number = number;
        auto& run = seen.runs.emplace_back();
        run.calls.emplace_back().begun = 1;
        run.begun = 2;
        run.asked = 5;
        run.ends = {8};
        seen.destroyed = 9;
        seen.tasks[1].begun = 1;
        seen.begins[1] = 1;
        soak::end_seen end;
        end.at = 4;
        end.right = true;
        end.attempt = 1;
        seen.tasks[1].ends.push_back(end);
    }
    soak::task_plan& task() { return plan.runs[0].calls[0].tasks[0]; }
    soak::task_course& course() { return seen.tasks[1]; }
    wodehaus::failure& fails(errc code)
    {
        wodehaus::failure why{make_error_code(code), "what"};
        why.worker = "worker";
        return course().ends[0].why.emplace(why);
    }
};

void check(sample const& one, std::string const& expected)
{
    auto complaints = judge(one.plan, one.seen);
    std::string all;
    for (auto const& each : complaints)
        all += each + "\n";
    if (expected.empty())
        BOOST_CHECK_MESSAGE(complaints.empty(), "nothing was wrong, but: " << all);
    else
        BOOST_CHECK_MESSAGE(all.find(expected) != all.npos, "expected '" << expected << "', but: " << all);
}

/// First without complaint, then with this one.
void check_change(sample one, std::string const& expected, std::function<void(sample&)> change)
{
    check(one, "");
    change(one);
    check(one, expected);
}

} // namespace

BOOST_AUTO_TEST_CASE(each_task_ends_once)
{
    check_change(sample{}, "has ended 0 times", [](sample& one) { one.course().ends.clear(); });
    check_change(sample{}, "has ended 2 times", [](sample& one) { one.course().ends.push_back(one.course().ends[0]); });
    check_change(sample{}, "has ended 0 times", [](sample& one) { one.seen.runs[0].ends.clear(); });
}

BOOST_AUTO_TEST_CASE(results_are_right_and_possible)
{
    check_change(sample{}, "wrong result", [](sample& one) { one.course().ends[0].right = false; });
    check_change(sample{}, "cannot succeed", [](sample& one) { one.task().what = deed::hangs; });
    check_change(sample{}, "from attempt 2", [](sample& one) { one.course().ends[0].attempt = 2; });
    check_change(sample{}, "was begun 2 times", [](sample& one) { one.seen.begins[1] = 2; });
}

BOOST_AUTO_TEST_CASE(a_crash_names_its_signal)
{
    sample crashed{deed::crashes, SIGSEGV};
    crashed.fails(errc::process_crashed).signal = SIGSEGV;
    check_change(crashed, "does not crash so", [](sample& one) { one.course().ends[0].why->signal = SIGBUS; });
    check_change(crashed, "was not tried again", [](sample& one) { one.task().attempts = 2; });
    auto kill = [](sample& one) { one.course().ends[0].why->signal = SIGKILL; };
    check_change(crashed, "does not crash so", kill);
    crashed.seen.hits.push_back({3, false, SIGKILL});
    kill(crashed);
    check(crashed, "");
}

BOOST_AUTO_TEST_CASE(what_has_a_cause_is_possible_and_nothing_else)
{
    for (auto code : {errc::canceled, errc::stopped, errc::timed_out, errc::process_lost, errc::launch_failed,
                      errc::queue_full, errc::bad_message, errc::too_large, errc::unknown_worker, errc::job_threw}) {
        sample one;
        one.fails(code);
        BOOST_TEST(judge(one.plan, one.seen).size() == 1u);
    }
    auto has_cause = [](errc code, std::function<void(sample&)> cause) {
        sample one;
        one.fails(code);
        cause(one);
        check(one, "");
    };
    has_cause(errc::canceled, [](sample& one) { one.course().cancelled = 3; });
    has_cause(errc::stopped, [](sample& one) { one.seen.runs[0].asked = 3; });
    has_cause(errc::timed_out, [](sample& one) { one.task().timeout = soak::milliseconds{1}; });
    has_cause(errc::process_lost, [](sample& one) { one.seen.hits.push_back({3, true, SIGKILL}); });
    has_cause(errc::launch_failed, [](sample& one) { one.seen.hits.assign(4, {3, false, SIGKILL}); });
}

BOOST_AUTO_TEST_CASE(calls_end_before_their_run_and_nothing_is_left)
{
    check_change(sample{}, "has ended after its run",
                 [](sample& one) { one.seen.runs[0].ends = {3}, one.seen.runs[0].asked = 2; });
    check_change(sample{}, "jobs at work", [](sample& one) { one.seen.runs[0].after.running = 1; });
    check_change(sample{}, "no such error", [](sample& one) { one.seen.runs[0].error = "no such error"; });
    check_change(sample{}, "left: a process", [](sample& one) { one.seen.left.push_back("a process"); });
}

BOOST_AUTO_TEST_CASE(a_plan_is_made_of_its_seed_alone)
{
    for (std::uint64_t number = 1; number < 100; ++number) {
        auto plan = describe(soak::make_plan(7, number, {}));
        BOOST_TEST(plan == describe(soak::make_plan(7, number, {})));
        BOOST_TEST(plan != describe(soak::make_plan(8, number, {})));
    }
}
