// The workers that this program has.
#include "worker/registry.hpp"

#include "worker/role.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <cxxabi.h>
#include <elf.h>
#include <link.h>
#include <sys/stat.h>

namespace wodehaus::detail {

namespace {

// The list is changed when a part of the program is loaded or unloaded, and read at any time.
std::mutex& list_mutex()
{
    static std::mutex mutex;
    return mutex;
}
registration const* first_worker = nullptr;

constexpr std::uint64_t hash_begin = 14695981039346656037u; // FNV-1a

std::uint64_t hash(std::uint64_t so_far, void const* bytes, std::size_t size)
{
    auto const* each = static_cast<unsigned char const*>(bytes);
    for (std::size_t i = 0; i < size; ++i)
        so_far = (so_far ^ each[i]) * 1099511628211u;
    return so_far;
}

std::optional<std::uint64_t> hash_of_build_note(dl_phdr_info const& part)
{
    for (int i = 0; i < part.dlpi_phnum; ++i) {
        auto const& segment = part.dlpi_phdr[i];
        if (segment.p_type != PT_NOTE)
            continue;
        auto const* at = reinterpret_cast<char const*>(part.dlpi_addr + segment.p_vaddr);
        auto const* end = at + segment.p_memsz;
        std::size_t const align = segment.p_align == 8 ? 8 : 4;
        auto padded = [align](std::size_t size) { return (size + align - 1) / align * align; };
        while (at + sizeof(ElfW(Nhdr)) <= end) {
            ElfW(Nhdr) note;
            std::memcpy(&note, at, sizeof note);
            char const* name = at + sizeof note;
            char const* content = name + padded(note.n_namesz);
            if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(name, "GNU", 4) == 0)
                return hash(hash_begin, content, note.n_descsz);
            at = content + padded(note.n_descsz);
        }
    }
    return std::nullopt;
}

// A part linked without a build id is told by its file.
std::uint64_t hash_of_file(char const* path)
{
    struct stat status{};
    if (::stat(path && *path ? path : "/proc/self/exe", &status) != 0)
        return hash_begin;
    std::array<std::uint64_t, 4> const facts{std::uint64_t(status.st_dev), std::uint64_t(status.st_ino),
                                             std::uint64_t(status.st_size),
                                             std::uint64_t(status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec)};
    return hash(hash_begin, facts.data(), sizeof facts);
}

std::uint64_t module_id(dl_phdr_info const& part)
{
    auto noted = hash_of_build_note(part);
    return noted ? *noted : hash_of_file(part.dlpi_name);
}

struct search {
    std::uintptr_t address;
    worker_key key;
};

int visit_module(dl_phdr_info* part, std::size_t, void* data)
{
    auto& wanted = *static_cast<search*>(data);
    for (int i = 0; i < part->dlpi_phnum; ++i) {
        auto const& segment = part->dlpi_phdr[i];
        if (segment.p_type == PT_LOAD && wanted.address >= part->dlpi_addr + segment.p_vaddr &&
            wanted.address < part->dlpi_addr + segment.p_vaddr + segment.p_memsz) {
            wanted.key = {module_id(*part), wanted.address - part->dlpi_addr};
            return 1;
        }
    }
    return 0;
}

worker_key find_key(registration const& worker)
{
    search wanted{reinterpret_cast<std::uintptr_t>(&worker), {}};
    ::dl_iterate_phdr(&visit_module, &wanted);
    return wanted.key;
}

struct known_worker {
    registration const* worker;
    worker_key key;
};

// Keys are looked up once: the way to a job is short then. Guarded by `list_mutex`.
std::vector<known_worker>& known_workers()
{
    static std::vector<known_worker> all;
    return all;
}
bool known_workers_are_whole = false;

std::vector<known_worker> const& workers_with_keys()
{
    auto& all = known_workers();
    if (!known_workers_are_whole) {
        all.clear();
        for (auto const* worker = first_worker; worker; worker = worker->next)
            all.push_back({worker, find_key(*worker)});
        known_workers_are_whole = true;
    }
    return all;
}

} // namespace

std::unique_lock<std::mutex> lock_registry()
{
    return std::unique_lock{list_mutex()};
}

registration::registration(void (*to_invoke)(invocation&), std::string_view its_name, char const* its_worker_type,
                           char const* its_job_type, char const* its_result_type) noexcept
    : invoke(to_invoke), name(its_name), worker_type(its_worker_type), job_type(its_job_type),
      result_type(its_result_type)
{
    std::lock_guard lock{list_mutex()};
    next = first_worker;
    first_worker = this;
    known_workers_are_whole = false;
}

registration::~registration()
{
    std::lock_guard lock{list_mutex()};
    known_workers_are_whole = false;
    if (first_worker == this)
        first_worker = next;
    else
        for (auto* each = first_worker; each; each = each->next)
            if (each->next == this)
                const_cast<registration*>(each)->next = next;
}

worker_key key_of(registration const& worker)
{
    std::lock_guard lock{list_mutex()};
    for (auto const& each : workers_with_keys())
        if (each.worker == &worker)
            return each.key;
    return find_key(worker);
}

registration const* find_worker(worker_key key)
{
    std::lock_guard lock{list_mutex()};
    for (auto const& each : workers_with_keys())
        if (each.key == key)
            return each.worker;
    return nullptr;
}

void know_workers()
{
    std::lock_guard lock{list_mutex()};
    workers_with_keys();
}

std::string portable_name(registration const& worker)
{
    return std::string{worker.worker_type} + '|' + worker.job_type + '|' + worker.result_type;
}

registration const* find_worker(std::string_view wanted)
{
    std::lock_guard lock{list_mutex()};
    registration const* found = nullptr;
    for (auto const& each : workers_with_keys()) {
        if (portable_name(*each.worker) != wanted)
            continue;
        if (found)
            return nullptr;
        found = each.worker;
    }
    return found;
}

std::vector<registration const*> all_workers()
{
    std::lock_guard lock{list_mutex()};
    std::vector<registration const*> all;
    for (auto const* worker = first_worker; worker; worker = worker->next)
        all.push_back(worker);
    return all;
}

std::uint64_t build_id()
{
    static std::uint64_t const id = [] {
        std::uint64_t main_program = 0;
        ::dl_iterate_phdr(
            [](dl_phdr_info* part, std::size_t, void* data) {
                *static_cast<std::uint64_t*>(data) = module_id(*part); // the program itself comes first
                return 1;
            },
            &main_program);
        return main_program;
    }();
    return id;
}

std::string demangled(char const* name)
{
    int status = 0;
    std::unique_ptr<char, decltype(&std::free)> text{abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free};
    return status == 0 && text ? std::string{text.get()} : std::string{name};
}

} // namespace wodehaus::detail
