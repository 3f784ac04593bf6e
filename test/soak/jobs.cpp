// What the jobs do. On fork they run in a process whose other threads are gone, so they call little but the kernel.
#include "test/soak/jobs.hpp"

#include "test/kit/mishaps.hpp"

#include <wodehaus/this_job.hpp>

#include <cstring>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <sched.h>

namespace soak {

namespace {

namespace this_job = wodehaus::this_job;

void note(errand const& job)
{
    int to = ::open(job.notes.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (to < 0 || ::write(to, &job.id, sizeof job.id) != static_cast<ssize_t>(sizeof job.id))
        throw std::runtime_error{"cannot note"};
    ::close(to);
}

std::string filling_of(int id, std::size_t size)
{
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<char>('a' + (i + static_cast<std::size_t>(id)) % 26);
    return text;
}

[[noreturn]] void wait_for_ever()
{
    for (;;)
        ::pause();
}

void leak(int kilobytes)
{
    auto size = static_cast<std::size_t>(kilobytes) << 10;
    static char* volatile last; // so that it is not optimised away
    last = static_cast<char*>(std::malloc(size));
    if (last)
        std::memset(last, 1, size);
}

void have_child(deed how)
{
    int child = ::fork();
    if (child == 0) {
        if (how == deed::has_child_in_group)
            ::setpgid(0, 0);
        else if (how == deed::has_child_in_session)
            ::setsid();
        wait_for_ever();
    }
    while (child > 0 && how != deed::has_child && ::getpgid(child) == ::getpgrp())
        ::sched_yield(); // not before it has left
}

void flood(int kilobytes)
{
    std::string line(127, '~');
    line += '\n';
    for (int left = kilobytes * 8; left; --left)
        if (::write(1, line.data(), line.size()) < 0)
            return;
}

int wait_until_asked()
{
    while (!this_job::stop_requested())
        ::usleep(1000);
    return 0;
}

void ask_and_go_on()
{
    for (;; ::usleep(10'000))
        static_cast<void>(this_job::stop_requested());
}

void fail_at_first(errand const& job)
{
    if (this_job::attempt() > job.number)
        return;
    if (static_cast<deed>(job.what) == deed::recovers)
        ::raise(SIGABRT);
    throw std::runtime_error{"at first"};
}

void act(errand const& job)
{
    switch (auto what = static_cast<deed>(job.what)) {
    case deed::returns:
    case deed::returns_too_much:
    case deed::is_too_large:
    case deed::count:
        break;
    case deed::sleeps:
        ::usleep(static_cast<useconds_t>(job.number) * 1000);
        break;
    case deed::throws:
        throw std::invalid_argument{"thrown " + std::to_string(job.number)};
    case deed::crashes:
        ::raise(job.number);
        break;
    case deed::recovers:
    case deed::throws_at_first:
        fail_at_first(job);
        break;
    case deed::exits:
        ::_exit(job.number);
    case deed::ignores_sigterm:
        ::signal(SIGTERM, SIG_IGN);
        wait_for_ever();
    case deed::hangs:
        wait_for_ever();
    case deed::asks:
        static_cast<void>(this_job::stop_requested());
        break;
    case deed::asks_until_asked:
        wait_until_asked();
        break;
    case deed::asks_and_goes_on:
        ask_and_go_on();
        break;
    case deed::leaks:
        leak(job.number);
        break;
    case deed::has_child:
    case deed::has_child_in_group:
    case deed::has_child_in_session:
        have_child(what);
        break;
    case deed::closes_descriptors:
        kit::mishaps::closes_everything(0);
        break;
    case deed::scribbles:
        kit::mishaps::scribbles(0);
        break;
    case deed::floods:
        flood(job.number);
        break;
    }
}

} // namespace

report work(errand const& job)
{
    report result{job.id, this_job::attempt(), {}};
    note(job);
    act(job);
    result.filling = filling_of(job.id, job.size);
    return result;
}

errand make_errand(task_plan const& task, round_plan const& plan, std::string const& notes)
{
    errand job;
    job.id = task.id;
    job.what = static_cast<int>(task.what);
    job.number = task.number;
    job.size = task.what == deed::returns_too_much ? plan.max_message + 1 : task.size;
    job.notes = notes;
    job.filling = filling_of(task.id, task.size);
    return job;
}

bool is_right(task_plan const& task, report const& result)
{
    return result.id == task.id && result.filling == filling_of(task.id, task.size);
}

std::map<int, int> read_notes(std::string const& file)
{
    std::map<int, int> counts;
    std::ifstream in{file, std::ios::binary};
    for (int id = 0; in.read(reinterpret_cast<char*>(&id), sizeof id);)
        ++counts[id];
    return counts;
}

} // namespace soak
