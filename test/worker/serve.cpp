// The server dies after any byte of what it sends: the process runs the jobs that have come whole, no other, and ends.
#include "wire/descriptor.hpp"
#include "wire/frame.hpp"
#include "worker/registry.hpp"
#include "worker/serve.hpp"

#include <boost/test/unit_test.hpp>
#include <wodehaus/worker.hpp>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace wodehaus::detail;

namespace {

std::vector<std::string> run; // the jobs that were, in this process

int note(std::string const& job)
{
    run.push_back(job);
    return static_cast<int>(job.size());
}

setup_message setup(std::uint32_t buffer)
{
    setup_message with;
    with.max_message = 1 << 20;
    with.read_buffer = buffer;
    return with;
}

std::string job_frame(std::uint64_t id, std::string const& job)
{
    auto key = key_of(registered<std::remove_const_t<decltype(wodehaus::worker<note>)>>);
    job_prefix prefix;
    prefix.module = key.module;
    prefix.offset = key.offset;
    prefix.flags = job_prefix::announce;
    payload body, whole;
    body.append(&prefix, sizeof prefix);
    auto bytes = pack(wodehaus::worker<note>, job);
    body.append(bytes.data(), bytes.size());
    append_frame(whole, frame_kind::job, id, body.bytes());
    return {whole.data(), whole.size()};
}

/// What a server sends, and where each job ends in it.
struct sent {
    explicit sent(std::vector<std::string> all) : jobs(std::move(all))
    {
        for (auto const& job : jobs) {
            bytes += job_frame(jobs.size() + ends.size(), job);
            ends.push_back(bytes.size());
        }
    }
    std::vector<std::string> jobs_in(std::size_t size) const
    {
        auto whole = std::upper_bound(ends.begin(), ends.end(), size) - ends.begin();
        return {jobs.begin(), jobs.begin() + whole};
    }
    std::vector<std::string> jobs;
    std::string bytes{};
    std::vector<std::size_t> ends{};
};

/// The server: gives so many bytes, in pieces, and then there are no more.
class dying_server final : public job_site {
public:
    dying_server(std::string_view bytes, std::size_t piece, ssize_t end) : left_(bytes), piece_(piece), end_(end) {}
    ssize_t read(std::span<char> to) noexcept override
    {
        auto size = std::min({left_.size(), to.size(), piece_});
        if (size == 0)
            return end_;
        std::memcpy(to.data(), left_.data(), size);
        left_.remove_prefix(size);
        return static_cast<ssize_t>(size);
    }
    bool send(std::span<char const> head, std::span<char const>) noexcept override
    {
        frame_header header;
        std::memcpy(&header, head.data(), sizeof header);
        results += header.kind == frame_kind::result;
        return true;
    }
    void begin(std::uint64_t, int) noexcept override {}
    bool end() noexcept override { return false; }

    std::size_t results = 0;

private:
    std::string_view left_;
    std::size_t piece_;
    ssize_t end_;
};

void serve_until_death(sent const& all, std::size_t bytes, std::size_t piece, std::uint32_t buffer, ssize_t end)
{
    BOOST_TEST_INFO_SCOPE("after " << bytes << " bytes, in pieces of " << piece);
    run.clear();
    dying_server server{std::string_view{all.bytes}.substr(0, bytes), piece, end};
    BOOST_TEST(serve_jobs(server, setup(buffer)) == EXIT_SUCCESS);
    auto due = all.jobs_in(bytes);
    BOOST_TEST(run == due, boost::test_tools::per_element());
    BOOST_TEST(server.results == due.size());
}

} // namespace

BOOST_AUTO_TEST_CASE(small_jobs)
{
    sent all{{"a job", "", std::string(70, 'j')}};
    for (std::size_t bytes = 0; bytes <= all.bytes.size(); ++bytes)
        for (std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{25}, all.bytes.size()})
            for (ssize_t end : {0, -1}) // an end of file, or a reset
                serve_until_death(all, bytes, piece, 1024, end);
}

BOOST_AUTO_TEST_CASE(a_job_larger_than_the_buffer)
{
    sent all{{"a job", std::string(3000, 'l'), "another"}};
    for (std::size_t bytes = 0; bytes <= all.bytes.size(); ++bytes)
        serve_until_death(all, bytes, all.bytes.size(), 1024, 0);
}

BOOST_AUTO_TEST_CASE(by_a_process_on_its_channel)
{
    sent all{{"a job", "another"}};
    for (std::size_t bytes = 0; bytes <= all.bytes.size(); bytes += 9) {
        BOOST_TEST_INFO_SCOPE("after " << bytes << " bytes");
        auto channel = make_socket_pair(SOCK_STREAM);
        std::fflush(nullptr);
        int pid = ::fork();
        if (pid == 0) {
            descriptor moved{::fcntl(channel.second.get(), F_DUPFD, 100)}; // what is there may be the test's
            ::dup2(moved.get(), channel_in);
            ::dup2(moved.get(), channel_out);
            ::close_range(channel_out + 1, ~0u, 0);
            serve(setup(1024));
        }
        channel.second.reset();
        BOOST_REQUIRE(::send(channel.first.get(), all.bytes.data(), bytes, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes));
        ::shutdown(channel.first.get(), SHUT_WR); // as a server's death, but its answers are still read
        frame_reader answers{1024, 1024};
        std::size_t results = 0;
        for (;;) {
            auto space = answers.space();
            auto size = ::recv(channel.first.get(), space.data(), space.size(), 0);
            if (size <= 0)
                break;
            answers.filled(static_cast<std::size_t>(size));
            for (frame one; answers.next(one) == frame_reader::status::frame;)
                results += one.header.kind == frame_kind::result;
        }
        BOOST_TEST(!answers.has_part());
        BOOST_TEST(results == all.jobs_in(bytes).size());
        int status = -1;
        BOOST_TEST(::waitpid(pid, &status, 0) == pid);
        BOOST_TEST(status == 0);
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_message)
{
    run.clear();
    std::string bytes = job_frame(1, "a job") + std::string(sizeof(frame_header), 'x');
    dying_server server{bytes, bytes.size(), 0};
    BOOST_TEST(serve_jobs(server, setup(1024)) == EXIT_FAILURE);
    BOOST_TEST(run.size() == 1u);
    auto too_large = job_frame(1, "a job");
    std::uint64_t size = 4 << 20;
    std::memcpy(too_large.data() + offsetof(frame_header, size), &size, sizeof size);
    dying_server another{too_large, too_large.size(), 0};
    BOOST_TEST(serve_jobs(another, setup(1024)) == EXIT_FAILURE);
    BOOST_TEST(run.size() == 1u);
}
