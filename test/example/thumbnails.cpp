// The example thumbnails, run as a user runs it. Arguments: the program, and the one with a broken decoder.
#include "test/kit/files.hpp"
#include "test/kit/preload.hpp"
#include "test/kit/program.hpp"

#include <algorithm>
#include <csignal>
#include <regex>
#include <set>

#include <Magick++.h>
#include <boost/crc.hpp>
#include <pty.h>

namespace fs = std::filesystem;
using namespace std::string_literals;
using kit::contains, kit::count, kit::run_program;

namespace {

// The build systems give the two programs in an order of their own.
std::string program_given(bool with_bugs)
{
    auto& suite = boost::unit_test::framework::master_test_suite();
    for (int i = 1; i < suite.argc; ++i)
        if (std::string_view{suite.argv[i]}.ends_with("_with_bugs") == with_bugs)
            return suite.argv[i];
    BOOST_FAIL("the programs' paths are to be given as arguments");
    return {};
}
std::string program()
{
    return program_given(false);
}
std::string program_with_bugs()
{
    return program_given(true);
}

void put(fs::path const& file, std::string_view content)
{
    fs::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << content;
}

// The test's own pictures are made by one thread: its others are OpenMP's, of which a sanitizer knows nothing.
struct one_thread {
    one_thread() { MagickLib::SetMagickResourceLimit(MagickLib::ThreadsResource, 1); }
};
BOOST_TEST_GLOBAL_FIXTURE(one_thread);

// Pictures.

std::string encoded(Magick::Image image, char const* format)
{
    image.magick(format);
    Magick::Blob bytes;
    image.write(&bytes);
    return {static_cast<char const*>(bytes.data()), bytes.length()};
}
Magick::Image plain(char const* colour, unsigned width = 60, unsigned height = 40)
{
    return {Magick::Geometry{width, height}, Magick::Color{colour}};
}
std::string jpeg()
{
    static auto const bytes = encoded(plain("orange"), "JPEG");
    return bytes;
}
// Long enough that a half of it is a half of a picture.
std::string noise(char const* format)
{
    auto image = plain("orange", 200, 150);
    image.addNoise(Magick::GaussianNoise);
    return encoded(image, format);
}
std::string half(std::string const& all)
{
    return all.substr(0, all.size() / 2);
}

// 'R', 'G', 'B' or 'W' for each corner: top left, top right, bottom left, bottom right.
std::string corners(fs::path const& file)
{
    Magick::Image image{file.string()};
    auto colour = [&](std::size_t x, std::size_t y) {
        Magick::ColorRGB found{image.pixelColor(static_cast<unsigned>(x), static_cast<unsigned>(y))};
        bool red = found.red() > 0.5, green = found.green() > 0.5, blue = found.blue() > 0.5;
        return red && green && blue ? 'W' : red ? 'R' : green ? 'G' : blue ? 'B' : '?';
    };
    auto right = image.columns() - 3, bottom = image.rows() - 3;
    return {colour(2, 2), colour(right, 2), colour(2, bottom), colour(right, bottom)};
}
Magick::Image four_corners()
{
    Magick::Image image = plain("white", 64, 48);
    image.fillColor("red");
    image.draw(Magick::DrawableRectangle(0, 0, 31, 23));
    image.fillColor("lime");
    image.draw(Magick::DrawableRectangle(32, 0, 63, 23));
    image.fillColor("blue");
    image.draw(Magick::DrawableRectangle(0, 24, 31, 47));
    return image;
}

std::string little_endian(std::size_t value, int bytes)
{
    std::string text;
    for (; bytes-- > 0; value >>= 8)
        text += static_cast<char>(value & 0xff);
    return text;
}
std::string exif(int orientation)
{
    return "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"s + char(orientation) + "\0\0\0\0\0\0\0"s;
}
std::string jpeg_with_orientation(int orientation)
{
    auto all = encoded(four_corners(), "JPEG"), segment = "Exif\0\0"s + exif(orientation);
    return all.insert(2, "\xff\xe1\0"s + static_cast<char>(segment.size() + 2) + segment);
}
std::string riff_chunk(std::string const& name, std::string const& body)
{
    return name + little_endian(body.size(), 4) + body + std::string(body.size() % 2, '\0');
}
std::string riff_body(std::string const& webp)
{
    return webp.substr(12);
}
std::string webp_with_orientation(int orientation)
{
    auto extended = riff_chunk("VP8X", "\x08\0\0\0"s + little_endian(63, 3) + little_endian(47, 3));
    return riff_chunk("RIFF", "WEBP" + extended + riff_body(encoded(four_corners(), "WEBP")) +
                                  riff_chunk("EXIF", exif(orientation)));
}
std::string animated_webp(std::initializer_list<char const*> colours)
{
    auto size = little_endian(59, 3) + little_endian(39, 3);
    auto body = "WEBP" + riff_chunk("VP8X", "\x02\0\0\0"s + size) + riff_chunk("ANIM", std::string(6, '\0'));
    for (auto colour : colours)
        body += riff_chunk("ANMF", std::string(6, '\0') + size + little_endian(100, 3) + '\0' +
                                       riff_body(encoded(plain(colour), "WEBP")));
    return riff_chunk("RIFF", body);
}
std::string animated_gif(std::initializer_list<char const*> colours)
{
    std::vector<Magick::Image> frames;
    for (auto colour : colours)
        frames.push_back(plain(colour));
    Magick::Blob bytes;
    frames.front().magick("GIF");
    Magick::writeImages(frames.begin(), frames.end(), &bytes, true);
    return {static_cast<char const*>(bytes.data()), bytes.length()};
}

// Small files that announce 60000 times 60000 pixels.
std::string png_bomb()
{
    auto all = encoded(plain("orange"), "PNG");
    all.replace(16, 8, "\0\0\xea\x60\0\0\xea\x60"s);
    boost::crc_32_type sum;
    sum.process_bytes(all.data() + 12, 17);
    auto checksum = little_endian(sum.checksum(), 4);
    return all.replace(29, 4, std::string(checksum.rbegin(), checksum.rend()));
}
std::string gif_bomb()
{
    auto size = little_endian(60'000, 2) + little_endian(60'000, 2);
    return "GIF89a" + size + "\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0"s + size + "\0\2\2D\1\0;"s;
}
std::string bmp_bomb()
{
    auto side = little_endian(60'000, 4);
    return "BM" + little_endian(54, 8) + little_endian(54, 4) + little_endian(40, 4) + side + side +
           little_endian(1, 2) + little_endian(24, 2) + std::string(24, '\0');
}

// What came of it.

struct made {
    kit::ended end;
    std::string page;
    std::vector<fs::path> thumbnails; ///< whatever lies where the thumbnails go
    std::vector<std::string> failed;  ///< the lines at the end
};

made look_at(kit::ended end, fs::path const& output)
{
    made all{std::move(end), kit::content_if_any(output / "contact.html"), {}, {}};
    for (auto const& each : fs::directory_iterator{output / "contact-thumbnails"})
        all.thumbnails.push_back(each.path());
    std::sort(all.thumbnails.begin(), all.thumbnails.end());
    std::istringstream lines{all.end.errors};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("failed: "))
            all.failed.push_back(line);
    for (auto const& each : fs::directory_iterator{output})
        BOOST_TEST(each.path().extension() != ".part");
    return all;
}
made run(std::string const& with, fs::path const& folder, fs::path const& output, std::vector<std::string> options = {})
{
    options.insert(options.begin(), {folder, "--output", output});
    return look_at(run_program(options, with), output);
}

void check(made const& all, std::size_t pictures, std::size_t failures)
{
    BOOST_TEST(all.end.signal == 0);
    BOOST_TEST(all.end.exit_code == (failures == 0 ? 0 : 1));
    BOOST_TEST(all.thumbnails.size() == pictures);
    BOOST_TEST(count(all.page, "<img ") == pictures);
    BOOST_TEST(count(all.page, "<li>") == failures);
    BOOST_TEST(all.failed.size() == failures);
    BOOST_TEST(contains(all.page, "</html>"));
    BOOST_TEST_INFO(all.end.output << all.end.errors);
    BOOST_TEST(
        contains(all.end.output, std::to_string(pictures) + " thumbnails, " + std::to_string(failures) + " failed"));
}

// The values of an attribute, with the references of HTML and of URLs resolved.
std::vector<std::string> links(std::string const& page, std::string const& attribute)
{
    std::vector<std::string> found;
    std::regex const pattern{" " + attribute + "=\"([^\"]*)\""};
    for (std::sregex_iterator each{page.begin(), page.end(), pattern}, end; each != end; ++each) {
        std::string encoded = (*each)[1], plain;
        if (encoded.starts_with('#'))
            continue;
        for (std::size_t i = 0; i < encoded.size(); ++i)
            if (encoded[i] == '%') {
                plain += static_cast<char>(std::stoi(encoded.substr(i + 1, 2), nullptr, 16));
                i += 2;
            } else {
                plain += encoded[i];
            }
        found.push_back(plain);
    }
    return found;
}

} // namespace

