// A completion handler with types as one that takes bytes. After Boost.MySQL's intermediate handler.
#pragma once

#include <boost/asio/associator.hpp>
#include <wodehaus/detail/door.hpp>

namespace wodehaus::detail {

/// Runs where the user's handler runs (executor, allocator and cancellation slot are the handler's own), so it is there
/// that `Translate` loads the result.
template <class Handler, class Translate>
struct translating_handler {
    Handler handler;
    Translate translate;

    template <class Bytes>
    void operator()(Bytes bytes)
    {
        translate(std::move(handler), std::move(bytes));
    }
};

template <class Translate, class Handler>
auto translating(Handler&& handler, Translate translate)
{
    return translating_handler<std::decay_t<Handler>, Translate>{std::forward<Handler>(handler), translate};
}

/// void(std::exception_ptr, R), or void(std::exception_ptr) where there is no result.
template <class Worker>
struct complete_call {
    std::size_t budget;

    template <class Handler>
    void operator()(Handler&& handler, outcome<payload>&& bytes) const
    {
        using result = result_of<Worker>;
        auto outcome = unpack<Worker>(std::move(bytes), budget);
        std::exception_ptr error;
        if (!outcome)
            error = std::make_exception_ptr(job_error{std::move(outcome).error()});
        if constexpr (std::is_void_v<result>)
            std::forward<Handler>(handler)(error);
        else
            std::forward<Handler>(handler)(error, outcome ? std::move(*outcome) : result{});
    }
};

template <class Worker>
struct complete_try_call {
    std::size_t budget;

    template <class Handler>
    void operator()(Handler&& handler, outcome<payload>&& bytes) const
    {
        std::forward<Handler>(handler)(std::exception_ptr{}, unpack<Worker>(std::move(bytes), budget));
    }
};

template <class Worker>
struct complete_try_map {
    std::size_t budget;

    template <class Handler>
    void operator()(Handler&& handler, std::vector<outcome<payload>>&& bytes) const
    {
        std::vector<outcome<result_of<Worker>>> results;
        results.reserve(bytes.size());
        for (auto& each : bytes)
            results.push_back(unpack<Worker>(std::move(each), budget));
        std::forward<Handler>(handler)(std::exception_ptr{}, std::move(results));
    }
};

/// Which of several failures is told: the first that ended by itself, rather than one that it has cancelled.
WODEHAUS_DECL failure first_cause(std::vector<failure> const& failures);

template <class Worker>
struct complete_map {
    std::size_t budget;

    template <class Handler>
    void operator()(Handler&& handler, std::vector<outcome<payload>>&& bytes) const
    {
        complete_try_map<Worker>{budget}(
            [&handler](std::exception_ptr, std::vector<outcome<result_of<Worker>>> outcomes) {
                std::vector<failure> failures;
                for (auto& each : outcomes)
                    if (!each)
                        failures.push_back(each.error());
                std::exception_ptr error;
                if (!failures.empty())
                    error = std::make_exception_ptr(job_error{first_cause(failures)});
                if constexpr (std::is_void_v<result_of<Worker>>) {
                    std::forward<Handler>(handler)(error);
                } else {
                    std::vector<result_of<Worker>> results;
                    if (!error) {
                        results.reserve(outcomes.size());
                        for (auto& each : outcomes)
                            results.push_back(std::move(*each));
                    }
                    std::forward<Handler>(handler)(error, std::move(results));
                }
            },
            std::move(bytes));
    }
};

template <class Result>
struct signatures {
    using call = void(std::exception_ptr, Result);
    using map = void(std::exception_ptr, std::vector<Result>);
};
template <>
struct signatures<void> {
    using call = void(std::exception_ptr);
    using map = void(std::exception_ptr);
};
template <class Worker>
using call_signature = typename signatures<result_of<Worker>>::call;
template <class Worker>
using map_signature = typename signatures<result_of<Worker>>::map;
template <class Worker>
using try_call_signature = void(std::exception_ptr, outcome<result_of<Worker>>);
template <class Worker>
using try_map_signature = void(std::exception_ptr, std::vector<outcome<result_of<Worker>>>);

} // namespace wodehaus::detail

namespace boost::asio {

template <template <class, class> class Associator, class Handler, class Translate, class Default>
struct associator<Associator, wodehaus::detail::translating_handler<Handler, Translate>, Default>
    : Associator<Handler, Default> {
    using handler_type = wodehaus::detail::translating_handler<Handler, Translate>;

    static typename Associator<Handler, Default>::type get(handler_type const& handler) noexcept
    {
        return Associator<Handler, Default>::get(handler.handler);
    }
    static typename Associator<Handler, Default>::type get(handler_type const& handler,
                                                           Default const& otherwise) noexcept
    {
        return Associator<Handler, Default>::get(handler.handler, otherwise);
    }
};

} // namespace boost::asio
