// A worker: what runs in a process of its own.
#pragma once

#include <wodehaus/detail/registry.hpp>

namespace wodehaus {

namespace detail {

/// The type of `worker<F>`. Stateless: what it calls is in its type.
template <auto F>
struct worker_constant {
    using job = job_of<std::remove_const_t<decltype(F)>>;       ///< what it takes
    using result = result_of<std::remove_const_t<decltype(F)>>; ///< what it gives, or void

    /// For people: the name of a function; of a lambda, what the compiler says of it.
    static constexpr std::string_view name()
    {
        using type = std::remove_const_t<decltype(F)>;
        return std::is_class_v<type> ? spelled_type<type>() : spelled<F>(); // of an object, some compilers show {}
    }

    decltype(auto) operator()(argument_of<std::remove_const_t<decltype(F)>> argument) const
    {
        return F(static_cast<decltype(argument)&&>(argument));
    }
};

template <auto F>
inline constexpr bool is_constant<worker_constant<F>> = true;

} // namespace detail

/// Names a procedure `job -> result` as a worker: `worker<render>` for a function, a captureless lambda, or a function
/// object that is a constant. It takes its job by value, `const&`, `&` or `&&`; its `operator()` is not overloaded.
///
/// Other workers are function objects with a state. One with `serialize` travels with each job, and is
/// default-constructible. One without is a closure, and runs only where memory is shared: see `options`.
///
/// The worker is found in the other process by where it lies in the program, so every process of one build knows it,
/// whatever its name; with `options::program` set, by its name and types.
template <auto F>
inline constexpr detail::worker_constant<F> worker{};

/// Gives this program workers that it never calls itself: `offer(worker<render>, resize{});`, in `main` before `init`.
/// What a program calls it has anyway. One that only runs jobs (`options::program`) names them so, and needs no more
/// than the library's part without Asio (the link target `wodehaus::worker`).
template <class... Workers>
    requires(... && (detail::is_worker<Workers> && !detail::is_closure<Workers>))
void offer(Workers const&...) noexcept
{
    (static_cast<void>(&detail::registered<Workers>), ...); // made before main, if it is named anywhere
}

} // namespace wodehaus
