// The example crashbox, run as a user runs it. Argument: the program.
#include "test/kit/files.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"

#include "example/crashbox/groups.hpp"

#include <algorithm>
#include <csignal>
#include <regex>

namespace fs = std::filesystem;
using namespace std::string_literals;
using kit::contains, kit::count;

namespace {

std::string program()
{
    auto const& suite = boost::unit_test::framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(suite.argc > 1, "usage: crashbox -- PROGRAM");
    return suite.argv[1];
}

kit::ended shell(std::string const& command)
{
    return kit::run_program({"-c", command}, "/bin/sh");
}

/// What the page shows of a group.
struct shown_group {
    std::size_t count = 0;
    std::string title, first, command;
};

std::string without_references(std::string text)
{
    for (auto [reference, character] : {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})
        for (std::size_t at = 0; (at = text.find(reference, at)) != text.npos; ++at)
            text.replace(at, std::string{reference}.size(), character);
    return text;
}

std::vector<shown_group> groups_of(std::string const& page)
{
    static std::regex const count{R"(<span class="count">(\d+)</span> <bdi>(.*?)</bdi></h2>)"},
        first{R"(<dd class="first"><bdi>(.*?)</bdi></dd>)"}, command{"<code>(.*?)</code>"};
    std::vector<shown_group> all;
    for (auto begin = page.find("<article>"); begin != page.npos; begin = page.find("<article>", begin + 1)) {
        auto text = page.substr(begin, page.find("</article>", begin) - begin);
        std::smatch found;
        shown_group one;
        BOOST_REQUIRE(std::regex_search(text, found, count));
        one.count = static_cast<std::size_t>(std::stoi(found[1]));
        one.title = without_references(found[2]);
        BOOST_REQUIRE(std::regex_search(text, found, first));
        one.first = without_references(found[1]);
        if (std::regex_search(text, found, command))
            one.command = without_references(found[1]);
        all.push_back(one);
    }
    return all;
}

/// The one whose title has this in it.
shown_group group_with(std::vector<shown_group> const& all, std::string const& title)
{
    auto has = [&](shown_group const& each) { return contains(each.title, title); };
    auto found = std::find_if(all.begin(), all.end(), has);
    BOOST_REQUIRE_MESSAGE(found != all.end(), "no group is called " << title);
    BOOST_TEST(std::count_if(all.begin(), all.end(), has) == 1, title);
    return *found;
}

struct expressions {
    kit::folder work;
    fs::path output = work / "report";
    std::vector<std::string> files;

