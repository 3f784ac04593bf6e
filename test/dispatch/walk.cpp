// The decisions under events in any order: random walks by the thousand. A walk that fails prints its seed;
// SCHEDULE_SEED=n in the environment walks that one alone, and SCHEDULE_WALKS=n more.
#include "test/dispatch/world.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace wodehaus::detail;
using namespace std::chrono_literals;

namespace {

int weight_of(happening what)
{
    using enum happening;
    switch (what) {
    case ready:
    case born:
    case result:
        return 30;
    case submit:
    case produce:
    case begins:
    case time_passes:
        return 15;
    case crashes:
    case exits:
    case throws:
    case moment:
        return 6;
    case stop:
    case terminate:
    case launch_fails_for_good:
        return 1;
    case run:
    case end_run:
        return 60;
    default:
        return 3;
    }
}

/// What went wrong on the walk with this seed; nothing if all went well.
class random_walk {
public:
    static std::string with(std::uint64_t seed)
    {
        auto what = random_walk{seed}.walk(false);
        return what.empty() ? what : "SCHEDULE_SEED=" + std::to_string(seed) + ": " + random_walk{seed}.walk(true);
    }

private:
    explicit random_walk(std::uint64_t seed) : random_(seed) {}

    std::string walk(bool tells)
    {
        rules its;
        its.limits.workers = one_of({1, 2, 3});
        its.limits.jobs_per_process = one_of({0, 0, 1, 1, 2, 3});
        its.limits.prefetch = one_of({0, 0, 1, 2});
        its.limits.ahead = one_of({0, 1, 4});
        its.limits.queue_limit = one_of({1, 3, SIZE_MAX, SIZE_MAX});
        its.limits.kill_after = std::chrono::milliseconds{one_of({0, 10, 2000})};
        its.limits.examination = std::chrono::milliseconds{one_of({0, 0, 10})};
        its.produces = one_of({0, 1});
        its.most_jobs = one_of({3, 12, 30});
        auto make = [this](model_job& job) {
            job.priority = static_cast<int>(one_of({0, 0, 0, 1, 2})) - 1;
            job.attempts = static_cast<int>(one_of({1, 1, 2, 4}));
            job.timeout = std::chrono::milliseconds{one_of({0, 0, 5, 50})};
            job.retry_exceptions = one_of({0, 1});
        };
        world all{its, make, tells};
        try {
            for (auto steps = one_of({20, 60, 150}); steps; --steps)
                all.play(choose(all.possible()));
            if (one_of({0, 0, 0, 1}))
                all.give_up_after(choose(all.possible()));
            else
                all.settle();
        } catch (broken const& what) {
            return what.what() + ("; workers " + std::to_string(its.limits.workers)) + ", jobs_per_process " +
                   std::to_string(its.limits.jobs_per_process) + ", prefetch " + std::to_string(its.limits.prefetch) +
                   ", ahead " + std::to_string(its.limits.ahead) + '\n' + all.story();
        }
        return {};
    }

    std::size_t one_of(std::initializer_list<std::size_t> all) { return all.begin()[random_() % all.size()]; }
    step choose(std::vector<step> const& all)
    {
        int sum = 0;
        for (auto& one : all)
            sum += weight_of(one.what);
        auto left = static_cast<int>(random_() % static_cast<unsigned>(sum));
        for (auto& one : all)
            if ((left -= weight_of(one.what)) < 0)
                return one;
        return all.back();
    }

    std::mt19937_64 random_;
};

} // namespace

BOOST_AUTO_TEST_CASE(random_walks)
{
    auto first = number_from("SCHEDULE_SEED", 0);
    auto walks = number_from("SCHEDULE_WALKS", first ? 1 : 800);
    if (!first)
        first = std::random_device{}();
    for (auto seed = first; seed < first + walks; ++seed) {
        auto what = random_walk::with(seed);
        BOOST_REQUIRE_MESSAGE(what.empty(), what);
    }
}