BOOST_AUTO_TEST_SUITE(thumbnails, *boost::unit_test::fixture<kit::nothing_left>())

BOOST_AUTO_TEST_CASE(of_200_pictures_20_are_bad)
{
    kit::folder work;
    fs::path pictures = work / "pictures";
    char const* formats[] = {"JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"};
    char const* endings[] = {".jpg", ".png", ".GIF", ".webp", ".tiff", ".Bmp"};
    std::vector<std::string> good;
    for (auto format : formats)
        good.push_back(noise(format));
    for (std::size_t i = 0; i < 180; ++i)
        put(pictures / ("folder " + std::to_string(i % 5)) / ("picture " + std::to_string(i) + endings[i % 6]),
            good[i % 6]);
    put(pictures / "README.txt", "not a picture, and not called one");

    std::map<std::string, std::pair<std::string, std::string>> const bad{
        {"cut off.jpg", {half(noise("JPEG")), "damaged JPEG: Premature end"}},
        {"cut off.png", {half(noise("PNG")), "damaged PNG"}},
        {"cut off.gif", {half(noise("GIF")), "damaged GIF"}},
        {"cut off.webp", {half(noise("WEBP")), "damaged WEBP"}},
        {"cut off.tiff", {half(noise("TIFF")), "damaged TIFF"}},
        {"last byte.jpg", {jpeg().substr(0, jpeg().size() - 2), "damaged JPEG: Premature end"}},
        {"empty.jpg", {"", "the file is empty"}},
        {"empty.png", {"", "the file is empty"}},
        {"text.jpg", {"This is not a picture.\n", "its content is not that of a picture"}},
        {"text.gif", {"Nor is this.\n", "its content is not that of a picture"}},
        {"program.jpg", {"%!PS-Adobe-3.0\nshowpage\n", "its content is PS"}},
        {"drawing.png", {"<?xml version=\"1.0\"?><svg width=\"1\" height=\"1\"/>", "its content is SVG"}},
        {"huge.png", {png_bomb(), "megapixels"}},
        {"huge.gif", {gif_bomb(), "megapixels"}},
        {"huge.bmp", {bmp_bomb(), "megapixels"}},
        {"crash.jpg", {jpeg() + "crash", "SIGSEGV"}},
        {"abort.jpg", {jpeg() + "abort", "SIGABRT"}},
        {"exit.jpg", {jpeg() + "exit", "exited with status 3"}},
        {"hang.jpg", {jpeg() + "hang", "longer than its timeout of 2 s"}},
    };
    for (auto const& [name, what] : bad)
        put(pictures / "folder 3" / name, what.first);
    BOOST_REQUIRE(::mkfifo((pictures / "folder 3/pipe.jpg").c_str(), 0600) == 0);

    auto all =
        run(program_with_bugs(), pictures, work / "sheet", {"--size", "100", "--timeout", "2", "--processes", "4"});
    check(all, 180, 20);
    for (auto const& [name, what] : bad) {
        auto begins = "failed: folder 3/" + name + ": ";
        auto line = std::find_if(all.failed.begin(), all.failed.end(),
                                 [&](std::string const& each) { return each.starts_with(begins); });
        BOOST_REQUIRE_MESSAGE(line != all.failed.end(), name << " is missing among the failures");
        BOOST_CHECK_MESSAGE(contains(*line, what.second), *line);
    }
    BOOST_TEST(contains(all.end.errors, "failed: folder 3/pipe.jpg: not a regular file"));
    for (auto const& file : all.thumbnails) {
        Magick::Image image{file.string()};
        BOOST_TEST(image.columns() == 100u);
        BOOST_TEST(image.rows() == 75u);
    }
    BOOST_TEST(count(all.page, "200 × 150") == 180u);
}

