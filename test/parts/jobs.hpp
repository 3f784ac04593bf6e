// What both a server and the program of its processes know.
#pragma once

#include <wodehaus/process_name.hpp>
#include <wodehaus/this_job.hpp>

#include <boost/serialization/vector.hpp>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace jobs {

struct order {
    std::string customer;
    std::vector<int> pieces;

    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& customer& pieces;
    }
};

inline std::string thanks(order const& job)
{
    return job.customer + " ordered " + std::to_string(job.pieces.size());
}
inline std::string program(int)
{
    return std::filesystem::read_symlink("/proc/self/exe");
}
inline std::string name(int)
{
    return wodehaus::process_name();
}
inline int which_attempt(int survives)
{
    if (wodehaus::this_job::attempt() < survives)
        std::raise(SIGKILL);
    return wodehaus::this_job::attempt();
}
[[gnu::noinline]] inline int reads(int const volatile* from)
{
    return *from + 1;
}
[[gnu::noinline]] inline int crashes(int)
{
    int* volatile null = nullptr;
    return reads(null) + 1;
}
/// The worker with a state.
struct times {
    int factor = 0;

    int operator()(int number) const { return factor * number; }
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& factor;
    }
};
/// What the program of the processes does not offer.
inline int lacking(int job)
{
    return job;
}

} // namespace jobs
