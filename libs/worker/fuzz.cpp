// Makes each worker a fuzz target. The fuzzer belongs to the program, which is linked with it or not: this library only
// looks whether it is there.
#include "worker/fuzz.hpp"

#include "worker/by_hand.hpp"
#include "worker/this_job.hpp"

#include <wodehaus/detail/config.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <cxxabi.h>

// libFuzzer's own names: the entry for a program with a main of its own, and its changes to an input.
extern "C" {
[[gnu::weak]] int LLVMFuzzerRunDriver(int* argc, char*** argv, int (*run)(std::uint8_t const*, std::size_t));
[[gnu::weak]] std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t largest);
WODEHAUS_DECL std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest, unsigned);
}

namespace wodehaus::detail {

namespace {

registration const* target = nullptr; ///< libFuzzer calls without a word of whose input it is

/// An input is a job's bytes, or a kept job, whose bytes these are.
struct input {
    enum class kind { bytes, kept, kept_for_other, damaged };

    kind what = kind::bytes;
    std::size_t job_at = 0;
    std::size_t budget = largest_kept_job;
};

input look_at(std::span<char const> bytes)
{
    if (!begins_as_kept(bytes))
        return {};
    try {
        auto kept = read_kept(bytes, bytes.size());
        auto what = worker_of(kept.about) == target ? input::kind::kept : input::kind::kept_for_other;
        return {what, kept.job_at, static_cast<std::size_t>(kept.about.max_message)};
    } catch (std::runtime_error const&) {
        return {input::kind::damaged};
    }
}

/// What became of the kept jobs among the inputs: who takes them for tests must know that they were run.
struct kept_count {
    std::size_t run = 0, not_loaded = 0, for_others = 0, damaged = 0;
};
kept_count kept_jobs;

bool makes_inputs = false; ///< the fuzzer has run the files that it was given, and what comes now is its own

void report_kept()
{
    auto const all = std::exchange(kept_jobs, {});
    if (all.run + all.not_loaded + all.for_others + all.damaged == 0)
        return;
    say("of the kept jobs %zu were run, and %zu are for other workers", all.run, all.for_others);
    if (all.not_loaded > 0)
        say("%zu did not load: their types have changed", all.not_loaded);
    if (all.damaged > 0)
        say("%zu are damaged, or larger than -max_len, which is 1 MiB if you do not say otherwise", all.damaged);
}

// Those that the worker is not to see.
void count_passed_over(input::kind what)
{
    kept_jobs.for_others += !makes_inputs && what == input::kind::kept_for_other;
    kept_jobs.damaged += !makes_inputs && what == input::kind::damaged;
}

int run_one(std::uint8_t const* data, std::size_t size)
{
    std::span<char const> bytes{reinterpret_cast<char const*>(data), size};
    auto given = look_at(bytes);
    count_passed_over(given.what);
    if (given.what == input::kind::kept_for_other || given.what == input::kind::damaged)
        return 0;
    payload result;
    invocation call{bytes.subspan(given.job_at), result, given.budget};
    static std::uint64_t id = 0;
    begin_this_job(++id, 1);
    try {
        target->invoke(call);
    } catch (abi::__forced_unwind const&) {
        throw;
    } catch (...) {
        // An exception is an answer: to the job that cannot be loaded, as to the one that the worker refuses.
    }
    end_this_job();
    if (given.what == input::kind::kept && !makes_inputs)
        ++(call.at == invocation::stage::loading ? kept_jobs.not_loaded : kept_jobs.run);
    return 0;
}

// ---- which worker ----

/// By its name, or the part of it behind any namespace.
bool is_called(registration const& worker, std::string_view wanted)
{
    auto name = worker.name;
    if (!name.ends_with(wanted))
        return false;
    name.remove_suffix(wanted.size());
    return name.empty() || name.ends_with("::");
}

void list_workers()
{
    for (auto const* each : all_workers())
        std::fprintf(stderr, "    %.*s (%s)\n", static_cast<int>(each->name.size()), each->name.data(),
                     demangled(each->job_type).c_str());
}

registration const* worker_called(std::string_view wanted)
{
    registration const* found = nullptr;
    for (auto const* each : all_workers()) {
        if (each->name == wanted)
            return each;
        if (!is_called(*each, wanted))
            continue;
        if (found) {
            say("several workers are called %s; say which, with its namespace:", std::string{wanted}.c_str());
            list_workers();
            return nullptr;
        }
        found = each;
    }
    if (!found) {
        say("this program has no worker %s; it has:", std::string{wanted}.c_str());
        list_workers();
    }
    return found;
}

int tell_how_it_is_used()
{
    std::fprintf(stderr,
                 "usage: PROGRAM %s WORKER [OPTIONS OF libFuzzer] [FOLDERS OR FILES]\n"
                 "runs the worker on what a fuzzer makes of the jobs in the folders, which may be kept jobs\n"
                 "(options::keep_failed); on a file, it runs the worker once. The workers of this program:\n",
                 fuzz_argument);
    list_workers();
    return not_tried;
}

/// The fuzzer starts this program anew for some of its options, with the same arguments; it passes over those that
/// begin with two dashes.
std::vector<char*> arguments_for_fuzzer(char* program, std::string& own, std::span<char*> options)
{
    std::vector<char*> all{program, own.data()};
    all.insert(all.end(), options.begin(), options.end());
    all.push_back(nullptr);
    return all;
}

} // namespace

bool asks_to_fuzz(std::string_view argument) noexcept
{
    constexpr std::string_view word = fuzz_argument;
    return argument.starts_with(word) && (argument.size() == word.size() || argument[word.size()] == '=');
}

int fuzz(int argc, char** argv, std::function<void()> const& preload)
{
    std::span<char*> arguments{argv + 1, argv + argc};
    std::string own = arguments[0];
    auto options = arguments.subspan(1);
    if (own == fuzz_argument) {
        if (options.empty())
            return tell_how_it_is_used();
        own += std::string{'='} + options[0];
        options = options.subspan(1);
    }
    if (!preload_by_hand(preload))
        return failed_again;
    target = worker_called(std::string_view{own}.substr(sizeof fuzz_argument)); // it may lie in what preload has loaded
    if (!target)
        return not_tried;
    if (!LLVMFuzzerRunDriver) {
        say("this program has no fuzzer in it. Compile it by clang++ with -fsanitize=fuzzer-no-link,address, and link "
            "it "
            "with -fsanitize=fuzzer-no-link,address -Wl,-u,LLVMFuzzerRunDriver and clang's libclang_rt.fuzzer_no_main");
        return not_tried;
    }
    std::atexit(&report_kept); // libFuzzer ends the process itself
    auto all = arguments_for_fuzzer(argv[0], own, options);
    int count = static_cast<int>(all.size()) - 1;
    char** first = all.data();
    int status = LLVMFuzzerRunDriver(&count, &first, &run_one);
    report_kept();
    return status;
}

} // namespace wodehaus::detail

// Of a kept job its bytes are changed, not what is told of it. Weak, so that a program's own goes first; in one that has
// this library and its own fuzz target, it is libFuzzer's own changes by another way (libFuzzer says that it has found it).
extern "C" [[gnu::weak]] std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t largest,
                                                             unsigned)
{
    using namespace wodehaus::detail;
    makes_inputs = true;
    auto job_at = target ? look_at({reinterpret_cast<char const*>(data), size}).job_at : 0; // 0 too, where it is damaged
    std::memmove(data, data + job_at, size - job_at);
    return LLVMFuzzerMutate(data, size - job_at, largest);
}