BOOST_AUTO_TEST_CASE(pictures_are_turned_upright)
{
    // As EXIF has it: where on the upright picture the first row and the first column of the file are.
    std::string const upright[] = {"RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"};
    kit::folder work;
    for (int orientation = 1; orientation <= 8; ++orientation) {
        put(work / "jpeg/" + std::to_string(orientation) + ".jpg", jpeg_with_orientation(orientation));
        put(work / "webp/" + std::to_string(orientation) + ".webp", webp_with_orientation(orientation));
    }
    for (std::string format : {"jpeg", "webp"}) {
        BOOST_TEST_INFO_SCOPE(format);
        auto all = run(program(), work / format, work / "sheet");
        check(all, 8, 0);
        for (std::size_t i = 0; i < 8; ++i)
            BOOST_TEST(corners(all.thumbnails[i]) == upright[i]);
        BOOST_TEST(count(all.page, "64 × 48") == 4u);
        BOOST_TEST(count(all.page, "48 × 64") == 4u);
    }
}

BOOST_AUTO_TEST_CASE(of_an_animation_the_first_picture)
{
    kit::folder work;
    put(work / "in/1.gif", animated_gif({"red", "lime", "blue"}));
    put(work / "in/2.webp", animated_webp({"red", "lime", "blue"}));
    auto all = run(program(), work / "in", work / "sheet");
    check(all, 2, 0);
    for (auto const& each : all.thumbnails)
        BOOST_TEST(corners(each) == "RRRR");
}

