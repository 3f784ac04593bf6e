// Runs servers at random, at random breaks what they do, and checks that nothing is lost and nothing is left.
//
//   soak [--seconds N] [--seed S] [--launch zygote|exec|fork|in_process|all] [--first-round R] [--rounds K] [--verbose]
//
// A round is determined by the seed, the launch asked for, and its number. One that goes wrong is told with the command
// that plays it again. Exits with 0 if all was well.
#include "test/soak/judge.hpp"
#include "test/soak/play.hpp"
#include "test/soak/remains.hpp"
#include "test/soak/tally.hpp"
#include "test/soak/watch.hpp"

#include "test/kit/sanitizer.hpp"

#include <wodehaus/init.hpp>

#include <csignal>
#include <iostream>
#include <random>
#include <thread>

#include <malloc.h>
#include <sys/resource.h>

namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr auto longest_round = 100s; // a zygote that is stopped within preload is given up after a minute

struct settings {
    std::chrono::seconds time{20};
    std::uint64_t seed = 0, first_round = 1, rounds = UINT64_MAX;
    std::optional<wodehaus::launch> launch;
    bool verbose = false;
};

std::optional<wodehaus::launch> launch_named(std::string_view name)
{
    using wodehaus::launch;
    for (auto each : {launch::zygote, launch::exec, launch::fork, launch::in_process})
        if (name == soak::name_of(each))
            return each;
    if (name != "all")
        throw std::invalid_argument{"no such launch: " + std::string{name}};
    return std::nullopt;
}

settings read_arguments(int argc, char** argv)
{
    settings how;
    how.seed = std::random_device{}();
    for (int i = 1; i < argc; ++i) {
        std::string_view name = argv[i];
        if (name == "--verbose") {
            how.verbose = true;
            continue;
        }
        if (++i == argc)
            throw std::invalid_argument{std::string{name} + " needs a value"};
        if (name == "--seconds")
            how.time = std::chrono::seconds{std::stoul(argv[i])};
        else if (name == "--seed")
            how.seed = std::stoull(argv[i]);
        else if (name == "--launch")
            how.launch = launch_named(argv[i]);
        else if (name == "--first-round")
            how.first_round = std::stoull(argv[i]);
        else if (name == "--rounds")
            how.rounds = std::stoull(argv[i]);
        else
            throw std::invalid_argument{"no such option: " + std::string{name}};
    }
    return how;
}

std::string command_for(settings const& how, std::uint64_t round)
{
    return "soak --seed " + std::to_string(how.seed) + " --launch " +
           (how.launch ? soak::name_of(*how.launch) : "all") + " --first-round " + std::to_string(round) +
           " --rounds 1";
}

void tell(settings const& how, soak::round_plan const& plan, soak::round_course const& seen,
          std::vector<std::string> const& complaints)
{
    std::cout << "round " << plan.number << ": " << describe(plan);
    for (auto const& [id, task] : seen.tasks) {
        std::cout << "  task " << id << " begun at " << task.begun << ", cancelled at " << task.cancelled << ":";
        for (auto const& end : task.ends)
            std::cout << " " << end.at << " "
                      << (end.why               ? end.why->what
                          : end.foreign.empty() ? "result"
                                                : end.foreign)
                      << ";";
        std::cout << "\n";
    }
    for (auto const& run : seen.runs)
        std::cout << "  run begun at " << run.begun << ", asked at " << run.asked << ", forced at " << run.forced
                  << ", producer ended at " << run.producer_ended << ", ended at "
                  << (run.ends.empty() ? 0 : run.ends[0]) << " " << run.error << "\n";
    for (auto const& hit : seen.hits)
        std::cout << "  hit at " << hit.at << (hit.zygote ? " the zygote by " : " a process by ") << hit.signal << "\n";
    std::cout << "  destroyed at " << seen.destroyed << "\n";
    for (auto const& line : seen.log)
        std::cout << "    log " << line << "\n";
    for (auto const& each : complaints)
        std::cout << "WRONG: " << each << "\n";
    std::cout << "It is shown again by: " << command_for(how, plan.number) << std::endl;
}

