// launch::exec: each process is the program anew.
#include "launch/children.hpp"

#include <array>

namespace wodehaus::detail {

namespace {

class exec_launch final : public children_launch {
public:
    using children_launch::children_launch;

private:
    int start(new_child const& with) override
    {
        std::array<int, 3> descriptors{with.life.first.get(), with.output.out, with.ring.get()};
        send_setup(with.channel.first.get(), with.setup, std::span{descriptors}.first(with.ring ? 3 : 2));
        auto what = command_for(how(), worker_argument);
        int end = with.channel.second.get();
        return starter_.start(what.program, what.arguments, {end, end, with.output.error}, with.life.first.get());
    }
    std::string subject() const override { return command_for(how(), worker_argument).program.string(); }
    bool says_hello() const override { return true; }

    program_starter starter_;
};

} // namespace

std::shared_ptr<process_launch> make_exec_launch(launch_settings settings)
{
    return std::make_shared<exec_launch>(std::move(settings));
}

} // namespace wodehaus::detail