BOOST_AUTO_TEST_CASE(sizes)
{
    kit::folder work;
    put(work / "in/1 large.jpg", encoded(plain("red", 3000, 1000), "JPEG"));
    put(work / "in/2 tower.png", encoded(plain("red", 1, 5000), "PNG"));
    put(work / "in/3 small.jpg", encoded(plain("red", 150, 90), "JPEG"));
    auto half_there = plain("red", 400, 300);
    half_there.opacity(MaxRGB / 2);
    put(work / "in/4 see-through.png", encoded(half_there, "PNG"));
    auto for_print = plain("red", 400, 300);
    for_print.colorSpace(Magick::CMYKColorspace);
    put(work / "in/5 for print.jpg", encoded(for_print, "JPEG"));

    auto all = run(program(), work / "in", work / "sheet", {"-s", "200"});
    check(all, 5, 0);
    std::vector<std::string> found;
    for (auto const& each : all.thumbnails) {
        Magick::Image image{each.string()};
        found.push_back(std::to_string(image.columns()) + "x" + std::to_string(image.rows()) + " " + image.magick());
        BOOST_TEST((image.colorSpace() == Magick::RGBColorspace));
    }
    std::vector<std::string> const expected{"200x67 JPEG", "1x200 JPEG", "150x90 JPEG", "200x150 PNG", "200x150 JPEG"};
    BOOST_TEST(found == expected, boost::test_tools::per_element());
    for (auto text : {"3000 × 1000", "1 × 5000", "150 × 90"})
        BOOST_TEST(contains(all.page, text));
    BOOST_TEST(contains(all.page, std::to_string(kit::content_of(work / "in/3 small.jpg").size()) + " bytes"));
}

