// A process dies after any byte that it sends: exactly the job that it had begun and not answered is blamed, those before
// it keep their results, and those behind it run elsewhere, without counting an attempt. The processes are played here.
#include "dispatch/dispatcher.hpp"
#include "worker/registry.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>
#include <wodehaus/detail/door.hpp>
#include <wodehaus/worker.hpp>

#include <csignal>
#include <cstring>

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/sockios.h>

using namespace wodehaus::detail;
using namespace std::chrono_literals;
using wodehaus::errc;

namespace {

int twice(int number)
{
    return 2 * number;
}

// ---- what a process says ----

/// One message; `job` is which of those that it was sent.
struct message {
    frame_kind kind;
    std::size_t job = 0;
    std::string body{};
    bool by_ring = false;
};
struct script {
    std::vector<message> before_jobs, then;
};

std::string bytes_of(frame_header header, std::string const& body)
{
    header.size = body.size();
    return std::string(reinterpret_cast<char const*>(&header), sizeof header) + body;
}

std::string text_of(payload const& bytes)
{
    return {bytes.data(), bytes.size()};
}

/// The account of a worker that threw.
std::string threw(std::string what)
{
    return text_of(failure_body(static_cast<int>(errc::job_threw), std::move(what)));
}

std::string hello()
{
    hello_message body{build_id(), 4711};
    return {reinterpret_cast<char const*>(&body), sizeof body};
}

std::size_t size_of(message const& one)
{
    return (one.kind == frame_kind::hello ? preamble.size() : 0) + sizeof(frame_header) + one.body.size();
}
std::size_t size_of(std::vector<message> const& all)
{
    std::size_t size = 0;
    for (auto const& one : all)
        size += size_of(one);
    return size;
}

// ---- a process that is played ----

/// When its end is told: at once, or when the server has read all that it said, or has even seen the end of file.
enum class told { at_once, after_reading, after_closing };

struct plan {
    script says;            // then it dies
    std::size_t bytes = 0;  // so much of it
    told end = told::at_once;
    bool reads_jobs = true; // else it leaves them in its channel
    bool has_ring = false, says_hello = false;
};

class played_launch;

class played_process : public std::enable_shared_from_this<played_process> {
public:
    played_process(played_launch& launch, int pid, plan const* until_death)
        : launch_(launch), pid_(pid), plan_(until_death), reader_(64 << 10, 1 << 20)
    {
    }
    void be_born(plan const& common);
    void end(int status);

private:
    struct job {
        std::uint64_t id;
        int attempt;
    };
    void wait_for_jobs();
    bool read_jobs();
    void go_on();
    void die_when_read();
    void answer_honestly();
    void say(std::vector<message> const& all, std::size_t most);
    void say(message const& one, std::size_t most);
    void later(void (played_process::*what)());

    played_launch& launch_;
    int pid_;
    plan const* plan_;
    std::optional<boost::asio::posix::stream_descriptor> channel_;
    std::optional<ring_writer> ring_;
    frame_reader reader_;
    std::vector<job> jobs_;
    std::size_t answered_ = 0, turns_ = 0;
    std::uint16_t next_number_ = 0;
    bool had_last_ = false;
};

/// The first of its processes goes by the plan; the others are honest.
class played_launch final : public process_launch {
public:
    played_launch(launch_settings from, boost::asio::io_context& on, plan const& until_death)
        : settings(std::move(from)), context(on), first(until_death)
    {
    }
    void open() override {}
    void request() override
    {
        int pid = 1000 + static_cast<int>(processes_.size());
        processes_.push_back(std::make_shared<played_process>(*this, pid, pid == 1000 ? &first : nullptr));
        boost::asio::post(settings.on, [one = processes_.back(), this] { one->be_born(first); });
    }
    void signal(int pid, int number) override { processes_.at(static_cast<std::size_t>(pid - 1000))->end(number); }
    void close(std::function<void()> closed) override { closed(); }
    void destroy() noexcept override {}

