// Error codes and their words.
#include <wodehaus/outcome.hpp>

#include "dispatch/account.hpp"

#include <boost/throw_exception.hpp>

#include <ostream>

namespace wodehaus {

namespace {

class category final : public boost::system::error_category {
public:
    char const* name() const noexcept override { return "wodehaus"; }

    std::string message(int value) const override
    {
        switch (static_cast<errc>(value)) { // without a default, so that the compiler names the forgotten one
        case errc::job_threw:
            return "the worker threw an exception";
        case errc::process_crashed:
            return "a signal ended the worker's process";
        case errc::process_exited:
            return "the worker's process exited without an answer";
        case errc::timed_out:
            return "the job ran longer than its timeout and was ended";
        case errc::out_of_memory:
            return "the worker's process has used up the memory it may have";
        case errc::canceled:
            return "the call was cancelled";
        case errc::stopped:
            return "the server was stopped before the job had ended";
        case errc::process_lost:
            return "the worker's process is gone, and why is not known";
        case errc::too_large:
            return "the job or its result is larger than options::max_message";
        case errc::bad_message:
            return "what was sent could not be read";
        case errc::launch_failed:
            return "no process could be started";
        case errc::queue_full:
            return "as many calls wait as options::queue_limit allows";
        case errc::unknown_worker:
            return "the program on the other side does not have this worker";
        case errc::other_build:
            return "the program on the other side is another build";
        case errc::not_initialised:
            return "wodehaus::init was not called; begin main with wodehaus::init(argc, argv);";
        }
        return "unknown error " + std::to_string(value);
    }

    boost::system::error_condition default_error_condition(int value) const noexcept override
    {
        namespace generic = boost::system::errc;
        switch (static_cast<errc>(value)) {
        case errc::timed_out:
            return generic::make_error_condition(generic::timed_out);
        case errc::canceled:
            return generic::make_error_condition(generic::operation_canceled);
        case errc::out_of_memory:
            return generic::make_error_condition(generic::not_enough_memory);
        case errc::too_large:
            return generic::make_error_condition(generic::message_size);
        default:
            return {value, *this};
        }
    }
};

} // namespace

boost::system::error_category const& error_category() noexcept
{
    static category const only;
    return only;
}

failure::failure(boost::system::error_code its_code, std::string its_what)
    : code(its_code), what(std::move(its_what))
{
}

job_error::job_error(failure why) : system_error(why.code), why_(std::move(why)) {}

void throw_exception_from_error(failure const& why, boost::source_location const& where)
{
    boost::throw_with_location(job_error{why}, where);
}

std::ostream& operator<<(std::ostream& stream, failure const& why)
{
    stream << why.what << "\n  code: " << why.code.message() << " (" << why.code.category().name() << ' '
           << why.code.value() << "), attempt " << why.attempt;
    if (!why.process.empty())
        stream << "\n  process: " << why.process;
    if (why.signal)
        stream << "\n  signal: " << detail::signal_name(why.signal);
    if (why.exit_code)
        stream << "\n  exit status: " << why.exit_code;
    if (why.usage.peak_memory)
        stream << "\n  used: " << detail::in_words(why.usage.user) << " user, " << detail::in_words(why.usage.system)
               << " system, " << why.usage.peak_memory / 1024 << " KiB";
    if (!why.kept.empty())
        stream << "\n  kept: " << why.kept;
    if (!why.trace.empty())
        stream << "\n  trace:\n" << why.trace;
    if (!why.output.empty())
        stream << "\n  last output:\n" << why.output;
    return stream;
}

} // namespace wodehaus
