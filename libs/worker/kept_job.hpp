// A failed job as a file: what is needed to run it again, and what is known of its failure. The server writes it, and the
// program reads it when it is asked to replay it.
#pragma once

#include "worker/registry.hpp"

#include <wodehaus/detail/payload.hpp>

#include <set>
#include <span>
#include <string>

namespace wodehaus::detail {

/// All that a file holds beside the job's bytes.
struct kept_job {
    std::uint64_t build = 0; ///< of the program whose processes ran it; 0: another program, which goes by the name
    worker_key key;
    std::string portable_name;
    std::string worker; ///< its name for people
    std::uint64_t id = 0;
    std::int32_t attempt = 1;
    std::int32_t code = 0;
    std::string what, account; ///< of the failure: in one line, and in full
    std::int64_t time = 0;     ///< nanoseconds since 1970
    std::uint64_t max_message = 0, memory = 0; ///< as the options had them
};

inline constexpr std::size_t largest_kept_job = std::size_t{64} << 20;    ///< the bytes of a job that is kept
inline constexpr std::size_t longest_kept_texts = std::size_t{256} << 10; ///< all texts of a file together

/// What a file begins with; the job's bytes follow. Of too long an account the end is left out. Throws
/// `std::length_error` where the names alone are too long.
payload kept_beginning(kept_job const& about, std::size_t job_size);

/// Whether this may be such a file: its first bytes say so.
bool begins_as_kept(std::span<char const> beginning) noexcept;

struct kept_parts {
    kept_job about;
    std::size_t job_at = 0; ///< where the job's bytes begin, which are the rest of the file
};
/// What a file of this size begins with: all of it, or at least `kept_beginning`. Throws `std::runtime_error` that says
/// what is wrong with the file.
kept_parts read_kept(std::span<char const> beginning, std::uint64_t file_size);

struct kept_file {
    payload bytes; ///< of the file; its beginning, if no more was wanted
    kept_parts parts;

    std::span<char const> job() const noexcept { return bytes.bytes().subspan(parts.job_at); }
};
/// Throws `std::runtime_error` that says why it cannot be read.
kept_file open_kept(std::string const& path, bool with_job);

/// The name of its file: time, worker and id. Names sort by time.
std::string kept_name(kept_job const& about);
bool is_kept_name(std::string_view name) noexcept;
/// The names of such files in a folder; the first is the oldest. Throws `std::system_error`.
std::set<std::string> kept_names(int folder);

/// "2026-11-25 17:54:30 UTC".
std::string kept_time(std::int64_t time);

} // namespace wodehaus::detail
