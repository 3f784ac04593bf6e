// The course of a run: its begin, its producer and consumer, its end.
#include "dispatch/parties.hpp"
#include "worker/memory_groups.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>

namespace wodehaus::detail {

namespace {

// Where `init` was forgotten nothing is started: the program would run its main instead, and start servers of its own.
class no_launch final : public process_launch, public std::enable_shared_from_this<no_launch> {
public:
    explicit no_launch(launch_settings settings) : settings_(std::move(settings)) {}
    void open() override {}
    void request() override
    {
        boost::asio::post(settings_.on, [self = shared_from_this()] {
            auto pass = self->settings_.entrance->enter();
            if (pass && !self->closed_)
                self->settings_.listener->launch_failed(1, errc::not_initialised,
                                                        "main does not begin with wodehaus::init(argc, argv); add that "
                                                        "line, so that this program can run jobs in processes of its own",
                                                        true);
        });
    }
    void signal(int, int) override {}
    void close(std::function<void()> closed) override
    {
        closed_ = true;
        closed();
    }
    void destroy() noexcept override { closed_ = true; }

private:
    launch_settings settings_;
    bool closed_ = false;
};

// Also by a script that leads back here: what a server has started starts nothing before it has come to `init`.
bool starts_this_program(options const& how)
{
    std::error_code none;
    return how.program.empty() || std::filesystem::equivalent(how.program, "/proc/self/exe", none) ||
           started_by_a_server();
}

failure aborted(std::string_view worker)
{
    failure why{boost::asio::error::operation_aborted, "the server was destroyed before the job had ended"};
    why.worker = worker;
    return why;
}

} // namespace

std::shared_ptr<process_launch> make_launch(launch_settings settings)
{
    auto const& how = *settings.how;
    if (how.launch == launch::in_process)
        return make_in_process_launch(std::move(settings));
    if (!initialised() && starts_this_program(how))
        return std::make_shared<no_launch>(std::move(settings));
    switch (how.launch) {
    case launch::fork:
        return make_fork_launch(std::move(settings));
    case launch::exec:
        return make_exec_launch(std::move(settings));
    default:
        return make_zygote_launch(std::move(settings));
    }
}

// ---- begin and end ----

void dispatcher::start_run(std::unique_ptr<source> tasks, run_handler&& handler)
{
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    if (slot.is_connected())
        slot.assign([server = weak_from_this()](boost::asio::cancellation_type type) {
            using boost::asio::cancellation_type;
            if (auto owner = server.lock(); owner && type != cancellation_type::none)
                (type & cancellation_type::terminal) != cancellation_type::none ? owner->terminate() : owner->stop();
        });
    struct request {
        std::unique_ptr<source> tasks;
        run_handler handler;
    };
    auto run = std::make_shared<request>(request{std::move(tasks), std::move(handler)});
    post([run](dispatcher& self) { self.begin_run(std::move(run->tasks), std::move(run->handler)); },
         [run](dispatcher& self) {
             self.abort(std::move(run->handler), handler_work{executor_of(run->handler, self.executor_)});
         });
}

void dispatcher::begin_run(std::unique_ptr<source> tasks, run_handler&& handler)
{
    if (run_) {
        handler_work work{executor_of(handler, executor_)};
        boost::system::system_error error{boost::asio::error::already_started, "wodehaus: a run is under way"};
        post_handler(executor_, nullptr, std::move(work), std::move(handler), std::make_exception_ptr(error), run_summary{});
        return;
    }
    run_ = std::make_unique<run_state>(std::move(tasks), std::move(handler), executor_);
    run_->work.begin();
    run_->succeeded = succeeded_;
    run_->failed = failed_;
    run_->retried = retried_;
    run_->producing = run_->tasks != nullptr;
    for (auto& party : std::exchange(idle_parties_, {}))
        if (auto waits = party.lock())
            waits->work.begin();
    journal_.note({event::kind::run_begun});
    launch_ = make_launch_({strand_, gate_, this, &how_});
    if (run_->tasks)
        run_->tasks->attach(strand_);
    try {
        run_->signals = std::make_shared<stop_signals>(strand_, gate_, [this] {
            schedule_.stopping() ? terminate_run() : stop_run();
            pump();
        });
        run_->signals->take(how_.stop_signals);
        launch_->open();
        tell_of_memory_groups();
    } catch (std::exception const&) {
        run_->error = std::current_exception();
    }
    schedule_.run(run_->producing, clock_type::now());
    if (run_->error)
        stop_run();
}

void dispatcher::tell_of_memory_groups()
{
    if (how_.memory == 0)
        return;
    if (memory_groups groups; groups)
        journal_.write(level::info, "memory is limited by a cgroup for each process, too, in " + groups.folder());
}

void dispatcher::stop()
{
    if (called_by_consumer())
        stop_run();
    else
        post([](dispatcher& self) { self.stop_run(); });
}

void dispatcher::terminate()
{
    if (called_by_consumer())
        terminate_run();
    else
        post([](dispatcher& self) { self.terminate_run(); });
}

// Then it is done at once, so that no task is begun after the consumer has said that it was enough.
bool dispatcher::called_by_consumer() const
{
    return strand_.running_in_this_thread() && run_ && run_->in_consumer;
}

void dispatcher::stop_run()
{
    if (!run_ || schedule_.stopping())
        return;
    decide([this] { schedule_.stop(clock_type::now()); });
    run_->producing = false;
    if (!run_->tasks)
        return;
    run_->tasks->cancel();
    if (run_->asked && !run_->tasks->hears_cancel())
        journal_.write(level::error, "the run waits for its producer, which blocks; let it take a std::stop_token, or "
                                     "terminate the server to end without it");
}

void dispatcher::terminate_run()
{
    if (!run_ || schedule_.terminating())
        return;
    stop_run();
    decide([this] { schedule_.terminate(clock_type::now()); });
    if (symbols_)
        symbols_->hurry();
    if (run_->tasks && run_->asked && run_->tasks->abandon())
        run_->asked = false;
    if (run_->consuming && !run_->in_consumer)
        cancel_consumer(run_->consuming);
}

// Later, since it may have been the consumer who has asked for this.
void dispatcher::cancel_consumer(std::shared_ptr<produced_task> task)
{
    boost::asio::post(strand_, [task = std::move(task)] { task->cancel(); });
}

void dispatcher::end_run_if_done()
{
    if (!run_ || run_->closing)
        return;
    // Over a producer a run ends by itself: when its tasks have ended.
    if (run_->tasks && !run_->producing && !run_->asked && !run_->outstanding && run_->ended.empty() &&
        !run_->consuming && !schedule_.stopping()) {
        stop_run();
        pump();
        return;
    }
    if (!schedule_.finished() || !untold_.empty() || run_->asked || !run_->ended.empty() || run_->consuming)
        return;
    run_->closing = true;
    auto launch = launch_; // the end of the run lets go of it
    launch->close([self = shared_from_this()] { self->end_run(); });
}

void dispatcher::end_run()
{
    auto run = std::exchange(run_, nullptr);
    schedule_.end_run();
    launch_.reset();
    timer_.cancel();
    armed_.reset();
    if (run->signals) // else there was no memory for them
        run->signals->give_back();
    journal_.note({event::kind::run_ended});
    run_summary summary{succeeded_ - run->succeeded, failed_ - run->failed, retried_ - run->retried,
                        clock_type::now() - run->begin, run->used};
    publish();
    complete_run(std::move(run->handler), std::move(run->work), std::move(run->error), summary);
}

// Once the handlers that come before it are called: they may go through another executor, and ours may have nothing else
// to do then.
void dispatcher::complete_run(run_handler&& handler, handler_work&& work, std::exception_ptr error,
                              run_summary const& summary)
{
    struct completion {
        run_handler handler;
        handler_work work;
        std::exception_ptr error;
    };
    auto held = std::make_shared<completion>(completion{std::move(handler), std::move(work), std::move(error)});
    auto last = std::exchange(end_of_run_, std::make_shared<run_end>());
    last->then = [busy = boost::asio::prefer(executor_, boost::asio::execution::outstanding_work.tracked), held, summary] {
        post_handler(busy, nullptr, std::move(held->work), std::move(held->handler), std::move(held->error), summary);
    };
}

void dispatcher::add_usage(usage const& used)
{
    if (!run_)
        return;
    run_->used.user += used.user;
    run_->used.system += used.system;
    run_->used.peak_memory = std::max(run_->used.peak_memory, used.peak_memory);
}

// ---- producer and consumer ----

void dispatcher::ask_producer()
{
    run_->asked = true;
    run_->tasks->next([server = weak_from_this()](std::exception_ptr error, std::unique_ptr<produced_task> task) {
        auto self = server.lock();
        if (!self)
            return;
        if (auto pass = self->gate_->enter()) {
            self->produced(error, std::move(task));
            self->pump();
        }
    });
}

void dispatcher::produced(std::exception_ptr error, std::unique_ptr<produced_task> task)
{
    if (!run_ || !run_->asked)
        return; // abandoned
    run_->asked = false;
    auto now = clock_type::now();
    if (error && !run_->error)
        run_->error = error;
    if (error || !task) {
        run_->producing = false;
        schedule_.producer_answered(true, now);
        return;
    }
    ++run_->outstanding;
    submit(std::make_shared<produced_node>(std::move(task), *this), true);
    schedule_.producer_answered(false, now);
}

void dispatcher::task_ended(std::unique_ptr<produced_task> task, outcome<payload>&& result)
{
    auto failed = task->load(std::move(result), how_.max_message);
    count(!failed);
    if (failed && !task->failure_is_seen)
        journal_.write(level::error, told_with_file(*failed));
    if (!run_)
        return;
    --run_->outstanding;
    if (!run_->consumer_failed)
        run_->ended.push_back(std::move(task));
}

void dispatcher::update_backlog()
{
    if (!run_ || !run_->tasks)
        return;
    auto untold = std::count_if(untold_.begin(), untold_.end(), [](auto const& job) { return job->produced; });
    schedule_.set_backlog(run_->ended.size() + (run_->consuming ? 1 : 0) + static_cast<std::size_t>(untold),
                          clock_type::now());
}

void dispatcher::consume()
{
    while (run_ && !run_->consuming && !run_->ended.empty()) {
        run_->consuming = std::move(run_->ended.front());
        run_->ended.pop_front();
        auto task = run_->consuming; // the consumer may be suspended with a reference to its job
        run_->in_consumer = true;
        task->consume([server = weak_from_this(), task](std::exception_ptr error) {
            auto self = server.lock();
            if (!self)
                return;
            if (auto pass = self->gate_->enter()) {
                self->consumed(error);
                self->pump();
            }
        });
        if (!run_)
            return; // destroyed by the consumer
        run_->in_consumer = false;
        if (run_->consuming && schedule_.terminating())
            cancel_consumer(task);
    }
}

void dispatcher::consumed(std::exception_ptr error)
{
    if (!run_)
        return;
    run_->consuming.reset();
    if (!error)
        return;
    if (!run_->error)
        run_->error = error;
    run_->consumer_failed = true;
    run_->ended.clear();
    terminate_run();
}

// ---- the end of the server ----

void dispatcher::close() noexcept
{
    auto keep = shared_from_this();
    auto pass = gate_->enter();
    if (!pass)
        return;
    gate_->close();
    outlive_this_event();
    auto run = std::exchange(run_, nullptr);
    timer_.cancel();
    if (run && run->tasks)
        run->tasks->abandon();
    if (run && run->consuming)
        cancel_consumer(run->consuming);
    unwritten_.clear();
    for (auto& [pid, process] : processes_)
        process->talk->close();
    if (launch_)
        launch_->destroy();
    launch_.reset();
    schedule_.abandon([](job_entry& entry) { abort(static_cast<job_node&>(entry)); });
    if (symbols_)
        symbols_->close();
    for (auto const& job : std::exchange(untold_, {}))
        abort(*job);
    processes_.clear();
    for (auto& map : std::exchange(maps_, {}))
        abort(*map);
    if (!run)
        return;
    if (run->signals) // else there was no memory for them
        run->signals->give_back();
    abort(std::move(run->handler), std::move(run->work));
}

// A consumer that destroys the server is called within an event, and that goes on with this object.
void dispatcher::outlive_this_event() noexcept
{
    if (!strand_.running_in_this_thread())
        return;
    try {
        boost::asio::post(strand_, [self = shared_from_this()] {});
    } catch (std::exception const&) {
        // no memory: as much as can be done
    }
}

void dispatcher::abort(job_node& job)
{
    auto held = std::exchange(job.self, nullptr);
    auto why = aborted(job.worker_name());
    why.attempt = std::max(1, job.attempt);
    job.deliver(outcome<payload>{boost::system::in_place_error, std::move(why)});
}

// The items that it has submitted are aborted one by one.
void dispatcher::abort(map_operation& map)
{
    map.broken = true;
    for (; !map.fed(); ++map.next)
        map.item_ended(map.next, outcome<payload>{boost::system::in_place_error, aborted(map.requests[map.next].name)});
    if (map.requests.empty())
        map.complete();
}

void dispatcher::abort(run_handler&& handler, handler_work&& work)
{
    auto error = std::make_exception_ptr(boost::system::system_error{boost::asio::error::operation_aborted,
                                                                     "wodehaus: the server was destroyed"});
    complete_run(std::move(handler), std::move(work), std::move(error), run_summary{});
}

} // namespace wodehaus::detail
