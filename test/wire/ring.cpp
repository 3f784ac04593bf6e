// Frames through shared memory: order, wrapping, bells, and a writer that lies.
#include "wire/ring.hpp"

#include "test/wire/status.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <random>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace wodehaus::detail;
using status = frame_reader::status;

namespace {

struct both_sides {
    descriptor file = make_ring_file();
    ring_writer writer{file.get()};
    ring_reader reader{file.get(), 1 << 20};

    bool put(std::uint64_t id, std::string_view body = {})
    {
        frame_header header;
        header.kind = frame_kind::result;
        header.id = id;
        header.size = body.size();
        return writer.put(header, {body.data(), body.size()});
    }
    /// Takes one, and checks it.
    void expect(std::uint64_t id, std::string_view body = {})
    {
        frame_header header;
        BOOST_REQUIRE(reader.peek(header) == status::frame);
        BOOST_TEST(header.id == id);
        frame message;
        reader.take(message);
        BOOST_TEST(message.header.id == id);
        BOOST_TEST((std::string_view{message.body.data(), message.body.size()} == body));
    }
    bool is_empty()
    {
        frame_header header;
        return reader.peek(header) == status::more;
    }
};

std::string body_of(std::uint64_t id)
{
    return std::string(id * 37 % 1500, static_cast<char>('a' + id % 26));
}

std::size_t size_of(descriptor const& file)
{
    struct stat status {};
    BOOST_REQUIRE(::fstat(file.get(), &status) == 0);
    return static_cast<std::size_t>(status.st_size);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ring)

BOOST_AUTO_TEST_CASE(one_after_another)
{
    both_sides s;
    BOOST_TEST(s.is_empty());
    BOOST_TEST(s.put(1, "one"));
    BOOST_TEST(s.put(2));
    s.expect(1, "one");
    BOOST_TEST(s.put(3, std::string(100, 'x')));
    s.expect(2);
    s.expect(3, std::string(100, 'x'));
    BOOST_TEST(s.is_empty());
}

BOOST_AUTO_TEST_CASE(a_look_takes_nothing)
{
    both_sides s;
    BOOST_TEST(s.put(1, "one"));
    frame_header header;
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(s.reader.peek(header) == status::frame);
    s.expect(1, "one");
    BOOST_TEST(s.is_empty());
}

BOOST_AUTO_TEST_CASE(round_and_round)
{
    both_sides s;
    std::uint64_t put = 0, taken = 0;
    while (taken < 5000) { // many times the ring, each time with another number of frames in it
        while (put < taken + 1 + taken % 30 && s.put(put, body_of(put)))
            ++put;
        s.expect(taken, body_of(taken));
        ++taken;
    }
}

BOOST_AUTO_TEST_CASE(full)
{
    both_sides s;
    std::string body(4000, 'x');
    std::uint64_t put = 0;
    while (s.put(put, body))
        ++put;
    BOOST_TEST(put >= 10u);
    BOOST_TEST(!s.put(put, body)); // and nothing was harmed
    s.expect(0, body);
    BOOST_TEST(s.put(put, body));
    for (std::uint64_t id = 1; id <= put; ++id)
        s.expect(id, body);
    BOOST_TEST(s.is_empty());
    BOOST_TEST(!s.put(0, std::string(1 << 20, 'x'))); // never fits
}

BOOST_AUTO_TEST_CASE(bells)
{
    both_sides s;
    BOOST_TEST(s.put(1));
    BOOST_TEST(s.writer.take_bell()); // a new ring's reader sleeps
    BOOST_TEST(s.put(2));
    BOOST_TEST(!s.writer.take_bell()); // it is awake
    s.expect(1);
    BOOST_TEST(!s.reader.ask_for_bell()); // there is more
    s.expect(2);
    BOOST_TEST(!s.writer.take_bell());
    BOOST_TEST(s.reader.ask_for_bell());
    BOOST_TEST(s.put(3));
    BOOST_TEST(s.writer.take_bell());
    BOOST_TEST(!s.writer.take_bell()); // once
}

BOOST_AUTO_TEST_CASE(no_bell_is_lost)
{
    // A reader that sleeps whenever it may, and wakes by bells alone, gets everything.
    both_sides s;
    constexpr std::uint64_t count = 200'000;
    std::atomic<std::uint64_t> bells{0};
    std::thread writes{[&] {
        for (std::uint64_t id = 0; id < count;) {
            if (!s.put(id)) {
                std::this_thread::yield();
                continue;
            }
            ++id;
            if (s.writer.take_bell()) {
                bells.fetch_add(1);
                bells.notify_one();
            }
        }
    }};
    std::uint64_t heard = 0, taken = 0;
    bool in_order = true;
    while (taken < count) {
        bells.wait(heard);
        heard = bells.load();
        do {
            frame_header header;
            while (s.reader.peek(header) == status::frame) {
                frame message;
                s.reader.take(message);
                in_order = in_order && message.header.id == taken++;
            }
        } while (taken < count && !s.reader.ask_for_bell());
    }
    writes.join();
    BOOST_TEST(in_order);
}

BOOST_AUTO_TEST_CASE(what_was_published_outlives_the_writer)
{
    auto file = make_ring_file();
    ring_reader reader{file.get(), 1 << 20};
    {
        ring_writer writer{file.get()};
        frame_header header;
        header.kind = frame_kind::begun;
        header.id = 7;
        BOOST_TEST(writer.put(header, {}));
    }
    file.reset();
    frame_header found;
    BOOST_REQUIRE(reader.peek(found) == status::frame);
    BOOST_TEST(found.id == 7u);
}

BOOST_AUTO_TEST_CASE(the_file_keeps_its_size)
{
    auto file = make_ring_file();
    BOOST_TEST(::ftruncate(file.get(), 0) == -1);
    BOOST_TEST(::ftruncate(file.get(), 1 << 20) == -1);
    BOOST_TEST(::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE) == -1);
}

BOOST_AUTO_TEST_CASE(another_file_is_refused)
{
    BOOST_CHECK_THROW(ring_memory{-1}, std::system_error);
    descriptor null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    BOOST_CHECK_THROW(ring_memory{null.get()}, std::system_error);
    descriptor open_to_change{::memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    BOOST_REQUIRE(::ftruncate(open_to_change.get(), static_cast<off_t>(size_of(make_ring_file()))) == 0);
    BOOST_CHECK_THROW(ring_memory{open_to_change.get()}, std::system_error);
}

BOOST_AUTO_TEST_CASE(a_writer_that_lies)
{
    // Whatever lies in the memory: a look is cheap, a frame is within the ring, and nothing is read beyond.
    std::minstd_rand random{1};
    for (int round = 0; round < 300; ++round) {
        both_sides s;
        auto size = size_of(s.file);
        auto* bytes = static_cast<unsigned char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, s.file.get(), 0));
        BOOST_REQUIRE(bytes != MAP_FAILED);
        for (std::uint64_t id = 0; id < 20; ++id)
            s.put(id, body_of(id));
        for (int i = 0; i < 20; ++i)
            bytes[i < 10 ? random() % 200 : random() % size] = static_cast<unsigned char>(random());
        frame_header header;
        frame message;
        for (int i = 0; i < 1000 && s.reader.peek(header) == status::frame; ++i) {
            BOOST_REQUIRE(header.size < size);
            s.reader.take(message);
            BOOST_REQUIRE(message.body.size() == header.size);
        }
        ::munmap(bytes, size);
    }
}

BOOST_AUTO_TEST_SUITE_END()
