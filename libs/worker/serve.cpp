// The loop of a process.
#include "worker/serve.hpp"

#include "wire/frame.hpp"
#include "wire/ring.hpp"
#include "worker/channel.hpp"
#include "worker/crash.hpp"
#include "worker/exception_account.hpp"
#include "worker/flush.hpp"
#include "worker/job_message.hpp"
#include "worker/memory.hpp"
#include "worker/registry.hpp"
#include "worker/role.hpp"
#include "worker/this_job.hpp"

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <new>
#include <optional>

#include <wodehaus/errc.hpp>

#include <cxxabi.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::int64_t between_accounts = 10'000'000; // nanoseconds; one costs some microseconds

// Reading this clock costs next to nothing.
std::int64_t coarse_time() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

/// The process's side of the conversation.
class job_loop {
public:
    job_loop(job_site& site, setup_message const& setup)
        : site_(site), reader_(setup.read_buffer, largest_body(setup.max_message)), largest_(setup.max_message)
    {
        if (!setup.has_ring)
            return;
        ring_.emplace(ring_file);
        ::close(ring_file);
    }

    /// Gives the status to exit with.
    int run()
    {
        for (frame message; !status_;) {
            switch (reader_.next(message)) {
            case frame_reader::status::frame:
                if (message.header.kind == frame_kind::job)
                    take(message);
                break; // a kind from a later version that we need not know
            case frame_reader::status::more:
                read();
                break;
            case frame_reader::status::too_large:
            case frame_reader::status::garbage:
                std::fprintf(stderr, "wodehaus: the server sent what is not a message; this process ends\n");
                status_ = EXIT_FAILURE;
            }
        }
        return *status_;
    }

private:
    void read()
    {
        std::span<char> to;
        try {
            to = reader_.space();
        } catch (std::bad_alloc const&) {
            return give_up_reading();
        }
        ssize_t got = site_.read(to);
        if (got > 0)
            reader_.filled(static_cast<std::size_t>(got));
        else
            status_ = EXIT_SUCCESS; // the server needs us no more, or is gone
    }

    // Where in the stream the next message begins will not be known.
    void give_up_reading()
    {
        last_reserve for_telling;
        auto id = reader_.id_of_part();
        leave(id);
        fail(id, errc::out_of_memory, "its process has no memory for the job");
        status_ = EXIT_SUCCESS;
    }

    // A frame of a job goes through the ring where there is one and room in it, else by the channel. Without `at_once`
    // it may wait there until the server looks.
    void tell(frame_kind kind, std::uint64_t id, std::span<char const> body, bool at_once)
    {
        constexpr std::size_t largest_for_ring = 4096;
        frame_header header;
        header.kind = kind;
        header.number = next_number_++;
        header.id = id;
        header.size = body.size();
        bool told = true;
        if (!ring_ || body.size() > largest_for_ring || !ring_->put(header, body)) {
            told = site_.send({reinterpret_cast<char const*>(&header), sizeof header}, body);
        } else if (at_once && ring_->take_bell()) {
            frame_header bell;
            bell.kind = frame_kind::bell;
            told = site_.send({reinterpret_cast<char const*>(&bell), sizeof bell}, {});
        }
        if (!told)
            status_ = EXIT_FAILURE;
    }

    void take(frame& message)
    {
        auto id = message.header.id;
        auto job = read_job(message.body.bytes());
        if (!job)
            return fail(id, errc::bad_message, "the job's message is too short");
        auto const& prefix = job->prefix;

        if (prefix.flags & job_prefix::announce)
            tell(frame_kind::begun, id, {}, (prefix.flags & job_prefix::timed) != 0);
        if (prefix.flags & job_prefix::closure) {
            auto* closure = reinterpret_cast<detail::closure*>(static_cast<std::uintptr_t>(prefix.offset));
            call([closure](invocation& with) { closure->invoke(with); }, id, prefix, job->bytes);
        } else if (auto const* worker = worker_for(*job)) {
            call(worker->invoke, id, prefix, job->bytes);
        } else {
            fail(id, errc::unknown_worker,
                 "this program has no such worker (or several of that name); build both sides from the same source");
        }
        message.body = {};
        if (!status_ && ((prefix.flags & job_prefix::last) || unwanted_ || leaves_))
            status_ = EXIT_SUCCESS;
    }

