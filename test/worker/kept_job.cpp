// A failed job as a file: whole, or not at all.
#include "worker/kept_job.hpp"

#include "test/kit/gate.hpp"
#include "wire/descriptor.hpp"

#include <cstddef>
#include <limits>

using namespace wodehaus::detail;
using kit::contains;

namespace {

constexpr std::int64_t a_second = 1'000'000'000, a_day = 86400 * a_second;

kept_job sample()
{
    kept_job about;
    about.build = 0x1234567890abcdef;
    about.key = {7, 8};
    about.portable_name = "N3app6renderE|4page|i";
    about.worker = "app::render";
    about.id = 17;
    about.attempt = 3;
    about.code = 2;
    about.what = "worker app::render: its process was killed by SIGSEGV";
    about.account = about.what + "\n  signal: SIGSEGV";
    about.time = 20'782 * a_day + 17 * 3600 * a_second + 123'456'789;
    about.max_message = 1 << 20;
    about.memory = 1 << 30;
    return about;
}

std::string file_of(kept_job const& about, std::string_view job)
{
    auto beginning = kept_beginning(about, job.size());
    return std::string{beginning.data(), beginning.size()}.append(job);
}

/// What is wrong with it; empty if nothing is.
std::string wrong_with(std::string const& file, std::size_t size)
{
    try {
        read_kept(file, size);
        return {};
    } catch (std::runtime_error const& error) {
        return error.what();
    }
}
std::string wrong_with(std::string const& file)
{
    return wrong_with(file, file.size());
}

std::string wrong_with_file(std::string const& path)
{
    try {
        open_kept(path, true);
        return {};
    } catch (std::runtime_error const& error) {
        return error.what();
    }
}

void write(std::string const& path, std::string const& text)
{
    std::ofstream{path, std::ios::binary} << text;
}

template <class Number>
std::string with(std::string file, std::size_t at, Number value)
{
    std::memcpy(file.data() + at, &value, sizeof value);
    return file;
}

// Where in a file these lie.
constexpr std::size_t at_version = 16, at_time = 32, at_texts = 88, at_job = 120;

} // namespace

BOOST_AUTO_TEST_CASE(what_was_kept_is_read)
{
    auto about = sample();
    std::string job("a job\0with zeros", 16), file = file_of(about, job);
    auto [read, at] = read_kept(file, file.size());
    BOOST_TEST(read.build == about.build);
    BOOST_TEST((read.key == about.key));
    BOOST_TEST(read.portable_name == about.portable_name);
    BOOST_TEST(read.worker == about.worker);
    BOOST_TEST(read.id == about.id);
    BOOST_TEST(read.attempt == about.attempt);
    BOOST_TEST(read.code == about.code);
    BOOST_TEST(read.what == about.what);
    BOOST_TEST(read.account == about.account);
    BOOST_TEST(read.time == about.time);
    BOOST_TEST(read.max_message == about.max_message);
    BOOST_TEST(read.memory == about.memory);
    BOOST_TEST(file.substr(at) == job);
}

BOOST_AUTO_TEST_CASE(empty_parts)
{
    auto file = file_of({}, {});
    auto [read, at] = read_kept(file, file.size());
    BOOST_TEST(read.worker == "");
    BOOST_TEST(at == file.size());
}

BOOST_AUTO_TEST_CASE(one_that_is_cut_or_too_long)
{
    auto file = file_of(sample(), "a job");
    for (std::size_t size = 0; size < file.size(); ++size)
        BOOST_TEST(wrong_with(file.substr(0, size)) == (size < at_version ? "it is not a kept job" : "it is cut short"));
    BOOST_TEST(contains(wrong_with(file + '\0'), "longer than it says"));
}

BOOST_AUTO_TEST_CASE(garbage)
{
    auto file = file_of(sample(), "a job");
    BOOST_TEST(wrong_with(std::string(200, 'x')) == "it is not a kept job");
    for (std::size_t i = 0; i < at_version; ++i)
        BOOST_TEST(wrong_with(with(file, i, '?')) == "it is not a kept job");
    BOOST_TEST(contains(wrong_with(with(file, at_version, 1u)), "another version"));
    for (std::int64_t lie : {std::int64_t{-1}, std::numeric_limits<std::int64_t>::min()})
        BOOST_TEST(contains(wrong_with(with(file, at_time, lie)), "before 1970"));
    for (std::size_t at = at_texts; at <= at_job; at += 8)
        for (std::uint64_t lie : {std::uint64_t{0}, std::uint64_t{5} << 60, ~std::uint64_t{0},
                                  ~std::uint64_t{0} - at + 1, std::uint64_t{longest_kept_texts} + 1})
            BOOST_TEST(wrong_with(with(file, at, lie)) != "");
}

