// Ends the program when a round hangs. By the kernel's doing its processes end with it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace soak {

class watch {
public:
    using time_point = std::chrono::steady_clock::time_point;

    explicit watch(std::function<void()> bark) : bark_(std::move(bark)), thread_([this] { run(); }) {}
    ~watch()
    {
        set(std::nullopt);
        {
            std::lock_guard lock{mutex_};
            over_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }
    watch(watch const&) = delete;
    watch& operator=(watch const&) = delete;

    void set(std::optional<time_point> until)
    {
        std::lock_guard lock{mutex_};
        until_ = until;
        changed_.notify_one();
    }

private:
    void run()
    {
        std::unique_lock lock{mutex_};
        while (!over_) {
            if (!until_) {
                changed_.wait(lock);
            } else if (changed_.wait_until(lock, *until_) == std::cv_status::timeout && until_ &&
                       *until_ <= std::chrono::steady_clock::now()) {
                bark_();
                std::_Exit(EXIT_FAILURE);
            }
        }
    }

    std::function<void()> bark_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<time_point> until_;
    bool over_ = false;
    std::thread thread_;
};

} // namespace soak
