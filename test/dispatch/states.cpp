// The decisions in every state that a small world can come to: two processes at work and three jobs, of which two may
// be tried again and one has a timeout; processes that crash, cancel, stop and terminate, at every moment. Equal states
// are visited once, so that this goes to where nothing new comes. With a launch that fails, or a process that ends
// before it began a job, that is far; SCHEDULE_DEPTH=n in the environment goes on.
#include "test/dispatch/world.hpp"
#include "test/kit/sanitizer.hpp"

#include <boost/test/unit_test.hpp>

#include <iostream>
#include <unordered_set>

using namespace wodehaus::detail;
using namespace std::chrono_literals;

namespace {

// Not where it is compiled to find other faults than those of the decisions.
#if defined __OPTIMIZE__ && !defined KIT_ADDRESS_SANITIZER && !defined KIT_THREAD_SANITIZER
constexpr bool runs_fast = true;
#else
constexpr bool runs_fast = false;
#endif

class small_world {
public:
    small_world(std::size_t jobs_per_process, std::size_t prefetch, std::size_t misfortunes)
    {
        rules_.limits = {.workers = 2, .jobs_per_process = jobs_per_process, .prefetch = prefetch, .examination = prefetch ? 100ms : 0ms};
        rules_.most_jobs = 3;
        rules_.calm = true;
        rules_.most_misfortunes = misfortunes;
    }

    /// Goes breadth first. From every so many-th state the play is closed in each way.
    void explore(std::size_t depth)
    {
        nodes_ = {{0, {happening::submit}}, {0, {happening::submit}}, {1, {happening::submit}}, {2, {happening::run}}};
        std::size_t next = nodes_.size() - 1, level = 0;
        for (; level < depth && next < nodes_.size(); ++level)
            for (auto end = nodes_.size(); next < end; ++next)
                visit(next);
        bool all = next == nodes_.size();
        std::cout << boost::unit_test::framework::current_test_case().p_name << ", " << rules_.most_misfortunes
                  << " misfortunes: " << seen_.size() << " states by " << steps_ << " steps, "
                  << (all ? "which is all; the farthest is " : "all to ") << level << " steps away" << std::endl;
        BOOST_TEST((all || depth < SIZE_MAX));
        BOOST_TEST((saw_second_attempt_ || depth < 10));
        BOOST_TEST((saw_end_ || depth < 10));
    }

private:
    /// How a state was come to first: from which other, and by what.
    struct node {
        std::size_t from;
        step by;
    };

    void visit(std::size_t number)
    {
        auto path = path_to(number);
        for (auto const& next : after(path)->possible()) {
            path.push_back(next);
            auto all = after(path);
            ++steps_;
            auto const& first = *all->jobs().front();
            saw_second_attempt_ |= first.state == job_entry::status::begun && first.attempt == 2;
            saw_end_ |= all->decisions().finished();
            if (seen_.insert(std::hash<std::string>{}(all->state())).second) {
                nodes_.push_back({number, next});
                if (seen_.size() % 32 == 0)
                    close(std::move(all), path);
            }
            path.pop_back();
        }
    }

    std::vector<step> path_to(std::size_t number) const
    {
        std::vector<step> path;
        for (; number > 0; number = nodes_[number].from)
            path.push_back(nodes_[number].by);
        std::reverse(path.begin(), path.end());
        return path;
    }

    std::unique_ptr<world> start(bool tells) const
    {
        auto make = [](model_job& job) {
            job.attempts = job.id < 3 ? 2 : 1;
            job.timeout = job.id == 2 ? 1s : 0s;
        };
        return std::make_unique<world>(rules_, make, tells);
    }

    // All but the last step were played before.
    std::unique_ptr<world> after(std::vector<step> const& path) const
    {
        auto all = start(false);
        try {
            for (std::size_t i = 0; i + 1 < path.size(); ++i)
                all->play_unchecked(path[i]);
            all->play(path.back());
        } catch (broken const&) {
            tell(path);
        }
        return all;
    }

    // Whatever has come so far: all jobs end, or the run does.
    void close(std::unique_ptr<world> all, std::vector<step> path) const
    {
        bool goes_on = all->decisions().running() && !all->decisions().stopping();
        try {
            all->settle();
            for (auto how : {happening::stop, happening::terminate}) {
                if (!goes_on)
                    break;
                path.push_back({how});
                all = after(path);
                all->settle();
                path.pop_back();
            }
        } catch (broken const&) {
            tell(path);
        }
    }

    void tell(std::vector<step> const& path) const
    {
        auto all = start(true);
        try {
            for (auto const& one : path)
                all->play(one);
            all->settle();
        } catch (broken const& what) {
            BOOST_FAIL(what.what() << '\n' << all->story());
        }
    }

    rules rules_;
    std::vector<node> nodes_;
    std::unordered_set<std::size_t> seen_;
    std::size_t steps_ = 0;
    bool saw_second_attempt_ = false, saw_end_ = false;
};

void explore(std::size_t jobs_per_process, std::size_t prefetch)
{
    small_world{jobs_per_process, prefetch, 0}.explore(number_from("SCHEDULE_DEPTH", runs_fast ? SIZE_MAX : 9));
    small_world{jobs_per_process, prefetch, 1}.explore(number_from("SCHEDULE_DEPTH", runs_fast ? 10 : 7));
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_state)

BOOST_AUTO_TEST_CASE(of_kept_processes)
{
    explore(0, 0);
}
BOOST_AUTO_TEST_CASE(of_jobs_sent_ahead)
{
    explore(0, 1);
}
BOOST_AUTO_TEST_CASE(of_fresh_processes)
{
    explore(1, 0);
}
BOOST_AUTO_TEST_CASE(of_two_jobs_per_process)
{
    explore(2, 1);
}

BOOST_AUTO_TEST_SUITE_END()
