// What an exception tells of itself.
#pragma once

#include <wodehaus/detail/registry.hpp>

#include <string>

namespace wodehaus::detail {

struct exception_account {
    std::string what;           ///< one line: type, text, what Boost.Exception knows, and the same of each cause
    bool out_of_memory = false; ///< it, or a cause of it, says that there is no memory left
};

/// Of the exception being handled.
exception_account account_of_current_exception();

/// Its `what` alone.
std::string describe_current_exception();

/// What an account of a failed call begins with: where it failed.
char const* words_before(invocation::stage failed_at) noexcept;

} // namespace wodehaus::detail
