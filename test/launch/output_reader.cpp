// What a process writes comes line by line, whatever it is.
#include "launch/output_reader.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <vector>

#include <fcntl.h>

using namespace wodehaus::detail;
using namespace std::chrono_literals;
using lines = std::vector<std::string>;

namespace std {
ostream& boost_test_print_type(ostream& stream, vector<string> const& all)
{
    for (auto& one : all)
        stream << '[' << one << ']';
    return stream;
}
} // namespace std

namespace {

struct scene {
    explicit scene(bool piped = false)
    {
        if (piped)
            pipe = make_pipe();
        reader =
            std::make_shared<output_reader>(strand_executor{context.get_executor()}, entrance, std::move(pipe.first),
                                            [this](std::string_view line) { seen.emplace_back(line); });
    }
    ~scene() { reader->close(); }

    void write(std::string_view bytes)
    {
        BOOST_REQUIRE(::write(pipe.second.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }

    boost::asio::io_context context{1};
    std::shared_ptr<gate> entrance = std::make_shared<gate>();
    descriptor_pair pipe;
    lines seen;
    std::shared_ptr<output_reader> reader;
};

} // namespace

BOOST_AUTO_TEST_CASE(whole_lines)
{
    scene s;
    s.reader->take("one\ntwo\n\nfour\n");
    BOOST_TEST(s.seen == (lines{"one", "two", "", "four"}));
    BOOST_TEST(s.reader->tail() == "one\ntwo\n\nfour\n");
}

BOOST_AUTO_TEST_CASE(lines_in_parts)
{
    scene s;
    for (char each : std::string{"one\ntwo\nthr"})
        s.reader->take({&each, 1});
    BOOST_TEST(s.seen == (lines{"one", "two"}));
    s.reader->take("ee");
    s.reader->drain(); // there will be no more
    BOOST_TEST(s.seen == (lines{"one", "two", "three"}));
    s.reader->drain();
    BOOST_TEST(s.seen.size() == 3);
}

BOOST_AUTO_TEST_CASE(binary)
{
    scene s;
    std::string all;
    for (int i = 0; i < 256; ++i)
        all += static_cast<char>(i);
    s.reader->take(all);
    s.reader->drain();
    BOOST_REQUIRE(s.seen.size() == 2);
    BOOST_TEST(s.seen[0] + '\n' + s.seen[1] == all);
}

BOOST_AUTO_TEST_CASE(a_long_line_comes_in_pieces)
{
    scene s;
    std::string line(10'000, 'x');
    s.reader->take(line + "\nnext\n");
    std::string together;
    for (std::size_t i = 0; i + 1 < s.seen.size(); ++i) {
        BOOST_TEST(s.seen[i].size() <= 4096);
        together += s.seen[i];
    }
    BOOST_TEST(together == line);
    BOOST_TEST(s.seen.back() == "next");
}

BOOST_AUTO_TEST_CASE(a_line_as_long_as_a_piece)
{
    for (auto size : std::initializer_list<std::size_t>{4095, 4096, 4097}) {
        scene s;
        s.reader->take(std::string(size, 'x') + "\nnext\n");
        std::size_t together = 0;
        for (auto& line : s.seen)
            together += line == "next" ? 0 : line.size();
        BOOST_TEST(together == size);
        BOOST_TEST(s.seen.back() == "next");
    }
}

BOOST_AUTO_TEST_CASE(the_tail_is_bounded)
{
    scene s;
    for (int i = 0; i < 1000; ++i)
        s.reader->take("line " + std::to_string(i) + '\n');
    auto tail = s.reader->tail();
    BOOST_TEST(tail.starts_with("line 980\n"));
    BOOST_TEST(tail.ends_with("line 999\n"));
    for (int i = 0; i < 100; ++i)
        s.reader->take(std::string(3000, 'x') + '\n');
    BOOST_TEST(s.reader->tail().size() <= 8192);
    BOOST_TEST(s.reader->tail().size() > 3000);
    BOOST_TEST(scene{}.reader->tail() == "");
}

// ---- from a pipe ----

BOOST_AUTO_TEST_CASE(read_as_it_comes)
{
    scene s{true};
    s.reader->start();
    s.write("one\ntw");
    s.context.run_one_for(10s);
    BOOST_TEST(s.seen == (lines{"one"}));
    s.write("o\n");
    s.context.run_one_for(10s);
    BOOST_TEST(s.seen == (lines{"one", "two"}));
    s.pipe.second.reset();
    BOOST_TEST(s.context.run_for(10s) > 0); // the end, after which it waits for nothing
    BOOST_TEST(s.context.stopped());
}

BOOST_AUTO_TEST_CASE(what_is_there_is_drained)
{
    scene s{true};
    s.reader->start();
    std::string all(30'000, 'x');
    s.write(all);
    s.write("\nlast words");
    s.reader->drain(); // without the context, and though the pipe is still open
    std::string together;
    for (auto& line : s.seen)
        together += line;
    BOOST_TEST(together == all + "last words");
    s.reader->drain(); // nothing there: it does not wait
}

BOOST_AUTO_TEST_CASE(none_to_read_from)
{
    scene s;
    s.reader->start();
    s.reader->drain();
    BOOST_TEST(s.context.poll() == 0);
    BOOST_TEST(s.seen.empty());
}

BOOST_AUTO_TEST_CASE(closed_while_it_waits)
{
    scene s{true};
    s.reader->start();
    s.reader->close();
    s.context.run_for(10s);
    BOOST_TEST(s.context.stopped());
    scene gone{true};
    gone.reader->start();
    gone.write("too late\n");
    gone.entrance->close(); // the server has been destroyed
    gone.context.run_for(10s);
    BOOST_TEST(gone.seen.empty());
}