BOOST_AUTO_TEST_CASE(names_are_what_strangers_choose)
{
    kit::folder work;
    fs::path const in = work / "in\"><script>alert(1)</script>&amp;";
    std::vector<fs::path> names{"a/same.jpg",
                                "b/same.jpg",
                                "same.jpg.jpg/same.jpg",
                                "100% #1?.jpg",
                                "two  spaces.jpg",
                                "'\"quoted\"'.jpg",
                                "\xe9t\xe9.jpg",
                                "\xc3\xa9t\xc3\xa9.jpg",
                                "<script>alert(1).jpg",
                                "\x1b[31mred\n.jpg",
                                "-o.jpg",
                                "%41.jpg",
                                "[0]%d:x.jpg",
                                "msl:x.jpg",
                                "|touch x.jpg"};
    for (auto const& each : names)
        put(in / each, jpeg());
    put(in / "<script>bad.jpg", "text");
    put(in / "\x1b[2Jb\xe4"
             "d.jpg",
        "text");
    auto all = run(program(), in, work / "she et");
    check(all, names.size(), 2);

    BOOST_TEST(count(all.page, "<script") == 1u); // the page's own
    BOOST_TEST(!contains(all.page, "\x1b"));
    BOOST_TEST(!contains(all.end.errors + all.end.output, "\x1b"));
    BOOST_TEST(!contains(all.page, "\xe9t"));
    for (auto text : {"&lt;script&gt;alert(1).jpg", "\\xe9t\\xe9.jpg", ">\xc3\xa9t\xc3\xa9.jpg<", "&quot;quoted&quot;",
                      "\\x1b[31mred\\x0a.jpg", "&lt;script&gt;bad.jpg"})
        BOOST_CHECK_MESSAGE(contains(all.page, text), "the page lacks " << text);
    std::set<std::string> sources;
    for (auto const& each : links(all.page, "src")) {
        BOOST_TEST(fs::is_regular_file(work / "she et/" + each));
        BOOST_TEST(sources.insert(each).second);
    }
    std::set<fs::path> pictures;
    for (auto const& each : links(all.page, "href"))
        pictures.insert(fs::canonical(work / "she et/" + each));
    for (auto const& each : names)
        BOOST_CHECK_MESSAGE(pictures.count(fs::canonical(in / each)), "no link leads to " << each);
}

BOOST_AUTO_TEST_CASE(what_is_searched)
{
    kit::folder work;
    put(work / "in/1.jpg", jpeg());
    put(work / "in/.hidden/2.jpg", jpeg());
    put(work / "in/folder.jpg/3.jpg", jpeg());
    put(work / "in/README", jpeg());
    put(work / "in/sheet/mine.jpg", jpeg());
    fs::create_directory_symlink(".", work / "in/circle");
    fs::create_symlink("1.jpg", work / "in/link.jpg");
    fs::create_symlink("self.jpg", work / "in/self.jpg");
    fs::create_symlink("nowhere.jpg", work / "in/dangling.jpg");
    for (int again = 0; again < 2; ++again)
        check(run(program(), work / "in", work / "in/sheet"), 4, 2);

    // The sheet beside the pictures: its thumbnails are not pictures, and those of the last time are gone.
    fs::remove_all(work / "in/sheet");
    put(work / "in/contact-thumbnails/00001.part", "left by a run that was killed");
    put(work / "in/contact-thumbnails/00099.jpg", "of a picture that is no more");
    for (int again = 0; again < 2; ++again)
        check(run(program(), work / "in", work / "in"), 4, 2);
}

BOOST_AUTO_TEST_CASE(no_pictures)
{
    kit::folder work;
    fs::create_directory(work / "in");
    check(run(program(), work / "in", work / "sheet"), 0, 0);
}

