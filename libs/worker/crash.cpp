// Stacks. Told by the process itself, since nobody can see them once it is dead, and not everybody may look while it lives;
// by what may be done in a signal handler, on a stack of its own, since the thread's may be used up. Names and lines are for
// others to find.
#include "worker/crash.hpp"

#include "wire/descriptor.hpp"
#include "worker/exception_account.hpp"
#include "worker/stack.hpp"
#include "worker/this_job.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <unwind.h>

#pragma weak dlvsym // a static program does without it

namespace wodehaus::detail {

namespace {

constexpr std::array crashes{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

// What only a crash uses is kept from what each process writes: a page less for the kernel to copy after a fork.
alignas(16) std::array<char, 64 << 10> stack_of_handlers;
std::array<char, 512> exception_in_words{};
std::atomic<pid_t> tells{0}; // the process that does
std::atomic<pid_t> telling_thread{0};
std::atomic<int> told_signal{0};
std::terminate_handler next_terminate_handler = nullptr;
stack_writer* volatile being_told = nullptr; // should it crash over it
std::uintptr_t stack_top = 0;                // of the first thread, or close to it

// What the C library says when it aborts: a failed assertion, a heap that is corrupt. Its own debugger's way to know.
struct abort_message {
    unsigned size;
    char text[1];
};
abort_message* const* last_words = nullptr;

std::string_view words_for_abort() noexcept
{
    if (exception_in_words[0])
        return exception_in_words.data();
    if (!last_words || !*last_words)
        return {};
    std::string_view text = (*last_words)->text;
    while (!text.empty() && text.back() == '\n')
        text.remove_suffix(1);
    return text;
}

void tell(pid_t thread, int number, siginfo_t const& info, ucontext_t& context) noexcept
{
    stack_cause cause;
    cause.signal = number;
    cause.code = info.si_code;
    if (number != SIGABRT && info.si_code > 0)
        cause.address = reinterpret_cast<std::uintptr_t>(info.si_addr);
    cause.thread = thread;
    if (thread == ::getpid())
        cause.stack_top = stack_top;
    ::prctl(PR_GET_NAME, cause.thread_name.data());
    stack_writer stack{cause};
    if (number == SIGABRT)
        stack.say(words_for_abort());
    being_told = &stack;
    stack.walk(context);
    being_told = nullptr;
    stack.send();
}

// The stack is no stack any more: what was found of it by then has to do.
void tell_the_rest() noexcept
{
    if (auto* stack = being_told) {
        being_told = nullptr;
        stack->send();
    }
}

// Of all threads but the calling one; by the kernel's own call, since the C library's allocates.
template <class F>
void for_other_threads(pid_t self, F f) noexcept
{
    descriptor folder{::open("/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    alignas(std::uint64_t) std::array<char, 1024> entries;
    for (long size; folder && (size = ::syscall(SYS_getdents64, folder.get(), entries.data(), entries.size())) > 0;)
        for (long at = 0; at < size;) {
            struct entry { // the kernel's linux_dirent64
                std::uint64_t inode;
                std::int64_t offset;
                unsigned short size;
                unsigned char type;
                char name[1];
            };
            auto const* one = reinterpret_cast<entry const*>(entries.data() + at);
            at += one->size;
            pid_t thread = 0;
            for (char const* digit = one->name; *digit >= '0' && *digit <= '9'; ++digit)
                thread = thread * 10 + (*digit - '0');
            if (thread != 0 && thread != self)
                f(thread);
        }
}

// Threads but the first tell theirs on the very stack, which may be small; so what is written to is kept elsewhere, for
// one after another.
class place_to_tell {
public:
    place_to_tell() noexcept
    {
        while (is_taken.test_and_set(std::memory_order_acquire))
            ::sched_yield();
    }
    place_to_tell(place_to_tell const&) = delete;
    place_to_tell& operator=(place_to_tell const&) = delete;
    ~place_to_tell() { is_taken.clear(std::memory_order_release); }
    stack_writer& operator()(stack_cause const& cause) noexcept { return *new (bytes.data()) stack_writer{cause}; }

private:
    static inline std::atomic_flag is_taken;
    alignas(stack_writer) static inline std::array<std::byte, sizeof(stack_writer)> bytes;
};

// Whether the unwinder has the stack it needs: whether the kernel can read there. Where it does not say, it is believed.
bool has_room_to_walk() noexcept
{
    char byte = 0;
    auto const here = reinterpret_cast<std::uintptr_t>(&byte);
    for (std::uintptr_t needed : {4096u, 8192u}) {
        iovec to{&byte, 1}, from{reinterpret_cast<void*>(here - needed), 1};
        if (::syscall(SYS_process_vm_readv, ::getpid(), &to, 1, &from, 1, 0) < 0 && errno == EFAULT)
            return false;
    }
    return true;
}

void tell_place(pid_t thread, int threads, ucontext_t& context) noexcept
{
    stack_cause cause;
    cause.thread = thread;
    cause.is_first = thread == ::getpid();
    cause.threads = threads;
    ::prctl(PR_GET_NAME, cause.thread_name.data());
    place_to_tell place;
    auto& stack = place(cause);
    if (cause.is_first || has_room_to_walk()) // the first is on a stack for handlers
        stack.walk(context);
    else
        stack.add_innermost(context);
    stack.send();
}

// A call that sleeps would return early now, and what follows it would be done as if it had slept. The request to end is
// on its way: it ends whoever has not asked for it, and the others are to see it.
void wait_for_request(ucontext_t const& context) noexcept
{
    constexpr int longest = 500; // milliseconds
    timespec slice{0, 5'000'000};
    for (int waited = 0; waited < longest && a_job_is_under_way() && !was_requested(); waited += 5)
        if (::ppoll(nullptr, 0, &slice, &context.uc_sigmask) < 0)
            return; // by a handler, which is in the way of that, too
}

// The thread that the kernel has chosen passes it on; each tells its own stack.
extern "C" void on_question(int number, siginfo_t* info, void* context)
{
    int before = errno;
    auto self = ::getpid();
    auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
    if (self == tells.load(std::memory_order_relaxed)) {
        int threads = 0;
        if (info->si_code != SI_TKILL) {
            threads = 1;
            for_other_threads(thread, [&](pid_t other) { threads += ::syscall(SYS_tgkill, self, other, number) == 0; });
        }
        tell_place(thread, threads, *static_cast<ucontext_t*>(context));
        wait_for_request(*static_cast<ucontext_t const*>(context));
    }
    errno = before;
}

void take_by_default(int number) noexcept
{
    struct sigaction by_default {};
    by_default.sa_handler = SIG_DFL;
    ::sigaction(number, &by_default, nullptr);
}
void die_by(int number, pid_t thread) noexcept
{
    take_by_default(number);
    ::syscall(SYS_tgkill, ::getpid(), thread, number);
}

// The unwinder has a lock in a program that is linked with -static, and this thread may have crashed with it.
extern "C" void on_telling_too_long(int)
{
    auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
    if (thread == telling_thread.load(std::memory_order_relaxed))
        tell_the_rest();
    die_by(told_signal, thread);
}
void end_even_if_telling_hangs() noexcept
{
    struct sigaction action {};
    action.sa_handler = &on_telling_too_long;
    ::sigaction(SIGALRM, &action, nullptr);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
    ::alarm(2);
}

extern "C" void on_crash(int number, siginfo_t* info, void* context)
{
    int before = errno;
    auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
    pid_t first = 0;
    if (::getpid() != tells.load(std::memory_order_relaxed)) {
    } else if (telling_thread.compare_exchange_strong(first, thread)) {
        told_signal = number;
        end_even_if_telling_hangs();
        tell(thread, number, *info, *static_cast<ucontext_t*>(context));
    } else if (first == thread) {
        tell_the_rest();
        die_by(told_signal, thread); // not of having told it
    } else {
        for (;;) // that one ends us all
            ::pause();
    }
    // What has faulted does it again when this returns; what was sent is sent again, and so is what a filter of system
    // calls or a breakpoint has sent in a call's place.
    if (info->si_code <= 0 || number == SIGSYS || number == SIGTRAP)
        die_by(number, thread);
    else
        take_by_default(number);
    errno = before;
}

// Its C name keeps it apart from the job loop, behind which traces are cut off.
extern "C" void wodehaus_on_terminate()
{
    static thread_local bool describes = false; // its own what() may throw, which ends here once more
    if (std::current_exception() && !std::exchange(describes, true))
        try {
            auto words = "an exception that nobody has caught: " + describe_current_exception();
            words.resize(std::min(words.size(), exception_in_words.size() - 1));
            std::memcpy(exception_in_words.data(), words.c_str(), words.size() + 1);
        } catch (std::exception const&) {
            // no memory for words
        }
    if (next_terminate_handler)
        next_terminate_handler();
}

void use_unwinder() noexcept
{
    _Unwind_Backtrace([](_Unwind_Context*, void*) { return _URC_END_OF_STACK; }, nullptr);
}

} // namespace

int stack_signal() noexcept
{
    return SIGRTMAX - 5; // as far from what programs use as from what debuggers do
}

void look_up_for_stacks() noexcept
{
    if (&::dlvsym)
        last_words = static_cast<abort_message* const*>(::dlvsym(RTLD_DEFAULT, "__abort_msg", "GLIBC_PRIVATE"));
    use_unwinder(); // one that has a lock sorts its tables at the first use, which takes long and needs memory
}

void end_if_unwinder_hangs() noexcept
{
    constexpr itimerval enough{{}, {0, 250'000}}, off{};
    ::setitimer(ITIMER_REAL, &enough, nullptr);
    use_unwinder();
    ::setitimer(ITIMER_REAL, &off, nullptr);
}

void handle_crashes_and_questions() noexcept
{
    stack_t stack{};
    stack.ss_sp = stack_of_handlers.data();
    stack.ss_size = stack_of_handlers.size();
    ::sigaltstack(&stack, nullptr);
    struct sigaction action {};
    action.sa_sigaction = &on_crash;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    ::sigfillset(&action.sa_mask);
    for (int number : crashes)
        ::sigdelset(&action.sa_mask, number);
    for (int number : crashes)
        ::sigaction(number, &action, nullptr);
    action.sa_sigaction = &on_question;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    ::sigaction(stack_signal(), &action, nullptr);
    stack_top = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
    auto before = std::set_terminate(&wodehaus_on_terminate);
    if (before != &wodehaus_on_terminate) // as in a process that was forked from one of ours
        next_terminate_handler = before;
}

void tell_own_stacks() noexcept
{
    tells.store(::getpid(), std::memory_order_relaxed);
}

} // namespace wodehaus::detail
