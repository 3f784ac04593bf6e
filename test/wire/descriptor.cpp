// Descriptors with an owner, and messages with descriptors.
#include "wire/descriptor.hpp"


#include <boost/test/unit_test.hpp>

#include <cerrno>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace wodehaus::detail;

namespace {

bool is_open(int number)
{
    return ::fcntl(number, F_GETFD) >= 0;
}
bool closes_on_exec(int number)
{
    return (::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0;
}
int lowest_free()
{
    int number = ::dup(0);
    ::close(number);
    return number;
}

/// In a process of its own: true if `body` was.
template <class Body>
bool in_a_child(Body body)
{
    int pid = ::fork();
    if (pid == 0)
        ::_exit(body() ? 0 : 1);
    int status = -1;
    return ::waitpid(pid, &status, 0) == pid && status == 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(is_owned)
{
    int number = -1;
    {
        descriptor one{::dup(0)};
        number = one.get();
        BOOST_TEST(static_cast<bool>(one));
        descriptor two{std::move(one)};
        BOOST_TEST(!one);
        BOOST_TEST(two.get() == number);
        one = std::move(two);
        auto& itself = one;
        one = std::move(itself);
        BOOST_TEST(one.get() == number);
        BOOST_TEST(is_open(number));
    }
    BOOST_TEST(!is_open(number));
    descriptor none;
    none.reset();
    BOOST_TEST(none.release() == -1);
}

BOOST_AUTO_TEST_CASE(assignment_closes_what_was_there)
{
    auto pair = make_pipe();
    int first = pair.first.get();
    pair.first = std::move(pair.second);
    BOOST_TEST(!is_open(first));
}

BOOST_AUTO_TEST_CASE(all_are_closed_on_exec)
{
    auto pipe = make_pipe(), stream = make_socket_pair(SOCK_STREAM), packets = make_socket_pair(SOCK_SEQPACKET);
    for (auto* pair : {&pipe, &stream, &packets}) {
        BOOST_TEST(closes_on_exec(pair->first.get()));
        BOOST_TEST(closes_on_exec(pair->second.get()));
    }
}

BOOST_AUTO_TEST_CASE(a_pipe_has_a_reading_and_a_writing_end)
{
    auto pipe = make_pipe();
    char byte = 'x', read = 0;
    BOOST_TEST(::write(pipe.second.get(), &byte, 1) == 1);
    BOOST_TEST(::read(pipe.first.get(), &read, 1) == 1);
    BOOST_TEST(read == 'x');
    pipe.second.reset();
    BOOST_TEST(::read(pipe.first.get(), &read, 1) == 0);
}

BOOST_AUTO_TEST_CASE(never_a_standard_stream)
{
    for (int closed = 1; closed < 8; ++closed)
        BOOST_TEST(in_a_child([closed] {
                       for (int number = 0; number <= 2; ++number)
                           if (closed & (1 << number))
                               ::close(number);
                       auto pipe = make_pipe(), sockets = make_socket_pair(SOCK_STREAM);
                       for (auto* pair : {&pipe, &sockets})
                           for (auto* one : {&pair->first, &pair->second})
                               if (one->get() <= 2 || !closes_on_exec(one->get()))
                                   return false;
                       for (int number = 0; number <= 2; ++number) // and none is left there
                           if ((closed & (1 << number)) && is_open(number))
                               return false;
                       return true;
                   }),
                   "with " << closed << " closed");
}

BOOST_AUTO_TEST_CASE(none_is_left_when_there_are_no_more)
{
    BOOST_TEST(in_a_child([] {
        int free = lowest_free();
        rlimit enough{};
        ::getrlimit(RLIMIT_NOFILE, &enough);
        rlimit few{rlim_t(free) + 1, enough.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
        try {
            make_pipe();
            return false;
        } catch (std::system_error const& error) {
            ::setrlimit(RLIMIT_NOFILE, &enough);
            return error.code().value() == EMFILE && lowest_free() == free;
        }
    }));
}

// ---- messages ----

BOOST_AUTO_TEST_CASE(bytes_alone)
{
    auto sockets = make_socket_pair(SOCK_STREAM);
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"hello"}, {}) == 5);
    char to[16];
    auto got = receive_message(sockets.second.get(), to);
    BOOST_TEST((got.size == 5 && std::string_view(to, 5) == "hello"));
    BOOST_TEST(got.descriptors.empty());
    BOOST_TEST(!got.truncated);
    sockets.first.reset();
    BOOST_TEST(receive_message(sockets.second.get(), to).size == 0);
}

BOOST_AUTO_TEST_CASE(descriptors_travel)
{
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    auto pipe = make_pipe();
    int both[] = {pipe.first.get(), pipe.second.get()};
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"x"}, both) == 1);
    pipe = {};
    char to[1];
    auto got = receive_message(sockets.second.get(), to);
    BOOST_REQUIRE(got.descriptors.size() == 2);
    BOOST_TEST(!got.truncated);
    for (auto& one : got.descriptors)
        BOOST_TEST(closes_on_exec(one.get()));
    char byte = 'y', read = 0;
    BOOST_TEST(::write(got.descriptors[1].get(), &byte, 1) == 1);
    BOOST_TEST(::read(got.descriptors[0].get(), &read, 1) == 1);
    BOOST_TEST(read == 'y');
}

BOOST_AUTO_TEST_CASE(as_many_as_the_kernel_allows_and_no_more)
{
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    std::vector<int> many(253, 0);
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"x"}, many) == 1);
    char to[1];
    BOOST_TEST(receive_message(sockets.second.get(), to).descriptors.size() == 253);
    many.push_back(0);
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"x"}, many) == -1);
    BOOST_TEST(errno == EINVAL);
}

BOOST_AUTO_TEST_CASE(descriptors_that_did_not_arrive_are_noticed)
{
    auto sockets = make_socket_pair(SOCK_SEQPACKET);
    int three[] = {0, 0, 0};
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"x"}, three) == 1);
    int free = lowest_free();
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit few{rlim_t(free) + 1, before.rlim_max};
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    char to[1];
    auto got = receive_message(sockets.second.get(), to);
    ::setrlimit(RLIMIT_NOFILE, &before);
    BOOST_TEST(got.size == 1); // the message arrives all the same
    BOOST_TEST(got.truncated);
    BOOST_TEST(got.descriptors.size() <= 1);
    got.descriptors.clear();
    BOOST_TEST(lowest_free() == free);
}

BOOST_AUTO_TEST_CASE(nobody_listens)
{
    auto sockets = make_socket_pair(SOCK_STREAM);
    sockets.second.reset();
    BOOST_TEST(send_message(sockets.first.get(), std::string_view{"x"}, {}) == -1); // and no SIGPIPE
    BOOST_TEST(errno == EPIPE);
    char to[1];
    auto pair = make_socket_pair(SOCK_STREAM);
    BOOST_TEST(receive_message(pair.first.get(), to, MSG_DONTWAIT).size == -1);
    BOOST_TEST(errno == EAGAIN);
}
