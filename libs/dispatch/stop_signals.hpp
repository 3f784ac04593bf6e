// The signals that stop a server, for the time of a run. Afterwards the program's own dispositions are back.
#pragma once

#include "launch/launch.hpp"

#include <boost/asio/basic_signal_set.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace wodehaus::detail {

/// Asio leaves the default behind where another handler was, and takes what was ignored; this does neither.
class stop_signals : public std::enable_shared_from_this<stop_signals> {
public:
    stop_signals(strand_executor on, std::shared_ptr<gate> entrance, std::function<void()> on_signal);
    ~stop_signals();
    /// Throws `boost::system::system_error`.
    void take(std::vector<int> const& numbers);
    void give_back() noexcept;

private:
    void wait();

    boost::asio::basic_signal_set<strand_executor> set_;
    std::shared_ptr<gate> entrance_;
    std::function<void()> on_signal_;
    std::vector<int> taken_;
};

} // namespace wodehaus::detail
