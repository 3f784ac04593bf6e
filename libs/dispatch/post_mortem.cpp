// The strand's part that has to do with the stacks that failed processes tell: a job's failure is told once it is known
// what the places in them are called.
#include "dispatch/dispatcher.hpp"

#include "dispatch/trace.hpp"
#include "worker/crash.hpp"

#include <algorithm>

namespace wodehaus::detail {

// Where it hangs, before it is asked to end. What is behind a launcher cannot be reached by this.
void dispatcher::ask_where(process_node& process)
{
    if (process.is_our_child)
        launch_->signal(process.pid, stack_signal());
    else
        schedule_.examined(process, clock_type::now());
}

void dispatcher::take_stack(process_node& process, frame const& message)
{
    constexpr std::size_t most_stacks = 256; // of so many threads
    auto stack = read_stack(message.body.bytes());
    if (!stack)
        return distrust(process, errc::bad_message);
    if (process.stacks.size() == most_stacks)
        return;
    auto const cause = stack->cause;
    auto at = cause.signal || cause.is_first ? process.stacks.begin() : process.stacks.end();
    process.stacks.insert(at, std::move(*stack));
    if (cause.threads > 0)
        process.stacks_due = std::min(static_cast<std::size_t>(cause.threads), most_stacks);
    if (process.stacks_due != 0 && process.stacks.size() >= process.stacks_due)
        schedule_.examined(process, clock_type::now());
}

void dispatcher::find_names(job_node& job, errc code)
{
    if (!symbols_)
        symbols_ = std::make_shared<symbolizer>(strand_, gate_);
    if (schedule_.terminating()) { // nobody wants to wait
        put_in_words(job.known);
        return complete(job, code);
    }
    auto places = places_of(job.known.stacks);
    auto [kept, is_new] = untold_.insert(job.self);
    symbols_->find(places, [this, code, one = *kept] {
        untold_.erase(one);
        put_in_words(one->known);
        complete(*one, code);
        pump();
    });
}

void dispatcher::put_in_words(evidence& known)
{
    auto stacks = std::exchange(known.stacks, {});
    auto names = [this](file_place const& place) { return symbols_->known(place); };
    known.trace = describe_stacks(stacks, names, symbols_->complaint());
    known.cause = describe_cause(stacks.front());
    known.place = describe_place(stacks.front(), names);
}

} // namespace wodehaus::detail
