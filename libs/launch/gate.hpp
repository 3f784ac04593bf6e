// Every handler of a server enters through its gate. The strand already keeps handlers apart; the gate keeps them apart
// from a destructor that runs on another thread, and out once it has run.
#pragma once

#include <mutex>

namespace wodehaus::detail {

class gate {
public:
    class pass {
    public:
        explicit pass(gate& through) : lock_(through.mutex_), open_(!through.closed_) {}
        explicit operator bool() const noexcept { return open_; }

    private:
        std::unique_lock<std::recursive_mutex> lock_;
        bool open_;
    };

    pass enter() { return pass{*this}; }
    /// To be called by who has entered.
    void close() noexcept { closed_ = true; }

private:
    std::recursive_mutex mutex_; // a consumer, called in a handler, may destroy the server
    bool closed_ = false;
};

} // namespace wodehaus::detail
