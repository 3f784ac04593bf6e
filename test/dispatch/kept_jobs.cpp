// The folder of kept jobs: what comes into it, and what has to go.
#include "dispatch/kept_jobs.hpp"

#include "test/kit/gate.hpp"

#include <csignal>

#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

using namespace wodehaus::detail;
using kit::contains;

namespace {

kept_job sample(std::string worker = "render", std::uint64_t id = 1)
{
    kept_job about;
    about.worker = std::move(worker);
    about.id = id;
    return about;
}

std::vector<std::string> names_in(std::string const& folder)
{
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator{folder})
        names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
}
/// Of the jobs in it, oldest first.
std::vector<std::uint64_t> ids_in(std::string const& folder)
{
    std::vector<std::uint64_t> ids;
    for (auto const& name : names_in(folder))
        if (is_kept_name(name))
            ids.push_back(open_kept(folder + '/' + name, false).parts.about.id);
    return ids;
}
std::uint64_t bytes_in(std::string const& folder)
{
    std::uint64_t sum = 0;
    for (auto const& name : names_in(folder))
        sum += std::filesystem::file_size(folder + '/' + name);
    return sum;
}

std::string trouble_of(kept_folder& folder, kept_job const& about, std::string const& job)
{
    try {
        folder.add(about, job);
        return {};
    } catch (std::exception const& error) {
        return error.what();
    }
}

