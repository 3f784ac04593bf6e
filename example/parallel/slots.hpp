// How many commands may be under way, and whether another may begin.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>

/// The producer is asked for the next task as soon as a process is free, which can be before the consumer has seen what
/// freed it. But what has failed must keep the next command from beginning: hence a producer waits here for its turn.
class slots {
public:
    explicit slots(std::size_t count) : free_(count) {}

    /// Waits for a slot. False if there will be none: closed, or asked to stop.
    bool take(std::stop_token stop)
    {
        std::unique_lock lock{mutex_};
        if (!changed_.wait(lock, stop, [this] { return closed_ || free_ > 0; }) || closed_)
            return false;
        --free_;
        return true;
    }

    void give_back()
    {
        std::lock_guard lock{mutex_};
        ++free_;
        changed_.notify_one();
    }

    void close()
    {
        std::lock_guard lock{mutex_};
        closed_ = true;
        changed_.notify_all();
    }

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::size_t free_;
    bool closed_ = false;
};
