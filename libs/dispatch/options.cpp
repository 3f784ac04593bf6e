// Which options make sense.
#include "dispatch/options.hpp"

#include <csignal>
#include <stdexcept>

namespace wodehaus::detail {

namespace {

[[noreturn]] void refuse(std::string const& member, std::string const& why)
{
    throw std::invalid_argument{"wodehaus::options::" + member + ": " + why};
}

} // namespace

void check(options const& how)
{
    if (how.workers == 0)
        refuse("workers", "0 processes can do no work; give at least 1");
    bool starts_a_program = how.launch == launch::zygote || how.launch == launch::exec;
    if (!starts_a_program && how.launch != launch::fork && how.launch != launch::in_process)
        refuse("launch", "no such launch");
    if (how.output != output::inherit && how.output != output::log && how.output != output::discard)
        refuse("output", "no such output");
    if (!how.program.empty() && !starts_a_program)
        refuse("program", "only launch::zygote and launch::exec start a program");
    if (how.queue_limit == 0)
        refuse("queue_limit", "no call could ever wait; give at least 1");
    if (how.timeout.count() < 0)
        refuse("timeout", "it is negative; 0 stands for none");
    if (how.kill_after.count() < 0)
        refuse("kill_after", "it is negative");
    if (how.attempts < 1)
        refuse("attempts", "a job must be begun once at least");
    if (how.max_message == 0)
        refuse("max_message", "no job could ever be sent");
    if (!how.launcher.empty() && how.launch != launch::exec)
        refuse("launcher", "only launch::exec can start processes through another program");
    if (!how.launcher.empty() && how.launcher.front().empty())
        refuse("launcher", "its first word, the program, is empty");
    for (auto const& word : how.launcher)
        if (word.find('\0') != word.npos)
            refuse("launcher", "a word has a zero byte in it, at which it would be cut");
    if (how.keep_failed.native().find('\0') != std::string::npos)
        refuse("keep_failed", "it has a zero byte in it, at which it would be cut");
    for (int number : how.stop_signals)
        if (number <= 0 || number >= NSIG || number == SIGKILL || number == SIGSTOP)
            refuse("stop_signals", std::to_string(number) + " is no signal that can be caught");
}

options effective(options how)
{
    if (how.launch == launch::in_process) { // threads have nothing to be fresh for, and no way to and fro to hide
        how.jobs_per_process = 0;
        how.prefetch = 0;
        how.memory = 0; // a thread has none of its own
    }
    return how;
}

} // namespace wodehaus::detail
