// The stack of a thread. It is walked by the compiler's unwinder, which also exceptions use; with a C library that finds
// an object's tables without a lock (glibc from 2.35 on) that may be done in a signal handler.
#include "worker/stack.hpp"

#include "wire/frame.hpp"
#include "worker/role.hpp"

#include <algorithm>
#include <cstring>

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

namespace wodehaus::detail {

namespace {

struct registers {
    std::uintptr_t program_counter, stack_pointer;
};

registers registers_of(ucontext_t const& context) noexcept
{
#if defined(__x86_64__)
    return {static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RIP]),
            static_cast<std::uintptr_t>(context.uc_mcontext.gregs[REG_RSP])};
#elif defined(__aarch64__)
    return {context.uc_mcontext.pc, context.uc_mcontext.sp};
#else
    static_cast<void>(context);
    return {};
#endif
}

// As if the call that has led to nowhere had returned, so that the caller is found.
void return_from_nowhere(ucontext_t& context) noexcept
{
#if defined(__x86_64__)
    auto& registers = context.uc_mcontext.gregs;
    registers[REG_RIP] = *reinterpret_cast<greg_t const*>(registers[REG_RSP]);
    registers[REG_RSP] += static_cast<greg_t>(sizeof(greg_t));
#elif defined(__aarch64__)
    context.uc_mcontext.pc = context.uc_mcontext.regs[30];
#else
    static_cast<void>(context);
#endif
}

struct loaded_file {
    char const* path = nullptr; ///< null: nothing was loaded there
    std::uintptr_t base = 0;    ///< what its own addresses were shifted by
};

loaded_file file_at(std::uintptr_t address) noexcept
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
    dl_find_object found;
    if (::_dl_find_object(reinterpret_cast<void*>(address), &found) != 0 || !found.dlfo_link_map)
        return {};
    auto const& map = *found.dlfo_link_map;
    bool is_program = !map.l_name || !*map.l_name;
    return {is_program ? this_program().c_str() : map.l_name, map.l_addr};
#else
    static_cast<void>(address);
    return {};
#endif
}

struct walk_so_far {
    stack_writer& to;
    std::uintptr_t from; ///< what lies further in is the handler; 0: it was left behind
};

_Unwind_Reason_Code visit(_Unwind_Context* context, void* into)
{
    auto& walk = *static_cast<walk_so_far*>(into);
    int at_instruction = 0; // else behind a call, which may be the last of its function
    auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &at_instruction));
    if (walk.from != 0 && address != walk.from)
        return _URC_NO_REASON;
    walk.from = 0;
    if (address == 0) // what has called the thread's outermost function
        return _URC_END_OF_STACK;
    return walk.to.add(at_instruction ? address : address - 1) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

} // namespace

void stack_writer::walk(ucontext_t& context) noexcept
{
    auto const before = context;
    auto at = registers_of(context);
    cause_.program_counter = at.program_counter;
    cause_.stack_pointer = at.stack_pointer;
    if (!file_at(at.program_counter).path) {
        add(at.program_counter);
        if (at.stack_pointer == 0)
            return;
        return_from_nowhere(context);
    }
    walk_so_far walk{*this, registers_of(context).program_counter};
    _Unwind_Backtrace(&visit, &walk);
    context = before;
}

void stack_writer::add_innermost(ucontext_t const& context) noexcept
{
    auto at = registers_of(context);
    cause_.program_counter = at.program_counter;
    cause_.stack_pointer = at.stack_pointer;
    add(at.program_counter);
}

bool stack_writer::add(std::uintptr_t address) noexcept
{
    if (cause_.places == most_places) {
        cause_.is_cut = 1;
        return false;
    }
    auto file = file_at(address);
    auto number = file.path ? file_number(file.path) : code_place::no_file;
    places_[cause_.places++] = {number == code_place::no_file ? address : address - file.base, number};
    return true;
}

std::uint64_t stack_writer::file_number(char const* path) noexcept
{
    for (std::uint64_t i = 0; i < cause_.files; ++i)
        if (files_[i] == path)
            return i;
    if (cause_.files == most_files)
        return code_place::no_file;
    files_[cause_.files] = path;
    return cause_.files++;
}

bool stack_writer::send() noexcept
{
    std::size_t size = sizeof(frame_header);
    auto append = [&](void const* from, std::size_t count) {
        count = std::min(count, message_.size() - size);
        if (count == 0)
            return;
        std::memcpy(message_.data() + size, from, count);
        size += count;
    };
    append(&cause_, sizeof cause_);
    append(places_.data(), cause_.places * sizeof(code_place));
    for (std::size_t i = 0; i < cause_.files; ++i)
        append(files_[i], std::min(std::strlen(files_[i]), longest_file)), append("", 1);
    append(words_.data(), std::min(words_.size(), longest_words));
    frame_header header;
    header.kind = frame_kind::stack;
    header.size = size - sizeof header;
    std::memcpy(message_.data(), &header, sizeof header);
    return send_from_handler({message_.data(), size});
}

} // namespace wodehaus::detail
