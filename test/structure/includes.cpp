// Who may know whom: reads every #include line of the rooms and of the public headers.
#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace fs = std::filesystem;
namespace framework = boost::unit_test::framework;

namespace {

std::map<std::string, std::set<std::string>> const may_know{
    {"wire", {"wire"}},
    {"worker", {"worker", "wire"}},
    {"launch", {"launch", "worker", "wire"}},
    {"dispatch", {"dispatch", "launch", "worker", "wire"}},
};

fs::path root()
{
    auto const& arguments = framework::master_test_suite();
    BOOST_REQUIRE_MESSAGE(arguments.argc == 2, "usage: includes -- FOLDER_OF_THE_PROJECT");
    return arguments.argv[1];
}

/// Calls `see(file, line number, how, what)` for each #include below a folder; `how` is '"' or '<'.
template <class See>
void each_include(fs::path const& folder, See see)
{
    static std::regex const include{R"re(^\s*#\s*include\s*(["<])([^">]+)[">])re"};
    for (auto const& entry : fs::recursive_directory_iterator{folder}) {
        if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp")
            continue;
        std::ifstream file{entry.path()};
        std::string line;
        for (int number = 1; std::getline(file, line); ++number) {
            if (std::smatch match; std::regex_search(line, match, include))
                see(entry.path(), number, match.str(1)[0], match.str(2));
        }
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_room_knows_only_the_rooms_below_it)
{
    int seen = 0;
    for (auto const& entry : may_know) {
        auto const& room = entry.first;
        auto const& known = entry.second;
        each_include(root() / "libs" / room, [&](fs::path const& file, int line, char how, std::string const& what) {
            ++seen;
            auto const from = what.substr(0, what.find('/'));
            bool const of_a_room = may_know.contains(from) && fs::exists(root() / "libs" / what);
            if (how == '"')
                BOOST_CHECK_MESSAGE(of_a_room, file.string()
                                                   << ':' << line << ": name a room's header by its room, as in "
                                                   << "\"wire/frame.hpp\", and all else by <>, not \"" << what << '"');
            BOOST_CHECK_MESSAGE(!of_a_room || known.contains(from),
                                file.string() << ':' << line << ": the room " << room << " must not know " << from);
        });
    }
    BOOST_TEST(seen > 0);
}

BOOST_AUTO_TEST_CASE(a_public_header_knows_no_room)
{
    each_include(root() / "include", [&](fs::path const& file, int line, char how, std::string const& what) {
        BOOST_CHECK_MESSAGE(how == '<', file.string() << ':' << line << ": public headers include by <>");
        BOOST_CHECK_MESSAGE(!fs::exists(root() / "libs" / what),
                            file.string() << ':' << line << ": a public header must not know " << what);
    });
}

BOOST_AUTO_TEST_CASE(heavy_headers_stay_out_of_the_public_ones)
{
    std::regex const heavy{"boost/(process|asio\\.hpp|archive/impl).*"};
    each_include(root() / "include", [&](fs::path const& file, int line, char, std::string const& what) {
        BOOST_CHECK_MESSAGE(!std::regex_match(what, heavy),
                            file.string() << ':' << line << ": " << what << " costs every user compile time");
    });
}
