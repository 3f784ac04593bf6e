// The strand's part that has to do with processes: what they say, and how they end.
#include "dispatch/dispatcher.hpp"

#include "launch/patience.hpp"
#include "worker/one_line.hpp"

#include <csignal>

namespace wodehaus::detail {

process_node* dispatcher::find(conversation const& talk)
{
    auto found = processes_.find(talk.pid());
    return found == processes_.end() ? nullptr : found->second.get();
}

void dispatcher::born(birth&& process)
{
    ++started_;
    auto node = std::make_unique<process_node>();
    node->pid = process.pid;
    node->name = process.name.empty() ? std::to_string(process.pid) : process.name;
    node->greeted = !process.says_hello;
    node->oom_kills = oom_kills_.at_birth();
    auto* raw = node.get();
    if (how_.launch == launch::fork)
        raw->knows = last_id_;
    auto now = clock_type::now();
    auto on_line = [this, raw](std::string_view line) { journal_.write(level::info, raw->name + ": " + std::string{line}); };
    auto ring = std::move(process.ring);
    try {
        raw->talk = std::make_shared<conversation>(strand_, gate_, std::move(process), how_, *this, on_line);
    } catch (std::exception const& error) {
        launch_->signal(raw->pid, SIGKILL);
        return launch_failed(1, errc::launch_failed, std::string{"a process cannot be spoken with: "} + error.what(), false);
    }
    processes_.emplace(raw->pid, std::move(node));
    schedule_.process_born(*raw, now);
    try {
        raw->talk->start(ring);
    } catch (std::exception const& error) {
        raw->refused = refusal{errc::launch_failed, std::string{"its process cannot be spoken with: "} + error.what()};
        schedule_.misbehaved(*raw, errc::launch_failed);
        return pump();
    }
    if (raw->greeted) {
        journal_.note({event::kind::process_born, nullptr, raw->name});
        schedule_.process_ready(*raw, now);
    } else if (!raw->kill_at) {
        raw->kill_at = now + patience_for_hello;
    }
    pump();
}

// It has sent what no process of ours sends. Nothing that it says any more counts.
void dispatcher::distrust(process_node& process, errc code)
{
    process.talk->stop_listening();
    schedule_.misbehaved(process, code);
}

void dispatcher::received(conversation& from, frame&& message)
{
    auto* process = find(from);
    if (!process)
        return;
    switch (message.header.kind) {
    case frame_kind::hello:
    case frame_kind::ready:
        greet(*process, message);
        break;
    case frame_kind::begun:
        if (!schedule_.begun(*process, message.header.id, clock_type::now()))
            distrust(*process, errc::bad_message);
        break;
    case frame_kind::result:
    case frame_kind::failed:
        answer(*process, std::move(message));
        break;
    case frame_kind::name:
        take_name(*process, message);
        break;
    case frame_kind::stack:
        take_stack(*process, message);
        break;
    case frame_kind::prepared:
    case frame_kind::used:
        take_usage(*process, message);
        break;
    case frame_kind::leaving:
        if (!schedule_.leaving(*process, message.header.id))
            distrust(*process, errc::bad_message);
        break;
    case frame_kind::setup:
    case frame_kind::job:
    case frame_kind::bell:
        distrust(*process, errc::bad_message);
        break;
    }
}

void dispatcher::take_name(process_node& process, frame const& message)
{
    if (message.body.size() > longest_name)
        return distrust(process, errc::bad_message);
    process.name.assign(message.body.data(), message.body.size());
    put_in_one_line(process.name);
}

void dispatcher::take_usage(process_node& process, frame const& message)
{
    auto used = read_usage(message.body.bytes());
    bool in_time = (message.header.kind == frame_kind::prepared) != process.was_ready;
    if (!used || !in_time)
        return distrust(process, errc::bad_message);
    process.told = *used;
    if (message.header.kind == frame_kind::prepared)
        bill(process, *used); // it is not the first job's
}

// What it has used since it was last asked.
usage dispatcher::bill(process_node& process, usage const& now)
{
    return since(std::exchange(process.billed, now), now);
}

void dispatcher::greet(process_node& process, frame const& message)
{
    auto now = clock_type::now();
    if (!process.greeted) {
        process.refused = judge_hello(message, how_);
        if (process.refused)
            return distrust(process, errc::bad_message);
        process.greeted = true;
        process.name = std::to_string(pid_in(message)); // through a launcher it is not our child's
        process.is_our_child = pid_in(message) == process.pid;
        if (process.state == process_entry::status::starting)
            process.kill_at = now + patience_for_preload;
    } else if (process.was_ready || message.header.kind == frame_kind::hello) {
        distrust(process, errc::bad_message); // once is enough
    } else {
        if (message.body.size())
            take_name(process, message);
        journal_.note({event::kind::process_born, nullptr, process.name});
        schedule_.process_ready(process, now);
    }
}

void dispatcher::answer(process_node& process, frame&& message)
{
    auto now = clock_type::now();
    if (process.state == process_entry::status::starting) { // what preload threw
        if (message.header.kind == frame_kind::result)
            return distrust(process, errc::bad_message);
        process.preload_threw = read_failure(message.body.bytes()).what;
        return;
    }
    auto* job = process.jobs.empty() ? nullptr : static_cast<job_node*>(process.jobs.front());
    if (!job || job->id != message.header.id)
        return distrust(process, errc::bad_message);
    auto how = answer::result;
    if (process.state != process_entry::status::ending || !job->verdict) {
        job->known.process = process.name;
        if (message.header.kind == frame_kind::result) {
            job->result = std::move(message.body);
            job->used = bill(process, process.told);
        } else {
            job->known.told = read_told(process, message);
            job->known.memory = how_.memory;
            process.talk->read_output(); // it was flushed before the answer
            job->known.output = process.talk->output_tail();
            how = job->known.told->code == errc::job_threw       ? answer::threw
                  : job->known.told->code == errc::out_of_memory ? answer::out_of_memory
                                                                 : answer::failed;
        }
    } else {
        process.talk->stop_listening(); // it is killed now
    }
    schedule_.answered(process, message.header.id, how, now);
}

failure dispatcher::read_told(process_node& process, frame const& message)
{
    auto told = read_failure(message.body.bytes());
    auto code = static_cast<errc>(told.code);
    bool sane = code == errc::job_threw || code == errc::out_of_memory || code == errc::too_large ||
                code == errc::unknown_worker;
    failure why{sane ? code : errc::bad_message, std::move(told.what)};
    why.usage = bill(process, {std::chrono::nanoseconds{told.used.user_time},
                               std::chrono::nanoseconds{told.used.system_time}, told.used.peak_memory});
    return why;
}

void dispatcher::garbled(conversation& from, bool too_large)
{
    if (auto* process = find(from))
        schedule_.misbehaved(*process, too_large ? errc::too_large : errc::bad_message);
}

// Whoever exits closes his channel first, and then his own end tells more; that of a launcher, too, which is our child then.
void dispatcher::hung_up(conversation& from)
{
    auto* process = find(from);
    if (!process || process->state == process_entry::status::retiring)
        return;
    if (is_exiting(process->pid) || (process->greeted && !how_.launcher.empty())) {
        if (!process->kill_at) // its zygote may be stopped, and tells nothing; or a launcher lives on
            process->kill_at = later(clock_type::now(), how_.kill_after);
        return;
    }
    process->hung_up = true;
    schedule_.misbehaved(*process, std::nullopt);
}

void dispatcher::doomed(int pid)
{
    if (auto found = processes_.find(pid); found != processes_.end())
        schedule_.misbehaved(*found->second, std::nullopt);
}

void dispatcher::ended(int pid, ending const& how)
{
    auto found = processes_.find(pid);
    if (found == processes_.end())
        return;
    auto* process = found->second.get();
    process->gets_no_more = true;
    if (process->state == process_entry::status::idle)
        schedule_.misbehaved(*process, errc::process_lost);
    // All that it had said comes first.
    process->talk->end([self = shared_from_this(), process, how] {
        self->gone(*process, how);
        self->pump();
    });
}

void dispatcher::gone(process_node& process, ending const& how)
{
    add_usage(how.usage);
    journal_.note({event::kind::process_gone, nullptr, process.name, nullptr, &how});
    bool untouched = process.talk->was_left_unread() && process.jobs.size() == 1 && how_.prefetch.value_or(0) == 0;
    last_launch_failure_ = process.was_ready
                               ? "process " + process.name + " " + describe_ending(how) + " before it began a job"
                               : why_not_started(process, how);
    for (auto* entry : process.jobs) {
        auto& job = static_cast<job_node&>(*entry);
        job.known = {};
        if (entry->state != job_entry::status::begun)
            continue;
        job.known.process = process.name;
        job.known.end = how;
        job.known.end->usage = since(process.billed, how.usage);
        job.known.killed_here = process.killed;
        job.known.memory = how_.memory;
        job.known.output = process.talk->output_tail();
        job.known.cut_short = process.talk->ended_within_a_message();
        job.known.hung_up = process.hung_up;
        job.known.given_up = process.given_up;
        job.known.stacks = std::move(process.stacks);
    }
    auto code = judge(process, how);
    auto node = processes_.extract(process.pid);
    auto* first = process.jobs.empty() ? nullptr : static_cast<job_node*>(process.jobs.front());
    if (schedule_.process_ended(process, code, untouched, clock_type::now()))
        journal_.write(level::error, last_launch_failure_);
    if (first && first->state == job_entry::status::waiting) // it has nothing to do with that process
        first->known = {};
}

errc dispatcher::judge(process_node& process, ending const& how)
{
    if (process.refused)
        return process.refused->code;
    if (process.was_ready && process.hung_up && was_killed(how))
        return errc::process_lost;
    if (process.was_ready && was_killed(how) && !process.killed && was_killed_for_memory(process, how))
        return errc::out_of_memory;
    return process.was_ready ? code_of(how) : errc::launch_failed;
}

// Where it had a cgroup of its own, that one's account is the last word.
bool dispatcher::was_killed_for_memory(process_node const& process, ending const& how)
{
    if (how.killed_for_memory)
        return *how.killed_for_memory;
    return process.oom_kills && oom_kills_.has_killed(*process.oom_kills);
}

std::string dispatcher::why_not_started(process_node const& process, ending const& how) const
{
    auto program = command_for(how_, worker_argument).program.string();
    if (process.refused)
        return program + ": " + process.refused->what;
    failed_start what{program, process.greeted, process.preload_threw, {},
                      (process.hung_up ? "closed its channel, and " : "") + describe_ending(how), how_.launch == launch::fork};
    if (process.patience_is_over)
        what.given_up = "did not say hello in time and was killed; does its main begin with wodehaus::init(argc, argv)?";
    return describe_failed_start(what) + describe_last_output(process.talk->output_tail());
}

void dispatcher::launch_failed(std::size_t count, errc code, std::string what, bool final)
{
    journal_.write(level::error, what);
    last_launch_failure_ = std::move(what);
    schedule_.launch_failed(count, code, final, clock_type::now());
    pump();
}

} // namespace wodehaus::detail
