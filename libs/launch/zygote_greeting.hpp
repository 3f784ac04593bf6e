// What a zygote says before it forks: who it is, and how preload went. Without input and output.
#pragma once

#include "launch/greeting.hpp"

namespace wodehaus::detail {

class zygote_greeting {
public:
    explicit zygote_greeting(options const& how);

    /// The next packet, while `ready` is false. False: it is nothing that a zygote of ours says.
    bool take(std::span<char const> packet);

    /// We cannot speak with it; nothing more is taken.
    std::optional<refusal> const& refused() const noexcept { return refused_; }
    bool greeted() const noexcept { return greeted_; }
    bool ready() const noexcept { return ready_; }
    /// What preload threw, if it did.
    std::string const& threw() const noexcept { return threw_; }
    /// What preload has named all processes.
    std::string const& name() const noexcept { return name_; }
    /// How many preload has.
    std::uint64_t threads_left_behind() const noexcept { return threads_left_behind_; }

private:
    void take(frame const& message);

    options const& how_;
    frame_reader reader_;
    std::optional<refusal> refused_;
    bool begun_ = false, greeted_ = false, ready_ = false;
    std::string threw_, name_;
    std::uint64_t threads_left_behind_ = 0;
};

} // namespace wodehaus::detail
