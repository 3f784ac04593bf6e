// Plays a round: a director on a strand does what the plan says when its time has come, and every handler is called on
// that strand, so that their order can be judged.
#include "test/soak/play.hpp"

#include "test/soak/hits.hpp"
#include "test/soak/supply.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/serialization/string.hpp>

#include <algorithm>
#include <functional>
#include <list>

namespace soak {

namespace asio = boost::asio;

namespace {

asio::cancellation_type type_of(way_to_cancel how)
{
    switch (how) {
    case way_to_cancel::total:
        return asio::cancellation_type::total;
    case way_to_cancel::partial:
        return asio::cancellation_type::partial;
    default:
        return asio::cancellation_type::terminal;
    }
}

std::string words_of(std::exception_ptr const& error)
{
    if (!error)
        return {};
    try {
        std::rethrow_exception(error);
    } catch (boost::system::system_error const& thrown) {
        return thrown.code() == asio::error::operation_aborted ? "destroyed"
               : thrown.code() == asio::error::already_started ? "refused"
                                                               : thrown.what();
    } catch (std::exception const& thrown) {
        return thrown.what();
    }
}

// A worker that refers to memory of this process.
struct closure {
    round_plan const* plan;
    report operator()(errand const& job) const { return plan->runs.empty() ? report{} : work(job); }
};

class player {
public:
    player(round_plan const& plan, std::string const& notes, std::shared_ptr<record> seen)
        : plan_(plan), notes_(notes), seen_(std::move(seen))
    {
        server_.emplace(context_, options());
    }

    void play()
    {
        asio::co_spawn(strand_, direct(), [](std::exception_ptr error) {
            if (error)
                std::rethrow_exception(error);
        });
        std::vector<std::thread> others;
        for (unsigned i = 1; i < plan_.threads; ++i)
            others.emplace_back([this] { context_.run(); });
        context_.run();
        for (auto& each : others)
            each.join();
    }

private:
    struct event {
        milliseconds at;
        std::function<void()> act;
    };

    wodehaus::options options() const
    {
        wodehaus::options how;
        how.workers = plan_.workers;
        how.launch = plan_.launch;
        how.jobs_per_process = plan_.jobs_per_process;
        how.prefetch = plan_.prefetch;
        how.queue_limit = plan_.queue_limit.value_or(how.queue_limit);
        how.timeout = plan_.timeout;
        how.kill_after = plan_.kill_after;
        how.attempts = plan_.attempts;
        how.max_message = plan_.max_message;
        how.output = plan_.output;
        how.logger = [seen = seen_](wodehaus::level importance, std::string_view line) {
            if (line.find("~~~") != line.npos) // of a flood
                return;
            seen->add([&](round_course& course, moment now) {
                course.log.push_back(std::to_string(now) + (importance == wodehaus::level::error ? " ! " : " ") +
                                     std::string{line});
            });
        };
        return how;
    }

    // ---- the course of a round ----

    asio::awaitable<void> direct()
    {
        for (std::size_t i = 0; i < plan_.runs.size() && server_; ++i)
            co_await direct_run(i);
        destroy();
    }

    asio::awaitable<void> direct_run(std::size_t number)
    {
        auto events = events_of(number);
        std::stable_sort(events.begin(), events.end(), [](auto& one, auto& other) { return one.at < other.at; });
        auto begin = std::chrono::steady_clock::now();
        asio::steady_timer timer{strand_};
        for (auto& each : events) {
            timer.expires_at(begin + each.at);
            if (each.at.count() > 0)
                co_await timer.async_wait(asio::use_awaitable);
            each.act();
        }
        if (plan_.runs[number].ends == ending::when_all_ended) {
            while (server_ && running_ && open_calls_)
                co_await something_ended();
            if (server_ && running_) {
                note_asked(number, false);
                server_->stop();
            }
        }
        while (server_ && running_)
            co_await something_ended();
    }

