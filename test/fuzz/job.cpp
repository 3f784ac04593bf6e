// A job's message, as the process takes it: the prefix, the worker's name, the job.
#include "test/fuzz/target.hpp"

#include "worker/job_message.hpp"

#include <boost/serialization/map.hpp>
#include <boost/serialization/utility.hpp>
#include <boost/serialization/vector.hpp>
#include <wodehaus/worker.hpp>

#include <map>

using namespace wodehaus::detail;

namespace {

int twice(int number)
{
    return static_cast<int>(2u * static_cast<unsigned>(number));
}
std::string join(std::map<std::string, std::vector<std::string>> const& parts)
{
    std::string all;
    for (auto const& [name, texts] : parts)
        for (auto const& text : texts)
            all += name + text;
    return all;
}
/// Travels with its job.
struct scale {
    double by = 1;
    template <class Archive>
    void serialize(Archive& archive, unsigned)
    {
        archive& by;
    }
    std::vector<double> operator()(std::vector<double> numbers) const
    {
        for (auto& each : numbers)
            each *= by;
        return numbers;
    }
};

template <class Worker>
void append_messages(std::vector<std::string>& to, Worker const& worker, job_of<Worker> const& job)
{
    for (bool by_name : {false, true}) {
        auto const& known = registered<Worker>;
        auto key = key_of(known);
        auto name = by_name ? portable_name(known) : std::string{};
        job_prefix prefix;
        if (!by_name) {
            prefix.module = key.module;
            prefix.offset = key.offset;
        }
        prefix.name_size = name.size();
        std::string message;
        fuzz::append(message, prefix);
        to.push_back(message + name + fuzz::text_of(pack(worker, job)));
    }
}

} // namespace

void fuzz::one(std::span<char const> bytes)
{
    constexpr std::size_t budget = 1 << 20;
    auto job = read_job(bytes);
    hold(job.has_value() || bytes.size() < sizeof(job_prefix) + 0xffffffff);
    if (!job)
        return;
    hold(sizeof(job_prefix) + job->name.size() + job->bytes.size() == bytes.size());
    auto const* worker = worker_for(*job);
    if (!worker)
        return;
    payload result;
    invocation call{job->bytes, result, budget};
    try {
        worker->invoke(call);
    } catch (std::exception const&) {
        hold(call.at == invocation::stage::loading);
    }
}

std::vector<std::string> fuzz::seeds()
{
    std::vector<std::string> all;
    append_messages(all, wodehaus::worker<twice>, 21);
    append_messages(all, wodehaus::worker<join>, {{"a", {"b", "c"}}, {"d", {}}});
    append_messages(all, scale{2}, {1, 2, 3});
    return all;
}