BOOST_AUTO_TEST_CASE(texts_that_are_too_long)
{
    auto about = sample();
    about.account = std::string(longest_kept_texts, 'x');
    auto file = file_of(about, "a job");
    auto [read, at] = read_kept(file, file.size());
    BOOST_TEST(read.what == about.what);
    auto others = about.portable_name.size() + about.worker.size() + about.what.size();
    BOOST_TEST(read.account.size() == longest_kept_texts - others);
    BOOST_TEST(file.substr(at) == "a job");
    about.portable_name = std::string(longest_kept_texts, 'x');
    BOOST_CHECK_THROW(kept_beginning(about, 0), std::length_error);
}

// ---- names

BOOST_AUTO_TEST_CASE(its_name)
{
    auto about = sample();
    BOOST_TEST(kept_name(about) == "20261125T170000.123456789Z-app_render-17.job");
    BOOST_TEST(kept_time(about.time) == "2026-11-25 17:00:00 UTC");
    about.worker = "../../etc/passwd\n\x1b[31m \xc3\xa9<int>&$'\"";
    BOOST_TEST(kept_name(about) == "20261125T170000.123456789Z-.._.._etc_passwd_31m_int_-17.job");
    about.worker = "{anonymous}::<lambda()>";
    BOOST_TEST(kept_name(about) == "20261125T170000.123456789Z-anonymous_lambda_-17.job");
    about.worker = std::string(10'000, 'x');
    about.id = ~std::uint64_t{0};
    BOOST_TEST(kept_name(about).size() < 120);
}

BOOST_AUTO_TEST_CASE(names_sort_by_time)
{
    auto earlier = sample(), later = sample();
    earlier.worker = "z";
    for (std::int64_t step : {std::int64_t{1}, a_second - 1, a_second, 60 * a_second, 7 * 3600 * a_second, 31 * a_day,
                              400 * a_day}) {
        later.time = earlier.time + step;
        BOOST_TEST(kept_name(earlier) < kept_name(later));
    }
}

BOOST_AUTO_TEST_CASE(which_names_are_ours)
{
    auto about = sample();
    for (auto worker : {"", "a-b", "-", "-1", "1", "render", "../x", ".job"}) {
        about.worker = worker;
        BOOST_TEST(is_kept_name(kept_name(about)), worker);
    }
    for (auto name : {"", ".", "..", "20261125T170000.123456789Z-render-17", "20261125T170000.123456789Z-render.job",
                      "20261125T170000.123456789Z-render-.job", "20261125T170000.123456789Z-.job",
                      "20261125T170000.123456789Z-17.job", ".20261125T170000.123456789Z-render-17.job",
                      "20261125T170000.123456789Z-ren/der-17.job", "20261125T170000.123456789Z-render-1x.job",
                      "2026112xT170000.123456789Z-render-17.job", "20261125T170000.123456789Z-render-17.job~",
                      "photograph-17.job"})
        BOOST_TEST(!is_kept_name(name), name);
}

// ---- files

BOOST_AUTO_TEST_CASE(a_file_that_can_be_read)
{
    kit::folder folder;
    auto path = folder / "file";
    write(path, file_of(sample(), "a job"));
    auto kept = open_kept(path, true);
    BOOST_TEST(kept.parts.about.worker == "app::render");
    BOOST_TEST((std::string{kept.job().data(), kept.job().size()} == "a job"));
    BOOST_TEST(open_kept(path, false).parts.about.id == 17u);
}

BOOST_AUTO_TEST_CASE(of_a_large_one_only_what_is_wanted)
{
    kit::folder folder;
    auto path = folder / "file";
    write(path, file_of(sample(), std::string(longest_kept_texts * 4, 'j')));
    auto kept = open_kept(path, false);
    BOOST_TEST(kept.parts.about.id == 17u);
    BOOST_TEST(kept.bytes.size() < longest_kept_texts * 2);
    BOOST_TEST(open_kept(path, true).job().size() == longest_kept_texts * 4);
}

BOOST_AUTO_TEST_CASE(files_that_cannot)
{
    kit::folder folder;
    BOOST_TEST(contains(wrong_with_file(folder / "none"), "cannot be opened: No such file"));
    BOOST_TEST(contains(wrong_with_file(folder.path()), "not a file"));
    BOOST_REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    BOOST_TEST(contains(wrong_with_file(folder / "fifo"), "not a file")); // and nobody waits for a writer
    write(folder / "empty", "");
    BOOST_TEST(contains(wrong_with_file(folder / "empty"), "not a kept job"));
    write(folder / "large", file_of(sample(), "a job"));
    std::filesystem::resize_file(folder / "large", std::uint64_t{1} << 40); // it has holes
    BOOST_TEST(contains(wrong_with_file(folder / "large"), "too large"));
}

BOOST_AUTO_TEST_CASE(names_in_a_folder)
{
    kit::folder folder;
    auto about = sample();
    std::set<std::string> expected;
    for (int i = 0; i < 3; ++i) {
        about.time -= a_second;
        expected.insert(kept_name(about));
        write(folder / kept_name(about), "");
    }
    write(folder / "other", "");
    descriptor opened{::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    for (int i = 0; i < 2; ++i) // each time from the beginning
        BOOST_TEST(kept_names(opened.get()) == expected);
}