    asio::awaitable<void> something_ended()
    {
        ended_.expires_at(asio::steady_timer::time_point::max());
        co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    std::vector<event> events_of(std::size_t number)
    {
        auto const& run = plan_.runs[number];
        std::vector<event> all;
        auto at = [&all, this](milliseconds when, auto act) {
            all.push_back({when, [this, act] {
                               if (server_)
                                   act();
                           }});
        };
        auto add_calls = [&](bool before) {
            for (std::size_t i = 0; i < run.calls.size(); ++i)
                if (auto when = run.calls[i].at; (when.count() < 0) == before)
                    at(std::max(when, milliseconds{0}), [=, this] { call(number, i); });
        };
        add_calls(true);
        at(milliseconds{0}, [=, this] { begin_run(number); });
        add_calls(false);
        for (std::size_t i = 0; i < run.calls.size(); ++i)
            if (run.calls[i].cancel_at)
                at(*run.calls[i].cancel_at, [=, this] { cancel(number, i); });
        for (auto const& hit : run.hits)
            add_hit(all, hit);
        if (run.second_run_at)
            at(*run.second_run_at, [=, this] { run_twice(number); });
        at(run.end_at / 2, [this] { static_cast<void>(server_->stats()); });
        at(run.end_at, [=, this] { end_run(number); });
        if (run.ends == ending::stop_then_terminate)
            at(run.end_at + milliseconds{20}, [=, this] { terminate(number); });
        return all;
    }

    hits::target target_of(hit_plan const& hit) const
    {
        if (plan_.launch == wodehaus::launch::fork)
            return hits::target::forked_child;
        bool is_child = plan_.launch == wodehaus::launch::exec || hit.zygote;
        return is_child ? hits::target::started_child : hits::target::grandchild;
    }

    void add_hit(std::vector<event>& all, hit_plan const& hit)
    {
        int number = ++last_hit_;
        all.push_back({hit.at, [=, this] {
                           // Noted at once: the record is held meanwhile, so that no consequence is seen before.
                           seen_->add([&](round_course& course, moment now) {
                               if (hits_.send(hit.signal, target_of(hit), hit.which, number))
                                   course.hits.push_back({now, hit.zygote, hit.signal});
                           });
                       }});
        if (hit.continue_at)
            all.push_back({*hit.continue_at, [=, this] { hits_.go_on(number); }});
    }

    // ---- runs ----

    void begin_run(std::size_t number)
    {
        running_ = true;
        is_asked_to_end_ = false;
        seen_->add([&](round_course& course, moment now) { course.runs[number].begun = now; });
        auto& cancel = cancels_.emplace_back();
        run_cancel_ = &cancel;
        auto token =
            asio::bind_cancellation_slot(cancel.slot(),
                                         asio::bind_executor(strand_, [=, this](std::exception_ptr error,
                                                                                wodehaus::run_summary summary) {
                                             run_ended(number, error, summary);
                                         }));
        if (!plan_.runs[number].producer)
            return server_->async_run(std::move(token));
        auto from = std::make_shared<supply>(plan_, number, notes_, seen_);
        with_supply(from, [&](auto producer, auto consumer) {
            server_->async_run(std::move(producer), std::move(consumer), std::move(token));
        });
    }

    void run_ended(std::size_t number, std::exception_ptr const& error, wodehaus::run_summary const& summary)
    {
        running_ = false;
        ended_.cancel();
        auto after = server_ ? server_->stats() : wodehaus::statistics{};
        seen_->add([&](round_course& course, moment now) {
            auto& run = course.runs[number];
            run.ends.push_back(now);
            run.error = words_of(error);
            run.summary = summary;
            run.after = after;
        });
    }

    void run_twice(std::size_t number)
    {
        if (!running_ || plan_.runs[number].producer || is_asked_to_end_)
            return; // it might be the next run already
        server_->async_run(asio::bind_executor(strand_, [=, this](std::exception_ptr error, wodehaus::run_summary) {
            seen_->add([&](round_course& course, moment) {
                auto words = words_of(error);
                course.runs[number].second_run = words.empty() ? "no error" : words;
            });
        }));
    }

    void note_asked(std::size_t number, bool by_force)
    {
        is_asked_to_end_ = true;
        seen_->add([&](round_course& course, moment now) {
            auto& run = course.runs[number];
            if (running_ && !run.asked)
                run.asked = now;
            if (running_ && by_force && !run.forced)
                run.forced = now;
        });
    }

    void end_run(std::size_t number)
    {
        auto how = plan_.runs[number].ends;
        if (how == ending::by_itself || how == ending::when_all_ended)
            return;
        if (how == ending::destroy)
            return destroy();
        note_asked(number, how == ending::terminate || how == ending::cancel_terminal);
        switch (how) {
        case ending::terminate:
            return server_->terminate();
        case ending::cancel_total:
            return run_cancel_->emit(asio::cancellation_type::total);
        case ending::cancel_terminal:
            return run_cancel_->emit(asio::cancellation_type::terminal);
        default:
            return server_->stop();
        }
    }

    void terminate(std::size_t number)
    {
        note_asked(number, true);
        server_->terminate();
    }

    void destroy()
    {
        if (!server_)
            return;
        auto started = server_->stats().started;
        seen_->add([&](round_course& course, moment now) {
            course.destroyed = now;
            course.started = started;
        });
        server_.reset();
    }

    // ---- calls ----

    auto on_outcome(task_plan const& task)
    {
        return [this, &task](std::exception_ptr error, wodehaus::outcome<report> result) {
            seen_->ended(task, error, result);
            call_ended();
        };
    }

    void call(std::size_t run, std::size_t number)
    {
        auto const& call = plan_.runs[run].calls[number];
        ++open_calls_;
        auto& cancel = cancels_.emplace_back();
        if (call.cancel_at)
            call_cancels_[&call] = &cancel;
        auto bound = [&](auto handler) {
            return asio::bind_cancellation_slot(cancel.slot(), asio::bind_executor(strand_, std::move(handler)));
        };
        switch (call.how) {
        case form::call:
            server_->async_call(make_task(call.tasks[0], plan_, notes_),
                                bound([this, &task = call.tasks[0]](std::exception_ptr error, report result) {
                                    seen_->ended(task, error, std::move(result));
                                    call_ended();
                                }));
            break;
        case form::try_call:
            server_->async_try_call(make_task(call.tasks[0], plan_, notes_), bound(on_outcome(call.tasks[0])));
            break;
        case form::closure:
            call_closure(call.tasks[0], bound(on_outcome(call.tasks[0])));
            break;
        case form::map:
            server_->async_map(wodehaus::worker<work>, errands_of(call),
                               bound([=, this, &call](std::exception_ptr error, std::vector<report> results) {
                                   map_ended(run, number, call, error, {results.begin(), results.end()});
                               }));
            break;
        case form::try_map:
            server_->async_try_map(wodehaus::worker<work>, errands_of(call),
                                   bound([=, this, &call](std::exception_ptr error,
                                                          std::vector<wodehaus::outcome<report>> results) {
                                       map_ended(run, number, call, error, std::move(results));
                                   }));
            break;
        }
        seen_->add([&](round_course& course, moment now) {
            course.runs[run].calls[number].begun = now;
            for (auto const& task : call.tasks)
                course.tasks[task.id].begun = now;
        });
    }

    template <class Token>
    void call_closure(task_plan const& plan, Token token)
    {
        wodehaus::task made{closure{&plan_}, make_errand(plan, plan_, notes_)};
        if (plan.attempts)
            made.attempts(*plan.attempts);
        if (plan.timeout)
            made.timeout(*plan.timeout);
        made.priority(plan.priority).retry_exceptions(plan.retry_exceptions);
        server_->async_try_call(made, std::move(token));
    }

    std::vector<errand> errands_of(call_plan const& call) const
    {
        std::vector<errand> all;
        for (auto const& task : call.tasks)
            all.push_back(make_errand(task, plan_, notes_));
        return all;
    }

    void map_ended(std::size_t run, std::size_t number, call_plan const& call, std::exception_ptr const& error,
                   std::vector<wodehaus::outcome<report>> results)
    {
        for (std::size_t i = 0; i < results.size() && i < call.tasks.size(); ++i)
            seen_->ended(call.tasks[i], nullptr, results[i]);
        seen_->add([&](round_course& course, moment now) {
            auto end = error ? record::end_of(error) : end_seen{};
            if (!error && results.size() != call.tasks.size())
                end.foreign = std::to_string(results.size()) + " results";
            end.at = now;
            course.runs[run].calls[number].ends.push_back(std::move(end));
        });
        call_ended();
    }

    void call_ended()
    {
        --open_calls_;
        ended_.cancel();
    }

    void cancel(std::size_t run, std::size_t number)
    {
        auto const& call = plan_.runs[run].calls[number];
        auto found = call_cancels_.find(&call);
        if (found == call_cancels_.end())
            return;
        seen_->add([&](round_course& course, moment now) {
            course.runs[run].calls[number].cancelled = now;
            for (auto const& task : call.tasks)
                course.tasks[task.id].cancelled = now;
        });
        found->second->emit(type_of(call.cancel_by));
    }

    round_plan const& plan_;
    std::string notes_;
    std::shared_ptr<record> seen_;
    std::list<asio::cancellation_signal> cancels_;
    asio::io_context context_{static_cast<int>(plan_.threads)};
    asio::strand<asio::io_context::executor_type> strand_{context_.get_executor()};
    asio::steady_timer ended_{strand_};
    std::optional<wodehaus::basic_job_server<>> server_;
    hits hits_;
    bool running_ = false, is_asked_to_end_ = false;
    std::size_t open_calls_ = 0;
    int last_hit_ = 0;
    asio::cancellation_signal* run_cancel_ = nullptr;
    std::map<call_plan const*, asio::cancellation_signal*> call_cancels_;
};

} // namespace

void play(round_plan const& plan, std::string const& notes, std::shared_ptr<record> seen)
{
    player{plan, notes, std::move(seen)}.play();
}

} // namespace soak