    template <class Invoke>
    void call(Invoke invoke, std::uint64_t id, job_prefix const& prefix, std::span<char const> job)
    {
        payload result;
        invocation call{job, result, largest_};
        bool goes_on = (prefix.flags & job_prefix::last) == 0;
        site_.begin(id, prefix.attempt);
        try {
            invoke(call);
        } catch (abi::__forced_unwind const&) {
            throw; // a cancelled thread: not an exception that may be swallowed
        } catch (...) {
            last_reserve for_telling;
            auto why = account_of_failed_call();
            unwanted_ = site_.end();
            if (goes_on && has_grown())
                leave(id);
            return fail(id, call.at, why);
        }
        unwanted_ = site_.end();
        account(id, prefix, goes_on);
        if (result.size() > largest_)
            fail(id, errc::too_large,
                 "its result has " + std::to_string(result.size()) + " bytes, and max_message allows " +
                     std::to_string(largest_));
        else
            tell(frame_kind::result, id, result.bytes(), true);
    }

    static exception_account account_of_failed_call()
    {
        try {
            return account_of_current_exception();
        } catch (std::bad_alloc const&) {
            return {"std::bad_alloc", true}; // as much as there is room for
        }
    }

    // What a process has used is told when it is reaped. Before, it is told where somebody wants to know; and of a kept
    // process now and then, so that what was used for earlier jobs is not taken for the next one's.
    void account(std::uint64_t id, job_prefix const& prefix, bool goes_on)
    {
        bool wanted = (prefix.flags & job_prefix::account) != 0;
        auto now = goes_on ? coarse_time() : accounted_at_;
        if (wanted || now - accounted_at_ >= between_accounts) {
            accounted_at_ = now;
            auto used = site_.used();
            tell(frame_kind::used, id, {reinterpret_cast<char const*>(&used), sizeof used}, false);
        }
        if (goes_on && has_grown())
            leave(id);
    }

    void leave(std::uint64_t id)
    {
        leaves_ = true;
        tell(frame_kind::leaving, id, {}, false);
    }

    void fail(std::uint64_t id, invocation::stage at, exception_account const& why)
    {
        auto code = why.out_of_memory                  ? errc::out_of_memory
                    : at == invocation::stage::working ? errc::job_threw
                                                       : errc::bad_message;
        fail(id, code, std::string{words_before(at)} + why.what);
    }

    void fail(std::uint64_t id, errc code, std::string what)
    {
        tell(frame_kind::failed, id, failure_body(static_cast<int>(code), std::move(what), site_.used()).bytes(), true);
    }

    job_site& site_;
    frame_reader reader_;
    std::size_t largest_;
    std::optional<ring_writer> ring_;
    std::uint16_t next_number_ = 0;
    std::int64_t accounted_at_ = 0; ///< by the coarse clock
    bool unwanted_ = false;         ///< a job that was asked to end has ended
    bool leaves_ = false;           ///< it has grown too much, or cannot read on
    std::optional<int> status_;     ///< it is over
};

/// The process as a whole.
class this_process final : public job_site {
public:
    ssize_t read(std::span<char> to) noexcept override
    {
        ssize_t got = -1;
        do
            got = ::read(channel_in, to.data(), to.size());
        while (got < 0 && errno == EINTR);
        return got;
    }
    bool send(std::span<char const> head, std::span<char const> body) noexcept override
    {
        return send_to_server(head, body);
    }
    void begin(std::uint64_t id, int attempt) noexcept override { begin_this_job(id, attempt); }
    bool end() noexcept override
    {
        bool unwanted = end_this_job();
        flush_output();
        return unwanted;
    }
};

} // namespace

payload failure_body(int code, std::string what, usage_message const& used)
{
    if (what.size() > longest_account)
        what.replace(longest_account, what.npos, "...");
    failure_message message{code, std::move(what), used};
    payload body;
    save(body, message);
    return body;
}

int serve_jobs(job_site& site, setup_message const& setup)
{
    return job_loop{site, setup}.run();
}

void serve(setup_message const& setup) noexcept
{
    int status = EXIT_FAILURE;
    try {
        tell_own_stacks();
        this_process site;
        status = serve_jobs(site, setup);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "wodehaus: this process cannot serve: %s\n", error.what());
    }
    end_process(status);
}

void end_process(int status) noexcept
{
    flush_output();
    ::_exit(status);
}

} // namespace wodehaus::detail
