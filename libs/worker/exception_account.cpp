// What an exception tells of itself. Boost.Exception's values are written by code that who attaches them has compiled: a
// program without them has none of it, and so we must not name what writes them, which needs streams.
#include "worker/exception_account.hpp"

#include "worker/one_line.hpp"
#include "worker/registry.hpp"

#include <boost/exception/exception.hpp>
#include <boost/system/errc.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include <cxxabi.h>

namespace wodehaus::detail {

struct attached_values;

} // namespace wodehaus::detail

// Whoever looks for a value by its tag is a friend of boost::exception; this one looks for all of them.
template <>
struct boost::exception_detail::get_info<wodehaus::detail::attached_values> {
    static error_info_container const* get(boost::exception const& from) { return from.data_.get(); }
};

namespace wodehaus::detail {

namespace {

constexpr int most_causes = 8;    // that are told, beside the first of all
constexpr int deepest_cause = 1000; // that is looked for

/// The exception being handled, if it is one of these; it lives as long as it is handled.
template <class Type>
Type const* current_as() noexcept
{
    try {
        throw;
    } catch (Type const& error) {
        return &error;
    } catch (...) {
        return nullptr;
    }
}

// What was thrown, without what the ways of throwing wrap it in.
std::string name_of_current()
{
    if (current_as<std::string>())
        return "std::string";
    auto const* type = abi::__cxa_current_exception_type();
    std::string name = type ? demangled(type->name()) : "an exception that is not C++'s";
    for (bool again = true; std::exchange(again, false);)
        for (std::string_view wrapper : {"boost::wrapexcept<", "boost::detail::with_throw_location<",
                                         "std::_Nested_exception<", "boost::exception_detail::clone_impl<",
                                         "boost::exception_detail::error_info_injector<"})
            if (name.starts_with(wrapper) && name.ends_with('>')) {
                name = name.substr(wrapper.size(), name.size() - wrapper.size() - 1);
                name.erase(name.find_last_not_of(' ') + 1);
                again = true;
            }
    return name;
}

std::string text_of_current()
{
    try {
        throw;
    } catch (std::exception const& error) {
        return error.what() ? error.what() : "";
    } catch (std::string const& text) {
        return text;
    } catch (char const* text) {
        return text ? text : "";
    } catch (int number) {
        return std::to_string(number);
    } catch (...) {
        return {};
    }
}

// Boost writes all of them at once, each by its own operator, which may throw anything. Null if one has.
char const* written(boost::exception_detail::error_info_container const& values)
{
    try {
        return values.diagnostic_information("");
    } catch (abi::__forced_unwind const&) {
        throw;
    } catch (...) {
        return nullptr;
    }
}

// A line of Boost's is "[tag_of_it*] = value"; a value may have several lines.
std::string values_attached_to(boost::exception const& error)
{
    auto const* values = boost::exception_detail::get_info<attached_values>::get(error);
    char const* lines = values ? written(*values) : "";
    if (!lines)
        return "what is attached to it cannot be printed";
    std::string all;
    for (std::string_view left = lines; !left.empty();) {
        auto end = left.find("\n[");
        auto one = left.substr(0, end);
        left = end == left.npos ? std::string_view{} : left.substr(end + 1);
        auto close = one.find("] = ");
        if (!one.starts_with('[') || close == one.npos)
            continue;
        auto name = one.substr(1, close - 1);
        if (name.ends_with('*'))
            name.remove_suffix(1);
        all += (all.empty() ? "" : ", ") + std::string{name} + " = " + in_one_line(one.substr(close + 4));
    }
    return all;
}

boost::source_location place_of_current()
{
    if (auto const* error = current_as<std::exception>())
        return boost::get_throw_location(*error);
    if (auto const* error = current_as<boost::exception>())
        return boost::get_throw_location(*error);
    return {};
}

std::string describe(boost::source_location const& place)
{
    if (place.line() == 0)
        return {};
    std::string words = std::string{"thrown at "} + place.file_name() + ':' + std::to_string(place.line());
    if (*place.function_name())
        words += std::string{" in "} + place.function_name();
    return in_one_line(words);
}

bool current_is_out_of_memory()
{
    if (current_as<std::bad_alloc>())
        return !current_as<std::bad_array_new_length>(); // a size that makes no sense
    if (auto const* error = current_as<std::system_error>())
        return error->code() == std::errc::not_enough_memory;
    if (auto const* error = current_as<boost::system::system_error>())
        return error->code() == boost::system::errc::not_enough_memory;
    return false;
}

void tell_current(exception_account& to)
{
    auto name = name_of_current(), text = in_one_line(text_of_current());
    to.what += name;
    if (!text.empty() && text != name)
        to.what += ": " + text;
    if (auto const* error = current_as<boost::exception>())
        if (auto values = values_attached_to(*error); !values.empty())
            to.what += " [" + values + "]";
    if (auto place = describe(place_of_current()); !place.empty())
        to.what += " (" + place + ")";
}

// The first of them has the most to say.
void tell_current_and_causes(exception_account& to, int number)
{
    if (number == deepest_cause) {
        to.what += ", caused by others";
        return;
    }
    auto const* outer = current_as<std::nested_exception>();
    bool is_first = !outer || !outer->nested_ptr();
    if (number > most_causes + 1 && is_first)
        to.what += ", caused by others, of which the first is ";
    else if (number > 0 && (number <= most_causes || is_first))
        to.what += ", caused by ";
    if (number <= most_causes || is_first)
        tell_current(to);
    to.out_of_memory |= current_is_out_of_memory();
    if (is_first)
        return;
    try {
        outer->rethrow_nested();
    } catch (...) {
        tell_current_and_causes(to, number + 1);
    }
}

} // namespace

exception_account account_of_current_exception()
{
    exception_account account;
    tell_current_and_causes(account, 0);
    return account;
}

std::string describe_current_exception()
{
    return account_of_current_exception().what;
}

char const* words_before(invocation::stage failed_at) noexcept
{
    switch (failed_at) {
    case invocation::stage::loading:
        return "the job could not be loaded: ";
    case invocation::stage::working:
        return "it threw ";
    case invocation::stage::saving:
        break;
    }
    return "it returned, and its result could not be saved: ";
}

} // namespace wodehaus::detail