/// Whether the body, in a process of its own, says so.
template <class Body>
int in_a_process(Body body)
{
    int pid = ::fork();
    if (pid == 0)
        ::_exit(body());
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

using ids = std::vector<std::uint64_t>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(kept_jobs_, kit::nothing_left)

BOOST_AUTO_TEST_CASE(how_many_have_to_go)
{
    std::vector<kept_entry> all{{"a", 10}, {"b", 20}, {"c", 30}, {"d", 40}};
    auto going = [&](std::size_t most_files, std::uint64_t most_bytes, std::size_t files, std::uint64_t bytes) {
        return surplus(all, {.files = most_files, .bytes = most_bytes}, files, bytes);
    };
    BOOST_TEST(going(5, 200, 1, 100) == 0u);
    BOOST_TEST(going(4, 200, 1, 100) == 1u);
    BOOST_TEST(going(2, 200, 1, 100) == 3u);
    BOOST_TEST(going(1, 200, 1, 100) == 4u);
    BOOST_TEST(going(5, 199, 1, 100) == 1u);
    BOOST_TEST(going(5, 189, 1, 100) == 2u);
    BOOST_TEST(going(5, 100, 1, 100) == 4u);
    BOOST_TEST(going(3, 189, 1, 100) == 2u);
    BOOST_TEST(surplus({}, {.files = 1, .bytes = 1}, 1, 1) == 0u);
}

BOOST_AUTO_TEST_CASE(a_job_becomes_a_file)
{
    for (mode_t mask : {0000u, 0022u, 0777u}) {
        kit::folder outside;
        auto path = outside / "made/for it/";
        auto before = ::umask(0022);
        std::filesystem::create_directory(outside / "made");
        ::umask(mask);
        kept_folder folder{path};
        BOOST_CHECK_NO_THROW(folder.add(sample("mask"), "ignored"));
        ::umask(before);
        if (mask == 0777)
            ::chmod(folder.path().c_str(), 0700);
        auto file = folder.add(sample("a/b"), std::string{"a job"});
        BOOST_TEST(std::filesystem::path{file}.parent_path() == (outside / "made/for it"));
        for (auto const& name : names_in(folder.path())) {
            BOOST_TEST(is_kept_name(name));
            struct stat status{};
            BOOST_REQUIRE(::stat((folder.path() / name).c_str(), &status) == 0);
            BOOST_TEST((status.st_mode & 07777) == 0600u);
        }
        struct stat status{};
        BOOST_REQUIRE(::stat(folder.path().c_str(), &status) == 0);
        BOOST_TEST((status.st_mode & 0077) == 0u);
        auto kept = open_kept(file, true);
        BOOST_TEST(kept.parts.about.worker == "a/b");
        BOOST_TEST((std::string{kept.job().data(), kept.job().size()} == "a job"));
        BOOST_TEST(std::abs(kept.parts.about.time / 1'000'000'000 - std::time(nullptr)) < 100);
    }
}

BOOST_AUTO_TEST_CASE(a_relative_path_means_the_folder_of_its_moment)
{
    kit::folder outside;
    auto before = std::filesystem::current_path();
    std::filesystem::current_path(outside.path());
    kept_folder folder{"kept"};
    std::filesystem::current_path(before);
    folder.add(sample(), "a job");
    BOOST_TEST(ids_in(outside / "kept") == ids{1});
}

BOOST_AUTO_TEST_CASE(the_oldest_go_first)
{
    kit::folder outside;
    kept_folder folder{outside.path(), {.files = 3}};
    for (std::uint64_t id = 9; id > 0; --id) {
        folder.add(sample("render", id), "a job");
        BOOST_TEST(names_in(outside.path()).size() <= 3u);
    }
    BOOST_TEST(ids_in(outside.path()) == (ids{3, 2, 1}));
}

BOOST_AUTO_TEST_CASE(it_is_bounded_in_size_too)
{
    kit::folder outside;
    kept_folder folder{outside.path(), {.bytes = 10'000}};
    for (std::uint64_t id = 1; id <= 20; ++id) {
        folder.add(sample("render", id), std::string(1000 + id, 'x'));
        BOOST_TEST(bytes_in(outside.path()) <= 10'000u);
    }
    BOOST_TEST(ids_in(outside.path()).back() == 20u);
    BOOST_TEST(ids_in(outside.path()).size() >= 7u);
    folder.add(sample("render", 21), std::string(9'800, 'x')); // all others have to go
    BOOST_TEST(ids_in(outside.path()) == ids{21});
    BOOST_TEST(contains(trouble_of(folder, sample("render", 22), std::string(10'000, 'x')), "larger than all"));
    BOOST_TEST(ids_in(outside.path()) == ids{21});
}

BOOST_AUTO_TEST_CASE(it_is_not_looked_into_each_time)
{
    kit::folder outside;
    kept_folder folder{outside.path(), {.files = 160}};
    std::size_t most = 0, least = 160;
    for (std::uint64_t id = 1; id <= 400; ++id) {
        folder.add(sample("render", id), "a job");
        auto count = names_in(outside.path()).size();
        most = std::max(most, count);
        if (id > 160)
            least = std::min(least, count);
    }
    BOOST_TEST(most == 160u);
    BOOST_TEST(least >= 150u);
}

BOOST_AUTO_TEST_CASE(what_is_not_ours_stays)
{
    kit::folder outside;
    auto ours = kept_name(sample("early"));
    kit::note(outside / "notes", "text");
    kit::note(outside / "target", "text");
    kit::note(outside / ("." + ours), "text");
    auto link = "19700101T000000.000000001Z-link-1.job", below = "19700101T000000.000000002Z-folder-1.job";
    std::filesystem::create_symlink(outside / "target", outside / link);
    std::filesystem::create_directory(outside / below);
    kept_folder folder{outside.path(), {.files = 2}};
    for (std::uint64_t id = 1; id <= 5; ++id)
        folder.add(sample("render", id), "a job");
    BOOST_TEST(names_in(outside.path()).size() == 7u);
    BOOST_TEST(kit::notes(outside / "target") == (std::vector<std::string>{"text"}));
    BOOST_TEST(std::filesystem::is_symlink(outside / link));
    BOOST_TEST(std::filesystem::is_directory(outside / below));
}

BOOST_AUTO_TEST_CASE(two_share_a_folder)
{
    kit::folder outside;
    kept_folder one{outside.path(), {.files = 4}}, other{outside.path(), {.files = 4}};
    for (std::uint64_t id = 1; id <= 20; ++id) {
        (id % 2 ? one : other).add(sample("render", id), "a job");
        BOOST_TEST(names_in(outside.path()).size() <= 4u);
    }
    BOOST_TEST(ids_in(outside.path()) == (ids{17, 18, 19, 20}));
}

// ---- files, with and without a name

BOOST_AUTO_TEST_CASE(a_file_is_whole_or_not_there)
{
    for (bool nameless : {true, false}) {
        kit::folder outside;
        descriptor folder{::open(outside.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        {
            unseen_file given_up{folder.get(), "file", nameless};
            given_up.write(std::string_view{"half"});
            BOOST_TEST(names_in(outside.path()).size() == (nameless ? 0u : 1u));
            BOOST_TEST(!std::filesystem::exists(outside / "file"));
        }
        BOOST_TEST(names_in(outside.path()).empty());
        std::filesystem::create_symlink(outside / "target", outside / ".file");
        if (!nameless)
            BOOST_CHECK_THROW((unseen_file{folder.get(), "file", false}), std::system_error); // a link is not followed
        std::filesystem::remove(outside / ".file");
        unseen_file whole{folder.get(), "file", nameless};
        whole.write(std::string_view{"a li"});
        whole.write(std::string_view{"ne\n"});
        whole.publish();
        BOOST_TEST(names_in(outside.path()) == (std::vector<std::string>{"file"}));
        BOOST_TEST(kit::notes(outside / "file") == (std::vector<std::string>{"a line"}));
    }
}

// ---- trouble

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_had)
{
    kit::folder outside;
    kit::note(outside / "file", "text");
    for (auto path : {outside / "file", outside / "file/below", std::string{"/proc/none/such"}}) {
        kept_folder folder{path};
        BOOST_TEST(contains(trouble_of(folder, sample(), "a job"), "the folder cannot be opened: "), path);
    }
    if (::geteuid() == 0) {
        BOOST_TEST_MESSAGE("no folder is closed to this user; that is not tested");
        return;
    }
    std::filesystem::create_directory(outside / "closed");
    ::chmod((outside / "closed").c_str(), 0500);
    kept_folder folder{outside / "closed"};
    BOOST_TEST(contains(trouble_of(folder, sample(), "a job"), "a file cannot be made there: Permission denied"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_has_gone_is_made_again)
{
    kit::folder outside;
    kept_folder folder{outside / "kept"};
    folder.add(sample("render", 1), "a job");
    std::filesystem::remove_all(outside / "kept");
    folder.add(sample("render", 2), "a job");
    BOOST_TEST(ids_in(outside / "kept") == ids{2});
}

BOOST_AUTO_TEST_CASE(beyond_the_limit_for_files)
{
    kit::folder outside;
    auto status = in_a_process([&] {
        rlimit const most{10'000, 10'000};
        kept_folder folder{outside.path()};
        bool told = ::setrlimit(RLIMIT_FSIZE, &most) == 0 &&
                    contains(trouble_of(folder, sample(), std::string(10'000, 'x')), "File too large");
        return told && trouble_of(folder, sample(), std::string(5'000, 'x')).empty() ? 0 : 1;
    });
    BOOST_TEST(status == 0); // and not killed by SIGXFSZ
    BOOST_TEST(names_in(outside.path()).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_full_disk)
{
    kit::folder outside;
    constexpr int cannot_be_had = 77;
    auto status = in_a_process([&] {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", outside.path().c_str(), "tmpfs", 0, "size=64k") != 0)
            return cannot_be_had;
        kept_folder folder{outside.path()};
        folder.add(sample("render", 1), "a job");
        bool told = contains(trouble_of(folder, sample("render", 2), std::string(100'000, 'x')), "No space left");
        folder.add(sample("render", 3), "a job");
        return told && ids_in(outside.path()) == ids{1, 3} && names_in(outside.path()).size() == 2 ? 0 : 1;
    });
    if (status == cannot_be_had)
        BOOST_TEST_MESSAGE("no file system can be mounted here; that is not tested");
    else
        BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
