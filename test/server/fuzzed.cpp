// Workers under a fuzzer: a small one, which stands where a program has libFuzzer. It makes no input; it runs the files
// it is given, after a change of each where it is told to, and writes down what it was given.
#include "test/kit/files.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"
#include "test/kit/ways.hpp"

#include <wodehaus/job_server.hpp>
#include <wodehaus/this_job.hpp>
#include <wodehaus/worker.hpp>

#include <boost/serialization/string.hpp>

#include <cstddef>
#include <cstdint>
#include <fstream>

namespace fs = std::filesystem;
using kit::contains;
using wodehaus::worker;

namespace parser {

inline int read(std::string const& text)
{
    std::printf("read \"%s\" %d\n", text.c_str(), static_cast<int>(wodehaus::this_job::id()));
    std::fflush(stdout);
    if (text == "bad")
        throw std::runtime_error{"refused"};
    if (text == "stop")
        std::_Exit(7);
    return 0;
}
inline int sum(std::vector<int> const& numbers)
{
    std::printf("sum of %zu\n", numbers.size());
    return 0;
}
inline int look(std::vector<std::byte> const& bytes)
{
    std::printf("look at %zu\n", bytes.size());
    return 0;
}

} // namespace parser
namespace other {

inline int look(int)
{
    return 0;
}

} // namespace other

// ---- the small fuzzer ----

extern "C" {

int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*run)(std::uint8_t const*, std::size_t));
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest, unsigned seed);

int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*run)(std::uint8_t const*, std::size_t))
{
    bool change = false;
    std::vector<std::string> arguments{*argv, *argv + *argc};
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        auto const& each = arguments[i];
        std::printf("given %s\n", each.starts_with('-') ? each.c_str() : "a file");
        change = change || each == "-change";
        if (each.starts_with('-'))
            continue;
        auto text = kit::content_of(each);
        std::vector<std::uint8_t> bytes(text.begin(), text.end());
        if (change) {
            auto size = bytes.size();
            bytes.resize(size + 1);
            bytes.resize(LLVMFuzzerCustomMutator(bytes.data(), size, bytes.size(), 1));
        }
        std::fflush(stdout);
        if (run(bytes.data(), bytes.size()) != 0)
            return 9; // not for libFuzzer to see
    }
    return (*argv)[*argc] == nullptr ? 0 : 9;
}

std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest)
{
    if (size < largest)
        data[size++] = '!';
    return size;
}

} // extern "C"

namespace {

void put(std::string const& file, std::string_view content)
{
    std::ofstream{file, std::ios::binary} << content;
}

kit::ended fuzz(std::vector<std::string> arguments, std::string first = "--wodehaus-fuzz")
{
    arguments.insert(arguments.begin(), std::move(first));
    return kit::run_program(std::move(arguments));
}

/// A job of the worker `read` that was kept.
std::string kept(kit::folder const& folder, std::string const& text)
{
    auto how = kit::zygote_fresh({.workers = 1, .keep_failed = folder.path()});
    kit::with_server(std::move(how), [&](wodehaus::job_server& server) -> boost::asio::awaitable<void> {
        BOOST_TEST(!co_await server.async_try_call(worker<parser::read>, text));
    });
    auto entry = fs::directory_iterator{folder.path()};
    BOOST_REQUIRE((entry != fs::directory_iterator{}));
    return entry->path();
}

} // namespace

BOOST_AUTO_TEST_SUITE(fuzz_)

BOOST_AUTO_TEST_CASE(runs_a_worker_on_bytes)
{
    kit::folder folder;
    put(folder / "one", "abc");
    put(folder / "none", "");
    auto end = fuzz({"parser::read", folder / "one", "-runs=3", folder / "none"});
    BOOST_TEST(end.exit_code == 0);
    BOOST_TEST(end.errors == "");
    BOOST_TEST(end.output == "given --wodehaus-fuzz=parser::read\ngiven a file\nread \"abc\" 1\ngiven -runs=3\n"
                             "given a file\nread \"\" 2\n");
}

// So the fuzzer starts the program anew, for several at once.
BOOST_AUTO_TEST_CASE(the_worker_in_the_same_argument)
{
    kit::folder folder;
    put(folder / "one", "abc");
    auto end = fuzz({folder / "one"}, "--wodehaus-fuzz=read");
    BOOST_TEST(end.output == "given --wodehaus-fuzz=read\ngiven a file\nread \"abc\" 1\n");
}

BOOST_AUTO_TEST_CASE(an_exception_is_no_finding_and_an_exit_is)
{
    kit::folder folder;
    put(folder / "bad", "bad");
    put(folder / "good", "good");
    put(folder / "stop", "stop");
    auto end = fuzz({"read", folder / "bad", folder / "good", folder / "stop", folder / "good"});
    BOOST_TEST(end.exit_code == 7);
    BOOST_TEST(contains(end.output, "read \"bad\" 1\ngiven a file\nread \"good\" 2\n"), end.output);
    BOOST_TEST(!contains(end.output, "4"), end.output);
}

