// The matrix: each operation and each mishap on every launch. It is printed as a table, and a cell that fails fails the
// test. How each behaves in full is in the tests beside this one; this one sees that none is forgotten on any launch.
//
//   matrix -- GUEST [FILE [PART]]    GUEST is the other program; the table goes into FILE, too; of the rows only those
//                                    that have PART in their names
#include "test/server/matrix.hpp"

#include <boost/test/results_collector.hpp>

#include <array>
#include <functional>
#include <iomanip>
#include <iostream>
#include <type_traits>

using namespace matrix;
using namespace std::string_literals;

namespace {

constexpr kit::way columns[] = {kit::zygote_fresh, kit::zygote_ahead, kit::exec_fresh, kit::exec_kept,
                                kit::fork_fresh,   kit::fork_kept,    kit::in_process};
constexpr std::array titles{"zygote", "zygote kept", "exec", "exec kept", "fork", "fork kept", "in_process"};

struct row {
    char const* name;
    std::function<cell> play;
    bool at_once = false; // all its cells, since they wait most of their time
};

/// The body with what it wants beside the way.
template <class... Given>
std::function<cell> with(awaitable<mark> (*function)(kit::way, asio::io_context&, Given...),
                         std::type_identity_t<Given>... given)
{
    return [=](kit::way how, asio::io_context& context) { return function(how, context, given...); };
}

// clang-format off
row const table[] = {
    {"a call", call},
    {"a map", map},
    {"producer and consumer", producer_and_consumer},
    {"start, on several threads at once", batches_on_threads},
    {"a function object that travels", function_object},
    {"a closure", closure},
    {"a megabyte there and back", large},
    {"too large a job, too large a result", too_large},
    {"a worker that fails at first", attempts},
    {"cancelled", cancelled},
    {"timed out", timed_out},
    {"a full queue", full_queue},
    {"stopped", stopped},
    {"terminated", terminated},
    {"the server destroyed", destroyed},
    {"run again", run_again},

    {"the worker throws", it_throws},
    {"the worker crashes", it_crashes},
    {"the worker exits", it_exits},
    {"the worker ignores SIGTERM", it_ignores_sigterm},
    {"the worker closes all descriptors", it_closes_everything},
    {"the worker sends garbage", it_sends_garbage},
    {"a grandchild holds all descriptors", grandchild_stays},
    {"a job, a result that does not travel", value_does_not_travel},
    {"a job, a result that crashes on its way", value_crashes_on_its_way},

    {"output::inherit, a line without an end", with(prints, "inherit", "unfinished")},
    {"output::inherit, binary noise", with(prints, "inherit", "noise")},
    {"output::inherit, a megabyte of it", with(prints, "inherit", "megabyte")},
    {"output::inherit, after the result", with(prints, "inherit", "late")},
    {"output::inherit, of a grandchild", with(prints, "inherit", "grandchild")},
    {"output::log, a line without an end", with(prints, "log", "unfinished")},
    {"output::log, binary noise", with(prints, "log", "noise")},
    {"output::log, a megabyte of it", with(prints, "log", "megabyte")},
    {"output::log, after the result", with(prints, "log", "late")},
    {"output::log, of a grandchild", with(prints, "log", "grandchild")},
    {"output::discard, a line without an end", with(prints, "discard", "unfinished")},
    {"output::discard, binary noise", with(prints, "discard", "noise")},
    {"output::discard, a megabyte of it", with(prints, "discard", "megabyte")},
    {"output::discard, after the result", with(prints, "discard", "late")},
    {"output::discard, of a grandchild", with(prints, "discard", "grandchild")},

    {"preload works", preload_works},
    {"preload throws", with(preload_fails, "throw no model here", "no model here"), true},
    {"preload crashes", with(preload_fails, "crash", "SIGABRT"), true},
    {"preload exits", with(preload_fails, "exit 5", "5"), true},
    {"preload hangs", preload_hangs},
    {"preload leaves a thread", preload_makes_threads},

    {"program: another that has the workers", program_has_the_workers},
    {"program: another that lacks one", program_lacks_a_worker},
    {"program: not ours", with(not_started, "/bin/echo", "without saying hello"), true},
    {"program: does not exist", with(not_started, "/no/such/program", "No such file"), true},
    {"program: not executable", program_is_not_executable, true},

    {"launcher: nice", launched_by_nice},
    {"launcher: env", launched_by_env},
    {"launcher: a shell that prints first", launched_with_a_banner},
    {"launcher: ignores its arguments", with(not_launched, "/bin/true", "without saying hello"), true},
    {"launcher: does not exist", with(not_launched, "/no/such/launcher", "No such file"), true},
    {"launcher: hangs", launcher_hangs},

    {"init forgotten", init_forgotten},
    {"init forgotten, behind a script", init_forgotten_behind_a_script, true},
    {"init late", init_late},
    {"init after a run", init_after_a_run},
    {"init twice", init_twice},
    {"argc and argv as they were", arguments_as_they_were},

    {"a server in a worker: zygote", with(nested, launch::zygote)},
    {"a server in a worker: exec", with(nested, launch::exec)},
    {"a server in a worker: fork", with(nested, launch::fork)},
    {"a server in a worker: in_process", with(nested, launch::in_process)},
    {"its worker timed out: zygote", with(nested_and_timed_out, launch::zygote)},
    {"its worker timed out: exec", with(nested_and_timed_out, launch::exec)},
    {"its worker timed out: fork", with(nested_and_timed_out, launch::fork)},
    {"its worker timed out: in_process", with(nested_and_timed_out, launch::in_process)},
    {"the outer server killed: zygote", with(nested_and_killed, launch::zygote)},
    {"the outer server killed: exec", with(nested_and_killed, launch::exec)},
    {"the outer server killed: fork", with(nested_and_killed, launch::fork)},
    {"the outer server killed: in_process", with(nested_and_killed, launch::in_process)},
};
// clang-format on

// ---- playing it

std::string text_of(std::exception_ptr error)
{
    try {
        std::rethrow_exception(error);
    } catch (std::exception const& thrown) {
        return thrown.what();
    } catch (...) {
        return "see above"; // a check of the test framework's has told it
    }
}

constexpr char const failed[] = "FAILED";

char const* word_for(mark what)
{
    switch (what) {
    case mark::ok:
        return "ok";
    case mark::refused:
        return "refused";
    case mark::none:
        return "-";
    }
    return failed;
}

unsigned long failures_so_far()
{
    auto test = boost::unit_test::framework::current_test_case().p_id;
    return boost::unit_test::results_collector.results(test).p_assertions_failed.get();
}

using cells = std::array<std::string, std::size(columns)>;

/// Plays these cells of a row at once, and looks what is left. What fails is told as an error of the test.
void play(row const& line, std::size_t from, std::size_t to, cells& ends)
{
    auto before = failures_so_far();
    {
        kit::nothing_left guard;
        asio::io_context context{1};
        for (auto i = from; i < to; ++i) {
            ends[i] = failed + ": it hangs"s;
            asio::co_spawn(context, line.play(columns[i], context),
                           [&end = ends[i]](std::exception_ptr error, mark what) {
                               end = error ? failed + ": "s + text_of(error) : word_for(what);
                           });
        }
        context.run_for(30s);
    }
    bool left = failures_so_far() != before;
    for (auto i = from; i < to; ++i) {
        if (left && !ends[i].starts_with(failed))
            ends[i] = failed + ": see above"s;
        BOOST_CHECK_MESSAGE(!ends[i].starts_with(failed), line.name << ", " << columns[i].name << ": " << ends[i]);
    }
}

template <class Cells>
std::string line_of(char const* name, Cells const& columns_of_it, std::string const& time)
{
    std::ostringstream line;
    line << std::left << std::setw(42) << name;
    for (std::string_view cell : columns_of_it)
        line << std::setw(13) << cell.substr(0, cell.find(':'));
    line << std::right << std::setw(6) << time << '\n';
    return line.str();
}

std::string play_all(std::string_view part)
{
    auto whole = line_of("", titles, "ms");
    std::string reasons;
    for (auto& line : table) {
        if (!kit::contains(line.name, part))
            continue;
        BOOST_TEST_CHECKPOINT(line.name);
        auto begin = std::chrono::steady_clock::now();
        cells ends;
        for (std::size_t i = 0; i < ends.size(); i += line.at_once ? ends.size() : 1)
            play(line, i, line.at_once ? ends.size() : i + 1, ends);
        auto took = std::chrono::round<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
        whole += line_of(line.name, ends, std::to_string(took.count()));
        for (std::size_t i = 0; i < ends.size(); ++i)
            if (ends[i].starts_with(failed))
                reasons += std::string{line.name} + ", " + columns[i].name + ": " + ends[i] + '\n';
    }
    return whole + reasons;
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_matrix)

BOOST_AUTO_TEST_CASE(every_row_on_every_launch)
{
    auto& suite = boost::unit_test::framework::master_test_suite();
    auto whole = play_all(suite.argc > 3 ? suite.argv[3] : "");
    std::cout << '\n' << whole << std::flush;
    if (suite.argc > 2)
        std::ofstream{suite.argv[2]} << whole;
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    arguments.given.assign(argv, argv + argc);
    wodehaus::init(argc, argv, kit::preload);
    arguments.left.assign(argv, argv + argc);
    arguments.argv = argv;
    return kit::run_tests(argc, argv);
}
