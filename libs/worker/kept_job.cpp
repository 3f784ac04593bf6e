// A failed job as a file.
#include "worker/kept_job.hpp"

#include "wire/descriptor.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace wodehaus::detail {

namespace {

constexpr char magic[] = "wodehaus job\r\n\x1a"; // with its zero 16 bytes
constexpr std::uint32_t version = 2;

/// What a file begins with, as it lies there; the texts follow, then the job.
struct header {
    std::array<char, 16> magic{};
    std::uint32_t version = 0;
    std::int32_t attempt = 0;
    std::int32_t code = 0;
    std::uint32_t reserved = 0;
    std::int64_t time = 0;
    std::uint64_t build = 0, module = 0, offset = 0, id = 0, max_message = 0, memory = 0;
    std::array<std::uint64_t, 4> texts{}; ///< their sizes
    std::uint64_t job = 0;
};
static_assert(sizeof magic == sizeof header::magic && sizeof(header) == 128);

[[noreturn]] void wrong(std::string const& what)
{
    throw std::runtime_error{what};
}

std::array<std::string*, 4> texts_of(kept_job& about)
{
    return {&about.portable_name, &about.worker, &about.what, &about.account};
}

header header_of(kept_job const& about)
{
    header first;
    std::memcpy(first.magic.data(), magic, sizeof magic);
    first.version = version;
    first.attempt = about.attempt;
    first.code = about.code;
    first.time = about.time;
    first.build = about.build;
    first.module = about.key.module;
    first.offset = about.key.offset;
    first.id = about.id;
    first.max_message = about.max_message;
    first.memory = about.memory;
    return first;
}

kept_job job_in(header const& first)
{
    kept_job about;
    about.build = first.build;
    about.key = {first.module, first.offset};
    about.id = first.id;
    about.attempt = first.attempt;
    about.code = first.code;
    about.time = first.time;
    about.max_message = first.max_message;
    about.memory = first.memory;
    return about;
}

void cut(std::string& text, std::size_t& room)
{
    if (text.size() > room)
        text.resize(room);
    room -= text.size();
}

} // namespace

payload kept_beginning(kept_job const& given, std::size_t job_size)
{
    auto about = given;
    std::size_t room = longest_kept_texts;
    if (about.portable_name.size() + about.worker.size() > room)
        throw std::length_error{"the names of its worker and their types are too long"};
    auto first = header_of(about);
    auto texts = texts_of(about);
    payload bytes;
    bytes.resize(sizeof first);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        cut(*texts[i], room);
        first.texts[i] = texts[i]->size();
        bytes.append(texts[i]->data(), texts[i]->size());
    }
    first.job = job_size;
    std::memcpy(bytes.data(), &first, sizeof first);
    return bytes;
}

// A fuzzer of the program's workers sees what its inputs are compared with, and would make ever more that begin so, none
// of which is for the worker. So memcmp is not called, and a first byte that is right is not told from one that is wrong.
#if defined __clang__
__attribute__((no_sanitize("coverage")))
#endif
bool begins_as_kept(std::span<char const> beginning) noexcept
{
    if (beginning.size() < sizeof magic)
        return false;
    int differs = 0;
    for (std::size_t i = 0; i < sizeof magic; ++i)
        differs |= beginning.data()[i] ^ magic[i];
    return differs == 0;
}

kept_parts read_kept(std::span<char const> beginning, std::uint64_t file_size)
{
    header first;
    if (!begins_as_kept(beginning))
        wrong("it is not a kept job");
    if (beginning.size() < sizeof first)
        wrong("it is cut short");
    std::memcpy(&first, beginning.data(), sizeof first);
    if (first.version != version)
        wrong("it was kept by another version of the library");
    if (first.time < 0)
        wrong("it is damaged: it tells of a time before 1970");
    kept_parts parts{job_in(first), sizeof first};
    std::size_t room = longest_kept_texts;
    for (std::size_t i = 0; i < first.texts.size(); ++i) {
        if (first.texts[i] > room)
            wrong("it is damaged: it tells of a text that is too long");
        auto size = static_cast<std::size_t>(first.texts[i]);
        if (size > beginning.size() - parts.job_at)
            wrong("it is cut short");
        texts_of(parts.about)[i]->assign(beginning.data() + parts.job_at, size);
        parts.job_at += size;
        room -= size;
    }
    if (auto rest = file_size - parts.job_at; rest != first.job)
        wrong(rest < first.job ? "it is cut short" : "it is damaged: it is longer than it says");
    return parts;
}

