// What is started and how, and whether we can speak with it.
#include "launch/program.hpp"

#include "worker/registry.hpp"

#include <boost/test/unit_test.hpp>

#include <csignal>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace wodehaus::detail;
using wodehaus::errc;
using wodehaus::options;
using words = std::vector<std::string>;

namespace std {
ostream& boost_test_print_type(ostream& stream, vector<string> const& all)
{
    for (auto& one : all)
        stream << '[' << one << ']';
    return stream;
}
} // namespace std

namespace {

int status_of(int pid)
{
    int status = 0;
    BOOST_REQUIRE(::waitpid(pid, &status, 0) == pid);
    return status;
}

} // namespace

// ---- the command ----

BOOST_AUTO_TEST_CASE(this_program_in_a_role)
{
    auto what = command_for({}, worker_argument);
    BOOST_TEST(what.program == std::filesystem::read_symlink("/proc/self/exe"));
    BOOST_TEST(what.arguments == words{"--wodehaus-worker"});
}

BOOST_AUTO_TEST_CASE(another_program)
{
    options how;
    how.program = "/opt/other";
    auto what = command_for(how, zygote_argument);
    BOOST_TEST(what.program == "/opt/other");
    BOOST_TEST(what.arguments == words{"--wodehaus-zygote"});
}

BOOST_AUTO_TEST_CASE(through_a_launcher)
{
    options how;
    how.program = "/opt/other";
    how.launcher = {"sh", "-c", "exec \"$@\""};
    auto what = command_for(how, "role");
    BOOST_TEST(what.program.is_absolute()); // found in the PATH
    BOOST_TEST(what.program.filename() == "sh");
    BOOST_TEST(what.arguments == (words{"-c", "exec \"$@\"", "/opt/other", "role"}));
    how.launcher = {"./sh"};
    BOOST_TEST(command_for(how, "role").program == "./sh");
    how.launcher = {"no-such-launcher"};
    BOOST_TEST(command_for(how, "role").program == "no-such-launcher");
}

// ---- starting ----

BOOST_AUTO_TEST_CASE(a_program_is_started_with_these_streams)
{
    auto in = make_pipe(), out = make_pipe(), error = make_pipe();
    int pid = program_starter{}.start("/bin/sh", {"-c", "read line; echo \"got $line\"; echo bad >&2; exit 7"},
                                      {in.first.get(), out.second.get(), error.second.get()});
    out.second.reset();
    error.second.reset();
    BOOST_TEST(::write(in.second.get(), "it\n", 3) == 3);
    BOOST_TEST(WEXITSTATUS(status_of(pid)) == 7);
    auto text = [](descriptor const& from) {
        char buffer[100];
        auto size = ::read(from.get(), buffer, sizeof buffer);
        return std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    };
    BOOST_TEST(text(out.first) == "got it\n");
    BOOST_TEST(text(error.first) == "bad\n");
}

BOOST_AUTO_TEST_CASE(in_a_group_of_its_own_with_no_signal_blocked_or_ignored)
{
    auto null = open_null();
    auto out = make_pipe();
    auto before = ::signal(SIGUSR1, SIG_IGN);
    sigset_t all, mask;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &mask);
    int pid = program_starter{}.start("/bin/cat", {"/proc/self/status", "/proc/self/stat"},
                                      {null.get(), out.second.get(), null.get()});
    ::pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    ::signal(SIGUSR1, before);
    out.second.reset();
    std::string text;
    char buffer[4096];
    for (ssize_t size; (size = ::read(out.first.get(), buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(size));
    BOOST_TEST(status_of(pid) == 0);
    BOOST_TEST(text.find("SigBlk:\t0000000000000000") != text.npos, text);
    BOOST_TEST(text.find("SigIgn:\t0000000000000000") != text.npos, text);
    auto own = std::to_string(pid);
    BOOST_TEST(text.find(own + " (cat) R " + std::to_string(::getpid()) + ' ' + own + ' ') != text.npos, text);
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there)
{
    auto null = open_null();
    for (auto path : {"/no/such/program", "/etc/passwd"})
        BOOST_CHECK_THROW(program_starter{}.start(path, {}, {null.get(), null.get(), null.get()}),
                          boost::system::system_error);
    BOOST_TEST((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD)); // and no child is left
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_closed_becomes_null)
{
    auto null = open_null();
    BOOST_TEST(null.get() > 2);
    BOOST_TEST((::fcntl(null.get(), F_GETFD) & FD_CLOEXEC));
    auto pipe = make_pipe();
    BOOST_TEST(open_or(pipe.first.get(), null) == pipe.first.get());
    int closed = pipe.second.get();
    pipe.second.reset();
    BOOST_TEST(open_or(closed, null) == null.get());
}

BOOST_AUTO_TEST_CASE(the_setup)
{
    options how;
    how.max_message = 12345;
    auto setup = setup_for(how);
    BOOST_TEST(setup.max_message == 12345);
    BOOST_TEST(setup.read_buffer > 0);
    auto sockets = make_socket_pair(SOCK_STREAM);
    auto null = open_null();
    int passed[] = {null.get()};
    send_setup(sockets.first.get(), setup, passed);
    char buffer[1000];
    auto got = receive_message(sockets.second.get(), buffer);
    BOOST_TEST(got.size == static_cast<ssize_t>(sizeof(frame_header) + sizeof(setup_message)));
    BOOST_TEST(got.descriptors.size() == 1);
    sockets.second.reset();
    send_setup(sockets.first.get(), setup, passed); // who is dead already is told of by its end
}
