// The example parallel: its decisions by plain calls, and the program beside GNU parallel. Argument: the program.
#include "example/parallel/halt.hpp"
#include "example/parallel/in_order.hpp"
#include "example/parallel/joblog.hpp"
#include "test/kit/files.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/running_program.hpp"

#include <algorithm>
#include <csignal>
#include <numeric>

namespace fs = std::filesystem;
using namespace std::string_literals;

BOOST_AUTO_TEST_SUITE(decisions)

BOOST_AUTO_TEST_CASE(rules_that_are_read)
{
    using moment = halt_rule::moment;
    using cause = halt_rule::cause;
    struct {
        char const* text;
        moment when;
        cause why;
        std::size_t count;
        bool is_percentage;
    } const rules[] = {
        {"never", moment::never, cause::fail, 0, false},
        {"now,fail=1", moment::now, cause::fail, 1, false},
        {"soon,fail=3", moment::soon, cause::fail, 3, false},
        {"soon,fail=3%", moment::soon, cause::fail, 3, true},
        {"now,success=1", moment::now, cause::success, 1, false},
        {"soon,success=3", moment::soon, cause::success, 3, false},
        {"now,success=3%", moment::now, cause::success, 3, true},
        {"now,done=1", moment::now, cause::done, 1, false},
        {"soon,done=100%", moment::soon, cause::done, 100, true},
        {"0", moment::never, cause::fail, 0, false},
        {"1", moment::soon, cause::fail, 1, false},
        {"2", moment::now, cause::fail, 1, false},
        {"-1", moment::soon, cause::success, 1, false},
        {"-2", moment::now, cause::success, 1, false},
        {"10%", moment::soon, cause::fail, 10, true},
    };
    for (auto const& each : rules) {
        BOOST_TEST_INFO_SCOPE(each.text);
        auto rule = parse_halt(each.text);
        BOOST_REQUIRE(rule.has_value());
        BOOST_TEST((rule->when == each.when));
        BOOST_TEST((rule->why == each.why));
        BOOST_TEST(rule->count == each.count);
        BOOST_TEST(rule->is_percentage == each.is_percentage);
    }
    for (auto text : {"",
                      "3",
                      "now",
                      "now,",
                      "now,fail",
                      "now,fail=",
                      "now,fail=0",
                      "now,fail=-1",
                      "now,fail=1x",
                      "soon,fail=0%",
                      "soon,fail=101%",
                      "soon,fail=1%%",
                      "never,fail=1",
                      "later,fail=1",
                      "now,lost=1",
                      "now,fail=99999999999999999999999",
                      "%",
                      "0%",
                      " now,fail=1",
                      "now,fail=1 "})
        BOOST_CHECK_MESSAGE(!parse_halt(text), "'" << text << "' is no rule");
}

// Jobs end with these statuses (128 and more: by a signal); the string says what each time is decided: '.' go on, 's'
// soon, 'n' now.
struct course {
    char const* rule;
    std::size_t total;
    std::vector<int> ends;
    char const* decided;
    int status;
};

BOOST_AUTO_TEST_CASE(when_to_end_and_with_which_status)
{
    course const all[] = {
        {"never", 0, {}, "", 0},
        {"never", 0, {0, 1, 0, 137}, "....", 2},
        {"now,fail=1", 0, {0, 0, 3}, "..n", 3},
        {"now,fail=1", 0, {0, 137}, ".n", 137},
        {"now,fail=1", 0, {0, -1}, ".n", 255},
        {"now,fail=1", 0, {0, 0}, "..", 0},
        {"soon,fail=1", 0, {0, 3, 4, 0}, ".sss", 3},
        {"soon,fail=2", 0, {9, 0, 9, 9}, "..ss", 2},
        {"soon,fail=3", 0, {9, 9}, "..", 2},
        {"soon,fail=20%", 10, {0, 1, 2, 3}, "..ss", 20},
        {"soon,fail=3%", 3, {0, 1}, ".s", 34},
        {"soon,fail=50%", 4, {1, 0, 0, 0}, "....", 25},
        {"now,success=1", 0, {1, 2, 3, 0}, "...n", 0},
        {"soon,success=2", 0, {0, 1, 0, 1}, "..ss", 0},
        {"soon,success=5", 0, {0, 1, 1}, "...", 2},
        {"soon,success=50%", 4, {1, 1, 0, 0}, "...s", 0},
        {"now,done=1", 0, {0}, "n", 0},
        {"now,done=1", 0, {7}, "n", 7},
        {"soon,done=3", 0, {0, 1, 1, 1}, "..ss", 2},
        {"now,done=50%", 4, {0, 1}, ".n", 25},
    };
    for (auto const& each : all) {
        BOOST_TEST_INFO_SCOPE(each.rule << " over " << each.decided);
        tally counted{parse_halt(each.rule).value(), each.total};
        std::string decided;
        for (int end : each.ends)
            decided += ".sn"[static_cast<int>(end < 128 ? counted.add(end, 0) : counted.add(0, end - 128))];
        BOOST_TEST(decided == each.decided);
        BOOST_TEST(counted.exit_status() == each.status);
        BOOST_TEST(counted.halted() == (decided.find_first_of("sn") != decided.npos));
    }
}

