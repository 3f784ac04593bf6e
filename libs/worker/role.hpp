// What the entry, the loops and the names share of this process's part in the whole.
#pragma once

#include "wire/descriptor.hpp"
#include "worker/usage.hpp"

#include <wodehaus/detail/payload.hpp>

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

namespace wodehaus::detail {

/// Which part a process plays comes by its arguments: an environment would be inherited by what a worker starts.
inline constexpr char const worker_argument[] = "--wodehaus-worker";
inline constexpr char const zygote_argument[] = "--wodehaus-zygote";

/// The numbers that a process's own descriptors have, from its birth on.
inline constexpr int channel_in = 3;  ///< to read from the server
inline constexpr int channel_out = 4; ///< to write to the server; the same socket where there is one
inline constexpr int lifeline = 5;    ///< inherited by all that the process starts
inline constexpr int ring_file = 6;   ///< where there is a ring, until it is mapped
inline constexpr int first_free = 7;

/// The body of a setup frame. Its descriptors, in this order where there: the lifeline, the standard output, the ring. A
/// zygote is told what its processes have; it makes their rings.
struct setup_message {
    std::uint64_t max_message = 0;
    std::uint64_t memory = 0;          ///< bytes that a process may have beyond those at its birth; 0: all
    std::uint8_t has_lifeline = 0, has_output = 0;
    std::uint8_t pipe_per_process = 0; ///< zygote: each process gets a pipe for its output
    std::uint8_t has_ring = 0;         ///< each process has a ring
    std::uint32_t read_buffer = 0;     ///< how much a process reads at once: a fresh one touches as little as it can
};

inline constexpr std::size_t longest_name = 255;     ///< of a process
inline constexpr std::size_t longest_account = 4096; ///< of a failure, in words

/// The body of a hello frame.
struct hello_message {
    std::uint64_t build = 0;
    std::int64_t pid = 0;
};

/// Whether `init` was called, and the program it was called in.
bool initialised() noexcept;
/// Whether a server has started this process, seen without `init`: main may not have come to it, or lack it.
bool started_by_a_server();
std::string const& this_program();
/// What `init` was given; empty without it.
std::function<void()> const& preload_of_program();

/// The locks of this room, for the moment of a fork: the child is to find them free.
class own_locks {
public:
    own_locks();

private:
    std::array<std::unique_lock<std::mutex>, 3> held_;
};
std::unique_lock<std::mutex> lock_registry();
std::unique_lock<std::mutex> lock_name();

/// After a fork: the name and the job of the process that it was forked from are not its own.
void forget_name() noexcept;

/// Where `init` found the arguments: what `ps` shows of a process.
void remember_arguments(int argc, char** argv) noexcept;

/// In a process of ours, after preload: the name that was chosen, or nothing. From then on the server is told of each
/// change, and `ps` shows it.
std::string introduce_name();

/// The body of a failed frame.
struct failure_message {
    int code = 0;
    std::string what;
    usage_message used{}; ///< by its process

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive & code & what & used.user_time & used.system_time & used.peak_memory;
    }
};
payload failure_body(int code, std::string what, usage_message const& used = usage_of_process());

} // namespace wodehaus::detail
