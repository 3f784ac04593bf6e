// A place where a job stops until the test lets it go on: how a test knows that a job runs, and keeps it running.
#pragma once

#include "test/kit/serve.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace kit {

/// A folder that goes with its owner.
class folder {
public:
    folder()
    {
        auto pattern = (std::filesystem::temp_directory_path() / "wodehaus-test-XXXXXX").string();
        BOOST_REQUIRE(::mkdtemp(pattern.data()));
        path_ = pattern;
    }
    folder(folder const&) = delete;
    folder& operator=(folder const&) = delete;
    ~folder() { std::filesystem::remove_all(path_); }
    std::string operator/(std::string const& name) const { return path_ + "/" + name; }
    std::string const& path() const { return path_; }

private:
    std::string path_;
};

/// In a job: what it has to tell. One line with its pid, at the end of a file.
inline void note(std::string const& file, std::string const& text = std::to_string(::getpid()))
{
    int to = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    auto line = text + '\n';
    if (to < 0 || ::write(to, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw std::runtime_error{"cannot write " + file};
    ::close(to);
}
/// The notes in a file.
inline std::vector<std::string> notes(std::string const& file)
{
    std::ifstream in{file};
    std::vector<std::string> all;
    for (std::string line; std::getline(in, line);)
        all.push_back(line);
    return all;
}

/// In a job: tells the gate that it has come.
inline void arrive(std::string const& gate)
{
    int to = ::open((gate + "/arrived").c_str(), O_WRONLY | O_CLOEXEC);
    int pid = ::getpid();
    if (to < 0 || ::write(to, &pid, sizeof pid) != sizeof pid)
        throw std::runtime_error{"no gate at " + gate};
    ::close(to);
}
/// In a job: tells the gate that it has come, and waits until it is let through.
inline void pass(std::string const& gate)
{
    arrive(gate);
    int from = ::open((gate + "/open").c_str(), O_RDONLY | O_CLOEXEC);
    char token = 0;
    if (from < 0 || ::read(from, &token, 1) < 0)
        throw std::runtime_error{"no gate at " + gate};
    ::close(from);
}

class gate {
public:
    explicit gate(asio::any_io_executor executor)
        : arrived_(executor, make("arrived", O_NONBLOCK)), open_(make("open", 0))
    {
    }
    gate(gate const&) = delete;
    gate& operator=(gate const&) = delete;
    ~gate() { ::close(open_); }

    /// What a job is told of it.
    std::string const& path() const { return folder_.path(); }

    /// The pid of the next process that has come.
    awaitable<int> arrived()
    {
        int pid = 0;
        co_await asio::async_read(arrived_, asio::buffer(&pid, sizeof pid), asio::use_awaitable);
        co_return pid;
    }
    /// Lets that many through, who have come or are yet to come.
    void open(std::size_t count = 1)
    {
        std::string tokens(count, '.');
        BOOST_REQUIRE(::write(open_, tokens.data(), count) == static_cast<ssize_t>(count));
    }
    void open_for_all() { open(1000); }

private:
    // Opened both ways, neither side has to wait for the other.
    int make(std::string const& name, int flags)
    {
        auto path = folder_ / name;
        BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
        int opened = ::open(path.c_str(), O_RDWR | O_CLOEXEC | flags);
        BOOST_REQUIRE(opened >= 0);
        return opened;
    }

    folder folder_;
    asio::posix::stream_descriptor arrived_;
    int open_;
};

} // namespace kit
