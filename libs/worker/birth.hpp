// What a new process does before it serves: everything that it must not share with its server or its siblings.
#pragma once

#include <cstdint>

namespace wodehaus::detail {

/// Every signal disposition is the default, and nothing is blocked.
void reset_signals() noexcept;
/// After exec: stdin and stdout, which are the channel, are moved to `channel_in` and `channel_out`; stdin is /dev/null
/// then, stdout is stderr, and everything above is closed.
void take_channel_from_standard_streams();
/// After exec as a zygote: only stdin is the channel.
void take_control_from_standard_input();
/// After a fork in the zygote: keeps `channel`, the lifeline and, if not -1, `ring`; closes the rest.
void keep_only(int channel, int ring) noexcept;
/// After a fork of the server: moves what is given to the numbers of a process, and closes the rest. stdin is /dev/null
/// then. -1 stands for none. Throws `std::system_error`.
struct forked_descriptors {
    int channel, lifeline, out, error, ring;
};
void take_descriptors(forked_descriptors const& given);
/// Moves it to its own number.
void keep_ring(int file) noexcept;
/// When the server dies, or lets go, the kernel kills this process's group. `end` is the reading end of a pipe; with
/// `anew` the pipe is opened once more, since its owner is a property of the open file. False if the server is gone.
bool arm_lifeline(int end, bool anew) noexcept;
/// The kernel, when it is short of memory, should take this process rather than the server.
void offer_to_oom_killer() noexcept;
/// What forked siblings would share: the seed of `rand`. It is made of the process's id and of the moment, which a
/// zygote looks up itself: the clock has pages of its own, and each of its children would have to map them.
using moment = std::uint64_t;
moment moment_of_birth() noexcept;
void reseed(moment born) noexcept;
/// Orphans of this process come to it, and when it is dead, to the zygote.
void adopt_orphans() noexcept;
/// Points stdout at another descriptor.
void redirect_output(int to) noexcept;
void redirect_output_and_errors(int to) noexcept;

} // namespace wodehaus::detail
