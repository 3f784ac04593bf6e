// main() of the tests, with a preload that does what a test asks of it.
#pragma once

#include "test/kit/framework.hpp"
#include "test/kit/gate.hpp"

#include <wodehaus/init.hpp>
#include <wodehaus/process_name.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace kit {

inline constexpr char const preload_variable[] = "KIT_PRELOAD";

/// For its lifetime, the preload of processes that are started does this: "throw TEXT", "exit STATUS", "crash",
/// "pass GATE", "note FILE", "name NAME", "print TEXT", "thread".
class preload_does {
public:
    explicit preload_does(std::string const& what) { ::setenv(preload_variable, what.c_str(), 1); }
    preload_does(preload_does const&) = delete;
    preload_does& operator=(preload_does const&) = delete;
    ~preload_does() { ::unsetenv(preload_variable); }
};

inline void preload()
{
    char const* asked = std::getenv(preload_variable);
    if (!asked)
        return;
    std::string all{asked}, what = all.substr(0, all.find(' ')), rest = all.substr(std::min(what.size() + 1, all.size()));
    if (what == "throw")
        throw std::runtime_error{rest};
    if (what == "exit")
        std::exit(std::stoi(rest));
    if (what == "crash")
        std::abort();
    if (what == "pass")
        pass(rest);
    if (what == "note")
        note(rest);
    if (what == "name")
        wodehaus::process_name(rest);
    if (what == "print")
        std::fputs(rest.c_str(), stdout);
    if (what == "thread")
        std::thread{[] {
            for (;;)
                ::pause();
        }}.detach();
}

/// In a session of its own, so that whatever a test leaves behind can be told from everything else.
inline int run_tests(int argc, char** argv)
{
    ::setsid(); // fails if it is one already, or under a shell; then less is looked at
    ::signal(SIGINT, SIG_DFL); // a shell ignores it for what it starts in the background
    ::signal(SIGQUIT, SIG_DFL);
    return run_framework(argc, argv);
}

} // namespace kit
