// Keeps jobs that have failed for good.
#include "dispatch/kept_jobs.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <sstream>
#include <system_error>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace wodehaus::detail {

namespace {

constexpr unsigned looks = 16; // in the time in which the folder becomes full once

[[noreturn]] void fail(char const* what, int error = errno)
{
    throw std::system_error{error, std::generic_category(), what};
}

} // namespace

// ---- one file ----

unseen_file::unseen_file(int folder, std::string name, bool nameless) : folder_(folder), name_(std::move(name))
{
    if (nameless)
        create(O_TMPFILE, ".");
    bool not_supported = errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL;
    if (!file_ && (!nameless || not_supported)) {
        hidden_ = '.' + name_;
        create(O_CREAT | O_EXCL | O_NOFOLLOW, hidden_.c_str());
    }
    if (!file_) {
        hidden_.clear();
        fail("a file cannot be made there");
    }
    ::fchmod(file_.get(), 0600); // whatever the umask is
}

void unseen_file::create(int flags, char const* path)
{
    int made = ::openat(folder_, path, flags | O_WRONLY | O_CLOEXEC, 0600);
    if (made >= 0)
        file_ = above_standard(made);
}

unseen_file::~unseen_file()
{
    if (!hidden_.empty())
        ::unlinkat(folder_, hidden_.c_str(), 0);
}

void unseen_file::write(std::span<char const> bytes)
{
    while (!bytes.empty()) {
        ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            fail("its file cannot be written");
        if (written > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

void unseen_file::publish()
{
    if (hidden_.empty()) {
        auto self = "/proc/self/fd/" + std::to_string(file_.get());
        if (::linkat(AT_FDCWD, self.c_str(), folder_, name_.c_str(), AT_SYMLINK_FOLLOW) != 0)
            fail("its file cannot be named");
        return;
    }
    if (::close(file_.release()) != 0) // some file systems tell here that it was not written
        fail("its file cannot be written");
    if (::renameat(folder_, hidden_.c_str(), folder_, name_.c_str()) != 0)
        fail("its file cannot be named");
    hidden_.clear();
}

// ---- the folder ----

std::size_t surplus(std::vector<kept_entry> const& oldest_first, kept_limits const& most, std::size_t files,
                    std::uint64_t bytes)
{
    auto left = oldest_first.size();
    std::uint64_t size = 0;
    for (auto const& each : oldest_first)
        size += each.size;
    std::size_t count = 0;
    for (; count < oldest_first.size() && (left > most.files - files || size > most.bytes - bytes); ++count, --left)
        size -= oldest_first[count].size;
    return count;
}

namespace {

descriptor open_folder(std::filesystem::path const& path)
{
    auto open = [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); };
    int opened = open();
    if (opened < 0 && errno == ENOENT) {
        std::error_code none; // what cannot be made cannot be opened
        std::filesystem::create_directories(path.parent_path(), none);
        ::mkdir(path.c_str(), 0700);
        opened = open();
    }
    if (opened < 0)
        fail("the folder cannot be opened");
    return above_standard(opened);
}

/// The files of our naming, oldest first. What only bears such a name, a link or a folder, is not ours.
std::vector<kept_entry> look_into(int folder)
{
    std::vector<kept_entry> all;
    for (auto const& name : kept_names(folder)) {
        struct stat status{};
        if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
            all.push_back({name, static_cast<std::uint64_t>(status.st_size)});
    }
    return all;
}

// Beyond the limit for files the kernel would end this process by SIGXFSZ.
void look_at_limit(std::uint64_t size)
{
    rlimit most{};
    if (::getrlimit(RLIMIT_FSIZE, &most) == 0 && size > most.rlim_cur)
        fail("its file cannot be written", EFBIG);
}

std::int64_t now()
{
    using namespace std::chrono;
    return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

/// Without the slash at its end, and wherever this process will go.
std::filesystem::path settled(std::filesystem::path const& path)
{
    std::error_code none;
    auto whole = std::filesystem::absolute(path, none).lexically_normal();
    if (whole.empty())
        return path;
    return whole.has_filename() ? whole : whole.parent_path();
}

} // namespace

kept_folder::kept_folder(std::filesystem::path path, kept_limits most) : path_(settled(path)), most_(most) {}

std::string kept_folder::add(kept_job about, std::span<char const> job)
{
    about.time = last_time_ = std::max(now(), last_time_ + 1); // no two of ours have the same
    auto beginning = kept_beginning(about, job.size());
    auto size = beginning.size() + job.size();
    if (size > most_.bytes)
        fail("it is larger than all that may be kept", EFBIG);
    look_at_limit(size);
    auto folder = open_folder(path_);
    auto name = kept_name(about);
    unseen_file file{folder.get(), name};
    file.write(beginning.bytes());
    file.write(job);
    make_room(folder.get(), size); // once nothing is likely to fail
    file.publish();
    --files_left_;
    bytes_left_ -= size;
    return (path_ / name).string();
}

void kept_folder::make_room(int folder, std::uint64_t bytes)
{
    if (files_left_ > 0 && bytes_left_ >= bytes)
        return;
    auto files = std::max<std::size_t>(1, most_.files / looks);
    bytes = std::max(bytes, most_.bytes / looks);
    auto all = look_into(folder);
    auto count = surplus(all, most_, files, bytes);
    for (std::size_t i = 0; i < count; ++i)
        if (::unlinkat(folder, all[i].name.c_str(), 0) != 0 && errno != ENOENT)
            fail("an older file cannot be removed");
    files_left_ = files;
    bytes_left_ = bytes;
}

// ---- the jobs ----

bool is_to_be_kept(job_node const& job, failure const& why)
{
    return !why.process.empty() && job.request.worker && why.code != errc::canceled && why.code != errc::stopped;
}

kept_jobs::kept_jobs(options const& how, journal const& log) : how_(how), log_(log)
{
    if (!how.keep_failed.empty())
        folder_.emplace(how.keep_failed);
}

std::string kept_jobs::keep(job_node const& job, failure const& why)
{
    std::string file, trouble;
    if (!folder_ || !is_to_be_kept(job, why))
        return file;
    try {
        keep_now(job, why, file);
    } catch (std::exception const& error) {
        trouble = error.what();
    }
    if (!trouble.empty() && trouble != last_trouble_)
        log_.write(level::error, "a failed job is not kept in " + folder_->path().string() + ": " + trouble);
    last_trouble_ = std::move(trouble);
    return file;
}

namespace {

kept_job about(job_node const& job, failure const& why, options const& how)
{
    auto const& worker = *job.request.worker;
    kept_job all;
    if (how.program.empty()) { // another program has its own keys, and may have them for other workers
        all.build = build_id();
        all.key = key_of(worker);
    }
    all.portable_name = portable_name(worker);
    all.worker = job.worker_name();
    all.id = job.id;
    all.attempt = why.attempt;
    all.code = why.code.value();
    all.what = why.what;
    std::ostringstream account;
    account << why;
    all.account = account.str();
    all.max_message = how.max_message;
    all.memory = how.memory;
    return all;
}

} // namespace

void kept_jobs::keep_now(job_node const& job, failure const& why, std::string& file)
{
    auto size = job.request.job.size();
    if (size > folder_->most().job)
        log_.write(level::error, "a failed job of worker " + std::string{job.worker_name()} + " is not kept: it has " +
                                     std::to_string(size) + " bytes, and at most " +
                                     std::to_string(folder_->most().job) + " are kept");
    else
        file = folder_->add(about(job, why, how_), job.request.job.bytes());
}

} // namespace wodehaus::detail
