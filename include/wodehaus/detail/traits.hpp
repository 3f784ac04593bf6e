// What the types of a worker tell: its job, its result, whether it has a state that travels.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

namespace boost::serialization {
class access;
}

namespace wodehaus::detail {

template <class Signature>
struct signature; // of a function, a function pointer or a member function pointer

template <class R, class A>
struct signature<R (*)(A)> {
    using argument = A;
    using result = std::remove_cvref_t<R>;
};
template <class R, class A>
struct signature<R (*)(A) noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A)> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) &> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) & noexcept> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const&> : signature<R (*)(A)> {};
template <class R, class C, class A>
struct signature<R (C::*)(A) const& noexcept> : signature<R (*)(A)> {};

template <class Callable>
struct callable {}; // empty if it cannot be a worker, so that overloads can ask
template <class Callable>
    requires requires { typename signature<Callable>::argument; }
struct callable<Callable> : signature<Callable> {};
template <class Callable>
    requires requires { typename signature<decltype(&Callable::operator())>::argument; }
struct callable<Callable> : signature<decltype(&Callable::operator())> {};

template <class Worker>
concept is_worker = requires { typename callable<Worker>::argument; };

template <class Worker>
using argument_of = typename callable<Worker>::argument;
template <class Worker>
using job_of = std::remove_cvref_t<argument_of<Worker>>;
template <class Worker>
using result_of = typename callable<Worker>::result;

/// A named constant (`worker<F>`): nothing of it but its registration need reach the other process.
template <class Worker>
inline constexpr bool is_constant = false;

template <class Place>
class output_archive_stand_in; // with a class for a place, functions in its namespace are found as well

// Whether a class has a member called serialize, whoever may call it: a second one makes the name ambiguous. Nothing
// can be derived from a final class, so of its members only one that anybody may call is seen.
struct has_a_serialize {
    int serialize;
};
template <class T>
struct with_a_serialize : T, has_a_serialize {};
template <class T>
concept with_public_serialize =
    requires(output_archive_stand_in<void>& archive, T& value) { value.serialize(archive, 0u); };
template <class T>
concept without_member_serialize = !std::is_class_v<T> || (std::is_final_v<T> && !with_public_serialize<T>) ||
                                   (!std::is_final_v<T> && requires { &with_a_serialize<T>::serialize; });

template <class T>
concept with_free_serialize =
    requires(output_archive_stand_in<void>& archive, T& value) { serialize(archive, value, 0u); };

// In boost::serialization there is one for every type. This one goes before it, but is ambiguous beside one for T.
struct nobodys_own {};
using boost_s_stand_in = output_archive_stand_in<boost::serialization::access>;
template <class T>
nobodys_own serialize(boost_s_stand_in&, T&, unsigned);
template <class T>
concept without_serialize_in_boost = requires(boost_s_stand_in& archive, T& value) {
    { serialize(archive, value, 0u) } -> std::same_as<nobodys_own>;
};

/// A callable without `serialize` and with a state (a function pointer is one): it runs only where memory is shared.
template <class Worker>
concept is_closure = !is_constant<Worker> && !std::is_empty_v<Worker> && without_member_serialize<Worker> &&
                     !with_free_serialize<Worker> && without_serialize_in_boost<Worker>;

/// A worker whose state is saved with the job.
template <class Worker>
inline constexpr bool travels = !is_constant<Worker> && !std::is_empty_v<Worker> && !is_closure<Worker>;

/// Calls a worker in the way its parameter asks for: what takes its job by value or `&&` gets it moved.
template <class Worker, class Job>
decltype(auto) apply(Worker& worker, Job& job)
{
    if constexpr (std::is_lvalue_reference_v<argument_of<Worker>>)
        return worker(job);
    else
        return worker(std::move(job));
}

/// The name of F as the compiler spells it.
template <auto F>
constexpr std::string_view spelled()
{
    std::string_view text = __PRETTY_FUNCTION__; // GCC: "[with auto F = f; std::…]", clang: "[F = &f]"
    text.remove_prefix(text.find("F = ") + 4);
    auto end = text.rfind("; std::string_view");
    text = text.substr(0, end == text.npos ? text.rfind(']') : end);
    if (text.starts_with('&'))
        text.remove_prefix(1);
    return text;
}
template <class T>
constexpr std::string_view spelled_type()
{
    std::string_view text = __PRETTY_FUNCTION__;
    text.remove_prefix(text.find("T = ") + 4);
    auto end = text.rfind("; std::string_view");
    return text.substr(0, end == text.npos ? text.rfind(']') : end);
}

template <class Worker>
constexpr std::string_view name_of()
{
    if constexpr (is_constant<Worker>)
        return Worker::name();
    else
        return spelled_type<Worker>();
}

} // namespace wodehaus::detail