BOOST_AUTO_TEST_CASE(a_page_that_cannot_be_written)
{
    kit::folder work;
    put(work / "in/1.jpg", jpeg());
    put(work / "occupied/contact.html/file", "");
    std::pair<std::string, std::string> const all[] = {
        {"exec \"$0\" in -o occupied", "cannot write occupied/contact.html: Is a directory"},
        {"trap '' XFSZ; ulimit -f 8; exec \"$0\" in -o small", "cannot write small/contact.html: File too large"},
        {"exec \"$0\" in -o fine > /dev/full", "cannot write to the standard output"},
    };
    for (auto const& [how, why] : all) {
        auto end = run_program({"-c", "cd \"$1\"; " + how, program(), work.path()}, "/bin/sh");
        BOOST_TEST_INFO_SCOPE(how << ": " << end.errors);
        BOOST_TEST(end.exit_code == 1);
        BOOST_TEST(end.errors.ends_with("thumbnails: " + why + '\n'));
    }
    for (auto output : {"occupied", "small", "fine"})
        BOOST_TEST(!fs::exists(work / output + "/contact.html.part"));
}

BOOST_AUTO_TEST_CASE(misuse)
{
    kit::folder work;
    put(work / "file.jpg", jpeg());
    std::vector<std::vector<std::string>> const wrong{
        {work / "missing"},
        {work / "file.jpg"},
        {"--size", "0"},
        {"--size", "-1"},
        {"--size", "x"},
        {"--size"},
        {"--size", "100000"},
        {"--processes", "0"},
        {"--timeout", "0"},
        {"--timeout", "1h"},
        {"--bogus"},
        {work.path(), work.path()},
        {work.path(), "--output", work / "file.jpg"},
        {work.path(), "--output", ""},
        {""},
    };
    for (auto const& arguments : wrong) {
        auto end = run_program(arguments, program());
        BOOST_TEST_INFO_SCOPE(arguments.front() << ": " << end.errors);
        BOOST_TEST(end.exit_code == 2);
        BOOST_TEST(end.output.empty());
        BOOST_TEST(end.errors.starts_with("thumbnails: "));
        BOOST_TEST(count(end.errors, "\n") == 1u);
    }
    auto help = run_program({"--help"}, program());
    BOOST_TEST(help.exit_code == 0);
    for (auto option : {"FOLDER", "--output", "--size", "--processes", "--timeout", "--help"})
        BOOST_TEST(contains(help.output, option));
}

BOOST_AUTO_TEST_SUITE_END()

namespace {

std::string last_lines(std::string const& text)
{
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 200));
}

