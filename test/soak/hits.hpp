// Signals from outside, to processes that are found among our descendants.
#pragma once

#include <map>

namespace soak {

class hits {
public:
    hits() = default;
    hits(hits const&) = delete;
    hits& operator=(hits const&) = delete;
    ~hits();

    enum class target { forked_child, started_child, grandchild };

    /// Sends the signal to one of the children (the zygote, where there is one), or to one of theirs. False if none is
    /// there.
    bool send(int signal, target to, unsigned which, int number);
    /// To what was hit under this number, if anything was.
    void go_on(int number);

private:
    std::map<int, int> hit_; // pidfds: a number that is used again is not hit
};

} // namespace soak
