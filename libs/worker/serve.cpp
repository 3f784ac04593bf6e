// The loop of a process.
#include "worker/serve.hpp"

#include "wire/frame.hpp"
#include "worker/registry.hpp"
#include "worker/role.hpp"
#include "worker/this_job.hpp"

#include <cerrno>
#include <cstdio>
#include <iostream>

#include <wodehaus/outcome.hpp>

#include <cxxabi.h>
#include <sys/resource.h>
#include <unistd.h>

namespace wodehaus::detail {

namespace {

constexpr std::size_t small_answer = 4096; // answers up to here may wait for the next one

void flush_output() noexcept
{
    try {
        std::cout.flush();
        std::clog.flush();
    } catch (...) {
        // the user's stream throws on failure; the answer is worth more than the complaint
    }
    std::fflush(nullptr);
}

class server_side_of_channel {
public:
    server_side_of_channel(std::size_t buffer, std::size_t largest) : reader_(buffer, largest_body(largest)), largest_(largest)
    {
    }

    [[noreturn]] void loop()
    {
        for (frame message;;) {
            switch (reader_.next(message)) {
            case frame_reader::status::frame:
                if (message.header.kind == frame_kind::job)
                    run(message);
                continue; // a kind from a later version that we need not know
            case frame_reader::status::more:
                write_held();
                read();
                continue;
            case frame_reader::status::too_large:
            case frame_reader::status::garbage:
                std::fprintf(stderr, "wodehaus: the server sent what is not a message; this process ends\n");
                end_process(EXIT_FAILURE);
            }
        }
    }

private:
    void read()
    {
        auto to = reader_.space();
        ssize_t got = -1;
        do
            got = ::read(channel_in, to.data(), to.size());
        while (got < 0 && errno == EINTR);
        if (got <= 0)
            end_process(EXIT_SUCCESS); // the server needs us no more, or is gone
        reader_.filled(static_cast<std::size_t>(got));
    }

    void write_held()
    {
        if (held_.size() && !send_to_server(held_.bytes()))
            end_process(EXIT_FAILURE);
        held_.clear();
    }

    // Answers in one write with what follows: the news that the next job has begun.
    void answer(frame_kind kind, std::uint64_t id, payload const& body)
    {
        if (body.size() <= small_answer) {
            append_frame(held_, kind, id, body.bytes());
            return;
        }
        write_held();
        frame_header header;
        header.kind = kind;
        header.id = id;
        header.size = body.size();
        if (!send_to_server({reinterpret_cast<char const*>(&header), sizeof header}, body.bytes()))
            end_process(EXIT_FAILURE);
    }

    void run(frame& message)
    {
        job_prefix prefix;
        auto bytes = message.body.bytes();
        if (bytes.size() < sizeof prefix) {
            fail(message.header.id, errc::bad_message, "the job's message is too short");
            return;
        }
        std::memcpy(&prefix, bytes.data(), sizeof prefix);
        bytes = bytes.subspan(sizeof prefix);
        if (prefix.name_size > bytes.size()) {
            fail(message.header.id, errc::bad_message, "the job's message is too short");
            return;
        }
        std::string_view name{bytes.data(), prefix.name_size};
        bytes = bytes.subspan(prefix.name_size);

        if (prefix.flags & job_prefix::announce)
            append_frame(held_, frame_kind::begun, message.header.id, {});
        write_held(); // before user code: answers must survive it
        auto const* worker = name.empty() ? find_worker(worker_key{prefix.module, prefix.offset}) : find_worker(name);
        if (!worker)
            fail(message.header.id, errc::unknown_worker,
                 "this program has no such worker (or several of that name); build both sides from the same source");
        else
            call(*worker, message.header.id, prefix.attempt, bytes);
        message.body = {};
        if ((prefix.flags & job_prefix::last) || unwanted_) {
            write_held();
            end_process(EXIT_SUCCESS);
        }
    }

    void call(registration const& worker, std::uint64_t id, int attempt, std::span<char const> job)
    {
        payload result;
        invocation call{job, result, largest_};
        begin_this_job(id, attempt);
        try {
            worker.invoke(call);
        } catch (abi::__forced_unwind const&) {
            throw; // a cancelled thread: not an exception that may be swallowed
        } catch (...) {
            auto what = describe_current_exception();
            unwanted_ = end_this_job();
            flush_output();
            switch (call.at) {
            case invocation::stage::loading:
                return fail(id, errc::bad_message, "the job could not be loaded: " + what);
            case invocation::stage::working:
                return fail(id, errc::job_threw, "it threw " + what);
            case invocation::stage::saving:
                return fail(id, errc::bad_message, "the result could not be saved: " + what);
            }
        }
        unwanted_ = end_this_job();
        flush_output();
        if (result.size() > largest_)
            fail(id, errc::too_large,
                 "its result has " + std::to_string(result.size()) + " bytes, and max_message allows " +
                     std::to_string(largest_));
        else
            answer(frame_kind::result, id, result);
    }

    void fail(std::uint64_t id, errc code, std::string what)
    {
        auto whole = failed_frame(id, static_cast<int>(code), std::move(what));
        held_.append(whole.data(), whole.size());
    }

    frame_reader reader_;
    std::size_t largest_;
    payload held_;
    bool unwanted_ = false; ///< a job that was asked to end has ended
};

} // namespace

payload failed_frame(std::uint64_t id, int code, std::string what)
{
    constexpr std::size_t longest_account = 4096;
    if (what.size() > longest_account)
        what.replace(longest_account, what.npos, "...");
    failure_message message{code, std::move(what)};
    rusage used{};
    if (::getrusage(RUSAGE_SELF, &used) == 0) {
        auto nanoseconds = [](timeval const& time) { return time.tv_sec * 1'000'000'000 + time.tv_usec * 1'000; };
        message.user_time = nanoseconds(used.ru_utime);
        message.system_time = nanoseconds(used.ru_stime);
        message.peak_memory = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
    }
    payload body, whole;
    save(body, message);
    append_frame(whole, frame_kind::failed, id, body.bytes());
    return whole;
}

std::string describe_current_exception()
{
    auto const* type = abi::__cxa_current_exception_type();
    std::string name = type ? demangled(type->name()) : "an exception that is not C++'s";
    try {
        throw;
    } catch (std::exception const& error) {
        return name + ": " + error.what();
    } catch (std::string const& text) {
        return name + ": " + text;
    } catch (char const* text) {
        return name + ": " + text;
    } catch (int number) {
        return name + ": " + std::to_string(number);
    } catch (...) {
        return name;
    }
}

void serve(std::size_t buffer, std::size_t largest_message) noexcept
{
    server_side_of_channel{buffer, largest_message}.loop();
}

void end_process(int status) noexcept
{
    flush_output();
    ::_exit(status);
}

} // namespace wodehaus::detail
