// What exec and fork have in common: each process is a child of this process, with a channel and a lifeline of its own.
#pragma once

#include "launch/child.hpp"
#include "launch/program.hpp"
#include "worker/memory_groups.hpp"

#include <map>
#include <optional>

namespace wodehaus::detail {

/// What goes to a new process, and what stays here.
struct new_child {
    descriptor_pair channel;   ///< first: the server's end
    descriptor_pair life;      ///< first: the process's end
    output_streams output;
    descriptor ring;           ///< both map it; none where there is none
    setup_message setup;
};

class children_launch : public process_launch, public std::enable_shared_from_this<children_launch> {
public:
    explicit children_launch(launch_settings settings) : settings_(std::move(settings)) {}

    void open() override;
    void request() override;
    void signal(int pid, int number) override;
    void close(std::function<void()> closed) override;
    void destroy() noexcept override;

protected:
    /// Starts a process with what it needs, and gives its id. Throws what derives from `std::exception`.
    virtual int start(new_child const& with) = 0;
    /// What could not be started, for people.
    virtual std::string subject() const = 0;
    /// Whether hello and ready come on the channel first.
    virtual bool says_hello() const = 0;

    options const& how() const noexcept { return *settings_.how; }

private:
    // What was started: the program, or a launcher that starts it.
    struct launched {
        launched(strand_executor on, int pid, descriptor_pair life)
            : process(on, pid), lifeline(std::move(life.second)), lifeline_end(std::move(life.first))
        {
        }
        child_process process;
        descriptor lifeline; ///< the writing end: when it is closed, the program's group is killed
        /// The program's own end. What was armed belongs to the open file, and stays even if the program closes it. The
        /// kernel lets go of a dead process's files from the highest number down, so of this one last.
        descriptor lifeline_end;
    };

    void start_one();
    void adopt(birth&& process, descriptor_pair life);
    void wait(child_process& process);
    ending reap(child_process& process) noexcept;
    void close_if_empty();

    launch_settings settings_;
    std::map<int, launched> children_;
    orphans orphans_;
    std::optional<memory_groups> groups_; ///< where there is a limit
    bool closed_ = false;
    std::function<void()> on_closed_;
};

} // namespace wodehaus::detail