    launch_settings settings;
    boost::asio::io_context& context;
    plan first;

private:
    std::vector<std::shared_ptr<played_process>> processes_;
};

void played_process::be_born(plan const& common)
{
    auto ends = make_socket_pair(SOCK_STREAM);
    birth process;
    process.pid = pid_;
    process.says_hello = common.says_hello;
    process.channel = std::move(ends.first);
    channel_.emplace(launch_.context, ends.second.release());
    if (common.has_ring) {
        process.ring = make_ring_file();
        ring_.emplace(process.ring.get());
    }
    launch_.settings.listener->born(std::move(process));
    if (plan_ && plan_->bytes <= size_of(plan_->says.before_jobs)) {
        say(plan_->says.before_jobs, plan_->bytes);
        return die_when_read();
    }
    if (common.says_hello)
        say(common.says.before_jobs, SIZE_MAX);
    wait_for_jobs();
}

void played_process::wait_for_jobs()
{
    channel_->async_wait(channel_->wait_read, [self = shared_from_this()](boost::system::error_code error) {
        if (!error && self->channel_)
            self->go_on();
    });
}

void played_process::go_on()
{
    if (!plan_)
        return read_jobs() ? answer_honestly() : end(0);
    if (plan_->reads_jobs)
        read_jobs();
    say(plan_->says.then, plan_->bytes - size_of(plan_->says.before_jobs));
    die_when_read();
}

// False at the end of file.
bool played_process::read_jobs()
{
    auto space = reader_.space();
    auto size = ::recv(channel_->native_handle(), space.data(), space.size(), MSG_DONTWAIT);
    if (size <= 0)
        return size < 0;
    reader_.filled(static_cast<std::size_t>(size));
    for (frame one; reader_.next(one) == frame_reader::status::frame;) {
        job_prefix prefix;
        std::memcpy(&prefix, one.body.data(), sizeof prefix);
        jobs_.push_back({one.header.id, prefix.attempt});
        had_last_ = (prefix.flags & job_prefix::last) != 0;
    }
    return true;
}

void played_process::say(std::vector<message> const& all, std::size_t most)
{
    for (auto const& one : all) {
        say(one, most);
        most -= std::min(most, size_of(one));
    }
}

// What goes by the ring is published as a whole, or not at all.
void played_process::say(message const& one, std::size_t most)
{
    if (most == 0)
        return;
    frame_header header;
    header.kind = one.kind;
    header.size = one.body.size();
    if (one.job < jobs_.size())
        header.id = jobs_[one.job].id;
    if (is_numbered(one.kind))
        header.number = next_number_++;
    if (one.by_ring) {
        if (most >= size_of(one))
            BOOST_REQUIRE(ring_->put(header, one.body));
        return;
    }
    auto bytes = (one.kind == frame_kind::hello ? std::string{preamble} : std::string{}) + bytes_of(header, one.body);
    bytes.resize(std::min(bytes.size(), most));
    BOOST_REQUIRE(::send(channel_->native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                  static_cast<ssize_t>(bytes.size()));
}

void played_process::answer_honestly()
{
    for (; answered_ < jobs_.size(); ++answered_)
        say({frame_kind::result, answered_, "elsewhere, attempt " + std::to_string(jobs_[answered_].attempt)}, SIZE_MAX);
    had_last_ ? end(0) : wait_for_jobs();
}

void played_process::later(void (played_process::*what)())
{
    boost::asio::post(launch_.settings.on, [self = shared_from_this(), what] { (self.get()->*what)(); });
}

void played_process::die_when_read()
{
    constexpr std::size_t turns_for_end_of_file = 20;
    int unread = 0;
    if (channel_ && plan_->end != told::at_once && ::ioctl(channel_->native_handle(), SIOCOUTQ, &unread) == 0 && unread)
        return later(&played_process::die_when_read);
    if (plan_->end == told::after_closing) {
        channel_.reset();
        if (++turns_ < turns_for_end_of_file)
            return later(&played_process::die_when_read);
    }
    end(SIGSEGV);
}

void played_process::end(int status)
{
    channel_.reset();
    if (auto pid = std::exchange(pid_, 0)) {
        ending how;
        how.known = true;
        how.status = status;
        boost::asio::post(launch_.settings.on, [self = shared_from_this(), pid, how] {
            if (auto pass = self->launch_.settings.entrance->enter())
                self->launch_.settings.listener->ended(pid, how);
        });
    }
}

// ---- a server and its jobs ----

struct play {
    static constexpr std::size_t jobs = 6;

    play(boost::asio::io_context& context, wodehaus::options const& how, plan const& first)
        : plan_(first), server_(std::make_shared<dispatcher>(context.get_executor(), how,
                                                             [this, &context](launch_settings settings) {
                                                                 launch_ = std::make_shared<played_launch>(
                                                                     std::move(settings), context, plan_);
                                                                 return launch_;
                                                             }))
    {
        server_->start_run(nullptr, [](std::exception_ptr error, wodehaus::run_summary) { BOOST_TEST(!error); });
        for (std::size_t i = 0; i < jobs; ++i)
            server_->start_call(make_request(wodehaus::worker<twice>, int(i), {}), [this, i](wodehaus::outcome<payload> end) {
                ends_[i].push_back(std::move(end));
                if (++ended_ == jobs)
                    server_->stop();
            });
    }
    ~play() { server_->close(); }

    std::size_t bytes() const { return plan_.bytes; }
    /// What became of a job, in words.
    std::string fate(std::size_t job) const
    {
        if (ends_[job].size() != 1)
            return "ended " + std::to_string(ends_[job].size()) + " times";
        auto const& end = ends_[job].front();
        if (end)
            return text_of(*end);
        auto const& why = end.error();
        if (why.code == errc::job_threw)
            return why.what;
        return why.code.message() + ", signal " + std::to_string(why.signal) + ", attempt " + std::to_string(why.attempt);
    }
    /// What has to become of it.
    std::string due(std::size_t job, bool begun_when_sent) const
    {
        std::size_t bytes = plan_.bytes;
        for (auto const& one : plan_.says.before_jobs)
            bytes -= std::min(bytes, size_of(one));
        bool begun = begun_when_sent && job == 0 && plan_.reads_jobs &&
                     plan_.bytes > size_of(plan_.says.before_jobs);
        for (auto const& one : plan_.says.then) {
            if (bytes < size_of(one))
                break;
            bytes -= size_of(one);
            if (!is_numbered(one.kind) || one.job != job)
                continue;
            if (one.kind == frame_kind::result)
                return one.body;
            if (one.kind == frame_kind::failed)
                return "worker " + std::string{name_of<worker_of_twice>()} + ": it threw that";
            begun = true;
        }
        if (begun)
            return make_error_code(errc::process_crashed).message() + ", signal 11, attempt 1";
        return "elsewhere, attempt 1";
    }

private:
    using worker_of_twice = std::remove_const_t<decltype(wodehaus::worker<twice>)>;

    plan plan_;
    std::shared_ptr<played_launch> launch_;
    std::shared_ptr<dispatcher> server_;
    std::vector<wodehaus::outcome<payload>> ends_[jobs];
    std::size_t ended_ = 0;
};

std::string name_of_end(told when)
{
    return when == told::at_once ? "told at once" : when == told::after_reading ? "told after reading" : "told after closing";
}

/// Lets the first process die after each of these numbers of bytes.
template <class Numbers>
void die_after(Numbers const& numbers, wodehaus::options how, plan first)
{
    constexpr std::size_t at_once = 200; // of four descriptors each
    how.workers = 1;
    how.logger = {};
    bool begun_when_sent = how.prefetch.value_or(0) == 0;
    for (auto end : {told::at_once, told::after_reading, told::after_closing}) {
        first.end = end;
        for (std::size_t at = 0; at < numbers.size();) {
            boost::asio::io_context context{1};
            std::vector<std::unique_ptr<play>> plays;
            for (; at < numbers.size() && plays.size() < at_once; ++at) {
                first.bytes = numbers[at];
                if (end != told::after_closing || at % 5 == 0) // that takes longer, and is the least different
                    plays.push_back(std::make_unique<play>(context, how, first));
            }
            context.run_for(60s);
            for (auto const& one : plays)
                for (std::size_t job = 0; job < play::jobs; ++job)
                    BOOST_CHECK_MESSAGE(one->fate(job) == one->due(job, begun_when_sent),
                                        "after " << one->bytes() << " bytes, " << name_of_end(end) << ", job " << job << ": "
                                                 << one->fate(job) << ", not: " << one->due(job, begun_when_sent));
        }
    }
}

std::vector<std::size_t> every_number(plan const& of)
{
    std::vector<std::size_t> all(size_of(of.says.before_jobs) + size_of(of.says.then) + 1);
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = i;
    return all;
}

/// Each near the ends and near what a reader takes at once, and some between.
std::vector<std::size_t> some_numbers(plan const& of, std::size_t buffer)
{
    constexpr std::size_t near = 30, stride = 1009;
    std::vector<std::size_t> some;
    for (auto each : every_number(of)) {
        auto left = size_of(of.says.then) - each;
        if (each < near || left < near || each % buffer < near || each % buffer > buffer - near || each % stride == 0)
            some.push_back(each);
    }
    return some;
}

wodehaus::options kept(std::size_t prefetch)
{
    wodehaus::options how;
    how.jobs_per_process = 0;
    how.prefetch = prefetch;
    return how;
}

/// Of jobs that were sent ahead.
std::vector<message> conversation_of_four(bool ring)
{
    return {{frame_kind::begun, 0, "", ring},
            {frame_kind::result, 0, "the first result", ring},
            {frame_kind::begun, 1, "", ring},
            {frame_kind::name, 0, "a name"},
            {frame_kind::failed, 1, threw("it threw that"), ring},
            {frame_kind::begun, 2, "", ring},
            {frame_kind::result, 2, std::string(100, 'r')}, // as one that is too large for the ring
            {frame_kind::begun, 3, "", ring},
            {frame_kind::result, 3, "", ring}};
}

} // namespace

BOOST_AUTO_TEST_CASE(jobs_sent_ahead)
{
    plan first{.says = {{}, conversation_of_four(false)}};
    die_after(every_number(first), kept(3), first);
}

BOOST_AUTO_TEST_CASE(jobs_sent_ahead_and_a_ring)
{
    plan first{.says = {{}, conversation_of_four(true)}, .has_ring = true};
    die_after(every_number(first), kept(3), first);
}

BOOST_AUTO_TEST_CASE(jobs_that_were_not_read)
{
    plan first{.says = {}, .reads_jobs = false};
    die_after(std::vector<std::size_t>{0}, kept(3), first);
    die_after(std::vector<std::size_t>{0}, kept(0), first);
}

BOOST_AUTO_TEST_CASE(one_job_after_another)
{
    plan first{.says = {{}, {{frame_kind::name, 0, "a name"}, {frame_kind::result, 0, "the first result"}}}};
    die_after(every_number(first), kept(0), first);
    first.says.then[1] = {frame_kind::failed, 0, threw("it threw that")};
    die_after(every_number(first), kept(0), first);
}

BOOST_AUTO_TEST_CASE(large_results)
{
    plan first{.says = {{}, {{frame_kind::begun, 0}, {frame_kind::result, 0, std::string(100'000, 'l')}, {frame_kind::begun, 1}}}};
    die_after(some_numbers(first, 64 << 10), kept(3), first);
    wodehaus::options fresh;
    fresh.launch = wodehaus::launch::fork;
    first.says.then = {{frame_kind::result, 0, std::string(9'000, 'l')}};
    die_after(some_numbers(first, 4 << 10), fresh, first);
}

BOOST_AUTO_TEST_CASE(hello_and_ready)
{
    plan first{.says = {{{frame_kind::hello, play::jobs, hello()}, {frame_kind::ready, play::jobs, "a name"}}, conversation_of_four(true)},
               .has_ring = true,
               .says_hello = true};
    die_after(every_number(first), kept(3), first);
}
