// The strand's part that has to do with jobs; what has to do with processes is in processes.cpp, the course of a run in
// run.cpp.
#include "dispatch/dispatcher.hpp"

#include "dispatch/trace.hpp"

#include "dispatch/options.hpp"
#include "dispatch/parties.hpp"
#include "worker/registry.hpp"

#include <csignal>

namespace wodehaus::detail {

namespace {

constexpr std::size_t parked_by_zygote = 4, parked_by_exec = 1; // measured: more gains nothing on two cores

std::size_t ahead_of(launch kind)
{
    switch (kind) {
    case launch::zygote:
        return parked_by_zygote;
    case launch::exec:
        return parked_by_exec;
    case launch::fork: // a fork has the memory of its moment: it is to be the job's
    case launch::in_process:
        break;
    }
    return 0;
}

constexpr std::chrono::milliseconds patience_for_stacks{250}; // of a process that is ended next

schedule_limits limits_of(options const& how)
{
    schedule_limits limits;
    limits.workers = how.workers;
    limits.jobs_per_process = how.jobs_per_process;
    limits.prefetch = how.prefetch.value_or(0);
    limits.ahead = ahead_of(how.launch);
    limits.queue_limit = how.queue_limit;
    limits.kill_after = how.kill_after;
    if (how.launch != launch::in_process)
        limits.examination = patience_for_stacks;
    limits.seed = static_cast<unsigned>(clock_type::now().time_since_epoch().count()); // no two servers in step
    return limits;
}

} // namespace

dispatcher::dispatcher(boost::asio::any_io_executor executor, options how, launch_maker maker)
    : executor_(std::move(executor)), strand_(executor_), how_(effective(std::move(how))), make_launch_(std::move(maker)),
      journal_(how_.logger), kept_jobs_(how_, journal_), schedule_(limits_of(how_)), timer_(strand_)
{
}

dispatcher::~dispatcher() = default;

// ---- from any thread ----

void dispatcher::start_call(job_request&& request, call_handler&& handler)
{
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    auto call = std::make_shared<call_node>(std::move(request), std::move(handler), *this);
    if (slot.is_connected())
        slot.assign([server = weak_from_this(), one = std::weak_ptr{call}](boost::asio::cancellation_type type) {
            auto owner = server.lock();
            if (auto job = one.lock(); job && owner)
                owner->post([job, type](dispatcher& self) { self.cancel(*job, type); });
        });
    post(
        [call](dispatcher& self) {
            self.join(call);
            self.submit(call, false);
        },
        [call](dispatcher&) { abort(*call); });
}

void dispatcher::start_map(std::vector<job_request>&& requests, bool first_failure_cancels, map_handler&& handler)
{
    auto slot = boost::asio::get_associated_cancellation_slot(handler);
    auto map = std::make_shared<map_operation>(std::move(requests), first_failure_cancels, std::move(handler), *this);
    if (slot.is_connected())
        slot.assign([server = weak_from_this(), one = std::weak_ptr{map}](boost::asio::cancellation_type type) {
            auto owner = server.lock();
            if (auto all = one.lock(); all && owner)
                owner->post([all, type](dispatcher& self) { self.cancel_map(*all, type); });
        });
    post(
        [map](dispatcher& self) {
            self.join(map);
            if (map->requests.empty())
                map->complete();
            else
                self.maps_.push_back(map); // the pump feeds it
        },
        [map](dispatcher&) { abort(*map); });
}

statistics dispatcher::stats() const
{
    std::lock_guard lock{stats_mutex_};
    return stats_;
}

void dispatcher::publish()
{
    std::lock_guard lock{stats_mutex_};
    stats_ = {schedule_.waiting(), schedule_.unanswered(), schedule_.processes(), succeeded_, failed_,
              retried_,            started_};
}

// ---- jobs ----

void dispatcher::join(std::shared_ptr<waiting_party> party)
{
    if (schedule_.running())
        party->work.begin();
    else
        idle_parties_.push_back(party);
}

void dispatcher::settle_request(job_node& job) const
{
    auto const& settings = job.request.settings;
    job.priority = settings.priority;
    job.attempts = settings.attempts.value_or(how_.attempts);
    job.timeout = settings.timeout.value_or(how_.timeout);
    job.retry_exceptions = settings.retry_exceptions;
    job.size = job.request.job.size();
    job.own_process = job.request.closure && how_.launch == launch::fork;
}

void dispatcher::submit(std::shared_ptr<job_node> job, bool keep)
{
    job->id = ++last_id_;
    settle_request(*job);
    job->self = job;
    if (job->request.refused) {
        refuse(*job, std::move(*job->request.refused));
    } else if (job->request.closure && how_.launch != launch::fork && how_.launch != launch::in_process) {
        refuse(*job, {errc::launch_failed, "a closure runs only where memory is shared, on launch::fork and "
                                           "launch::in_process; give it a serialize member, or name it by worker<...>"});
    } else if (job->request.job.size() > how_.max_message) {
        refuse(*job, {errc::too_large, "the job has " + std::to_string(job->request.job.size()) +
                                           " bytes, and max_message allows " + std::to_string(how_.max_message)});
    } else if (job->cancelled_early) {
        complete(*job, errc::canceled);
    } else if (!schedule_.submit(*job, keep, clock_type::now())) {
        refuse(*job, {errc::queue_full, std::to_string(how_.queue_limit) +
                                            " calls wait already; await some of them, or raise options::queue_limit"});
    } else {
        journal_.note({event::kind::queued, job.get()});
    }
}

// Before the schedule has heard of it.
void dispatcher::refuse(job_node& job, failure why)
{
    auto code = static_cast<errc>(why.code.value());
    job.state = job_entry::status::ended;
    job.known.told = std::move(why);
    complete(job, code);
}

void dispatcher::cancel(job_node& job, boost::asio::cancellation_type type)
{
    decide([&] { cancel_now(job, type); });
}

void dispatcher::cancel_map(map_operation& map, boost::asio::cancellation_type type)
{
    map.cancelled = true; // what was kept back is not begun
    decide([&] {
        for (auto& [index, item] : std::map{map.items})
            cancel_now(*item, type);
    });
}

void dispatcher::cancel_now(job_node& job, boost::asio::cancellation_type type)
{
    using boost::asio::cancellation_type;
    if (type == cancellation_type::none)
        return;
    bool running_too = (type & (cancellation_type::terminal | cancellation_type::partial)) != cancellation_type::none;
    job.cancelled_early = job.state == job_entry::status::fresh;
    schedule_.cancel(job, running_too ? cancellation::running_too : cancellation::waiting_only, clock_type::now());
}

void dispatcher::feed_maps()
{
    for (auto at = maps_.begin(); at != maps_.end();) {
        auto map = *at;
        while (!map->fed() && (map->cancelled || schedule_.stopping() || schedule_.waiting() < how_.queue_limit)) {
            auto index = map->next++;
            auto item = std::make_shared<map_item>(std::move(map->requests[index]), map, index);
            map->items.emplace(index, item);
            item->cancelled_early = map->cancelled;
            submit(item, true);
        }
        at = map->fed() ? maps_.erase(at) : std::next(at);
    }
}

void map_operation::item_ended(std::size_t index, outcome<payload>&& outcome)
{
    bool fails_the_map = outcome.has_error() && outcome.error().code != errc::canceled; // that was asked for
    outcomes[index] = std::move(outcome);
    items.erase(index);
    if (++ended == requests.size())
        complete();
    else if (fails_the_map && first_failure_cancels && !broken) {
        broken = true;
        owner.map_ended(*this);
    }
}

// Its first failure: the rest is not wanted any more.
void dispatcher::map_ended(map_operation& map)
{
    cancel_map(map, boost::asio::cancellation_type::terminal);
}

// ---- doing what the schedule says ----

void dispatcher::pump()
{
    if (pumping_)
        return;
    auto keep = shared_from_this(); // a consumer may destroy the server
    pumping_ = true;
    do {
        while (auto next = schedule_.next_action())
            perform(*next);
        feed_maps();
        consume();
        update_backlog();
    } while (schedule_.has_actions());
    pumping_ = false;
    flush();
    end_run_if_done();
    arm_timer();
    publish();
}

void dispatcher::perform(action const& what)
{
    auto* job = static_cast<job_node*>(what.job);
    auto* process = static_cast<process_node*>(what.process);
    switch (what.what) {
    case action::kind::request_process:
        launch_->request();
        break;
    case action::kind::send:
        send(*job, *process, what.last);
        break;
    case action::kind::retire:
        process->talk->finish();
        break;
    case action::kind::ask_where:
        ask_where(*process);
        break;
    case action::kind::ask_to_end:
        launch_->signal(process->pid, SIGTERM);
        break;
    case action::kind::kill:
        process->killed = true;
        process->patience_is_over = !process->greeted && !process->hung_up;
        launch_->signal(process->pid, SIGKILL);
        break;
    case action::kind::complete:
        complete(*job, what.code);
        break;
    case action::kind::retry: {
        ++retried_;
        if (!job->known.stacks.empty())
            job->known.cause = describe_cause(job->known.stacks.front());
        auto why = account_of(*what.code, *job, job->worker_name(), job->known);
        why.attempt = what.attempt;
        journal_.note({event::kind::retried, job, job->known.process, &why});
        job->known = {};
        break;
    }
    case action::kind::ask_producer:
        ask_producer();
        break;
    }
}

void dispatcher::send(job_node& job, process_node& process, bool last)
{
    journal_.note({event::kind::started, &job, process.name});
    if (!job.known.process.empty()) // of an attempt before; it is large, and most have none
        job.known = {};
    std::string name;
    job_prefix prefix;
    if (job.request.closure) {
        prefix.flags |= job_prefix::closure;
        prefix.offset = reinterpret_cast<std::uintptr_t>(job.request.closure.get());
    } else if (how_.program.empty()) {
        auto key = key_of(*job.request.worker);
        prefix.module = key.module;
        prefix.offset = key.offset;
    } else {
        name = portable_name(*job.request.worker);
    }
    prefix.attempt = std::max(1, job.attempt + (job.state == job_entry::status::sent ? 1 : 0));
    prefix.name_size = name.size();
    if (last)
        prefix.flags |= job_prefix::last;
    if (how_.prefetch.value_or(0) > 0)
        prefix.flags |= job_prefix::announce;
    if (job.timeout.count() > 0)
        prefix.flags |= job_prefix::timed;
    if (journal_.wants_course())
        prefix.flags |= job_prefix::account;
    frame_header header;
    header.kind = frame_kind::job;
    header.id = job.id;
    header.size = sizeof prefix + name.size() + job.request.job.size();
    payload head;
    head.append(&header, sizeof header);
    head.append(&prefix, sizeof prefix);
    head.append(name.data(), name.size());
    process.talk->send(std::move(head), job.request.job.bytes(), job.self);
    if (unwritten_.empty() || unwritten_.back() != process.talk)
        unwritten_.push_back(process.talk);
}

void dispatcher::flush()
{
    for (auto& talk : unwritten_)
        talk->flush();
    unwritten_.clear();
}

void dispatcher::complete(job_node& job, std::optional<errc> code)
{
    if (code && !job.known.stacks.empty())
        return find_names(job, *code);
    auto keep = std::exchange(job.self, nullptr);
    if (!code && !job.known.told) {
        journal_.note({event::kind::ended, &job, job.known.process});
        job.deliver(std::move(job.result));
        return;
    }
    if (code == errc::launch_failed && !job.known.told)
        job.known.told = failure{*code, last_launch_failure_};
    auto why = account_of(job.known.told && code == errc::bad_message ? static_cast<errc>(job.known.told->code.value())
                                                                      : code.value_or(errc::bad_message),
                          job, job.worker_name(), job.known);
    why.kept = kept_jobs_.keep(job, why);
    journal_.note({event::kind::ended, &job, job.known.process, &why});
    job.deliver(outcome<payload>{boost::system::in_place_error, std::move(why)});
}

void dispatcher::arm_timer()
{
    auto next = schedule_.wake_at();
    if (!next || (armed_ && *armed_ <= *next))
        return; // a timer that fires too early does no harm
    armed_ = next;
    timer_.expires_at(*next);
    timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
        auto pass = self->gate_->enter();
        if (!pass || error)
            return;
        self->armed_.reset();
        self->decide([&] { self->schedule_.tick(clock_type::now()); });
        self->pump();
    });
}

} // namespace wodehaus::detail
