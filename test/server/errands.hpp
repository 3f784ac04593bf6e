// What the programs of the matrix have in common: workers that each of them knows, found in another by their names.
#pragma once

#include "test/kit/preload.hpp"

#include <wodehaus/job_server.hpp>

#include <thread>

namespace errands {

inline int half(int number)
{
    return number / 2;
}

inline std::string name_of_process(int)
{
    return wodehaus::process_name();
}

inline std::string program_of_process(int)
{
    return std::filesystem::read_symlink("/proc/self/exe");
}

// ---- output

struct print_job {
    std::string kind, gate;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& kind& gate;
    }
};

/// What a job of this kind prints.
inline std::string printed(std::string const& kind)
{
    if (kind == "unfinished")
        return "a line\na line that does not end";
    if (kind == "grandchild")
        return "from a child, its errors";
    if (kind == "late")
        return "early words\n";
    std::string bytes(kind == "megabyte" ? 1 << 20 : 2000, '\0');
    std::uint32_t random = 1;
    for (char& byte : bytes) {
        random = random * 1664525 + 1013904223;
        byte = static_cast<char>(random >> 24);
    }
    return bytes;
}
inline constexpr char const late_words[] = "late words\n";

/// A "late" one goes on printing after its result, once the gate is open, and tells the gate when it has.
inline int print(print_job const& job)
{
    if (job.kind == "grandchild")
        return std::system("printf 'from a child, '; printf 'its errors' >&2");
    if (job.kind == "late")
        std::thread{[gate = job.gate] {
            kit::pass(gate);
            std::fputs(late_words, stdout);
            std::fflush(stdout);
            kit::arrive(gate);
        }}.detach();
    auto text = printed(job.kind);
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
}

// ---- a worker that is a server itself

struct nested_job {
    wodehaus::launch launch{};
    std::string gate; // empty: the inner job ends by itself

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& launch& gate;
    }
};

inline std::string pids_at(std::string const& gate)
{
    return gate + "/pids";
}

/// Leaves its pid, and stays.
inline int stay(std::string const& gate)
{
    kit::note(pids_at(gate));
    kit::arrive(gate);
    for (;;)
        ::pause();
}

inline int serve_within(nested_job const& job)
{
    boost::asio::io_context context{1};
    wodehaus::basic_job_server<> server{context, {.workers = 1, .launch = job.launch}};
    int result = 0;
    std::exception_ptr failed;
    auto handler = [&](std::exception_ptr error, int got) {
        failed = error;
        result = got;
        server.stop();
    };
    server.async_run(kit::rethrow{});
    if (job.gate.empty())
        server.async_call(wodehaus::worker<half>, 4, handler);
    else
        server.async_call(wodehaus::worker<stay>, job.gate, handler);
    context.run();
    if (failed)
        std::rethrow_exception(failed);
    return result;
}

} // namespace errands
