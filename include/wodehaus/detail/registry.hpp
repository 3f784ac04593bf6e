// How a worker is found again in another process of the same program, and called there on bytes.
#pragma once

#include <wodehaus/detail/archive.hpp>
#include <wodehaus/detail/traits.hpp>

#include <cstdint>
#include <string_view>
#include <typeinfo>

namespace wodehaus::detail {

/// One job on its way through a worker. `stage` tells whose fault an exception is.
struct invocation {
    enum class stage { loading, working, saving };

    std::span<char const> job;
    payload& result;
    std::size_t budget;
    stage at = stage::loading;
};

/// A worker as the compiled part knows it. One for each type of worker, made before main begins; where it lies in the
/// program is its key.
struct WODEHAUS_DECL registration {
    void (*invoke)(invocation&);
    std::string_view name;   ///< for people
    char const* worker_type; ///< mangled names, equal in every build
    char const* job_type;
    char const* result_type;
    registration const* next = nullptr;

    registration(void (*invoke)(invocation&), std::string_view name, char const* worker_type, char const* job_type,
                 char const* result_type) noexcept;
    ~registration(); // a shared object that is unloaded takes its workers with it
    registration(registration const&) = delete;
    registration& operator=(registration const&) = delete;
};

template <class Worker>
void work(Worker& worker, job_of<Worker>& job, invocation& call)
{
    using result_type = result_of<Worker>;

    call.at = invocation::stage::working;
    if constexpr (std::is_void_v<result_type>) {
        apply(worker, job);
    } else {
        decltype(auto) result = apply(worker, job);
        call.at = invocation::stage::saving;
        save(call.result, static_cast<result_type const&>(result));
    }
}

/// Calls a worker of this type on the bytes of a job. Compiled in the user's program; all that knows the types.
template <class Worker>
void invoke(invocation& call)
{
    job_of<Worker> job{};
    Worker worker{};
    if constexpr (travels<Worker>) {
        input_archive archive{call.job, call.budget};
        archive >> worker >> job;
        if (!archive.at_end())
            wrong_length();
    } else {
        load(call.job, call.budget, job);
    }
    work(worker, job, call);
}

/// A worker that cannot travel. Its key is its address, where memory is shared.
struct closure {
    virtual ~closure() = default;
    virtual void invoke(invocation& call) = 0;
};

template <class Worker>
struct closure_of final : closure {
    explicit closure_of(Worker const& from) : worker(from) {}
    void invoke(invocation& call) override
    {
        job_of<Worker> job{};
        load(call.job, call.budget, job);
        work(worker, job, call);
    }

    Worker worker;
};

template <class Worker>
inline registration registered{&invoke<Worker>, name_of<Worker>(), typeid(Worker).name(),
                               typeid(job_of<Worker>).name(), typeid(result_of<Worker>).name()};

/// What a job of this worker is on the wire.
template <class Worker>
payload pack(Worker const& worker, job_of<Worker> const& job)
{
    payload bytes;
    if constexpr (travels<Worker>)
        output_archive{bytes} << worker << job;
    else
        save(bytes, job);
    return bytes;
}

} // namespace wodehaus::detail