    std::string add(std::string const& name, std::string const& text)
    {
        auto file = work / name;
        std::ofstream{file, std::ios::binary} << text;
        files.push_back(file);
        return file;
    }
    kit::ended run(std::vector<std::string> options = {})
    {
        options.insert(options.end(), {"--output", output, "--processes", "2"});
        options.insert(options.end(), files.begin(), files.end());
        return kit::run_program(options, program());
    }
    std::string page() { return kit::content_of(output / "report.html"); }
};

std::string nested(std::size_t depth)
{
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += "(+ ";
    return text;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(crashbox, kit::nothing_left)

BOOST_AUTO_TEST_CASE(groups_failures_by_their_stacks)
{
    expressions all;
    all.add("fine", "(+ 1 (* 2 3))");
    all.add("zero 2", "(/ 5 0)");
    all.add("zero 1", "(+ 1 (/ 7 0))");
    all.add("zero 3", "(* (+ 1 1) (/ 1 0))");
    all.add("deep 1", nested(100'000));
    all.add("deep 2", nested(120'000));
    all.add("unknown", "(% 7 2)");
    all.add("nothing", "(-)");
    all.add("word 2", "(+ 1 x)");
    all.add("word 1", "y");
    all.add("large", "99999999999999999999");
    all.add("much", "(repeat 100000000 1)");
    all.add("open", "(+ 1");
    all.files.push_back(all.work / "missing");
    auto end = all.run({"--timeout", "2000"});
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(end.errors == "");
    BOOST_TEST(contains(end.output, "14 files, 1 fine, 13 failed, "), end.output);

    auto groups = groups_of(all.page());
    BOOST_TEST(groups.size() == 9u);
    auto zero = group_with(groups, "by a division by zero, in (anonymous namespace)::divide(");
    BOOST_TEST(contains(zero.title, " at expression.cpp:"), zero.title);
    BOOST_TEST(zero.count == 3u);
    BOOST_TEST(zero.first == all.work / "zero 1");
    BOOST_TEST(groups[0].title == zero.title); // the largest comes first
    BOOST_TEST(contains(end.output, "    3  " + zero.title + "\n"), end.output);

    auto deep = group_with(groups, "its stack has overflowed");
    BOOST_TEST(deep.count == 2u);
    BOOST_TEST(contains(deep.title, ", in (anonymous namespace)::parser::"), deep.title); // not what it calls of the language
    BOOST_TEST(group_with(groups, "by a jump to address 0x0").first == all.work / "unknown");
    BOOST_TEST(contains(group_with(groups, "by a null pointer").title, "subtract("));
    BOOST_TEST(group_with(groups, "std::invalid_argument: stol").count == 2u);
    BOOST_TEST(group_with(groups, "std::out_of_range: stol").count == 1u);
    BOOST_TEST(group_with(groups, "std::bad_alloc").first == all.work / "much");
    BOOST_TEST(group_with(groups, "longer than its timeout").first == all.work / "open");
    BOOST_TEST(group_with(groups, "it cannot be read: No such file").command == "");
}

BOOST_AUTO_TEST_CASE(the_command_shows_it_again)
{
    expressions all;
    all.output = all.work / "it's the report";
    all.add("zero", "(/ 5 0)");
    all.add("word", "(+ 1 x)");
    all.add("much", "(repeat 100000000 1)");
    BOOST_TEST(all.run().exit_code == 1);
    for (auto const& each : all.files)
        fs::remove(each); // the job has all that is needed
    auto groups = groups_of(all.page());
    auto zero = shell(group_with(groups, "division").command);
    BOOST_TEST(zero.exit_code + zero.signal == 128 * (zero.signal == 0) + SIGFPE, zero.errors);
    auto word = shell(group_with(groups, "stol").command);
    BOOST_TEST(word.exit_code == 1);
    BOOST_TEST(contains(word.errors, "it threw std::invalid_argument: stol"), word.errors);
    auto much = shell(group_with(groups, "bad_alloc").command); // it may have no more than it had
    BOOST_TEST(much.exit_code == 1);
    BOOST_TEST(contains(much.errors, "it threw std::bad_alloc"), much.errors);
}

BOOST_AUTO_TEST_CASE(names_from_the_standard_input)
{
    expressions all;
    auto one = all.add("one", "1"), two = all.add("two words", "(/ 2 0)");
    auto end = shell("printf '%s\\n' '" + one + "' '" + two + "' | " + program() + " --output " + all.output.string());
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(contains(end.output, "2 files, 1 fine, 1 failed"), end.output << end.errors);
    BOOST_TEST(group_with(groups_of(all.page()), "division").first == all.work / "two words");
}

BOOST_AUTO_TEST_CASE(nothing_fails)
{
    expressions all;
    all.add("one", "1");
    all.add("sum", "(+ 1 2 3)");
    auto end = all.run();
    BOOST_TEST(end.exit_code == 0);
    BOOST_TEST(groups_of(all.page()).empty());
    BOOST_TEST(contains(all.page(), "2 files · 2 fine · 0 failed in 0 ways"));
    all.files.clear(); // no name at all, and none on the standard input
    BOOST_TEST(all.run().exit_code == 0);
}

BOOST_AUTO_TEST_CASE(names_are_shown_as_text)
{
    expressions all;
    all.output = all.work / "report \xff";
    all.add("<script>alert(1)<script>\xfe", "(/ 1 0)");
    BOOST_TEST(all.run().exit_code == 1);
    BOOST_TEST(!contains(all.page(), "<script"));
    auto groups = groups_of(all.page());
    BOOST_REQUIRE(groups.size() == 1u);
    BOOST_TEST(groups[0].first == all.work / "<script>alert(1)<script>\\xfe");
    BOOST_TEST(contains(groups[0].command, "$'"), groups[0].command); // what a shell makes these bytes of again
}

BOOST_AUTO_TEST_CASE(what_is_no_file)
{
    expressions all;
    all.files = {all.work.path()};
    BOOST_REQUIRE(::mkfifo((all.work / "pipe").c_str(), 0600) == 0);
    all.files.push_back(all.work / "pipe");
    BOOST_TEST(all.run().exit_code == 1);
    BOOST_TEST(group_with(groups_of(all.page()), "it is not a file").count == 2u);
}

// Such a file would hold up all others for as long as it takes to read it.
BOOST_AUTO_TEST_CASE(too_large_a_file_is_not_read)
{
    expressions all;
    all.add("one", "1");
    all.add("large", "(+ 1 2)" + std::string(1 << 20, ' '));
    fs::resize_file(all.add("more", ""), (8 << 20) + 1);
    fs::resize_file(all.add("much more", ""), std::uint64_t{1} << 40); // it has holes
    auto end = all.run({"--memory", "8"});
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(contains(end.output, "4 files, 2 fine, 2 failed, "), end.output);
    auto large = group_with(groups_of(all.page()), "it has 8388609 bytes, and a job may have 8388608");
    BOOST_TEST(large.count == 2u);
    BOOST_TEST(large.first == all.work / "more");
}

BOOST_AUTO_TEST_CASE(a_report_that_cannot_be_written)
{
    expressions all;
    all.add("one", "1");
    fs::create_directories(all.output / "report.html.part");
    auto end = all.run();
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(contains(end.output, "1 files, 1 fine, 0 failed, "), end.output);
    BOOST_TEST(!contains(end.output, "report.html"), end.output);
    BOOST_TEST(end.errors == "crashbox: cannot write " + (all.output / "report.html").string() + ": Is a directory\n");
    auto help = kit::run_program({"--help"}, program());
    BOOST_TEST(contains(help.output, "1 some files failed or were left out, or the report could not"), help.output);
}

BOOST_AUTO_TEST_CASE(stopped_it_reports_what_it_has)
{
    expressions all;
    all.add("zero", "(/ 1 0)");
    for (int i = 0; i < 5; ++i)
        all.add("hang " + std::to_string(i), "(");
    auto shown = shell("exec 3>&1; " + program() + " --processes 1 --timeout 1000 --output '" + all.output.string() + "' '" +
                       all.work.path() + "/zero' '" + all.work.path() + "'/hang* & pid=$!; until ls '" +
                       all.output.string() + "'/failed/*.job > /dev/null 2>&1; do sleep 0.05; done; kill -TERM $pid; wait $pid");
    BOOST_TEST(shown.exit_code == 1);
    BOOST_TEST(contains(shown.output, "failed, "), shown.output);
    BOOST_TEST(group_with(groups_of(all.page()), "division").count == 1u);
    BOOST_TEST(contains(all.page(), " left out, since it was stopped"));
}

BOOST_AUTO_TEST_CASE(wrong_usage)
{
    for (auto options : {std::vector<std::string>{"--no-such"}, {"--timeout", "0"}, {"--processes", "x"}, {"--memory", "-1"},
                         {"--output", ""}, {"--output", "/dev/null/x", "/dev/null"}}) {
        auto end = kit::run_program(options, program());
        BOOST_TEST(end.exit_code == 2, options[0]);
        BOOST_TEST(end.errors.starts_with("crashbox: "), end.errors);
        BOOST_TEST(count(end.errors, "\n") == 1u);
    }
    auto help = kit::run_program({"--help"}, program());
    BOOST_TEST(help.exit_code == 0);
    BOOST_TEST(contains(help.output, "--timeout"));
}

// ---- which failures are one ----

BOOST_AUTO_TEST_CASE(functions_on_a_stack)
{
    auto trace = "thread 7, SIGSEGV: by a null pointer (address 0x8)\n"
                 "  #0 take(int) at a.cpp:7\n"
                 "     loop() at a b.cpp:9\n"
                 "  #1 __libc_something\n"
                 "  #2 loop() at a b.cpp:12\n"
                 "  #3 0x1234 in /lib/x.so\n"
                 "thread 8\n"
                 "  #0 other() at a.cpp:1\n"s;
    BOOST_TEST((functions_of(trace) == std::vector{"take(int)"s, "loop()"s}));
    BOOST_TEST(functions_of("").empty());
}

BOOST_AUTO_TEST_CASE(what_is_one_group)
{
    using wodehaus::errc, wodehaus::failure;
    failure_groups all;
    auto add = [&](std::string const& name, errc code, std::string const& what, std::string const& trace) {
        failure why{make_error_code(code), "worker evaluate: " + what};
        why.trace = trace;
        all.add({name, why});
    };
    std::string in = "  #1 list() at a.cpp:1\n  #2 begin() at a.cpp:2\n";
    add("b", errc::process_crashed, "at address 0x10", "thread 1\n  #0 f() at a.cpp:3\n" + in);
    add("a", errc::process_crashed, "at address 0x20", "thread 1\n  #0 f() at a.cpp:4\n" + in);
    add("c", errc::process_crashed, "at address 0x10", "thread 1\n  #0 g() at a.cpp:3\n" + in);
    add("d", errc::job_threw, "it threw x: line 12", "");
    add("e", errc::job_threw, "it threw x: line 7", "");
    add("f", errc::job_threw, "it threw y: line 7", "");
    add("g", errc::timed_out, "late", "thread 1\n  #0 f() at a.cpp:4\n" + in); // a hang is somewhere in its loop
    add("h", errc::timed_out, "late", "thread 1\n  #0 g() at a.cpp:4\n" + in);
    auto groups = all.sorted();
    std::vector<std::string> names;
    for (auto const& group : groups) {
        std::string text;
        for (auto const& file : group.files)
            text += file.name;
        names.push_back(text);
    }
    BOOST_TEST((names == std::vector{"ab"s, "de"s, "gh"s, "c"s, "f"s}));
    BOOST_TEST(groups[0].title == "at address 0x10");
    BOOST_TEST(all.files() == 8u);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    return kit::run_tests(argc, argv);
}