// The program on a terminal of its own, where a Ctrl-C reaches whoever is in the foreground.
class on_terminal {
public:
    explicit on_terminal(std::vector<std::string> arguments)
    {
        auto path = program_with_bugs();
        std::vector<char*> argv{path.data()};
        for (auto& each : arguments)
            argv.push_back(each.data());
        argv.push_back(nullptr);
        winsize size{24, 80, 0, 0};
        pid_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
        BOOST_REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::setenv("TERM", "xterm", 1);
            ::signal(SIGINT, SIG_DFL); // a shell ignores it for what it starts in the background
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    on_terminal(on_terminal const&) = delete;
    on_terminal& operator=(on_terminal const&) = delete;
    ~on_terminal() { ::close(terminal_); }

    void press_control_c() { BOOST_TEST(::write(terminal_, "\x03", 1) == 1); }

    /// Reads what it shows until that has the text, or to the end.
    void read_until(std::string const& text)
    {
        char buffer[4096];
        for (ssize_t size = 0; !contains(shown_, text); shown_.append(buffer, static_cast<std::size_t>(size)))
            if (size = ::read(terminal_, buffer, sizeof buffer); size <= 0)
                return; // the kernel says EIO at the end
    }

    kit::ended wait()
    {
        read_until("\x04");
        int status = 0;
        BOOST_REQUIRE(::waitpid(pid_, &status, 0) == pid_);
        BOOST_TEST(kit::within_a_second([&] { return session_is_empty(); }));
        kit::ended end;
        (WIFSIGNALED(status) ? end.signal : end.exit_code) =
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
        end.output = end.errors = shown_;
        return end;
    }

private:
    bool session_is_empty() const
    {
        for (auto const& each : fs::directory_iterator{"/proc"})
            if (auto pid = std::atoi(each.path().filename().c_str()); pid > 0)
                if (auto found = kit::state_of(pid); found.alive() && found.session == pid_)
                    return false;
        return true;
    }

    int terminal_ = -1;
    pid_t pid_ = -1;
    std::string shown_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(on_a_terminal, *boost::unit_test::fixture<kit::nothing_left>())

BOOST_AUTO_TEST_CASE(a_bar)
{
    kit::folder work;
    for (int i = 0; i < 10; ++i)
        put(work / "in/" + std::to_string(i) + ".jpg", jpeg() + "slow");
    put(work / "in/bad.jpg", "text");
    on_terminal terminal{{work / "in", "-o", work / "sheet"}};
    auto end = terminal.wait();
    BOOST_TEST(end.exit_code == 1);
    BOOST_TEST(contains(end.output, "\r["));
    BOOST_TEST(contains(end.output, "####]  11/11"));
    BOOST_TEST(contains(end.output, "0:00 left  1 failed"));
    BOOST_TEST(contains(end.output, "\r\033[Kfailed: bad.jpg: ")); // the bar makes room
}

BOOST_AUTO_TEST_CASE(control_c_keeps_what_is_done)
{
    kit::folder work;
    for (int i = 1000; i < 1200; ++i)
        put(work / "in/" + std::to_string(i) + ".jpg", jpeg() + "slow");
    on_terminal terminal{{work / "in", "-o", work / "sheet", "-p", "2"}};
    terminal.read_until("]  3/200");
    terminal.press_control_c();
    auto all = look_at(terminal.wait(), work / "sheet");
    BOOST_TEST_INFO_SCOPE(last_lines(all.end.output));
    BOOST_TEST(all.end.signal == 0);
    BOOST_TEST(all.end.exit_code == 1);
    BOOST_TEST(all.thumbnails.size() >= 3u);
    BOOST_TEST(all.thumbnails.size() < 100u);
    BOOST_TEST(count(all.page, "<img ") == all.thumbnails.size());
    BOOST_TEST(contains(all.page, std::to_string(200 - all.thumbnails.size()) + " left out"));
    BOOST_TEST(!contains(all.page, "failed</h2>"));
    BOOST_TEST(all.failed.empty());
}

BOOST_AUTO_TEST_CASE(the_second_control_c_waits_for_nobody)
{
    kit::folder work;
    for (int i = 0; i < 3; ++i)
        put(work / "in/" + std::to_string(i) + ".jpg", jpeg());
    for (int i = 3; i < 9; ++i)
        put(work / "in/" + std::to_string(i) + ".jpg", jpeg() + "hang");
    on_terminal terminal{{work / "in", "-o", work / "sheet", "-p", "2", "-t", "1000"}};
    terminal.read_until("]  3/9");
    terminal.press_control_c();
    ::usleep(200'000); // two that come at once are one
    terminal.press_control_c();
    auto all = look_at(terminal.wait(), work / "sheet");
    BOOST_TEST_INFO_SCOPE(last_lines(all.end.output));
    BOOST_TEST(all.end.signal == 0);
    BOOST_TEST(all.end.exit_code == 1);
    BOOST_TEST(count(all.page, "<img ") == 3u);
    BOOST_TEST(contains(all.page, "6 left out"));
    BOOST_TEST(all.thumbnails.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()

int main(int argc, char** argv)
{
    wodehaus::init(argc, argv, kit::preload);
    Magick::InitializeMagick(nullptr);
    return kit::run_tests(argc, argv);
}
