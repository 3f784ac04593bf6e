// What the server believes of what its zygote reports. A zygote has run the user's preload, and is another program where
// options::program says so: a number from it is looked at before anything is counted by it.
#pragma once

#include "worker/zygote.hpp"

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace wodehaus::detail {

/// The events of a packet; empty where no zygote sends such a one.
std::optional<std::vector<zygote_event>> read_zygote_events(std::span<char const> packet);

/// The processes of one zygote.
class zygote_census {
public:
    /// It is asked to fork so many.
    void ask(std::size_t count) noexcept { unborn_ += count; }
    /// Its process is to be dead soon.
    void kill(int pid) { killed_.insert(pid); }

    /// Counts what it reports. False if that cannot be: a birth that nobody asked for, an end without a birth.
    bool take(zygote_event const& event);

    bool has(int pid) const { return processes_.contains(pid); }
    std::set<int> const& processes() const noexcept { return processes_; }
    std::size_t unborn() const noexcept { return unborn_; }
    /// Whether it has to tell of a birth, or of the end of a process that was killed.
    bool owes_answer() const noexcept { return unborn_ != 0 || !killed_.empty(); }

private:
    std::set<int> processes_, killed_;
    std::size_t unborn_ = 0;
};

} // namespace wodehaus::detail
