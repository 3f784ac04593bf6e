// The rows of the matrix that are about processes and programs: output, preload, another program, a launcher, init.
#include "test/server/matrix.hpp"

#include "test/kit/files.hpp"
#include "test/kit/sanitizer.hpp"

#include <boost/serialization/vector.hpp>

#include <algorithm>

#include <sys/resource.h>

namespace matrix {

// ---- output

namespace {

std::string logged_output(kit::lines const& log)
{
    std::string all;
    for (auto& line : log.infos()) {
        auto colon = line.find(": ");
        if (line.find_first_not_of("0123456789") == colon) // from a process, not of one
            all += line.substr(colon + 2) + '\n';
    }
    return all;
}

/// Lets a "late" job print its last words, if its process is still there for them.
awaitable<void> let_print_late(kit::gate& gate, kit::way how)
{
    if (!how.kept())
        co_return;
    co_await gate.arrived();
    gate.open();
    co_await gate.arrived();
}

awaitable<std::string> output_in_log(kit::way how, asio::io_context& context, std::string const& kind)
{
    kit::lines log;
    session run{context, how({.workers = 1, .output = wodehaus::output::log, .logger = log.logger()})};
    kit::gate gate{context.get_executor()};
    errands::print_job job{kind, gate.path()};
    int status = co_await run.server.async_call(worker<errands::print>, job);
    expect(status == 0, "it could not print");
    if (kind == "late")
        co_await let_print_late(gate, how);
    co_await run.end();
    co_return logged_output(log);
}

awaitable<std::string> output_of_guest(kit::way how, asio::io_context& context, char const* output,
                                       std::string const& kind)
{
    kit::gate gate{context.get_executor()};
    guest one{context, {}, {how.name, output, "print", kind + ':' + gate.path()}};
    if (kind == "late") {
        co_await one.says("result: 0\n");
        co_await let_print_late(gate, how);
    }
    co_return co_await one.end();
}

} // namespace

awaitable<mark> prints(kit::way how, asio::io_context& context, std::string where, std::string kind)
{
    bool in_log = where == "log" && has_processes(how); // in process it has no effect
    std::string seen;
    if (in_log)
        seen = co_await output_in_log(how, context, kind);
    else
        seen = co_await output_of_guest(how, context, where.c_str(), kind);
    if (where == "discard" && has_processes(how)) {
        expect(seen == "result: 0\n", "not discarded: " + seen.substr(0, 2000));
        co_return mark::ok;
    }
    expect_in(seen, errands::printed(kind));
    bool late = kind == "late" && how.kept();
    expect(kit::count(seen, errands::late_words) == (late ? 1 : 0), "late words: " + seen);
    co_return mark::ok;
}

// ---- preload

namespace {

int crashes(int)
{
    std::abort();
}

} // namespace

awaitable<mark> preload_works(kit::way how, asio::io_context& context)
{
    guest one{context, {"KIT_PRELOAD=name of preload's choice"}, {how.name, "inherit", "name", ""}};
    expect_in(co_await one.end(), "result: of preload's choice");
    co_return mark::ok;
}

awaitable<mark> preload_fails(kit::way how, asio::io_context& context, std::string does, std::string account)
{
    if (!has_processes(how) && !does.starts_with("throw"))
        co_return mark::none;
    guest one{context, {"KIT_PRELOAD=" + does}, {how.name, "inherit", "half", "4"}};
    auto said = co_await one.end();
    auto failure = said.substr(std::min(said.find("failure: "), said.size()));
    expect_in(failure, make_error_code(errc::launch_failed).message());
    expect_in(failure, account);
    co_return mark::ok;
}

awaitable<mark> preload_hangs(kit::way how, asio::io_context& context)
{
    if (!has_processes(how))
        co_return mark::none;
    for (bool hard : {false, true}) {
        kit::gate gate{context.get_executor()};
        kit::preload_does waiting{"pass " + gate.path()};
        session run{context, how({.workers = 1, .kill_after = 100ms})};
        call_under_way<int> call{context};
        run.server.async_try_call(worker<half>, 4, call.token());
        co_await gate.arrived();
        hard ? run.server.terminate() : run.server.stop();
        auto end = co_await call.end();
        expect_failure(end, errc::stopped);
        co_await run.ended();
    }
    co_return mark::ok;
}

awaitable<mark> preload_makes_threads(kit::way how, asio::io_context& context)
{
#ifdef KIT_THREAD_SANITIZER
    if (how.launch == launch::zygote)
        co_return mark::none; // it allows no fork beside threads
#endif
    if (!has_processes(how)) { // here it would be this test's own
        guest one{context, {"KIT_PRELOAD=thread"}, {how.name, "inherit", "half", "4"}};
        expect_in(co_await one.end(), "result: 2");
        co_return mark::ok;
    }
    kit::preload_does makes{"thread"};
    kit::lines log;
    session run{context, how({.workers = 2, .logger = log.logger()})};
    std::vector<int> numbers(8, 4);
    auto results = co_await run.server.async_map(worker<half>, numbers);
    expect(results == std::vector<int>(8, 2), "halves of 4");
    auto crash = co_await end_of<crashes>(run, 0);
    expect_failure(crash, errc::process_crashed);
    co_await run.end();
    auto errors = log.errors();
    expect(errors.size() == (how.launch == launch::zygote ? 1 : 0), "errors: " + std::to_string(errors.size()));
    if (!errors.empty())
        expect_in(errors.front(), "preload has left 1 threads behind");
    co_return mark::ok;
}

// ---- another program

awaitable<mark> program_has_the_workers(kit::way how, asio::io_context& context)
{
    auto options = how({.program = guest_program()});
    if (!starts_a_program(how))
        co_return refused(context, options, "program");
    session run{context, options};
    auto program = co_await run.server.async_call(worker<errands::program_of_process>, 0);
    expect(program == std::filesystem::canonical(guest_program()).string(), "it ran in " + program);
    co_return co_await run.goes_on_and_ends();
}

awaitable<mark> program_lacks_a_worker(kit::way how, asio::io_context& context)
{
    auto options = how({.program = guest_program()});
    if (!starts_a_program(how))
        co_return refused(context, options, "program");
    session run{context, options};
    auto end = co_await end_of<crashes>(run, 0); // the guest does not know this one
    expect_in(expect_failure(end, errc::unknown_worker).what, "crashes");
    co_return co_await run.goes_on_and_ends();
}

namespace {

/// Checks that no process comes about, and that this is told with the account and the name of what was to be started.
awaitable<wodehaus::failure> end_without_process(session& run, std::string const& account, std::string const& name)
{
    auto end = co_await end_of<half>(run, 4);
    auto why = expect_failure(end, errc::launch_failed);
    expect_in(why.what, account);
    expect_in(why.what, name);
    co_return why;
}

} // namespace

awaitable<mark> not_started(kit::way how, asio::io_context& context, std::string program, std::string account)
{
    auto options = how({.workers = 1, .output = wodehaus::output::discard, .program = program, .logger = {}});
    if (!starts_a_program(how))
        co_return refused(context, options, "program");
    session run{context, options};
    auto why = co_await end_without_process(run, account, program);
    expect(why.process.empty(), "a process: " + why.process);
    co_return co_await run.end();
}

awaitable<mark> program_is_not_executable(kit::way how, asio::io_context& context)
{
    kit::folder folder;
    std::ofstream{folder / "program"} << "no program";
    co_return co_await not_started(how, context, folder / "program", "Permission denied");
}

// ---- a launcher

awaitable<mark> launched_by_nice(kit::way how, asio::io_context& context)
{
    auto options = how({.workers = 1, .launcher = {"nice", "-n", "5"}});
    if (how.launch != launch::exec)
        co_return refused(context, options, "launcher");
    session run{context, options};
    constexpr auto niceness = worker<[](int) { return ::getpriority(PRIO_PROCESS, 0); }>;
    int found = co_await run.server.async_call(niceness, 0);
    int most = 19; // of a test that is run by nice itself
    expect(found == std::min(most, ::getpriority(PRIO_PROCESS, 0) + 5), "niceness " + std::to_string(found));
    co_return co_await run.end();
}

awaitable<mark> launched_by_env(kit::way how, asio::io_context& context)
{
    auto options = how({.workers = 1, .launcher = {"env", "KIT_LAUNCHED=by env"}});
    if (how.launch != launch::exec)
        co_return refused(context, options, "launcher");
    session run{context, options};
    constexpr auto variable = worker<[](std::string const& name) {
        char const* value = std::getenv(name.c_str());
        return std::string{value ? value : ""};
    }>;
    auto value = co_await run.server.async_call(variable, "KIT_LAUNCHED");
    expect(value == "by env", "its environment has '" + value + '\'');
    co_return co_await run.end();
}

awaitable<mark> launched_with_a_banner(kit::way how, asio::io_context& context)
{
    kit::lines log;
    auto options = how({.workers = 1, .output = wodehaus::output::log, .logger = log.logger()});
    options.launcher = {"sh", "-c", "echo WELCOME; exec \"$@\"", "sh"};
    if (how.launch != launch::exec)
        co_return refused(context, options, "launcher");
    session run{context, options};
    auto end = co_await end_of<half>(run, 4);
    expect(end && *end == 2, "half of 4");
    co_await run.end();
    expect_in(logged_output(log), "WELCOME\n");
    co_return mark::ok;
}

awaitable<mark> not_launched(kit::way how, asio::io_context& context, std::string launcher, std::string account)
{
    auto options = how({.workers = 1, .launcher = {launcher}, .logger = {}});
    if (how.launch != launch::exec)
        co_return refused(context, options, "launcher");
    session run{context, options};
    co_await end_without_process(run, account, launcher);
    co_return co_await run.end();
}

awaitable<mark> launcher_hangs(kit::way how, asio::io_context& context)
{
    kit::gate gate{context.get_executor()};
    auto options = how({.workers = 1, .kill_after = 100ms});
    options.launcher = {"sh", "-c", "printf '\\1\\0\\0\\0' > \"$0/arrived\"; sleep 1000", gate.path()};
    if (how.launch != launch::exec)
        co_return refused(context, options, "launcher");
    session run{context, options};
    call_under_way<int> call{context};
    run.server.async_try_call(worker<half>, 4, call.token());
    co_await gate.arrived();
    run.server.terminate();
    auto end = co_await call.end();
    expect_failure(end, errc::stopped);
    co_return co_await run.ended();
}

// ---- init

namespace {

/// What the guest says whose main comes to init in this way, and how often it was started for that.
struct account_of_init {
    std::string said;
    std::size_t starts = 0;
};
awaitable<account_of_init> with_init(kit::way how, asio::io_context& context, std::string mode,
                                     char const* errand = "half", std::string program = {})
{
    kit::folder folder;
    std::vector<std::string> arguments{how.name, "inherit", errand, "4"};
    if (!program.empty())
        arguments.push_back(program);
    guest one{context, {"KIT_INIT=" + mode, "KIT_STARTS=" + folder / "starts"}, std::move(arguments)};
    account_of_init account;
    account.said = co_await one.end();
    account.starts = kit::notes(folder / "starts").size();
    co_return account;
}

} // namespace

awaitable<mark> init_forgotten(kit::way how, asio::io_context& context)
{
    auto account = co_await with_init(how, context, "never");
    expect_in(account.said, has_processes(how) ? "wodehaus::init(argc, argv)" : "result: 2");
    expect(account.starts == 1, std::to_string(account.starts) + " starts");
    co_return mark::ok;
}

// A program of another path, which cannot be seen to be this one.
awaitable<mark> init_forgotten_behind_a_script(kit::way how, asio::io_context& context)
{
    kit::folder folder;
    auto script = folder / "script";
    std::ofstream{script} << "#!/bin/sh\nexec '" << guest_program() << "' '" << how.name << "' inherit half 4 '"
                          << script << "' \"$@\"\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    auto options = how({.program = script});
    if (!starts_a_program(how))
        co_return refused(context, options, "program");
    auto account = co_await with_init(how, context, "never", "half", script);
    expect_in(account.said, make_error_code(errc::launch_failed).message());
    expect_in(account.said, "wodehaus::init(argc, argv)");
    expect(account.starts <= 10, std::to_string(account.starts) + " starts");
    co_return mark::ok;
}

awaitable<mark> init_late(kit::way how, asio::io_context& context)
{
    auto account = co_await with_init(how, context, "late");
    expect_in(account.said, "before init");
    expect_in(account.said, "result: 2");
    co_return mark::ok;
}

awaitable<mark> init_after_a_run(kit::way how, asio::io_context& context)
{
    auto account = co_await with_init(how, context, "after a run");
    expect_in(account.said, make_error_code(errc::not_initialised).message());
    expect_in(account.said, "result: 2");
    expect(account.starts <= 10, std::to_string(account.starts) + " starts");
    co_return mark::ok;
}

awaitable<mark> init_twice(kit::way how, asio::io_context& context)
{
    auto account = co_await with_init(how, context, "twice", "name");
    expect_in(account.said, "result: the first preload");
    co_return mark::ok;
}

awaitable<mark> arguments_as_they_were(kit::way how, asio::io_context& context)
{
    expect(arguments.left == arguments.given, "init has changed them");
    auto before = arguments.now(); // the test framework has taken its own out
    auto line = kit::content_of("/proc/self/cmdline");
    session run{context, how()};
    constexpr auto renames = worker<[](std::string const& name) {
        auto old = wodehaus::process_name();
        wodehaus::process_name(name);
        return old;
    }>;
    co_await run.server.async_call(renames, "a rather long name of a process");
    co_await run.end();
    wodehaus::process_name(""); // in process it was this one's
    expect(arguments.now() == before, "they have changed");
    expect(kit::content_of("/proc/self/cmdline") == line, "its command line is now " + kit::content_of("/proc/self/cmdline"));
    co_return mark::ok;
}

} // namespace matrix
