// The signals that stop a server.
#include "dispatch/stop_signals.hpp"

#include <csignal>
#include <map>
#include <mutex>

namespace wodehaus::detail {

namespace {

// Several servers may take the same signal; the first finds the program's disposition, and the last puts it back.
struct taken_signal {
    int servers = 0;
    struct sigaction before {};
};
std::mutex taken_mutex;
std::map<int, taken_signal>& taken_signals()
{
    static auto* all = new std::map<int, taken_signal>; // servers may outlive the statics of this file
    return *all;
}

} // namespace

stop_signals::stop_signals(strand_executor on, std::shared_ptr<gate> entrance, std::function<void()> on_signal)
    : set_(on), entrance_(std::move(entrance)), on_signal_(std::move(on_signal))
{
}

stop_signals::~stop_signals()
{
    give_back();
}

void stop_signals::take(std::vector<int> const& numbers)
{
    {
        std::lock_guard lock{taken_mutex};
        for (int number : numbers) {
            auto& entry = taken_signals()[number];
            if (entry.servers == 0 && ::sigaction(number, nullptr, &entry.before) != 0)
                continue;
            if (entry.before.sa_handler == SIG_IGN && !(entry.before.sa_flags & SA_SIGINFO))
                continue; // what the program ignores stays ignored
            set_.add(number);
            ++entry.servers;
            taken_.push_back(number);
        }
    }
    if (!taken_.empty())
        wait();
}

void stop_signals::give_back() noexcept
{
    std::lock_guard lock{taken_mutex};
    boost::system::error_code ignored;
    for (int number : std::exchange(taken_, {})) {
        auto& entry = taken_signals()[number];
        set_.remove(number, ignored);
        struct sigaction now {};
        if (--entry.servers == 0 && ::sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
            ::sigaction(number, &entry.before, nullptr); // else somebody has taken it meanwhile, and keeps it
    }
    set_.cancel(ignored);
}

void stop_signals::wait()
{
    set_.async_wait([self = shared_from_this()](boost::system::error_code error, int) {
        auto pass = self->entrance_->enter();
        if (!pass || error)
            return;
        self->wait();
        self->on_signal_();
    });
}

} // namespace wodehaus::detail
