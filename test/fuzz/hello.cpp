// A hello, and the frame around it.
#include "test/fuzz/target.hpp"

#include "launch/greeting.hpp"
#include "worker/registry.hpp"

using namespace wodehaus::detail;

void fuzz::one(std::span<char const> bytes)
{
    parts input{bytes};
    wodehaus::options how;
    if (input.take<std::uint8_t>() & 1)
        how.program = "another";
    frame hello;
    hello.header = input.take<frame_header>();
    hello.body.append(input.rest().data(), input.rest().size());
    if (auto refused = judge_hello(hello, how))
        hold(refused->code == wodehaus::errc::other_build && !refused->what.empty());
    else
        pid_in(hello);
}

std::vector<std::string> fuzz::seeds()
{
    std::vector<std::string> all;
    for (char program : {'\0', '\1'})
        for (auto build : {build_id(), build_id() + 1}) {
            hello_message message{build, 4711};
            payload hello;
            append_frame(hello, frame_kind::hello, 0, {reinterpret_cast<char const*>(&message), sizeof message});
            all.push_back(program + text_of(hello));
        }
    return all;
}
