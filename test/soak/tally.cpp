// Counts.
#include "test/soak/tally.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <numeric>
#include <sstream>

#include <malloc.h>
#include <unistd.h>

namespace soak {

namespace {

std::size_t resident_size()
{
    std::ifstream in{"/proc/self/statm"};
    std::size_t all = 0, resident = 0;
    in >> all >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
}

void write(std::ostream& out, char const* title, std::map<std::string, std::uint64_t> const& counts)
{
    std::uint64_t sum = 0;
    for (auto& [name, count] : counts)
        sum += count;
    out << title << " " << sum << ":";
    for (auto& [name, count] : counts)
        out << " " << name << " " << count << ";";
    out << "\n";
}

} // namespace

void tally::add(round_plan const& plan, round_course const& seen)
{
    ++rounds_;
    ++launches_[name_of(plan.launch)];
    started_ += seen.started;
    auto count = [&](task_plan const& task) {
        if (seen.tasks.count(task.id))
            ++deeds_[name_of(task.what)];
    };
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
        runs_ += seen.runs[i].begun != 0;
        for (auto const& call : plan.runs[i].calls)
            for (auto const& task : call.tasks)
                count(task);
        if (plan.runs[i].producer)
            for (auto const& task : plan.runs[i].producer->tasks)
                count(task);
    }
    for (auto const& [id, task] : seen.tasks)
        for (auto const& end : task.ends)
            ++outcomes_[end.why ? end.why->code.message() : "result"];
    for (auto const& hit : seen.hits)
        ++hits_[std::string{"SIG"} + ::sigabbrev_np(hit.signal) + (hit.zygote ? " to a zygote" : "")];
}

void tally::sample_memory()
{
    ::malloc_trim(0); // what is held, not what was
    memory_.push_back(resident_size());
}

tally::growth tally::second_half() const
{
    auto average = [](auto from, auto to) {
        return from == to ? 0 : std::accumulate(from, to, std::size_t{0}) / static_cast<std::size_t>(to - from);
    };
    auto size = static_cast<std::ptrdiff_t>(memory_.size());
    auto begin = memory_.begin();
    return {average(begin + size / 2, begin + size * 3 / 4), average(begin + size * 3 / 4, begin + size)};
}

bool tally::memory_is_flat() const
{
    auto [earlier, later] = second_half();
    return later * 100 <= earlier * 102;
}

std::string tally::summary() const
{
    std::ostringstream out;
    auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
    out << rounds_ << " rounds with " << runs_ << " runs in " << std::fixed << std::setprecision(1) << seconds << " s, "
        << started_ << " processes\n";
    write(out, "rounds by launch", launches_);
    write(out, "jobs", deeds_);
    write(out, "outcomes", outcomes_);
    write(out, "signals", hits_);
    auto [earlier, later] = second_half();
    out << "memory: " << earlier << " KiB in the third quarter, " << later << " KiB in the fourth\n";
    return out.str();
}

} // namespace soak