// What the soak itself dies of is the library's doing.
char last_words[256];

extern "C" void say_last_words(int number)
{
    [[maybe_unused]] auto written = ::write(1, last_words, std::char_traits<char>::length(last_words));
    ::signal(number, SIG_DFL);
    ::raise(number);
}

void prepare_last_words()
{
    ::signal(SIGABRT, say_last_words);
    ::signal(SIGSEGV, say_last_words);
}

class soaking {
public:
    soaking(settings const& how, std::string folder) : how_(how), folder_(folder + "/own"), remains_(others_in(folder))
    {
        std::filesystem::create_directory(folder_);
    }

    bool run()
    {
        prepare_last_words();
        auto end = steady::now() + how_.time;
        for (auto round = how_.first_round; is_due(round, end); ++round) {
            if (!play(round))
                return false;
            tally_.sample_memory();
        }
        std::cout << tally_.summary();
#if !defined(KIT_ADDRESS_SANITIZER) && !defined(KIT_THREAD_SANITIZER)
        if (how_.time >= 60s && !tally_.memory_is_flat()) {
            std::cout << "WRONG: the memory is not flat\n";
            return false;
        }
#endif
        return true;
    }

private:
    // Where the library, and whoever else asks for a place for temporary files, is led to.
    static std::string others_in(std::string const& folder)
    {
        auto others = folder + "/others";
        std::filesystem::create_directory(others);
        ::setenv("TMPDIR", others.c_str(), 1);
        return others;
    }

    bool is_due(std::uint64_t round, steady::time_point end) const
    {
        return how_.rounds == UINT64_MAX ? steady::now() < end : round < how_.first_round + how_.rounds;
    }

    bool play(std::uint64_t number)
    {
        auto plan = soak::make_plan(how_.seed, number, how_.launch);
        auto notes = folder_ + "/notes";
        auto words = "\nThe soak has died in: " + command_for(how_, number) + "\n";
        words.copy(last_words, sizeof last_words - 1);
        auto seen = std::make_shared<soak::record>(plan);
        {
            std::lock_guard lock{mutex_};
            plan_ = &plan;
            seen_ = seen;
        }
        watch_.set(steady::now() + longest_round);
        soak::play(plan, notes, seen);
        auto left = remains_.find();
        watch_.set(std::nullopt);
        auto course = seen->take();
        course.begins = soak::read_notes(notes);
        course.left = std::move(left);
        std::filesystem::remove(notes);
        auto complaints = soak::judge(plan, course);
        tally_.add(plan, course);
        if (!complaints.empty() || how_.verbose)
            tell(how_, plan, course, complaints);
        return complaints.empty();
    }

    void tell_of_hang()
    {
        std::lock_guard lock{mutex_};
        tell(how_, *plan_, seen_->copy(), {"it hangs"});
    }

    settings how_;
    std::string folder_;
    std::mutex mutex_;
    soak::round_plan const* plan_ = nullptr;
    std::shared_ptr<soak::record> seen_;
    soak::watch watch_{[this] { tell_of_hang(); }};
    soak::remains remains_;
    soak::tally tally_;
};

} // namespace

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv);
    try {
        auto how = read_arguments(argc, argv);
        soak::mark_descendants(argv);
        rlimit no_core{};
        ::setrlimit(RLIMIT_CORE, &no_core); // jobs crash on purpose
        ::mallopt(M_ARENA_MAX, 1);          // so that what is resident tells what is held
        ::mallopt(M_MMAP_THRESHOLD, 64 << 10);
        auto folder = (std::filesystem::temp_directory_path() / "wodehaus-soak-XXXXXX").string();
        if (!::mkdtemp(folder.data()))
            throw std::runtime_error{"cannot make a folder"};
        std::cout << "seed " << how.seed << std::endl;
        bool well = soaking{how, folder}.run();
        std::filesystem::remove_all(folder);
        return well ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (std::exception const& error) {
        std::cerr << "soak: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
