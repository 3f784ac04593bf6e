// The workers that this program has, and the key by which another process of the same build asks for one.
#pragma once

#include <wodehaus/detail/registry.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wodehaus::detail {

/// Where a registration lies: which part of the program (the executable or a shared object, by its build id), and where
/// in it. Names would not do: two lambdas, or two static functions in two files, can have the same.
struct worker_key {
    std::uint64_t module = 0, offset = 0;
    friend bool operator==(worker_key const&, worker_key const&) = default;
};

worker_key key_of(registration const& worker);

/// Null if this program has no such worker.
registration const* find_worker(worker_key key);

/// Looks up the keys of all workers that are there, so that no process that is forked from this one has to.
void know_workers();

/// What another build knows a worker by: its name and the types of its job and its result, mangled.
std::string portable_name(registration const& worker);

/// Null if there is none, or if several bear this name.
registration const* find_worker(std::string_view portable_name);

/// All that are there.
std::vector<registration const*> all_workers();

/// Tells this build of the program from every other.
std::uint64_t build_id();

/// A mangled name as people know it.
std::string demangled(char const* name);

} // namespace wodehaus::detail
