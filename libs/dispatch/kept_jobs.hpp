// Keeps jobs that have failed for good, each as a file in a folder, and bounds what lies there.
#pragma once

#include "dispatch/job_node.hpp"
#include "dispatch/journal.hpp"
#include "worker/kept_job.hpp"

#include <wodehaus/options.hpp>

#include <filesystem>

namespace wodehaus::detail {

/// How much a folder holds. What would be beyond it takes the place of the oldest.
struct kept_limits {
    std::size_t files = 1000;
    std::uint64_t bytes = std::uint64_t{1} << 30;
    std::size_t job = largest_kept_job; ///< a larger job is not kept: the strand waits while it is written
};

/// A file of our naming.
struct kept_entry {
    std::string name;
    std::uint64_t size = 0;
};
/// How many of the oldest have to go before so much more may come, which the limits allow by itself.
std::size_t surplus(std::vector<kept_entry> const& oldest_first, kept_limits const& most, std::size_t files,
                    std::uint64_t bytes);

/// A file that nobody sees before it is whole. One that is not published leaves nothing behind; where the file system
/// knows no nameless files it has a hidden name meanwhile, which a server that is killed leaves there. All throw
/// `std::system_error`.
class unseen_file {
public:
    unseen_file(int folder, std::string name, bool nameless = true);
    unseen_file(unseen_file const&) = delete;
    unseen_file& operator=(unseen_file const&) = delete;
    ~unseen_file();

    void write(std::span<char const> bytes);
    void publish();

private:
    void create(int flags, char const* path);

    int folder_;
    std::string name_, hidden_; ///< its name while it is hidden; empty: it has none
    descriptor file_;
};

/// Others may keep jobs in the same folder. It is looked into now and then, not for each file, so that each of them may
/// bring it beyond its limits by a sixteenth.
class kept_folder {
public:
    explicit kept_folder(std::filesystem::path path, kept_limits most = {});

    std::filesystem::path const& path() const noexcept { return path_; }
    kept_limits const& most() const noexcept { return most_; }
    /// Gives the path of the file. Makes the folder if it is not there. Throws `std::exception`.
    std::string add(kept_job about, std::span<char const> job);

private:
    void make_room(int folder, std::uint64_t bytes);

    std::filesystem::path path_;
    kept_limits most_;
    std::size_t files_left_ = 0;   ///< that fit in, without looking
    std::uint64_t bytes_left_ = 0;
    std::int64_t last_time_ = 0;
};

/// What a server does with `options::keep_failed`. Used on the strand, which a job of 64 MiB holds for some 0.3 s
/// (measured on ext4), a small one for half a millisecond.
class kept_jobs {
public:
    kept_jobs(options const& how, journal const& log);

    /// Called with each failure that is delivered; keeps its job, if it is one to be kept. Gives its file, or nothing.
    /// What goes wrong is told to the log, once until it goes well again.
    std::string keep(job_node const& job, failure const& why);

private:
    void keep_now(job_node const& job, failure const& why, std::string& file);

    std::optional<kept_folder> folder_;
    options const& how_;
    journal const& log_;
    std::string last_trouble_;
};

/// Whether a process had begun the job, and nobody has ended it on purpose. A closure exists only here.
bool is_to_be_kept(job_node const& job, failure const& why);

} // namespace wodehaus::detail