BOOST_AUTO_TEST_CASE(no_more_than_101_failures_are_told)
{
    for (auto [failures, status] : {std::pair{100, 100}, {101, 101}, {102, 101}, {1000, 101}}) {
        tally counted{{}};
        for (int i = 0; i < failures; ++i)
            counted.add(1, 0);
        BOOST_TEST(counted.exit_status() == status);
    }
}

BOOST_AUTO_TEST_CASE(every_order_is_put_right)
{
    std::vector<unsigned> order{1, 2, 3, 4, 5};
    do {
        in_order<unsigned> queue;
        std::vector<unsigned> given;
        for (auto each : order)
            queue.add(each, each, [&](unsigned next) { given.push_back(next); });
        BOOST_TEST(given == (std::vector<unsigned>{1, 2, 3, 4, 5}), boost::test_tools::per_element());
    } while (std::next_permutation(order.begin(), order.end()));
}

BOOST_AUTO_TEST_CASE(what_never_comes_is_left_out_at_the_end)
{
    in_order<int> queue;
    std::vector<int> given;
    auto give = [&](int next) { given.push_back(next); };
    for (auto each : {5, 1, 4})
        queue.add(static_cast<std::uint64_t>(each), each, give);
    BOOST_TEST(given == (std::vector<int>{1}), boost::test_tools::per_element());
    queue.finish(give);
    BOOST_TEST(given == (std::vector<int>{1, 4, 5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_line_of_a_job_log)
{
    command job;
    job.number = 12;
    job.line = "echo \t x";
    command_end end;
    end.output = "12345";
    end.errors = "123";
    end.exit_code = -1;
    end.signal = 15;
    end.began = 1376577364.974;
    end.took = 12.0084;
    BOOST_TEST(joblog_line(job, end) == "12\t:\t1376577364.974\t    12.008\t0\t5\t-1\t15\techo \t x\n");
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

std::string const gnu_parallel = "/usr/bin/parallel";

std::string program()
{
    return boost::unit_test::framework::master_test_suite().argv[1];
}

struct made {
    kit::ended end;
    std::string log;   ///< without times
    std::string notes; ///< what the commands wrote to the file notes, in any order
};

std::string sorted(std::string const& text)
{
    std::istringstream in{text};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
        lines.push_back(line + '\n');
    std::sort(lines.begin(), lines.end());
    return std::accumulate(lines.begin(), lines.end(), std::string{});
}

std::string without_times(std::string const& log)
{
    std::istringstream in{log};
    std::string kept;
    for (std::string line; std::getline(in, line);) {
        auto first = line.find('\t', line.find('\t') + 1), last = line.find('\t', line.find('\t', first + 1) + 1);
        kept += line.erase(first, last - first) + '\n';
    }
    return kept;
}

/// Runs a program in an empty folder, with this as its stdin.
made run(std::string const& what, std::vector<std::string> options, std::string const& input)
{
    kit::folder work;
    std::ofstream{work / "input", std::ios::binary} << input;
    options.insert(options.begin(), {"-c", "cd \"$0\"; exec \"$@\" < input", work.path(), what, "--joblog", "log"});
    auto end = kit::run_program(options, "/bin/sh");
    return {end, without_times(kit::content_if_any(work / "log")), sorted(kit::content_if_any(work / "notes"))};
}

made run(std::vector<std::string> options, std::string const& input)
{
    return run(program(), std::move(options), input);
}

/// What GNU parallel makes of `::: VALUE...`.
std::string each(std::string const& line, std::vector<std::string> const& values)
{
    std::string lines;
    for (auto const& value : values) {
        lines += line;
        for (auto at = lines.find("{}"); at != lines.npos; at = lines.find("{}"))
            lines.replace(at, 2, value);
        lines += '\n';
    }
    return lines;
}

/// Runs both, compares all there is, and gives what came out.
made same_as_gnu(std::vector<std::string> options, std::string const& input)
{
    BOOST_TEST_INFO_SCOPE("parallel " << std::accumulate(options.begin(), options.end(), ""s,
                                                         [](auto all, auto& next) { return all + next + ' '; })
                                      << "over\n"
                                      << input);
    options.insert(options.begin(), "-k");
    auto theirs = run(gnu_parallel, options, input), ours = run(options, input);
    BOOST_TEST(ours.end.signal == 0);
    BOOST_TEST(ours.end.exit_code == theirs.end.exit_code);
    BOOST_TEST(ours.end.output == theirs.end.output);
    BOOST_TEST(ours.log == theirs.log);
    BOOST_TEST(ours.notes == theirs.notes);
    return ours;
}

/// What commands ring when they have come to a point: `echo > PATH`.
class bell {
public:
    bell() : path_(folder_ / "bell")
    {
        BOOST_REQUIRE(::mkfifo(path_.c_str(), 0600) == 0);
        rung_ = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
        BOOST_REQUIRE(rung_ >= 0);
    }
    bell(bell const&) = delete;
    bell& operator=(bell const&) = delete;
    ~bell() { ::close(rung_); }
    std::string ring() const { return "echo > " + path_ + "; "; }
    void wait_for(int times) const
    {
        for (char each = 0; times; --times)
            BOOST_REQUIRE(::read(rung_, &each, 1) == 1);
    }

private:
    kit::folder folder_;
    std::string path_;
    int rung_ = -1;
};

class gnu_is_there : kit::nothing_left {
public:
    gnu_is_there()
    {
        BOOST_REQUIRE_MESSAGE(fs::exists(gnu_parallel), "please install GNU parallel: apt-get install parallel");
        ::setenv("HOME", home_.path().c_str(), 1); // it keeps files there
        ::setenv("PARALLEL_SHELL", "/bin/sh", 1);  // else its caller's
        ::unsetenv("PARALLEL");
    }

private:
    kit::folder home_;
};

} // namespace

// The examples of its manual and tutorial for these options; their seconds are tenths here.
BOOST_AUTO_TEST_SUITE(as_gnu_parallel, *boost::unit_test::fixture<gnu_is_there>())

BOOST_AUTO_TEST_CASE(keeps_the_order)
{
    auto made = same_as_gnu({"-j4"}, each("sleep 0.{}; echo {}", {"2", "1", "4", "3"}));
    BOOST_TEST(made.end.output == "2\n1\n4\n3\n");
    made =
        same_as_gnu({"-j2"}, each("printf \"%s-start\\n%s\" {} {}; sleep 0.{}; printf \"%s\\n\" -middle; echo {}-end",
                                  {"4", "2", "1"}));
    BOOST_TEST(made.end.output == "4-start\n4-middle\n4-end\n2-start\n2-middle\n2-end\n1-start\n1-middle\n1-end\n");
}

BOOST_AUTO_TEST_CASE(writes_a_job_log)
{
    auto made = same_as_gnu({"-j2"}, each("exit {}", {"1", "2", "3", "0"}));
    BOOST_TEST(made.log == "Seq\tHost\tSend\tReceive\tExitval\tSignal\tCommand\n"
                           "1\t:\t0\t0\t1\t0\texit 1\n"
                           "2\t:\t0\t0\t2\t0\texit 2\n"
                           "3\t:\t0\t0\t3\t0\texit 3\n"
                           "4\t:\t0\t0\t0\t0\texit 0\n");
    BOOST_TEST(made.end.exit_code == 3);
    same_as_gnu({}, "kill -9 $$\nkill -TERM $$\nno-such-command 2>&1\n)\nexit 300\necho out; echo error >&2\n");
}

BOOST_AUTO_TEST_CASE(kills_what_takes_too_long)
{
    auto made = same_as_gnu({"-j4", "--timeout", "1"}, "sleep 0.2; echo 2\nsleep 0.4; echo 4\nsleep 6; echo 6\n"
                                                       "echo begun; sleep 8; echo 8\n");
    BOOST_TEST(made.end.output == "2\n4\nbegun\n");
    BOOST_TEST(made.end.exit_code == 2);
}

BOOST_AUTO_TEST_CASE(tries_again)
{
    auto made =
        same_as_gnu({"--retries", "3"}, each("echo tried {} >> notes; echo completed {}; exit {}", {"1", "2", "0"}));
    BOOST_TEST(made.notes == "tried 0\ntried 1\ntried 1\ntried 1\ntried 2\ntried 2\ntried 2\n");
    // A folder is made by one only: the third attempt succeeds.
    made = same_as_gnu({"--retries", "0"}, "mkdir a && exit 1; mkdir b && exit 2; echo done\n");
    BOOST_TEST(made.end.exit_code == 0);
    BOOST_TEST(made.end.output == "done\n");
}

BOOST_AUTO_TEST_CASE(ends_early)
{
    std::string const line = "echo {}; exit {}";
    BOOST_TEST(same_as_gnu({"-j1", "--halt", "soon,fail=1"}, each(line, {"0", "0", "1", "2", "3"})).end.exit_code == 1);
    BOOST_TEST(same_as_gnu({"-j1", "--halt", "now,fail=1"}, each(line, {"0", "0", "1", "2", "3"})).end.exit_code == 1);
    BOOST_TEST(
        same_as_gnu({"-j1", "--halt", "soon,fail=20%"}, each(line, {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}))
            .end.exit_code == 20);
    BOOST_TEST(same_as_gnu({"-j1", "--halt", "now,success=1"}, each(line, {"1", "2", "3", "0", "4", "5", "6"}))
                   .end.exit_code == 0);
}

BOOST_AUTO_TEST_CASE(ends_early_with_others_running)
{
    auto made = same_as_gnu({"-j3", "--halt", "soon,fail=1"}, "sleep 1; echo 0\nsleep 0.5; echo 1; exit 3\n"
                                                              "sleep 1; echo 2\necho 3\n");
    BOOST_TEST(made.end.output == "0\n1\n2\n");
    BOOST_TEST(made.end.exit_code == 3);
    made = same_as_gnu({"-j2", "--halt", "now,fail=1"}, "sleep 0.5; echo 1; exit 3\nsleep 5; echo 2\necho 3\n");
    BOOST_TEST(made.end.output == "1\n");
    BOOST_TEST(made.end.exit_code == 3);
}

BOOST_AUTO_TEST_CASE(forms_of_halt)
{
    // Each that decides in another way; how they are read, and when each decides, is among the decisions above.
    auto const commands = each("echo {}; exit {}", {"0", "2", "0", "3", "4", "0"});
    std::istringstream forms{"never now,done=1 soon,success=90%"};
    for (std::string form; forms >> form;)
        same_as_gnu({"-j1", "--halt", form}, commands);
}

BOOST_AUTO_TEST_CASE(reads_lines)
{
    same_as_gnu({"-j1"}, "");
    same_as_gnu({"-j1"}, "\n  \necho a");
    same_as_gnu({"-j1"}, "echo \xe9t\xe9\necho 'a  b' \"$((1+1))\"   \ncat; echo 'not the next line'\necho \\\\\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(parallel, *boost::unit_test::fixture<kit::nothing_left>())

BOOST_AUTO_TEST_CASE(output_arrives_whole)
{
    auto end =
        kit::run_program({"-c", "yes 'seq 200000; seq 1000 >&2' | head -n 3 | \"$0\" -j3", program()}, "/bin/sh");
    std::string lines, errors;
    for (int i = 1; i <= 200'000; ++i)
        lines += std::to_string(i) + '\n';
    for (int i = 1; i <= 1000; ++i)
        errors += std::to_string(i) + '\n';
    BOOST_TEST(end.exit_code == 0);
    BOOST_TEST((end.output == lines + lines + lines));
    BOOST_TEST((end.errors == errors + errors + errors));
}

BOOST_AUTO_TEST_CASE(no_more_at_once_than_jobs)
{
    std::string lines;
    for (int i = 0; i < 12; ++i)
        lines += "echo + >> notes; ls -d r* 2>/dev/null | wc -l; mkdir r$$; sleep 0.05; rmdir r$$\n";
    auto made = run({"-j3"}, lines);
    BOOST_TEST(made.end.exit_code == 0);
    BOOST_TEST(made.end.output.size() == 24u);
    for (char each : made.end.output)
        BOOST_TEST(("012\n"s.find(each) != std::string::npos));
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_whole_group)
{
    auto made = run({"-j2", "--timeout", "0.5"}, "(sleep 1000; echo a) & sleep 1000\n"
                                                 "trap '' TERM; sleep 1000; sleep 1000\n"
                                                 "trap 'echo asked; exit 5' TERM; sleep 1000\n");
    BOOST_TEST(made.end.exit_code == 3);
    BOOST_TEST(made.end.output == "asked\n");
    BOOST_TEST(made.log == "Seq\tHost\tSend\tReceive\tExitval\tSignal\tCommand\n"
                           "1\t:\t0\t0\t-1\t15\t(sleep 1000; echo a) & sleep 1000\n"
                           "2\t:\t0\t0\t-1\t9\ttrap '' TERM; sleep 1000; sleep 1000\n"
                           "3\t:\t0\t6\t-1\t0\ttrap 'echo asked; exit 5' TERM; sleep 1000\n");
}

BOOST_AUTO_TEST_CASE(what_a_command_leaves_behind_ends_and_is_not_waited_for)
{
    auto made = run({"-j2"}, "sleep 1000 & echo a\n(setsid sleep 1000 &) ; echo b\n");
    BOOST_TEST(made.end.exit_code == 0);
    BOOST_TEST(made.end.output == "a\nb\n");
}

BOOST_AUTO_TEST_CASE(a_command_that_kills_its_group_fails_alone)
{
    auto made = run({"-j1", "--retries", "2"}, "echo + >> notes; kill -9 0\necho b\n");
    BOOST_TEST(made.end.exit_code == 1);
    BOOST_TEST(made.end.output == "b\n");
    BOOST_TEST(made.notes == "+\n+\n");
    BOOST_TEST(made.log.find("\t0\t9\techo + >> notes; kill -9 0\n") != made.log.npos);
}

BOOST_AUTO_TEST_CASE(a_command_that_is_too_long_fails_alone)
{
    auto made = run({"-j1"}, "echo " + std::string(300'000, 'x') + "\necho b\n");
    BOOST_TEST(made.end.exit_code == 1);
    BOOST_TEST(made.end.output == "b\n");
    BOOST_TEST(made.end.errors.find("Argument list too long") != made.end.errors.npos);
    BOOST_TEST(made.end.errors.size() < 1000u);
}

BOOST_AUTO_TEST_CASE(control_c_while_it_waits_for_lines)
{
    kit::running_program runs{program(), {"-j2"}};
    runs.write("echo a\necho b\n");
    BOOST_TEST(runs.read_until("b\n"));
    BOOST_TEST((::fcntl(runs.shared_input(), F_GETFL) & O_NONBLOCK) == 0);
    runs.signal(SIGINT);
    auto end = runs.wait();
    BOOST_TEST((::fcntl(runs.shared_input(), F_GETFL) & O_NONBLOCK) == 0);
    BOOST_TEST(end.exit_code == 255);
    BOOST_TEST(end.output == "a\nb\n");
    BOOST_TEST(end.errors == "parallel: interrupted before all was run\n");
}

BOOST_AUTO_TEST_CASE(control_c_waits_for_what_runs)
{
    bell begun;
    kit::running_program runs{program(), {"-j2"}};
    runs.write("echo a\n" + begun.ring() + "sleep 0.5; echo b\n" + begun.ring() + "sleep 0.7; echo c\necho d\n");
    BOOST_TEST(runs.read_until("a\n"));
    begun.wait_for(2);
    runs.signal(SIGTERM);
    auto end = runs.wait();
    BOOST_TEST(end.exit_code == 255);
    BOOST_TEST(end.output == "a\nb\nc\n");
}

BOOST_AUTO_TEST_CASE(the_second_control_c_waits_for_nobody)
{
    bell begun;
    kit::running_program runs{program(), {"-j2"}};
    runs.write("echo a\n" + begun.ring() + "sleep 1000; echo b\necho c\n" + begun.ring() + "sleep 1000; echo d\n");
    BOOST_TEST(runs.read_until("a\n"));
    begun.wait_for(2); // b has one of two slots, so that c has ended
    runs.signal(SIGINT);
    runs.signal_was_taken(SIGINT);
    runs.signal(SIGINT);
    auto end = runs.wait();
    BOOST_TEST(end.exit_code == 255);
    BOOST_TEST(end.output == "a\nc\n");
}

BOOST_AUTO_TEST_CASE(killed_it_leaves_nothing)
{
    kit::running_program runs{program(), {"-j2"}};
    runs.write("echo a\nsleep 1000\nsleep 1000 & sleep 1000\n");
    BOOST_TEST(runs.read_until("a\n"));
    runs.signal(SIGKILL);
    BOOST_TEST(runs.wait().signal == SIGKILL);
}

BOOST_AUTO_TEST_CASE(ends_early_without_the_end_of_its_input)
{
    for (auto rule : {"soon,fail=1", "now,fail=1"}) {
        kit::running_program runs{program(), {"-j1", "--halt", rule}}; // -j2 could kill echo a as well
        runs.write("echo a\nexit 3\n");
        auto end = runs.wait();
        BOOST_TEST(end.exit_code == 3);
        BOOST_TEST(end.output == "a\n");
        BOOST_TEST(end.errors == "parallel: no more are begun after: exit 3\n");
    }
}

BOOST_AUTO_TEST_CASE(lines_are_run_as_they_come)
{
    kit::running_program runs{program(), {}};
    for (auto text : {"echo a\n", "echo b\n", "echo c\n"}) {
        runs.write(text);
        BOOST_TEST(runs.read_until(text + 5));
    }
    runs.close_input();
    BOOST_TEST(runs.wait().exit_code == 0);
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_one_line)
{
    std::vector<std::string> const all[] = {{"-jx"},
                                            {"-j", "-5"},
                                            {"-j"},
                                            {"--halt", "foo"},
                                            {"--halt", "now"},
                                            {"--halt", "now,fail=x"},
                                            {"--timeout", "x"},
                                            {"--timeout", "-1"},
                                            {"--timeout", "nan"},
                                            {"--retries", "x"},
                                            {"--retries", "-1"},
                                            {"--no-such-option"},
                                            {"echo"},
                                            {"--joblog", "/no/such/folder/log"}};
    for (auto const& options : all) {
        auto end = kit::run_program(options, program());
        BOOST_TEST_INFO_SCOPE(options.front() << ": " << end.errors);
        BOOST_TEST(end.exit_code == 255);
        BOOST_TEST(end.output == "");
        BOOST_TEST(end.errors.starts_with("parallel: "));
        BOOST_TEST(end.errors.find('\n') == end.errors.size() - 1);
    }
}

BOOST_AUTO_TEST_CASE(input_and_output_that_cannot_be_used)
{
    std::pair<char const*, char const*> const all[] = {
        {"exec \"$0\" < /", "standard input: Is a directory"},
        {"exec \"$0\" <&-", "standard input: Bad file descriptor"},
        {"echo 'echo a' | \"$0\" > /dev/full", "output: No space left on device"},
        {"echo 'echo 1234567' | \"$0\" >&-", "output: Bad file descriptor"}, // as many bytes as an eventfd would take
        {"echo 'echo a' | \"$0\" --joblog log >&-", "output: Bad file descriptor"},
        {"printf 'a\\0b\\n' | \"$0\"", "line 1 has a NUL"},
        {"echo true | \"$0\" --joblog /dev/full", "/dev/full: No space left on device"},
        {"echo true | \"$0\" --joblog /no/such/folder/log", "log: No such file or directory"},
    };
    for (auto const& [how, why] : all) {
        kit::folder work;
        auto end = kit::run_program({"-c", "cd \"$1\"; "s + how, program(), work.path()}, "/bin/sh");
        BOOST_TEST_INFO_SCOPE(how << ": " << end.errors);
        BOOST_TEST(end.exit_code == 255);
        BOOST_TEST(end.errors.starts_with("parallel: "));
        BOOST_TEST(end.errors.find(why) != end.errors.npos);
        BOOST_TEST(end.errors.find('\n') == end.errors.size() - 1);
    }
}

BOOST_AUTO_TEST_CASE(help)
{
    auto end = kit::run_program({"--help"}, program());
    BOOST_TEST(end.exit_code == 0);
    BOOST_TEST(end.errors == "");
    for (auto text : {"--jobs", "--keep-order", "--timeout", "--retries", "--halt", "--joblog", "Exit status"})
        BOOST_CHECK_MESSAGE(end.output.find(text) != end.output.npos, "--help does not tell of " << text);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
