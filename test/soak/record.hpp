// The record of a round while it is played: from several threads, and from a producer that may outlive its server.
#pragma once

#include "test/soak/course.hpp"
#include "test/soak/jobs.hpp"

#include <mutex>

namespace soak {

class record {
public:
    explicit record(round_plan const& plan)
    {
        for (auto const& run : plan.runs)
            course_.runs.emplace_back().calls.resize(run.calls.size());
    }

    /// Changes it by `change(course, the present moment)`.
    template <class Change>
    void add(Change change)
    {
        std::lock_guard lock{mutex_};
        change(course_, ++course_.now);
    }

    /// A task has ended. `error` is of a call that throws.
    void ended(task_plan const& task, std::exception_ptr const& error, wodehaus::outcome<report> const& result)
    {
        auto end = error ? end_of(error) : end_of(task, result);
        add([&](round_course& course, moment now) {
            end.at = now;
            course.tasks[task.id].ends.push_back(std::move(end));
        });
    }

    static end_seen end_of(task_plan const& task, wodehaus::outcome<report> const& result)
    {
        end_seen end;
        if (!result) {
            end.why = result.error();
        } else {
            end.right = is_right(task, *result);
            end.attempt = result->attempt;
        }
        return end;
    }
    static end_seen end_of(std::exception_ptr const& error)
    {
        end_seen end;
        try {
            std::rethrow_exception(error);
        } catch (wodehaus::job_error const& thrown) {
            end.why = thrown.why();
        } catch (std::exception const& thrown) {
            end.foreign = std::string{"the exception "} + thrown.what();
        }
        return end;
    }

    round_course take()
    {
        std::lock_guard lock{mutex_};
        return std::move(course_);
    }
    round_course copy() const
    {
        std::lock_guard lock{mutex_};
        return course_;
    }

private:
    mutable std::mutex mutex_;
    round_course course_;
};

} // namespace soak