namespace {

/// Reads all of `to` from the file's beginning.
void read_all(int file, payload& to)
{
    for (std::size_t have = 0; have < to.size();) {
        ssize_t got = ::pread(file, to.data() + have, to.size() - have, static_cast<off_t>(have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw std::system_error{errno, std::generic_category(), "it cannot be read"};
        if (got == 0)
            wrong("it became shorter while it was read");
        have += static_cast<std::size_t>(got);
    }
}

} // namespace

kept_file open_kept(std::string const& path, bool with_job)
{
    constexpr std::size_t longest_beginning = sizeof(header) + longest_kept_texts;
    descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)}; // does not wait at a FIFO
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0)
        throw std::system_error{errno, std::generic_category(), "it cannot be opened"};
    if (!S_ISREG(status.st_mode))
        wrong("it is not a file");
    auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > longest_beginning + largest_kept_job)
        wrong("it is too large for a kept job");
    kept_file kept;
    kept.bytes.resize(static_cast<std::size_t>(with_job ? size : std::min<std::uint64_t>(size, longest_beginning)));
    read_all(file.get(), kept.bytes);
    kept.parts = read_kept(kept.bytes.bytes(), size);
    return kept;
}

// ---- names ----

namespace {

using std::chrono::nanoseconds;

struct date_and_time {
    int year, month, day, hour, minute, second, nanosecond;
};

date_and_time split(std::int64_t time)
{
    std::chrono::sys_time<nanoseconds> at{nanoseconds{time}};
    auto day = std::chrono::floor<std::chrono::days>(at);
    std::chrono::year_month_day date{day};
    std::chrono::hh_mm_ss clock{at - day};
    return {static_cast<int>(date.year()),
            static_cast<int>(static_cast<unsigned>(date.month())),
            static_cast<int>(static_cast<unsigned>(date.day())),
            static_cast<int>(clock.hours().count()),
            static_cast<int>(clock.minutes().count()),
            static_cast<int>(clock.seconds().count()),
            static_cast<int>(clock.subseconds().count())};
}

bool is_digit(char character) noexcept
{
    return character >= '0' && character <= '9';
}

/// What is the same to every file system, shell and terminal.
bool is_safe(char character) noexcept
{
    return is_digit(character) || (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           character == '_' || character == '.' || character == '+' || character == '-';
}

/// The name, of which whatever is not safe is one '_'.
std::string made_safe(std::string_view name)
{
    std::string safe;
    for (char each : name)
        if (is_safe(each))
            safe += each;
        else if (!safe.empty() && safe.back() != '_')
            safe += '_';
    return safe;
}

constexpr int longest_worker_in_name = 64;
constexpr std::string_view shape_of_time = "00000000T000000.000000000Z-", suffix = ".job";

} // namespace

std::string kept_time(std::int64_t time)
{
    auto at = split(time);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d:%02d UTC", at.year, at.month, at.day, at.hour, at.minute,
                  at.second);
    return text;
}

std::string kept_name(kept_job const& about)
{
    auto at = split(about.time);
    char text[160];
    std::snprintf(text, sizeof text, "%04d%02d%02dT%02d%02d%02d.%09dZ-%.*s-%llu.job", at.year, at.month, at.day, at.hour,
                  at.minute, at.second, at.nanosecond, longest_worker_in_name, made_safe(about.worker).c_str(),
                  static_cast<unsigned long long>(about.id));
    return text;
}

bool is_kept_name(std::string_view name) noexcept
{
    if (name.size() < shape_of_time.size() + suffix.size() || !name.ends_with(suffix))
        return false;
    auto alike = [](char shape, char given) { return shape == '0' ? is_digit(given) : shape == given; };
    if (!std::equal(shape_of_time.begin(), shape_of_time.end(), name.begin(), alike))
        return false;
    auto rest = name.substr(shape_of_time.size(), name.size() - shape_of_time.size() - suffix.size());
    auto dash = rest.rfind('-');
    return dash != rest.npos && dash + 1 < rest.size() && std::all_of(rest.begin(), rest.end(), is_safe) &&
           std::all_of(rest.begin() + static_cast<std::ptrdiff_t>(dash) + 1, rest.end(), is_digit);
}

std::set<std::string> kept_names(int folder)
{
    // Opened once more: where reading has come to is a property of the open folder.
    descriptor again{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    std::unique_ptr<DIR, int (*)(DIR*)> entries{again ? ::fdopendir(again.get()) : nullptr, &::closedir};
    if (!entries)
        throw std::system_error{errno, std::generic_category(), "the folder cannot be read"};
    again.release();
    std::set<std::string> names; // a sort would make a small program of workers grow
    for (dirent const* entry; errno = 0, (entry = ::readdir(entries.get())) != nullptr;)
        if (is_kept_name(entry->d_name))
            names.emplace(entry->d_name);
    if (errno != 0)
        throw std::system_error{errno, std::generic_category(), "the folder cannot be read"};
    return names;
}

} // namespace wodehaus::detail