// Numbers and blocks of them are their own bytes: what a fuzzer inserts is content.
BOOST_AUTO_TEST_CASE(blocks)
{
    kit::folder folder;
    put(folder / "eight", "12345678");
    put(folder / "seven", "1234567");
    BOOST_TEST(contains(fuzz({"sum", folder / "eight"}).output, "sum of 2\n"));
    auto odd = fuzz({"sum", folder / "seven"});
    BOOST_TEST(odd.exit_code == 0);
    BOOST_TEST(!contains(odd.output, "sum of"));
    BOOST_TEST(contains(fuzz({"parser::look", folder / "seven"}).output, "look at 7\n"));
}

BOOST_AUTO_TEST_CASE(kept_jobs_are_inputs)
{
    kit::folder folder;
    auto file = kept(folder, "bad");
    auto end = fuzz({"read", file});
    BOOST_TEST(contains(end.output, "read \"bad\" 1\n"), end.output);
    // Of it the job is changed; and another worker passes over it.
    BOOST_TEST(contains(fuzz({"read", "-change", file}).output, "read \"bad!\" 1\n"));
    auto of_other = fuzz({"parser::look", file});
    BOOST_TEST(of_other.exit_code == 0);
    BOOST_TEST(!contains(of_other.output, "look at"), of_other.output);
    BOOST_TEST(contains(of_other.errors, "of the kept jobs 0 were run, and 1 are for other workers"), of_other.errors);
    put(folder / "damaged", kit::content_of(file) + "x");
    auto all = fuzz({"read", folder / "damaged", file});
    BOOST_TEST(all.output == "given --wodehaus-fuzz=read\ngiven a file\ngiven a file\nread \"bad\" 1\n");
    BOOST_TEST(contains(all.errors, "of the kept jobs 1 were run, and 0 are for other workers"), all.errors);
    BOOST_TEST(contains(all.errors, "1 are damaged, or larger than -max_len"), all.errors);
}

// Who reads it wants to know of the files that were given.
BOOST_AUTO_TEST_CASE(what_the_fuzzer_makes_is_no_kept_job)
{
    kit::folder folder;
    put(folder / "damaged", kit::content_of(kept(folder, "bad")) + "x");
    auto end = fuzz({"read", "-change", folder / "damaged"});
    BOOST_TEST(end.exit_code == 0);
    BOOST_TEST(end.errors == "");
}

BOOST_AUTO_TEST_CASE(bytes_are_changed_as_the_fuzzer_does)
{
    kit::folder folder;
    put(folder / "one", "abc");
    put(folder / "none", "");
    auto end = fuzz({"read", "-change", folder / "one", folder / "none"});
    BOOST_TEST(contains(end.output, "read \"abc!\" 1\n"), end.output);
    BOOST_TEST(contains(end.output, "read \"!\" 2\n"), end.output);
}

BOOST_AUTO_TEST_CASE(which_worker)
{
    auto none = fuzz({});
    BOOST_TEST(none.exit_code == 2);
    BOOST_TEST(contains(none.errors, "--wodehaus-fuzz WORKER"), none.errors);
    BOOST_TEST(contains(none.errors, "    parser::read (std::"), none.errors);
    BOOST_TEST(contains(none.errors, "    other::look (int)\n"), none.errors);

    auto unknown = fuzz({"ead"});
    BOOST_TEST(unknown.exit_code == 2);
    BOOST_TEST(contains(unknown.errors, "no worker ead; it has:\n"), unknown.errors);
    BOOST_TEST(contains(unknown.errors, "    parser::sum ("), unknown.errors);

    auto several = fuzz({"look"});
    BOOST_TEST(several.exit_code == 2);
    BOOST_TEST(contains(several.errors, "several workers are called look"), several.errors);
    BOOST_TEST(contains(fuzz({"read"}, "--wodehaus-fuzzy").errors, "wodehaus-fuzzy"));
}

BOOST_AUTO_TEST_CASE(after_preload)
{
    kit::folder folder;
    put(folder / "one", "abc");
    kit::preload_does how{"print preloaded\n"};
    BOOST_TEST(contains(fuzz({"read", folder / "one"}).output, "preloaded\ngiven --wodehaus-fuzz=read"));
}

BOOST_AUTO_TEST_CASE(after_preload_that_throws)
{
    kit::preload_does how{"throw no model"};
    auto end = fuzz({"read"});
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(contains(end.errors, "preload threw std::runtime_error: no model"), end.errors);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::offer(worker<parser::read>, worker<parser::sum>, worker<parser::look>, worker<other::look>);
    wodehaus::init(argc, argv, kit::preload);
    return kit::run_tests(argc, argv);
}
